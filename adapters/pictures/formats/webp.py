"""
WebP (RFC 9649): a RIFF file of chunks, padded to even lengths; frames are chunks of chunks.
"""

from collections.abc import Iterator
from typing import Final

from adapters.pictures.formats.parts import Bytes, NotAPicture, exif_of

_PIXELS: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH"))
_KEPT: Final = _PIXELS | {b"ANIM", b"ICCP"}
_FRAME_HEAD: Final = 16
#: Flags of the extended header.
_EXIF, _XMP = 0x08, 0x04


def clean(data: bytes, orientation: int) -> bytes:
    """
    The chunks that say what pixels are, as far as the file says that it goes.

    :raises NotAPicture: it goes further than its bytes, or holds no pixels.
    """
    length = int.from_bytes(data[4:8], "little")
    if length < 4 or length + 8 > len(data):
        raise NotAPicture
    kept: list[bytes] = []
    pixels = extended = False
    for name, body in _chunks(data[12 : 8 + length]):
        if name == b"VP8X":
            if len(body) != 10 or kept:
                raise NotAPicture
            flags = body[0] & ~(_EXIF | _XMP) | (_EXIF if orientation != 1 else 0)
            kept.append(_chunk(name, bytes((flags,)) + body[1:]))
            extended = True
        elif name == b"ANMF":
            kept.append(_chunk(name, _frame(body)))
            pixels = True
        elif name in _KEPT:
            kept.append(_chunk(name, body))
            pixels = pixels or name in _PIXELS
    if not pixels:
        raise NotAPicture
    if orientation != 1 and extended:
        kept.append(_chunk(b"EXIF", exif_of(orientation)))
    made = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(made).to_bytes(4, "little") + made


def _frame(body: bytes) -> bytes:
    inner = (_chunk(name, part) for name, part in _chunks(body[_FRAME_HEAD:]) if name in _PIXELS)
    return body[:_FRAME_HEAD] + b"".join(inner)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    source = Bytes(data)
    while source.left:
        name = source.take(4)
        length = int.from_bytes(source.take(4), "little")
        yield name, source.take(length)
        if length % 2 and source.left:
            source.take(1)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\x00" * (len(body) % 2)
