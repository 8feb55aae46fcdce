"""
Finished uploads become pictures: sealed, under their own digests, once each, and swept if nobody
shows them.
"""

import asyncio
import hashlib
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.objects import MemoryObjects, folder
from adapters.pictures.folders import LIFETIME
from adapters.pictures.sweeping import MARGIN
from adapters.pictures.taking import object_name
from commands.pictures import ObjectsUnavailable
from domain.event import Refused
from domain.photo import photo_of
from domain.picture import Rendition
from domain.sealed import KeyClass
from tests.adapters.pictures.conftest import START, Darkroom, pieces
from tests.support.images import encoded, picture, png_bomb, with_exif

PLACE = {
    "ifd3_GPSLatitude": "31/1 14/1 0/1", "ifd3_GPSLatitudeRef": "N",
    "ifd3_GPSLongitude": "121/1 28/1 0/1", "ifd3_GPSLongitudeRef": "E",
}  # fmt: skip


async def whole(darkroom: Darkroom, rendition: Rendition) -> bytes:
    return b"".join([frame async for frame in darkroom.pictures.read(darkroom.one, rendition)])


def test_a_picture_is_sealed_stored_and_read(darkroom: Darkroom) -> None:
    file = encoded("jpeg", picture(2000, 1500), Q=95)
    assert len(file) > 1 << 20

    async def run() -> None:
        upload = await darkroom.upload(file)
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        assert await darkroom.pictures.take(darkroom.one, upload, keep_location=False) == taken
        stored = 0
        for rendition in taken.renditions:
            sealed = await darkroom.objects.get(object_name(rendition))
            assert sealed is not None
            assert hashlib.sha256(sealed).digest() == rendition.digest
            assert len(sealed) == rendition.stored
            plain = await whole(darkroom, rendition)
            assert plain[:3] == b"\xff\xd8\xff"
            assert plain[100:200] not in sealed
            stored += len(sealed)
        assert taken.stored == stored
        assert (taken.screen.width, taken.thumb.width) == (1600, 320)
        # What it was made of is gone; what is left is the upload's beginning and its record.
        left = [name.rpartition("/")[2] for name in await darkroom.stored("uploads/")]
        assert [name.partition("-")[0] for name in left] == ["info", "picture"]
        await darkroom.pictures.drop(taken.renditions)
        await darkroom.pictures.drop(taken.renditions)
        with pytest.raises(Refused, match="not-found"):
            await whole(darkroom, taken.thumb)
        await darkroom.workshop.close()

    asyncio.run(run())


def test_a_destroyed_key_opens_nothing(darkroom: Darkroom) -> None:
    async def run() -> None:
        upload = await darkroom.upload(encoded("png"))
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        darkroom.vault.destroy(darkroom.one, KeyClass.CONTENT)
        with pytest.raises(Refused, match="not-found"):
            await whole(darkroom, taken.original)
        await darkroom.workshop.close()

    asyncio.run(run())


def test_a_destroyed_photo_opens_nothing_and_others_do(darkroom: Darkroom) -> None:
    async def run() -> None:
        uploads = [await darkroom.upload(encoded("png", picture(seed=seed))) for seed in (1, 2)]
        gone, kept = [
            await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
            for upload in uploads
        ]
        photo = photo_of(darkroom.one, uploads[0])
        await darkroom.vault.destroy_items(darkroom.one, KeyClass.CONTENT, [photo])
        for rendition in gone.renditions:
            with pytest.raises(Refused, match="not-found"):
                await whole(darkroom, rendition)
        assert await whole(darkroom, kept.original)
        await darkroom.workshop.close()

    asyncio.run(run())


def test_bytes_that_were_changed_are_not_shown(darkroom: Darkroom) -> None:
    async def run() -> None:
        upload = await darkroom.upload(encoded("png", picture(2000, 1500)))
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        name = object_name(taken.original)
        sealed = await darkroom.objects.get(name)
        assert sealed is not None
        flipped = sealed[:200] + bytes([sealed[200] ^ 1]) + sealed[201:]
        for changed in (sealed[:-1], sealed[:300_000], flipped, b""):
            await darkroom.objects.put(name, changed)
            with pytest.raises(Exception, match=r"^(not-found)?$"):
                await whole(darkroom, taken.original)
        await darkroom.workshop.close()

    asyncio.run(run())


@pytest.mark.parametrize("consent", [True, False])
def test_where_it_was_taken_is_kept_with_consent(darkroom: Darkroom, consent: bool) -> None:
    async def run() -> None:
        upload = await darkroom.upload(encoded("jpeg", with_exif(picture(), 1, **PLACE)))
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=consent)
        if consent:
            assert taken.location is not None
            assert darkroom.vault.open(taken.location) == "31.23333,121.46667"
        else:
            assert taken.location is None
        await darkroom.workshop.close()

    asyncio.run(run())


def test_what_is_no_picture_is_refused(darkroom: Darkroom) -> None:
    async def refused(data: bytes) -> str:
        upload = await darkroom.upload(data)
        with pytest.raises(Refused) as said:
            await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        assert said.value.field == "/upload"
        return said.value.problem

    async def run() -> None:
        assert await refused(b"<svg xmlns='http://www.w3.org/2000/svg'/>") == "not-a-picture"
        assert await refused(encoded("jpeg")[:-2000]) == "not-a-picture"
        assert await refused(png_bomb(60_000, 60_000)) == "picture-too-large"
        unfinished = darkroom.name()
        await darkroom.uploads.create(darkroom.one, unfinished, 10, None)
        for member, upload, problem in (
            (darkroom.one, unfinished, "upload-unfinished"),
            (darkroom.one, darkroom.name(), "no-such-upload"),
            (darkroom.two, unfinished, "no-such-upload"),
        ):
            with pytest.raises(Refused, match=problem):
                await darkroom.pictures.take(member, upload, keep_location=False)
        assert not await darkroom.stored("objects/")
        await darkroom.workshop.close()

    asyncio.run(run())


def test_what_nobody_shows_is_swept_and_what_is_shown_stays(darkroom: Darkroom) -> None:
    async def run() -> None:
        shown = await darkroom.upload(encoded("png", picture(40, 30)))
        lost = await darkroom.upload(encoded("png", picture(50, 30)))
        await darkroom.upload(b"begun")
        kept = await darkroom.pictures.take(darkroom.one, shown, keep_location=False)
        await darkroom.pictures.take(darkroom.one, lost, keep_location=False)
        darkroom.photos.add(shown)
        darkroom.ahead = timedelta(hours=24, minutes=59)
        assert await darkroom.sweeper.sweep() == 0
        darkroom.ahead = timedelta(hours=25, minutes=1)
        young = await darkroom.upload(b"young")
        assert await darkroom.sweeper.sweep() == 3
        assert await darkroom.sweeper.sweep() == 0
        objects = {object_name(one) for one in kept.renditions}
        assert set(await darkroom.stored("objects/")) == objects
        assert all(str(young) in name for name in await darkroom.stored("uploads/"))
        await darkroom.workshop.close()

    asyncio.run(run())


def test_taking_goes_on_where_a_crash_left_it(darkroom: Darkroom) -> None:
    async def run() -> None:
        upload = await darkroom.upload(encoded("png"))
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        record = await darkroom.pictures.record(darkroom.one, upload)
        assert record is not None
        # As it was when only the first size had its place.
        for staged, rendition in list(zip(record.staged, taken.renditions, strict=True))[1:]:
            await darkroom.objects.move(object_name(rendition), staged)
        again = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        assert again == taken
        assert len(await darkroom.stored("objects/")) == 3
        assert not [name for name in await darkroom.stored("uploads/") if "staged" in name]
        await darkroom.workshop.close()

    asyncio.run(run())


def test_a_store_that_went_away_comes_back() -> None:
    objects = MemoryObjects()
    darkroom = Darkroom(objects)

    async def run() -> None:
        upload = await darkroom.upload(encoded("png"))
        objects.away = True
        with pytest.raises(ObjectsUnavailable):
            await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        with pytest.raises(ObjectsUnavailable):
            await darkroom.sweeper.sweep()
        objects.away = False
        taken = await darkroom.pictures.take(darkroom.one, upload, keep_location=False)
        assert await whole(darkroom, taken.thumb)
        await darkroom.workshop.close()

    asyncio.run(run())


def test_two_servers_with_the_same_bytes_keep_them_once(darkroom: Darkroom) -> None:
    other = Darkroom(darkroom.objects, darkroom.vault)
    data = os.urandom(5 << 20)

    async def run() -> None:
        upload = darkroom.name()
        await darkroom.uploads.create(darkroom.one, upload, len(data), None)
        sent = (data[at : at + 100_000] for at in range(0, len(data), 100_000))
        results = await asyncio.gather(
            darkroom.uploads.append(darkroom.one, upload, 0, pieces(*sent)),
            other.uploads.append(darkroom.one, upload, 0, pieces(data)),
            return_exceptions=True,
        )
        problems = [one.problem for one in results if isinstance(one, Refused)]
        assert set(problems) <= {"upload-offset"}
        status = await other.uploads.status(darkroom.one, upload)
        rest = data[status.offset :]
        if rest:
            await other.uploads.append(darkroom.one, upload, status.offset, pieces(rest))
        kept = [part async for part in darkroom.uploads.plain(darkroom.one, upload)]
        assert b"".join(kept) == data

    asyncio.run(run())


def test_a_process_that_takes_too_long_is_killed_and_replaced() -> None:
    darkroom = Darkroom(MemoryObjects())

    async def run() -> None:
        good = await darkroom.upload(encoded("png"))
        slow = await darkroom.upload(encoded("png", picture(6000, 5000)))
        await darkroom.pictures.take(darkroom.one, good, keep_location=False)
        darkroom.workshop._seconds_max = 0.3
        with pytest.raises(Refused, match="picture-too-large"):
            await darkroom.pictures.take(darkroom.one, slow, keep_location=False)
        assert darkroom.workshop.killed == 1
        darkroom.workshop._seconds_max = 20
        await darkroom.pictures.take(darkroom.one, slow, keep_location=False)
        await darkroom.workshop.close()

    asyncio.run(run())


def _children() -> list[Path]:
    own = os.getpid()
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == own:
            found.append(path.parent)
    return found


def test_bombs_cost_bounded_memory() -> None:
    darkroom = Darkroom(MemoryObjects())
    peaks: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for child in _children():
                with_peak = child / "status"
                try:
                    lines = with_peak.read_text().splitlines()
                    if b"adapters.pictures.worker" not in (child / "cmdline").read_bytes():
                        continue
                except OSError:
                    continue
                peaks.extend(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    async def run() -> None:
        files = [png_bomb(60_000, 60_000), png_bomb(12_000, 12_000), png_bomb(9_999, 9_999)] * 2
        uploads = [await darkroom.upload(file) for file in files]
        await asyncio.gather(
            *(darkroom.pictures.take(darkroom.one, one, keep_location=False) for one in uploads),
            return_exceptions=True,
        )
        await darkroom.workshop.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        asyncio.run(run())
    finally:
        ended.set()
        watcher.join()
    assert peaks
    assert max(peaks) < 1_280 << 10, "KiB of one process"
    assert time.monotonic() - began < 120


def test_what_a_killed_server_was_writing_is_swept_as_well(tmp_path: Path) -> None:
    async def run() -> None:
        darkroom = Darkroom(folder(tmp_path))
        written = tmp_path / "uploads" / str(darkroom.one) / str(darkroom.name()) / "part-0#1"
        written.parent.mkdir(parents=True)
        written.touch()
        os.utime(written, (START.timestamp(), START.timestamp()))
        await darkroom.sweeper.sweep()
        assert written.exists()
        darkroom.ahead = LIFETIME + 2 * MARGIN
        await darkroom.sweeper.sweep()
        assert not written.exists()

    asyncio.run(run())
