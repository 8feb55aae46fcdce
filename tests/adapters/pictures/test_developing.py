"""
From files to pictures: what is kept, what is not, and what is refused.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
import pyvips

from adapters.pictures.developing import (
    SCREEN,
    THUMB,
    Developed,
    TooLarge,
    develop,
    hashes_picture,
    restrict,
)
from adapters.pictures.formats import NotAPicture, clean, sniff
from tests.support.images import animation, encoded, picture, png_bomb, scene, with_exif

SECRET = "PhotographerOfThisPicture"
TAKEN = {
    "ifd0_Artist": SECRET,
    "ifd2_DateTimeOriginal": "2026:05:04 10:20:30",
    "ifd2_OffsetTimeOriginal": "+08:00",
    "ifd3_GPSLatitude": "31/1 14/1 2400/100",
    "ifd3_GPSLatitudeRef": "N",
    "ifd3_GPSLongitude": "121/1 28/1 1200/100",
    "ifd3_GPSLongitudeRef": "W",
}


def decoded(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "")


def same(one: Any, other: Any) -> bool:
    return (one.width, one.height) == (other.width, other.height) and (one - other).abs().max() == 0


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
def test_the_original_keeps_format_and_pixels(kind: str) -> None:
    file = encoded(kind)
    made = develop(file)
    assert made.original.format == sniff(made.original.data) == kind
    assert same(decoded(made.original.data), decoded(file))
    assert (made.original.width, made.original.height) == (640, 480)
    assert (made.screen.width, made.screen.height) == (640, 480)
    assert (made.thumb.width, made.thumb.height) == (320, 240)
    assert made.screen.format == made.thumb.format == "jpeg"


def test_sizes_are_bounded_on_the_longest_side() -> None:
    made = develop(encoded("jpeg", picture(1000, 4000)))
    assert (made.screen.width, made.screen.height) == (400, SCREEN)
    assert (made.thumb.width, made.thumb.height) == (80, THUMB)
    small = develop(encoded("png", picture(10, 7)))
    assert (small.screen.width, small.thumb.width) == (10, 10)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_metadata_goes_and_what_is_up_stays_up(kind: str, orientation: int) -> None:
    file = encoded(kind, with_exif(picture(600, 400), orientation, **TAKEN))
    assert SECRET.encode() in file
    made = develop(file)
    assert made.taken_at == datetime(2026, 5, 4, 2, 20, 30, tzinfo=UTC)
    assert made.location == "31.24000,-121.47000"
    for one in (made.original, made.screen, made.thumb):
        assert SECRET.encode() not in one.data
        assert b"2026:05" not in one.data
        fields = decoded(one.data).get_fields()
        assert not [name for name in fields if "GPS" in name or "Date" in name]
    turned = orientation in (6, 8)
    assert (made.original.width, made.original.height) == ((400, 600) if turned else (600, 400))
    upright = decoded(file).autorot()
    assert same(decoded(made.original.data).autorot(), upright)
    assert (made.screen.width, made.screen.height) == (upright.width, upright.height)
    assert (decoded(made.screen.data) - upright).abs().avg() < 12


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_moving_pictures_keep_moving(kind: str) -> None:
    file = animation(kind)
    made = develop(file)
    load = getattr(pyvips.Image, f"{kind}load_buffer")
    assert same(load(made.original.data, n=-1), load(file, n=-1))
    assert load(made.original.data, n=-1).get("n-pages") == 3
    assert (made.original.width, made.original.height) == (120, 90)


def test_what_shows_through_is_kept_in_smaller_sizes() -> None:
    made = develop(encoded("png", picture(bands=4)))
    assert made.screen.format == made.thumb.format == "webp"
    assert decoded(made.thumb.data).hasalpha()


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
def test_what_comes_after_the_end_is_cut_off(kind: str) -> None:
    file = encoded(kind)
    archive = b"PK\x03\x04<script>alert(1)</script>%PDF-1.7"
    assert develop(file + archive).original == develop(file).original


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
def test_texts_inside_are_cut_out(kind: str) -> None:
    file, secret = encoded(kind), SECRET.encode()
    at, comment = {
        "jpeg": (2, b"\xff\xfe" + (len(secret) + 2).to_bytes(2, "big") + secret),
        "png": (33, _png_text(secret)),
        "webp": (len(file), b"JUNK" + len(secret).to_bytes(4, "little") + secret + b"\x00"),
        "gif": (len(file) - 1, b"\x21\xfe" + bytes((len(secret),)) + secret + b"\x00"),
    }[kind]
    spoilt = file[:at] + comment + file[at:]
    if kind == "webp":
        spoilt = spoilt[:4] + (len(spoilt) - 8).to_bytes(4, "little") + spoilt[8:]
    made = develop(spoilt)
    assert secret not in made.original.data
    assert same(decoded(made.original.data), decoded(file))


def _png_text(text: bytes) -> bytes:
    import zlib

    body = b"Comment\x00" + text
    checksum = zlib.crc32(b"tEXt" + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + b"tEXt" + body + checksum


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
def test_what_is_cut_short_is_no_picture(kind: str, kept: float) -> None:
    file = encoded(kind)
    with pytest.raises(NotAPicture):
        develop(file[: int(len(file) * kept)])


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        b"%PDF-1.7\n1 0 obj\n",
        b"MZ\x90\x00" + bytes(100),
        b"BM" + bytes(100),
        b"II*\x00" + bytes(100),
        b"\xff\xd8\xff\xe0" + b"<svg/>" * 20,
        b"GIF89a<script>" + bytes(30),
        b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(40),
        b"\x00\x00\x00\x1cftypheic" + bytes(60),
    ],
)
def test_other_files_are_no_pictures(file: bytes) -> None:
    with pytest.raises(NotAPicture):
        develop(file)


def test_a_bomb_is_too_large() -> None:
    bomb = png_bomb(60_000, 60_000)
    assert len(bomb) < 1 << 20
    with pytest.raises(TooLarge):
        develop(bomb)


def test_a_gif_is_never_turned() -> None:
    with pytest.raises(NotAPicture):
        clean(encoded("gif"), "gif", 6)


def test_other_loaders_are_out_of_reach() -> None:
    restrict()
    try:
        with pytest.raises(pyvips.Error):
            pyvips.Image.svgload_buffer(
                b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
            )
    finally:
        pyvips.operation_block_set("VipsForeignLoad", False)


def test_hashes_are_there_when_pdq_is() -> None:
    """However it was turned, mirrored, made smaller or saved again, it is known by its hashes."""
    seen = scene()
    made: Developed = develop(encoded("jpeg", seen))
    if not hashes_picture():
        assert made.hashes == ()
        return
    assert len(made.hashes) == 8
    assert {len(one) for one in made.hashes} == {32}
    others = [
        seen.rot90(), seen.rot180(), seen.rot270(), seen.fliphor(), seen.flipver(),
        seen.resize(0.5), seen.gaussblur(1),
    ]  # fmt: skip
    for other in others:
        turned = develop(encoded("jpeg", other)).hashes
        assert min(_distance(made.hashes[0], one) for one in turned) <= 31
    strange = develop(encoded("jpeg", seen.rot90().crop(0, 0, 200, 300))).hashes
    assert min(_distance(made.hashes[0], one) for one in strange) > 31


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
