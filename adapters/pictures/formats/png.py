"""
PNG (W3C, third edition): a signature, and chunks with a checksum each.
"""

import zlib
from typing import Final

from adapters.pictures.formats.parts import Bytes, NotAPicture, exif_of

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
#: What pixels, colours, transparency and frames are made of; texts, times and Exif are not.
_KEPT: Final = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT",
     b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT")
)  # fmt: skip


def clean(data: bytes, orientation: int) -> bytes:
    """
    The chunks that say what pixels are, up to the last.

    :raises NotAPicture: a chunk is damaged or missing, or the file ends too early.
    """
    source = Bytes(data, len(SIGNATURE))
    kept: list[bytes] = [SIGNATURE]
    while True:
        length = int.from_bytes(source.take(4), "big")
        name = source.take(4)
        body = source.take(length)
        checksum = source.take(4)
        if zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big") != checksum:
            raise NotAPicture
        if (len(kept) == 1) != (name == b"IHDR"):
            raise NotAPicture
        if name == b"IEND":
            break
        if name in _KEPT:
            kept.append(_chunk(name, body))
        elif not name[0] & 0x20:
            # What must be understood, and is not.
            raise NotAPicture
        if name == b"IHDR" and orientation != 1:
            kept.append(_chunk(b"eXIf", exif_of(orientation)))
    kept.append(_chunk(b"IEND", b""))
    return b"".join(kept)


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + name + body + checksum
