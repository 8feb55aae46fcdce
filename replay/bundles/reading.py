"""
Reads the one zip of a bundle, from a file that anybody may have written.

Nothing is unpacked and nothing is held but a piece or a line. The frame is worked out again from
the files themselves, so every byte of the zip is accounted for.
"""

import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from domain.evidence.archive import (
    HEADER_BYTES,
    Member,
    directory,
    is_header,
    name_bytes,
    parse_header,
)
from domain.evidence.bundles import SMALL_BYTES_MAX, BadBundle, File

_READ_AT_ONCE: Final = 1 << 20
_MEMBERS_MAX: Final = 32
#: A rule set of 200,000 rules is an event of tens of megabytes.
LINE_BYTES_MAX: Final = 64 << 20


class ArchiveReader:
    """
    A zip of plain files; ``files`` are what is in it, by name, in order.

    :raises BadBundle: it is no such zip, or is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        self._members = {member.name: member for member in self._layout()}
        self.files = {member.name: self._digested(member) for member in self._members.values()}

    def small(self, name: str) -> bytes:
        """
        A file that fits into memory.

        :raises BadBundle: it does not.
        """
        member = self._members[name]
        if member.size > SMALL_BYTES_MAX:
            raise BadBundle(f"{name}: longer than such a file is")
        self._file.seek(member.content)
        return self._file.read(member.size)

    def lines(self, name: str) -> Iterator[bytes]:
        """
        A file's lines, with their newlines; other files may be read meanwhile.

        :raises BadBundle: the last has none, or one is absurdly long.
        """
        member = self._members[name]
        at, kept = member.content, b""
        while at < member.end or kept:
            self._file.seek(at)
            piece = self._file.read(min(_READ_AT_ONCE, member.end - at))
            at += len(piece)
            *whole, kept = (kept + piece).split(b"\n")
            for line in whole:
                yield line + b"\n"
            if len(kept) > LINE_BYTES_MAX or (kept and at == member.end):
                raise BadBundle(f"{name}: a line without an end")

    def _layout(self) -> Sequence[Member]:
        members: list[Member] = []
        at = 0
        try:
            while is_header(head := self._read(at, HEADER_BYTES)):
                member = parse_header(self._read(at, HEADER_BYTES + name_bytes(head)), at)
                members.append(member)
                at = member.end
                if at > self._size or len(members) > _MEMBERS_MAX:
                    raise ValueError("files that are not there")
            end = directory(members) if members else b""
            if not members or self._read(at, len(end)) != end or at + len(end) != self._size:
                raise ValueError("the zip is not framed as bundles are")
        except ValueError as error:
            raise BadBundle(str(error)) from None
        if len({member.name for member in members}) != len(members):
            raise BadBundle("two files of one name")
        return members

    def _digested(self, member: Member) -> File:
        self._file.seek(member.content)
        left, crc32, digest = member.size, 0, hashlib.sha256()
        while left:
            piece = self._file.read(min(_READ_AT_ONCE, left))
            if not piece:
                raise BadBundle("the file was cut off")
            left -= len(piece)
            crc32 = zlib.crc32(piece, crc32)
            digest.update(piece)
        if crc32 != member.crc32:
            raise BadBundle(f"{member.name}: damaged")
        return File(member.size, member.name, digest.hexdigest())

    def _read(self, at: int, count: int) -> bytes:
        self._file.seek(at)
        return self._file.read(count)
