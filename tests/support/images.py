"""
Pictures for tests, made by libvips, and by hand where no encoder would.
"""

import struct
import zlib
from typing import Any

import pyvips


def picture(width: int = 640, height: int = 480, bands: int = 3, seed: int = 1) -> Any:
    """Noise over slopes: nothing that compresses to nothing, nor is it the same turned."""
    noise = pyvips.Image.gaussnoise(width, height, mean=60, sigma=30, seed=seed)
    slope = pyvips.Image.xyz(width, height)
    red, green = slope[0] * (120 / width), slope[1] * (180 / height)
    colours = [red + noise, green + noise, noise]
    made = colours[0].bandjoin(colours[1:])
    if bands == 4:
        made = made.bandjoin(slope[0] % 256)
    return made.cast("uchar").copy(interpretation="srgb")


def with_exif(image: Any, orientation: int = 1, **fields: str) -> Any:
    """The picture with metadata: ``ifd2_DateTimeOriginal="…"`` and the like."""
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    for name, value in fields.items():
        image.set_type(pyvips.GValue.gstr_type, "exif-" + name.replace("_", "-", 1), value)
    return image


def encoded(kind: str, image: Any = None, **options: Any) -> bytes:
    """As a file of that format."""
    image = picture() if image is None else image
    return bytes(getattr(image, f"{kind}save_buffer")(**options))


def animation(kind: str, frames: int = 3) -> bytes:
    """A short film."""
    pages = [picture(120, 90, seed=number) for number in range(frames)]
    film = pyvips.Image.arrayjoin(pages, across=1)
    film.set_type(pyvips.GValue.gint_type, "page-height", 90)
    return encoded(kind, film)


def png_bomb(width: int, height: int) -> bytes:
    """A few kilobytes that claim to be, and unpack to, that many pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8 + 1)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def scene() -> Any:
    """A picture with something to see in it, large and small: of others PDQ says nothing sure."""
    place = pyvips.Image.xyz(640, 480)
    waves = (place[0] * 0.02).sin() * 90 + (place[1] * 0.05).cos() * 60 + 128
    clouds = [
        pyvips.Image.perlin(640, 480, cell_size=size, seed=seed) * much
        for size, seed, much in ((64, 3, 80), (200, 5, 120))
    ]
    grey = (waves + clouds[0] + clouds[1]).cast("uchar")
    return grey.bandjoin([grey, grey]).copy(interpretation="srgb")
