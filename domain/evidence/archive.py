"""
The one zip that some files make.

A bundle must be the same bytes wherever it is made, and no byte of it may change without being
noticed. So its files are stored as they are, since compressors differ from release to release, and
every field of the zip around them has one value that follows from names, lengths and checksums.
Whoever reads one works the frame out again and compares: nothing can hide between the files, and
nothing unpacks to more than it takes.
"""

from struct import Struct
from typing import Final

import msgspec

_LOCAL: Final = Struct("<4sHHHHHLLLHH")
_LOCAL_SIZES: Final = Struct("<HHQQ")
_CENTRAL: Final = Struct("<4sHHHHHHLLLHHHHHLL")
_CENTRAL_SIZES: Final = Struct("<HHQQQ")
_END64: Final = Struct("<4sQHHLLQQQQ")
_LOCATOR: Final = Struct("<4sLQL")
_END: Final = Struct("<4sHHHHLLH")

_LOCAL_MARK: Final = b"PK\x03\x04"
_CENTRAL_MARK: Final = b"PK\x01\x02"
#: What sizes read where a longer field has them.
_FAR: Final = 0xFFFFFFFF
_FAR_COUNT: Final = 0xFFFF
_ZIP64: Final = 1
_VERSION: Final = 45
_MADE_BY_UNIX: Final = 3 << 8 | _VERSION
_MIDNIGHT: Final = 0
_FIRST_OF_1980: Final = 0x21
_PLAIN_FILE: Final = 0o100644 << 16
_NAME_BYTES_MAX: Final = 255

#: Bytes of what stands before a file, without its name.
HEADER_BYTES: Final = _LOCAL.size + _LOCAL_SIZES.size


class Member(msgspec.Struct, frozen=True):
    """
    A file of a zip.

    :param offset: of its header, in bytes from the beginning.
    :param size: of its content, in bytes.
    """

    name: str
    offset: int
    size: int
    crc32: int

    @property
    def content(self) -> int:
        """Where its content begins."""
        return self.offset + HEADER_BYTES + len(self.name)

    @property
    def end(self) -> int:
        """Where its content ends."""
        return self.content + self.size

    @property
    def header(self) -> bytes:
        """What stands before its content."""
        name = self.name.encode("ascii")
        fields = (_VERSION, 0, 0, _MIDNIGHT, _FIRST_OF_1980, self.crc32, _FAR, _FAR)
        return (
            _LOCAL.pack(_LOCAL_MARK, *fields, len(name), _LOCAL_SIZES.size)
            + name
            + _LOCAL_SIZES.pack(_ZIP64, _LOCAL_SIZES.size - 4, self.size, self.size)
        )

    @property
    def entry(self) -> bytes:
        """What the directory says of it."""
        name = self.name.encode("ascii")
        fields = (_VERSION, 0, 0, _MIDNIGHT, _FIRST_OF_1980, self.crc32, _FAR, _FAR)
        rest = (len(name), _CENTRAL_SIZES.size, 0, 0, 0, _PLAIN_FILE, _FAR)
        return (
            _CENTRAL.pack(_CENTRAL_MARK, _MADE_BY_UNIX, *fields, *rest)
            + name
            + _CENTRAL_SIZES.pack(
                _ZIP64, _CENTRAL_SIZES.size - 4, self.size, self.size, self.offset
            )
        )


def directory(members: list[Member]) -> bytes:
    """What stands behind the last file."""
    entries = b"".join(member.entry for member in members)
    at, count = members[-1].end, len(members)
    end64 = _END64.pack(
        b"PK\x06\x06",
        _END64.size - 12,
        _MADE_BY_UNIX,
        _VERSION,
        0,
        0,
        count,
        count,
        len(entries),
        at,
    )
    locator = _LOCATOR.pack(b"PK\x06\x07", 0, at + len(entries), 1)
    end = _END.pack(b"PK\x05\x06", 0, 0, _FAR_COUNT, _FAR_COUNT, _FAR, _FAR, 0)
    return entries + end64 + locator + end


def is_header(raw: bytes) -> bool:
    """Whether a file begins there, and not the directory."""
    return raw[:4] == _LOCAL_MARK


def name_bytes(raw: bytes) -> int:
    """
    How long the name is in a header of which :data:`HEADER_BYTES` are there.

    :raises ValueError: it is no header, or not of a file as bundles have them.
    """
    if len(raw) != HEADER_BYTES or not is_header(raw):
        raise ValueError("no file begins there")
    length = int(_LOCAL.unpack_from(raw)[-2])
    if not 0 < length <= _NAME_BYTES_MAX:
        raise ValueError("a name of an absurd length")
    return length


def parse_header(raw: bytes, offset: int) -> Member:
    """
    The file that a header, with its name, stands before.

    :raises ValueError: the header is not the one that this file has.
    """
    length = len(raw) - HEADER_BYTES
    crc32 = int(_LOCAL.unpack_from(raw)[6])
    size = int(_LOCAL_SIZES.unpack_from(raw, _LOCAL.size + length)[2])
    try:
        name = raw[_LOCAL.size : _LOCAL.size + length].decode("ascii")
    except UnicodeDecodeError:
        raise ValueError("a name that no file of a bundle has") from None
    member = Member(name, offset, size, crc32)
    if member.header != raw:
        raise ValueError("the zip is not framed as bundles are")
    return member
