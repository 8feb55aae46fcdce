"""
GIF (CompuServe, 89a): a screen, and blocks of frames and of extensions.
"""

from typing import Final

from adapters.pictures.formats.parts import Bytes, NotAPicture

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS: Final = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0"))
#: The few bytes that say how often frames are shown again.
_LOOP_BYTES: Final = 3


def clean(data: bytes, orientation: int) -> bytes:
    """
    The frames, their timing and how often they are repeated, up to the trailer.

    :param orientation: 1: this format has no other.
    :raises NotAPicture: there is no trailer or no frame, or something else on the way.
    """
    if orientation != 1:
        raise NotAPicture
    source = Bytes(data)
    head = source.take(13)
    kept = [head, source.take(_table(head[10]))]
    frames = 0
    while (kind := source.byte()) != _TRAILER:
        start = source.at - 1
        if kind == _IMAGE:
            descriptor = source.take(9)
            source.take(_table(descriptor[8]) + 1)
            _skip_blocks(source)
            frames += 1
            kept.append(data[start : source.at])
        elif kind == _EXTENSION:
            label = source.byte()
            first = source.take(source.byte())
            if label == _CONTROL:
                _skip_blocks(source)
                kept.append(b"\x21\xf9\x04" + first[:4].ljust(4, b"\x00") + b"\x00")
            elif label == _APPLICATION and first in _LOOPS:
                loops = source.take(source.byte())
                if loops:
                    _skip_blocks(source)
                kept.append(
                    data[start : start + 14] + b"\x03" + loops[:3].ljust(3, b"\x00") + b"\x00"
                )
            elif first:
                _skip_blocks(source)
        else:
            raise NotAPicture
    if not frames:
        raise NotAPicture
    kept.append(b"\x3b")
    return b"".join(kept)


def _table(flags: int) -> int:
    """How many bytes the table of colours takes, if there is one."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skip_blocks(source: Bytes) -> None:
    while (length := source.byte()) != 0:
        source.take(length)
