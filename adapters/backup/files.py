"""
A backup's files: compressed, durable, and known by their digest.

A file gets its name when it is whole and on disk. The compression is gzip, so that a backup can be
read with tools that will be there in twenty years.
"""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from adapters.backup.faults import BackupFault

_GZIP: Final = 31
_LEVEL: Final = 1
_PIECE_BYTES: Final = 1 << 20


class File(msgspec.Struct, frozen=True):
    """A file of a backup: its name there, its size, its sha256 in hex."""

    name: str
    bytes: int
    sha256: str


class Writing:
    """
    A new file: what is written is compressed. Without :meth:`finish` nothing remains of it.

    :raises BackupFault: from every method, when the disk does not take it.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._path = directory / name
        self._unfinished = directory / f".{name}.unfinished"
        self._pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._digest = hashlib.sha256()
        self._size = 0
        try:
            descriptor = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise _cannot("write", self._path, error) from error
        self._file = os.fdopen(descriptor, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:
            # A full disk says so once more when the rest of the buffer is flushed.
            if kind is None:
                raise _cannot("write", self._path, failure) from failure
        finally:
            self._unfinished.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Add to it."""
        self._put(self._pack.compress(data))

    def finish(self) -> File:
        """Put it in its place, durably; the directory is the caller's to sync."""
        self._put(self._pack.flush())
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._unfinished.replace(self._path)
        except OSError as error:
            raise _cannot("write", self._path, error) from error
        return File(self._path.name, self._size, self._digest.hexdigest())

    def _put(self, packed: bytes) -> None:
        try:
            self._file.write(packed)
        except OSError as error:
            raise _cannot("write", self._path, error) from error
        self._digest.update(packed)
        self._size += len(packed)


def check(directory: Path, file: File, told: Callable[[int], None]) -> None:
    """
    Hold a file against its digest.

    :param told: hears how many bytes were read.
    :raises BackupFault: it is missing, damaged or altered.
    """
    path = directory / file.name
    digest = hashlib.sha256()
    try:
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                digest.update(piece)
                told(len(piece))
    except FileNotFoundError:
        raise BackupFault(f"{path} is missing") from None
    except OSError as error:
        raise _cannot("read", path, error) from error
    if digest.hexdigest() != file.sha256:
        raise BackupFault(f"{path} is damaged: it is not what the backup put there")


def read(directory: Path, file: File) -> Iterator[bytes]:
    """What a checked file holds, in pieces of about a megabyte."""
    unpack = zlib.decompressobj(_GZIP)
    path = directory / file.name
    try:
        with path.open("rb") as opened:
            while packed := opened.read(_PIECE_BYTES):
                while packed:
                    yield unpack.decompress(packed, _PIECE_BYTES)
                    packed = unpack.unconsumed_tail
        yield unpack.flush()
    except (OSError, zlib.error) as error:
        raise BackupFault(f"cannot read {path}: {error}") from error
    if not unpack.eof:
        raise BackupFault(f"{path} breaks off")


def write_text(directory: Path, name: str, data: bytes) -> None:
    """A small file, whole or not there, and durable with all that came before it."""
    unfinished = directory / f".{name}.unfinished"
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(directory / name)
        sync(directory)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise _cannot("write", directory / name, error) from error


def sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(what: str, path: Path, error: OSError) -> BackupFault:
    return BackupFault(f"cannot {what} {path}: {error.strerror}")
