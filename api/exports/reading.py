"""
A copy that is brought in: a zip from outside, believed in nothing that it does not prove.
"""

import errno
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import msgspec

from api.exports.contents import FORMAT, Manifest, Space
from api.exports.items import Made

T = TypeVar("T")

_PIECE: Final = 1 << 16
#: Of one line, or of a file that is read whole: beyond every post there can be.
_WHOLE_MAX: Final = 4 << 20
#: Some 400,000 photos, each in a file of its own.
_MANIFEST_MAX: Final = 64 << 20
#: How files of copies are packed; other ways bring errors and appetites of their own.
_PACKED: Final = (ZIP_STORED, ZIP_DEFLATED)

#: What reading a zip raises that is not as it should be.
_SPOILT: Final = (
    BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


class _Format(msgspec.Struct, frozen=True):
    format: str


class BadCopy(Exception):
    """The zip is no copy, or not as it was made; the message says what is wrong."""


class CopyReader:
    """
    A copy; to be closed.

    :raises BadCopy: it is none, or a file in it is not as its manifest says.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = ZipFile(path)
        except _SPOILT:
            raise BadCopy("it is not a zip") from None
        except OSError as error:
            # What it is told by the zip to read may be before its beginning.
            if error.errno != errno.EINVAL:
                raise
            raise BadCopy("it is not a zip") from None
        try:
            # Of another format nothing else can be told.
            said = self._json("manifest.json", _Format, _MANIFEST_MAX)
            if said.format != FORMAT:
                raise BadCopy(f"its format is {said.format!r}, not {FORMAT!r}")
            self.manifest = self._json("manifest.json", Manifest, _MANIFEST_MAX)
            self._lengths = {file.path: file.bytes for file in self.manifest.files}
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def space(self) -> Space:
        """How the space looked."""
        return self._json("space.json", Space)

    def made(self) -> Iterator[Made]:
        """What the member made, the oldest first."""
        for number, line in enumerate(self._lines("made.ndjson"), 1):
            try:
                yield msgspec.json.decode(line, type=Made)
            except msgspec.DecodeError as error:
                raise BadCopy(f"made.ndjson, line {number}: {error}") from None

    def length(self, path: str) -> int:
        """How many bytes a file of the copy has."""
        try:
            return self._lengths[path]
        except KeyError:
            raise BadCopy(f"{path} is not in the manifest") from None

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, as they are read."""
        return self._pieces(path)

    def _check(self) -> None:
        for file in self.manifest.files:
            length, digest = 0, hashlib.sha256()
            for piece in self._pieces(file.path):
                length += len(piece)
                if length > file.bytes:
                    break
                digest.update(piece)
            if (length, digest.hexdigest()) != (file.bytes, file.sha256):
                raise BadCopy(f"{file.path} is not as its manifest says")

    def _json(self, path: str, kind: type[T], most: int = _WHOLE_MAX) -> T:
        content = bytearray()
        for piece in self._pieces(path):
            content += piece
            if len(content) > most:
                raise BadCopy(f"{path} is too long")
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise BadCopy(f"{path}: {error}") from None

    def _lines(self, path: str) -> Iterator[bytes]:
        rest = b""
        for piece in self._pieces(path):
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _WHOLE_MAX:
                raise BadCopy(f"{path}: a line is too long")
            yield from lines
        if rest:
            yield rest

    def _pieces(self, path: str) -> Iterator[bytes]:
        try:
            if self._zip.getinfo(path).compress_type not in _PACKED:
                raise BadCopy(f"{path} is packed as no copy is")
            with self._zip.open(path) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except KeyError:
            raise BadCopy(f"{path} is not there") from None
        except (*_SPOILT, OSError) as error:
            raise BadCopy(f"{path} cannot be read: {error}") from None
