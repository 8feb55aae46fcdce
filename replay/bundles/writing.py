"""
Writes the one zip of some files, each as it comes, into a file that is there once it is whole.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from domain.evidence.archive import Member, directory
from domain.evidence.bundles import File


class ArchiveWriter:
    """A zip on its way; ``files`` are those that were written so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Member] = []
        self.files: list[File] = []

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file."""
        offset = self._members[-1].end if self._members else 0
        # Its length is known at the end: the header keeps its place until then.
        self._file.write(Member(name, offset, 0, 0).header)
        size, crc32, digest = 0, 0, hashlib.sha256()
        for piece in pieces:
            self._file.write(piece)
            size += len(piece)
            crc32 = zlib.crc32(piece, crc32)
            digest.update(piece)
        member = Member(name, offset, size, crc32)
        self._file.seek(offset)
        self._file.write(member.header)
        self._file.seek(member.end)
        self._members.append(member)
        self.files.append(File(size, name, digest.hexdigest()))

    def end(self) -> None:
        """The directory, which ends it."""
        self._file.write(directory(self._members))


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """A new zip at a path, where it appears once the block has ended well."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            writer = ArchiveWriter(file)
            yield writer
            writer.end()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
