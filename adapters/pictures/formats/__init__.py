"""
Formats of pictures, known by their content, and cleaned without touching a pixel.

A cleaned file is built anew from those parts of the old one that say what its pixels are: headers,
tables, compressed data, colour profiles, the timing of frames. Whatever else was in it, and what
came after its end, is not copied. Which way up it is stays, as the one entry of an otherwise empty
Exif block, since turning pixels would cost quality.
"""

from collections.abc import Callable, Mapping

from adapters.pictures.formats import gif, jpeg, png, webp
from adapters.pictures.formats.parts import NotAPicture
from domain.picture import PictureFormat

__all__ = ["NotAPicture", "clean", "sniff"]

_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1"))
_CLEAN: Mapping[PictureFormat, Callable[[bytes, int], bytes]] = {
    "jpeg": jpeg.clean,
    "png": png.clean,
    "webp": webp.clean,
    "gif": gif.clean,
}


def sniff(data: bytes) -> PictureFormat:
    """
    A file's format by its first bytes.

    :raises NotAPicture: it is none of ours.
    """
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == png.SIGNATURE:
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "heic"
    raise NotAPicture


def clean(data: bytes, format: PictureFormat, orientation: int) -> bytes:
    """
    The file with its pixels and nothing else.

    :param orientation: 1 to 8 as Exif has it: which way up the pixels are.
    :raises NotAPicture: it is not whole, or not of that format.
    :raises KeyError: the format has no parts to pick from; such a file is encoded again.
    """
    return _CLEAN[format](data, orientation)
