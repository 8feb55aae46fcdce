"""
From a file to a picture: decoded for real, cleaned, and made smaller. Runs in a child process only
(``worker.py``), which may be killed: the decoders are C, and the files are anybody's.

Limits are checked on headers first, so that a bomb costs nothing; what headers lie about, the
process's own limits stop.
"""

import re
from datetime import datetime, timezone
from datetime import timedelta as delta
from importlib.util import find_spec
from typing import Any, Final

import msgspec
import pyvips

from adapters.pictures.formats import NotAPicture, clean, sniff
from domain.picture import PictureFormat

#: 100 megapixels are more than nearly any camera makes; of moving pictures, all frames together.
PIXELS_MAX: Final = 100_000_000
FRAMES_PIXELS_MAX: Final = 250_000_000
SIDE_MAX: Final = 30_000
SCREEN: Final = 1_600
THUMB: Final = 320

_TURNED: Final = frozenset((5, 6, 7, 8))
_LOADERS: Final[dict[PictureFormat, str]] = {
    "jpeg": "jpegload_buffer",
    "png": "pngload_buffer",
    "webp": "webpload_buffer",
    "gif": "gifload_buffer",
    "heic": "heifload_buffer",
}
_BLOCKED: Final = "VipsForeignLoad"
_ALLOWED: Final = (
    "VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadNsgif",
    "VipsForeignLoadHeif",
)  # fmt: skip


class TooLarge(Exception):
    """There are more pixels than anybody may store."""


class Made(msgspec.Struct, frozen=True):
    """One size of a picture: its plain bytes, and its pixels when it is the right way up."""

    data: bytes
    format: PictureFormat
    width: int
    height: int


class Developed(msgspec.Struct, frozen=True, kw_only=True):
    """
    A picture in its three sizes. ``hashes`` are PDQ's in all eight turns, upright first, where it
    is installed. ``location`` is "lat,lon" in degrees.
    """

    original: Made
    screen: Made
    thumb: Made
    hashes: tuple[bytes, ...] = ()
    taken_at: datetime | None = None
    location: str | None = None


def restrict() -> None:
    """Let libvips load what is taken and nothing else, whatever a file claims to be."""
    # Every picture is another: nothing that was worked out for one is of use to the next.
    pyvips.cache_set_max(0)
    pyvips.operation_block_set(_BLOCKED, True)
    for name in _ALLOWED:
        pyvips.operation_block_set(name, False)


def develop(data: bytes) -> Developed:
    """
    :raises NotAPicture: it cannot be decoded, to its end.
    :raises TooLarge: it has too many pixels.
    """
    kind = sniff(data)
    if kind == "heic" and not reads_heic():
        raise NotAPicture
    try:
        return _develop(data, kind)
    except pyvips.Error as error:
        if "memory" in str(error) or "allocate" in str(error):
            raise TooLarge from error
        raise NotAPicture from error


def _develop(data: bytes, format: PictureFormat) -> Developed:
    image = _load(data, format)
    width, height = _check_size(image)
    orientation = image.get("orientation") if image.get_typeof("orientation") else 1
    orientation = orientation if format != "gif" and 1 <= orientation <= 8 else 1
    taken_at, location = _taken_at(image), _location(image)
    if format == "heic":
        # No parts to pick from here: it is encoded again, and upright.
        kept = image.heifsave_buffer(compression="hevc", Q=95, keep="icc")
        orientation = 1
    else:
        kept = clean(data, format, orientation)
    del image, data
    if orientation in _TURNED:
        width, height = height, width
    _decode_all(kept, format)
    # The right way up, in sRGB, of the first frame: what most clients show.
    screen = pyvips.Image.thumbnail_buffer(
        kept, SCREEN, height=SCREEN, size="down", fail_on="truncated", output_profile="srgb"
    )
    screen = _plain(screen).copy_memory()
    thumb = screen.thumbnail_image(THUMB, height=THUMB, size="down").copy_memory()
    return Developed(
        original=Made(kept, format, width, height),
        screen=_small(screen, 85),
        thumb=_small(thumb, 80),
        hashes=hashes_of(screen),
        taken_at=taken_at,
        location=location,
    )


def _load(data: bytes, format: PictureFormat, **options: Any) -> Any:
    load = getattr(pyvips.Image, _LOADERS[format])
    return load(data, access="sequential", fail_on="truncated", **options)


def _check_size(image: Any) -> tuple[int, int]:
    width, height = image.width, image.height
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    if max(width, height) > SIDE_MAX or width * height > PIXELS_MAX:
        raise TooLarge
    if width * height * pages > FRAMES_PIXELS_MAX:
        raise TooLarge
    return width, height


def _decode_all(kept: bytes, format: PictureFormat) -> None:
    """Every pixel of every frame, since a thumbnail may be made from fewer."""
    options = {"n": -1} if format in ("gif", "webp") else {}
    _load(kept, format, **options).avg()


def _plain(image: Any) -> Any:
    """In 8 bits, grey or sRGB, with or without transparency."""
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def _small(image: Any, quality: int) -> Made:
    """JPEG, or WebP where something shows through."""
    if image.hasalpha():
        data = image.webpsave_buffer(Q=quality, keep="none")
        return Made(data, "webp", image.width, image.height)
    data = image.jpegsave_buffer(Q=quality, optimize_coding=True, keep="none")
    return Made(data, "jpeg", image.width, image.height)


def reads_heic() -> bool:
    """Whether this libvips decodes and encodes HEVC: many are built without, for its patents."""
    try:
        made = pyvips.Image.black(64, 64, bands=3).heifsave_buffer(compression="hevc")
        pyvips.Image.heifload_buffer(made).avg()
    except pyvips.Error:
        return False
    return True


def libvips() -> str:
    """The version that decodes."""
    return ".".join(str(pyvips.version(part)) for part in range(3))


def hashes_picture() -> bool:
    """Whether PDQ is installed, and so whether pictures can be compared with banned ones."""
    return find_spec("pdqhash") is not None and find_spec("numpy") is not None


def hashes_of(image: Any) -> tuple[bytes, ...]:
    """The PDQ hashes in all eight turns, upright first; none where it is not installed."""
    try:
        import numpy as np
        import pdqhash
    except ImportError:
        return ()
    if image.hasalpha():
        image = image.flatten(background=255)
    image = image.colourspace("srgb")
    pixels = np.frombuffer(image.write_to_memory(), dtype=np.uint8)
    vectors, _ = pdqhash.compute_dihedral(pixels.reshape(image.height, image.width, 3))
    return tuple(np.packbits(np.asarray(one, dtype=np.uint8)).tobytes() for one in vectors)


def _said(image: Any, name: str) -> str | None:
    """What an Exif field says; libvips gives its text, and in brackets what that was made of."""
    if not image.get_typeof(name):
        return None
    text = image.get(name)
    return text.partition(" (")[0].strip() if isinstance(text, str) else None


def _taken_at(image: Any) -> datetime | None:
    """When the shutter was released; in UTC where the camera did not say in which zone."""
    said = _said(image, "exif-ifd2-DateTimeOriginal")
    if said is None:
        return None
    offset = re.fullmatch(
        r"([+-])(\d\d):(\d\d)", _said(image, "exif-ifd2-OffsetTimeOriginal") or "+00:00"
    )
    try:
        moment = datetime.strptime(said, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  the zone follows
        if offset is None:
            return moment.replace(tzinfo=timezone.utc)  # noqa: UP017
        ahead = delta(hours=int(offset[2]), minutes=int(offset[3]))
        zone = timezone(-ahead if offset[1] == "-" else ahead)
        return moment.replace(tzinfo=zone).astimezone(timezone.utc)  # noqa: UP017
    except (ValueError, OverflowError):
        return None


def _location(image: Any) -> str | None:
    """Where it was taken: decimal degrees, five places, about a metre."""
    latitude, longitude = (
        _degrees(image, "Latitude", "S", 90),
        _degrees(image, "Longitude", "W", 180),
    )
    if latitude is None or longitude is None:
        return None
    return f"{latitude:.5f},{longitude:.5f}"


def _degrees(image: Any, name: str, negative: str, most: int) -> float | None:
    said = _said(image, f"exif-ifd3-GPS{name}")
    reference = _said(image, f"exif-ifd3-GPS{name}Ref")
    parts = re.findall(r"(\d+)/(\d+)", said or "")
    if len(parts) != 3 or reference is None or any(int(one[1]) == 0 for one in parts):
        return None
    degrees, minutes, seconds = (int(over) / int(under) for over, under in parts)
    value = degrees + minutes / 60 + seconds / 3600
    if value > most:
        return None
    return -value if reference == negative else value
