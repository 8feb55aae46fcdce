"""
A zip that is written as it is sent: no part of it has to be in memory, or to lie on a disk.

The standard library writes zips to whatever takes bytes; here that is a buffer, emptied after each
piece. Each file's length and checksum come after it, as the format has it for such a case.
"""

import hashlib
import io
from collections.abc import AsyncIterable, AsyncIterator
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import msgspec


class File(msgspec.Struct, frozen=True):
    """A file of a copy: its path, its length in bytes, and its SHA-256 in hexadecimal."""

    path: str
    bytes: int
    sha256: str


class _Sink(io.RawIOBase):
    """Takes what is written, to be taken away again; there is no place to go back to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError("a stream has no place")

    def write(self, piece: "io.BytesIO | bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        taken = bytes(piece)  # type: ignore[arg-type]
        self._pieces.append(taken)
        return len(taken)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Archive:
    """
    One zip; ``files`` are those that were written so far.

    :param at: the time that every file bears.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC).timetuple()[:6]
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")
        self.files: list[File] = []

    async def add(
        self, path: str, pieces: AsyncIterable[bytes], *, packed: bool = True
    ) -> AsyncIterator[bytes]:
        """
        Write a file; yields what there is to send.

        :param packed: False for what is packed already, such as photos.
        """
        info = ZipInfo(path, self._at)
        info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
        info.external_attr = 0o600 << 16
        length, digest = 0, hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            async for piece in pieces:
                file.write(piece)
                length += len(piece)
                digest.update(piece)
                if ready := self._sink.take():
                    yield ready
        self.files.append(File(path, length, digest.hexdigest()))
        yield self._sink.take()

    def end(self) -> bytes:
        """The zip's directory, which ends it."""
        self._zip.close()
        return self._sink.take()
