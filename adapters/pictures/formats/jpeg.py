"""
JPEG (ITU T.81): segments, each a marker with its length, and scans of compressed data.
"""

import re
from typing import Final

from adapters.pictures.formats.parts import Bytes, NotAPicture, exif_of

_SOS: Final = 0xDA
_EOI: Final = 0xD9
#: Frames and tables; DNL, DRI. APP14 says how colours are stored, APP2 may be a colour profile.
_KEPT: Final = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD)) - {0xC8}
_DROPPED: Final = frozenset((*range(0xE0, 0xF0), 0xFE))
#: Within a scan any other marker ends it; stuffed bytes and restarts belong to it.
_SCAN_ENDS: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


def clean(data: bytes, orientation: int) -> bytes:
    """
    Tables, frames and scans, up to the end of the picture.

    :raises NotAPicture: there is no such end, or something else on the way.
    """
    source = Bytes(data, 2)
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    if orientation != 1:
        exif = b"Exif\x00\x00" + exif_of(orientation)
        kept.append(b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif)
    scans = 0
    while True:
        if source.byte() != 0xFF:
            raise NotAPicture
        marker = source.byte()
        while marker == 0xFF:
            marker = source.byte()
        if marker == _EOI:
            break
        length = int.from_bytes(source.take(2), "big")
        if length < 2:
            raise NotAPicture
        body = source.take(length - 2)
        kept.append(_segment(marker, body))
        if marker == _SOS:
            scans += 1
            end = _SCAN_ENDS.search(data, source.at)
            if end is None:
                raise NotAPicture
            kept.append(memoryview(data)[source.at : end.start()])
            source.at = end.start()
    if not scans:
        raise NotAPicture
    kept.append(b"\xff\xd9")
    return b"".join(kept)


def _segment(marker: int, body: bytes) -> bytes:
    """A segment as it is kept; nothing, when it is not."""
    if marker == _SOS or marker in _KEPT or _says_colours(marker, body):
        return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
    if marker == 0xE0 and body[:5] == b"JFIF\x00" and len(body) >= 14:
        # Without the thumbnail that it may hold.
        return b"\xff\xe0\x00\x10" + body[:12] + b"\x00\x00"
    if marker not in _DROPPED:
        raise NotAPicture
    return b""


def _says_colours(marker: int, body: bytes) -> bool:
    return (marker == 0xEE and body[:5] == b"Adobe") or (
        marker == 0xE2 and body[:12] == b"ICC_PROFILE\x00"
    )
