"""
Albums and photos as commands decide them: limits and bytes are exact whatever happens at once, an
upload counts once, and pictures that look like banned ones wait or are refused.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from commands import photos
from commands.albums import AlbumHandlers, CreateAlbum
from commands.executor import Answer
from commands.memberships import Subscribe, cancel, subscribe
from commands.photos import AddPhoto, ChangePhoto, Taken
from commands.rules import PublishRules
from commands.types import ToPublic
from commands.wallets import GrantBonus, grant_bonus
from commands.work import Outcome, Work
from domain import album as album_module
from domain import gallery as gallery_module
from domain.album import ALBUM, Album, album_stream
from domain.event import Refused
from domain.gallery import GALLERY, Gallery, gallery_stream
from domain.ids import AlbumId, PhotoId, cell_of
from domain.photo import PHOTO, Photo, photo_of, photo_stream
from domain.picture import Picture, Rendition
from domain.plans import QUOTA_ORDINARY
from domain.rules import Match, Rule, RuleSet, content_hash, packed
from tests.commands.house import STAFF, House, live, on, to


def picture(stored: int = 3) -> Picture:
    """A picture whose three sizes take so many bytes together."""
    large, small = (
        Rendition(b"l" * 32, stored - 2, 40, 30, "jpeg"),
        Rendition(b"s" * 32, 1, 4, 3, "jpeg"),
    )
    return Picture(large, small, small)


class Wall:
    """A house, or two on one store, whose first member has albums."""

    def __init__(self, *houses: House) -> None:
        self.houses = houses or (House(),)
        self.house = self.houses[0]
        self._uploads = 0

    async def begin(self) -> "Wall":
        """The member joins."""
        self.owner = await self.house.join(10001)
        return self

    def upload(self) -> UUID:
        """An upload of its own."""
        self._uploads += 1
        return UUID(int=self._uploads)

    async def album(self, at: int = 0) -> AlbumId:
        """One album more."""
        house = self.houses[at]
        create = AlbumHandlers(house.directory).create
        command = CreateAlbum("江南春", ToPublic())
        return AlbumId((await house.run(create, command, self.owner)).id)

    async def add(
        self, album: AlbumId, stored: int = 3, at: int = 0, upload: UUID | None = None, **more: Any
    ) -> Answer:
        """One photo more."""
        taken = Taken(picture(stored), more.pop("turned", ()))
        add = partial(photos.add, album, taken)
        command = AddPhoto(upload or self.upload(), **more)
        return await self.houses[at].run(add, command, self.owner)

    async def gallery(self) -> Gallery:
        """The member's, as the log has it."""
        stream = gallery_stream(self.owner, cell_of(self.owner))
        gallery: Gallery = await self._folded(GALLERY, stream)
        return gallery

    async def counts(self, album: AlbumId) -> tuple[int, int]:
        """How many photos an album says it has, and of how many bytes."""
        state = await self._folded(ALBUM, album_stream(album))
        assert isinstance(state, Album)
        return state.photos, state.stored

    async def _folded(self, aggregate: Any, stream: Any) -> Any:
        events = await self.house.log.read_stream(stream)
        return aggregate.fold((one.event for one in events), aggregate.initial)


async def outcomes(*running: Any) -> list[str]:
    """What became of things done at once: ``done``, or the problem."""
    answers = await asyncio.gather(*running, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, Refused):
            raise one
    return [one.problem if isinstance(one, Refused) else "done" for one in answers]


def two_servers() -> tuple[House, House]:
    """Two servers on one store, whose batches take their time."""
    first = House(delay_seconds=0.001)
    return first, first.beside(delay_seconds=0.001)


def test_limits_hold_on_two_servers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_module, "ALBUMS_MAX", 5)
    monkeypatch.setattr(album_module, "PHOTOS_MAX", 4)

    async def history() -> None:
        wall = await Wall(*two_servers()).begin()
        made = await outcomes(*(wall.album(at % 2) for at in range(9)))
        assert sorted(made) == ["done"] * 5 + ["too-many-albums"] * 4
        assert (await wall.gallery()).albums == 5
        first = next(
            AlbumId(one.stream)
            for one in wall.house.events(wall.owner)
            if type(one.event).__name__ == "AlbumCreated"
        )
        added = await outcomes(*(wall.add(first, at=at % 2) for at in range(7)))
        assert sorted(added) == ["album-full"] * 3 + ["done"] * 4
        assert await wall.counts(first) == (4, 12)
        assert (await wall.gallery()).used == 12

    live(history)


def test_the_quota_is_never_passed_and_what_is_deleted_is_free_once() -> None:
    async def history() -> None:
        wall = await Wall(*two_servers()).begin()
        album = await wall.album()
        third = QUOTA_ORDINARY // 3
        added = await outcomes(*(wall.add(album, third, at=at % 2) for at in range(5)))
        assert sorted(added) == ["done"] * 3 + ["quota-exceeded"] * 2
        assert (await wall.gallery()).used == third * 3
        mine = [photo_of(wall.owner, UUID(int=at)) for at in range(1, 6)]
        there = [one for one in mine if await wall.house.log.read_stream(photo_stream(one))]
        gone = there[0]
        await outcomes(
            *(house.run(on(photos.delete, gone), None, wall.owner) for house in wall.houses * 2)
        )
        assert (await wall.gallery()).used == third * 2
        assert await wall.counts(album) == (2, third * 2)
        await wall.add(album, third)
        with pytest.raises(Refused):
            await wall.add(album, 3)
        delete = AlbumHandlers(wall.house.directory).delete
        for house in wall.houses * 2:
            await house.run(on(delete, album), None, wall.owner)
        assert await wall.gallery() == Gallery()

    live(history)


def test_an_upload_is_one_photo_however_often_it_is_added() -> None:
    async def history() -> None:
        wall = await Wall(*two_servers()).begin()
        album, upload = await wall.album(), wall.upload()
        answers = await asyncio.gather(
            *(wall.add(album, at=at % 2, upload=upload) for at in range(6))
        )
        assert {one.id for one in answers} == {photo_of(wall.owner, upload)}
        assert await wall.counts(album) == (1, 3)
        assert (await wall.gallery()).used == 3

    live(history)


def test_a_photo_that_moves_is_counted_where_it_is() -> None:
    async def history() -> None:
        wall = await Wall().begin()
        one, other = await wall.album(), await wall.album()
        photo = PhotoId((await wall.add(one, 7)).id)
        for target, counts in ((other, [(0, 0), (1, 7)]), (one, [(1, 7), (0, 0)])):
            for _ in range(2):
                change = ChangePhoto(album=target)
                await wall.house.run(to(photos.change, photo), change, wall.owner)
            assert [await wall.counts(album) for album in (one, other)] == counts
        assert (await wall.gallery()).used == 7

    live(history)


BANNED = bytes(range(32))


def differing(bits: int) -> bytes:
    """A hash that differs from the banned one in so many bits."""
    return (int.from_bytes(BANNED, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("action", "turned", "state"),
    [
        ("hold", (BANNED,), "held"),
        ("hold", (differing(31),), "held"),
        ("hold", (differing(32),), "published"),
        ("hold", (differing(200), differing(90), differing(3)), "held"),
        ("private_view", (BANNED,), "private_view"),
        ("flag", (BANNED,), "published"),
        ("block", (differing(31),), None),
        ("block", (), "published"),
    ],
)
def test_pictures_that_look_like_banned_ones_are_not_seen_first(
    action: Any, turned: tuple[bytes, ...], state: str | None
) -> None:
    async def history() -> None:
        wall = await Wall().begin()
        await forbid(wall.house, action)
        album, upload = await wall.album(), wall.upload()
        if state is None:
            with pytest.raises(Refused) as refused:
                await wall.add(album, turned=turned, upload=upload)
            assert refused.value.problem == "not-published"
            assert await wall.counts(album) == (0, 0)
            state_after = await wall.house.streams.load(
                PHOTO, photo_stream(photo_of(wall.owner, upload))
            )
            assert not isinstance(state_after.state, Photo), "the attempt is kept elsewhere"
        else:
            answer = await wall.add(album, turned=turned, upload=upload)
            assert answer.state == state

    live(history)


async def forbid(house: House, action: Any) -> None:
    """A picture is banned from now on, everywhere."""
    rules = RuleSet((Rule("r-1", Match(image=BANNED.hex()), action, "made-up"),))
    matcher = await house.screens.try_out("banned", rules)
    publishing = PublishRules("banned", packed(rules), content_hash(packed(rules)), matcher)
    await house.run(house.rules.publish, publishing, STAFF)
    await house.settle()


def test_over_the_quota_after_a_membership_nothing_is_added_and_nothing_deleted() -> None:
    async def history() -> None:
        wall = await Wall().begin()
        house, owner = wall.house, wall.owner
        await house.run(to(grant_bonus, owner), GrantBonus(50, 300, "hello"), STAFF)

        async def have(command: Subscribe, work: Work) -> Outcome:
            return await subscribe("yellow", command, work)

        async def end(_: None, work: Work) -> Outcome:
            return await cancel("yellow", work)

        await house.run(have, Subscribe(1), owner)
        await house.run(end, None, owner)
        album, half = await wall.album(), QUOTA_ORDINARY // 2 + 1
        first, second = [PhotoId((await wall.add(album, half)).id) for _ in range(2)]
        house.clock.set(house.clock.now() + timedelta(days=40))
        assert await outcomes(wall.add(album)) == ["quota-exceeded"]
        assert await wall.counts(album) == (2, 2 * half)
        change = partial(photos.change, first)
        await house.run(change, ChangePhoto(caption="still mine"), owner)
        await house.run(on(photos.delete, second), None, owner)
        assert await outcomes(wall.add(album)) == ["done"]
        await house.run(have, Subscribe(1), owner)
        assert await outcomes(wall.add(album, half), wall.add(album, half)) == ["done"] * 2

    live(history)
