"""
What was deleted is destroyed when its clock has run out, unless somebody needs it still.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from commands import comments
from commands.albums import AlbumHandlers, CreateAlbum
from commands.comments import WriteComment
from commands.copies import Copied
from commands.erasures import PlaceHold, place_hold, release_hold
from commands.posts import PublishShuoshuo
from commands.types import ToPublic
from commands.work import RETENTION
from domain.comment import CommentWritten
from domain.event import Event
from domain.ids import CommentId, PostId, mint
from domain.post_events import PostEdited, PostPublished
from domain.retention import (
    AGAIN,
    ContentDestroyed,
    ContentRetained,
    RetentionEvent,
    retention_stream,
)
from domain.sealed import KeyClass
from tests.commands.bench import Bench, deciding
from tests.commands.house import NOON, STAFF, House, live, on, to

CONTENT = KeyClass.CONTENT


def clocks(house: House) -> list[RetentionEvent]:
    """What became of what was deleted."""
    events = [one.event for one in house.events()]
    return [one for one in events if isinstance(one, ContentRetained | ContentDestroyed)]


def written(house: House, kind: type[Event]) -> Event:
    """The one event of that type."""
    (found,) = [one.event for one in house.events() if isinstance(one.event, kind)]
    return found


async def delete(bench: Bench) -> None:
    """Anna takes her post away."""
    await bench.house.run(on(bench.house.posts.delete, bench.post), None, bench.anna)


def test_a_post_goes_at_its_hour_however_late_the_timer() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await delete(bench)
        due = NOON + RETENTION
        (armed,) = bench.armed()
        assert (armed.kind, armed.due) == ("retention-ends", due)
        assert armed.id == retention_stream(bench.post)
        await bench.fire(armed, late=timedelta(days=1))
        await bench.fire(armed, late=timedelta(days=2))
        assert clocks(bench.house) == [
            ContentRetained(bench.anna, "post", bench.post, due),
            ContentDestroyed(bench.anna, "post", bench.post, due),
        ]
        assert bench.armed() == []

    live(history)


def test_what_a_case_is_about_stays_until_it_is_decided() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        await bench.report(bench.bela)
        await delete(bench)
        due = NOON + RETENTION
        (armed,) = [one for one in bench.armed() if one.kind == "retention-ends"]
        await bench.fire(armed)
        again = ContentRetained(bench.anna, "post", bench.post, due + AGAIN, "case")
        assert clocks(bench.house)[1:] == [again]
        (armed,) = [one for one in bench.armed() if one.kind == "retention-ends"]
        assert armed.due == due + AGAIN
        await bench.decide(deciding("no_action"))
        await bench.fire(armed)
        destroyed = ContentDestroyed(bench.anna, "post", bench.post, due + AGAIN)
        assert clocks(bench.house)[2:] == [destroyed]

    live(history)


def test_a_legal_hold_keeps_it_until_it_is_released() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        await delete(bench)
        await house.run(to(place_hold, bench.anna), PlaceHold(reason="a court asks"), STAFF)
        (armed,) = bench.armed()
        await bench.fire(armed)
        assert [one.because for one in clocks(house) if isinstance(one, ContentRetained)] == [
            "deleted", "hold",
        ]  # fmt: skip
        await house.run(to(release_hold, bench.anna), None, STAFF)
        (armed,) = bench.armed()
        assert armed.due == NOON + RETENTION + AGAIN
        await bench.fire(armed)
        assert isinstance(clocks(house)[-1], ContentDestroyed)

    live(history)


def test_a_comment_that_another_deleted_is_its_writer_s() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        answer = await house.run(
            to(comments.write, PostId(bench.post)), WriteComment(text="疑是"), bench.bela
        )
        comment = CommentId(answer.id)
        await house.run(on(comments.delete, comment), None, bench.anna)
        due = NOON + RETENTION
        assert clocks(house) == [ContentRetained(bench.bela, "comment", comment, due)]

    live(history)


def test_each_item_is_sealed_under_a_key_of_its_own() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        await bench.edit("举头望明月")
        answer = await house.run(
            to(comments.write, PostId(bench.post)), WriteComment(text="疑是"), bench.anna
        )
        published, commented = written(house, PostPublished), written(house, CommentWritten)
        assert isinstance(published, PostPublished)
        assert isinstance(commented, CommentWritten)
        assert await house.vault.destroy_items(bench.anna, CONTENT, [bench.post]) == 1
        assert house.vault.open(published.content.text) is None
        edited = [one.event for one in house.events() if isinstance(one.event, PostEdited)]
        assert [house.vault.open(one.content.text) for one in edited] == [None]
        assert house.vault.open(commented.text) == "疑是"
        assert await house.vault.destroy_items(bench.anna, CONTENT, [answer.id]) == 1
        assert house.vault.open(commented.text) is None

    live(history)


def test_what_was_brought_in_and_destroyed_does_not_come_back_with_its_copy() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house = bench.house
        copied = Copied(mint(0, 0, 1), NOON)
        albums = AlbumHandlers(house.directory)
        kinds: list[tuple[Any, Any, Any]] = [
            (house.posts.publish, PublishShuoshuo("月", ToPublic()), house.posts.delete),
            (albums.create, CreateAlbum("月", ToPublic()), albums.delete),
        ]
        for make, command, delete in kinds:
            handler = partial(make, copied=copied)
            here = (await house.run(handler, command, bench.anna)).id
            await house.run(on(delete, here), None, bench.anna)
            assert await house.vault.destroy_items(bench.anna, CONTENT, [here]) == 1
            again = await house.refusal(handler, command, bench.anna)
            assert again == ("already-published", None)

    live(history)
