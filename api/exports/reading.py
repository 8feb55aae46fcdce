"""
A copy that is brought in: a zip from outside, believed in nothing that it does not prove.
"""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar
from zipfile import BadZipFile, ZipFile

import msgspec

from api.exports.contents import FORMAT, Manifest, Space
from api.exports.items import Made

T = TypeVar("T")

_PIECE: Final = 1 << 16
#: Of one line, or of a file that is read whole: beyond every post there can be.
_WHOLE_MAX: Final = 4 << 20


#: What reading a zip raises that is not as it should be.
_SPOILT: Final = (
    BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error,
)  # fmt: skip


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
        except BadZipFile:
            raise BadCopy("it is not a zip") from None
        try:
            self.manifest = self._json("manifest.json", Manifest)
            if self.manifest.format != FORMAT:
                raise BadCopy(f"its format is {self.manifest.format!r}, not {FORMAT!r}")
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
        for file in self.manifest.files:
            if file.path == path:
                return file.bytes
        raise BadCopy(f"{path} is not in the manifest")

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

    def _json(self, path: str, kind: type[T]) -> T:
        content = b""
        for piece in self._pieces(path):
            content += piece
            if len(content) > _WHOLE_MAX:
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
            with self._zip.open(path) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except KeyError:
            raise BadCopy(f"{path} is not there") from None
        except _SPOILT as error:
            raise BadCopy(f"{path} cannot be read: {error}") from None
