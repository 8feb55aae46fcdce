"""
The twins of the statements about albums and photos; and histories of these, made up for members
whose ties there are already.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain import album as albums
from domain import photo as photos
from domain.album import Album, album_stream
from domain.album_events import AlbumHeld, Arrangement, Sort
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.catalogue import AGGREGATES_BY_TYPE
from domain.event import Event, Recorded
from domain.ids import AlbumId, CaseId, DecisionId, MemberId, PhotoId, StreamId, cell_of, mint
from domain.photo import Photo, photo_stream
from domain.photo_events import PhotoHeld, PhotoWords
from domain.picture import Picture, Rendition
from domain.promise import Promise
from domain.screening import Screening
from domain.sealed import Sealed
from projections.albums import ALBUM_COUNTS, ALBUMS
from projections.gates import GATES
from projections.lists import LIST_MEMBERS
from projections.members import MEMBERS
from projections.photos import PHOTOS
from projections.ties import BLOCKS, FRIENDSHIPS
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Row, Tables

_SHOWN = ("qq", "nickname", "certified_as", "certified_name")
_ALBUM = (
    "owner", "title", "layout", "sort", "slideshow", "created_at", "waits", "intended",
    "title_waits",
)  # fmt: skip
_PHOTO = (
    "owner", "album", "caption", "alt", "location", "renditions", "width", "height", "format",
    "added_at", "taken_at", "place", "waits", "words_wait",
)  # fmt: skip


def _ties(tables: Tables, cell: int, owner: UUID, viewer: UUID, which: UUID | None) -> Rows:
    """The bond that the owner's half offers, whether the owner blocks, and whether it is listed."""
    half = tables.get(FRIENDSHIPS, cell, owner, viewer)
    offered = half is not None and half["standing"] != "incoming"
    return [
        (
            half["bond"] if half is not None and offered else None,
            tables.get(BLOCKS, cell, owner, viewer) is not None,
            tables.get(LIST_MEMBERS, cell, which, viewer) is not None,
        )
    ]


def _album(tables: Tables, cell: int, album: UUID, viewer: UUID) -> tuple[Any, ...] | None:
    row, gate = tables.get(ALBUMS, cell, album), tables.get(GATES, cell, album)
    if row is None or gate is None:
        return None
    owner = row["owner"]
    member = tables.get(MEMBERS, cell, owner)
    if member is None:
        return None
    counts = tables.get(ALBUM_COUNTS, cell, album) or {"photos": 0, "waiting": 0}
    ((bond, blocked, listed),) = _ties(tables, cell, owner, viewer, gate["list"])
    return (
        album,
        *pick(row, _ALBUM),
        cell,
        *pick(row, ("position", "version")),
        *pick(gate, ("live", "audience")),
        bond,
        blocked,
        listed,
        *pick(counts, ("photos", "waiting")),
        _cover(tables, cell, album, row["cover"], viewer),
        *pick(member, _SHOWN),
    )


def _cover(tables: Tables, cell: int, album: UUID, cover: UUID | None, viewer: UUID) -> UUID | None:
    gate = None if cover is None else tables.get(GATES, cell, cover)
    if gate is None or not gate["live"] or gate["parent"] != album:
        return None
    return cover if gate["audience"] == "public" or gate["author"] == viewer else None


@twin("hydrate_albums")
def _hydrate_albums(tables: Tables, asked: Asked) -> Rows:
    wanted = unnest(asked, "cells", "albums")
    rows = (_album(tables, cell, album, asked["viewer"]) for cell, album in wanted)
    return [row for row in rows if row is not None]


@twin("albums_of_member")
def _albums_of_member(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_album"])
    found = sorted(
        (
            (row["created_at"], album)
            for (cell, album), row in tables.every(ALBUMS).items()
            if (cell, row["owner"]) == (asked["cell"], asked["owner"])
            and (row["created_at"], album) < mark
        ),
        reverse=True,
    )[: asked["count"]]
    rows = (_album(tables, asked["cell"], album, asked["viewer"]) for _, album in found)
    return [row for row in rows if row is not None]


@twin("storage_of_member")
def _storage_of_member(tables: Tables, asked: Asked) -> Rows:
    return [
        (album, (tables.get(ALBUM_COUNTS, cell, album) or {"stored": 0})["stored"])
        for (cell, album), row in tables.every(ALBUMS).items()
        if (cell, row["owner"]) == (asked["cell"], asked["owner"])
    ]


def _photo(tables: Tables, cell: int, photo: UUID, row: Row, owner: UUID, viewer: UUID) -> Any:
    gate, over = tables.get(GATES, cell, photo), tables.get(GATES, cell, row["album"])
    if gate is None or over is None or gate["parent"] != row["album"]:
        return None
    ((bond, blocked, listed),) = _ties(tables, cell, owner, viewer, over["list"])
    said = (photo, *pick(row, _PHOTO), cell, *pick(row, ("position", "version")))
    gates = (*pick(gate, ("live", "audience")), *pick(over, ("live", "audience")))
    return (*said, *gates, bond, blocked, listed)


@twin("hydrate_photos")
def _hydrate_photos(tables: Tables, asked: Asked) -> Rows:
    found = [
        _photo(tables, cell, photo, row, row["owner"], asked["viewer"])
        for cell, photo in unnest(asked, "cells", "photos")
        if (row := tables.get(PHOTOS, cell, photo)) is not None
        and tables.get(MEMBERS, cell, row["owner"]) is not None
    ]
    return [row for row in found if row is not None]


def _page(column: str, *, down: bool) -> Callable[[Tables, Asked], Rows]:
    def page(tables: Tables, asked: Asked) -> Rows:
        mark, viewer = (asked["mark"], asked["mark_photo"]), asked["viewer"]
        found: list[Any] = []
        for (cell, photo), row in tables.every(PHOTOS).items():
            if (cell, row["album"]) != (asked["cell"], asked["album"]):
                continue
            at = (row[column], photo)
            if not (at < mark if down else at > mark):
                continue
            made = _photo(tables, cell, photo, row, asked["owner"], viewer)
            if made is not None and made[18] and (made[19] == "public" or row["owner"] == viewer):
                found.append((at, made))
        found.sort(key=lambda one: one[0], reverse=down)
        return [made for _, made in found[: asked["count"]]]

    return page


twin("photos_newest")(_page("added_at", down=True))
twin("photos_oldest")(_page("added_at", down=False))
twin("photos_taken")(_page("taken_at", down=False))
twin("photos_own")(_page("place", down=False))


@twin("photos_of_member")
def _photos_of_member(tables: Tables, asked: Asked) -> Rows:
    mark, viewer = (asked["before"], asked["before_photo"]), asked["viewer"]
    found: list[Any] = []
    for (cell, photo), row in tables.every(PHOTOS).items():
        at = (row["added_at"], photo)
        if (cell, row["owner"]) != (asked["cell"], asked["owner"]) or not at < mark:
            continue
        made = _photo(tables, cell, photo, row, asked["owner"], viewer)
        if made is None:
            continue
        live, audience, album_live, album_audience, bond, _, listed = made[18:]
        there = album_audience == "public" or (
            (album_audience == "friends" and bond is not None)
            or (album_audience == "list" and listed)
        )
        if live and album_live and (row["owner"] == viewer or (audience == "public" and there)):
            found.append((at, made))
    found.sort(key=lambda one: one[0], reverse=True)
    return [made for _, made in found[: asked["count"]]]


@twin("renditions_of_album")
def _renditions_of_album(tables: Tables, asked: Asked) -> Rows:
    mark, found = (asked["after"], asked["after_photo"]), []
    for (cell, photo), row in tables.every(PHOTOS).items():
        gate = tables.get(GATES, cell, photo)
        at = (row["added_at"], photo)
        if (cell, row["album"]) == (asked["cell"], asked["album"]) and at > mark and gate:
            goes = gate["live"] and gate["parent"] == row["album"]
            found.append((photo, row["added_at"], row["renditions"], goes))
    found.sort(key=lambda one: (one[1], one[0]))
    return list(found[: asked["count"]])


# Histories


_SCREENING = Screening(1, 0, (), "none", ())
_SORTS: tuple[Sort, ...] = ("newest", "oldest", "taken", "own")
_VERDICTS = ("approve", "reject", "unpublish", "restore")


class Exhibitions:
    """
    Albums and photos that members make, change and delete, and that staff take down and put back.

    ``events`` are theirs, in order; ``albums`` and ``photos`` all that ever were.

    :param heads: the last position of each cell so far.
    """

    def __init__(
        self, seed: int, members: Iterable[MemberId], heads: Mapping[int, int], now: datetime
    ) -> None:
        self._chance = random.Random(seed)
        self._members = sorted(members)
        self._heads = dict(heads)
        self._now = now
        self._states: dict[StreamId, Any] = {}
        self._versions: dict[StreamId, int] = {}
        self.events: list[Recorded] = []
        self.albums: list[AlbumId] = []
        self.photos: list[PhotoId] = []
        for _ in range(600):
            self._move(self._chance.choice(self._members))

    def _move(self, member: MemberId) -> None:
        chance = self._chance
        mine = [one for one in self.albums if self._album(one, member) is not None]
        if len(mine) < 2 or chance.random() < 0.03:
            self._create(member)
            return
        album = chance.choice(mine)
        if chance.random() < 0.4:
            self._add(member, album)
        elif chance.random() < 0.3:
            self._change_album(member, album)
        else:
            self._change_photo(member, album)

    def _album(self, album: AlbumId, member: MemberId) -> Album | None:
        state = self._states[album_stream(album)]
        return state if isinstance(state, Album) and state.owner == member else None

    def _create(self, owner: MemberId) -> None:
        album = AlbumId(self._mint(owner))
        self.albums.append(album)
        arrangement = Arrangement("grid", self._chance.choice(_SORTS))
        created: Event = albums.create(owner, self._text(), self._audience(), arrangement)[0]
        if self._chance.random() < 0.2:
            held = (self._text(), self._audience(), arrangement)
            created = AlbumHeld(owner, *held, "held", _SCREENING, self._promise())
        self._say(album_stream(album), owner, (created,))

    def _add(self, owner: MemberId, album: AlbumId) -> None:
        photo, state = PhotoId(self._mint(owner)), self._states[album_stream(album)]
        self.photos.append(photo)
        one = Rendition(photo.bytes * 2, self._chance.randrange(1_000), 4, 3, "png")
        taken = self._now - timedelta(days=self._chance.randrange(400))
        picture = Picture(one, one, one, taken_at=taken, location=self._text())
        words = PhotoWords(self._text() if self._chance.random() < 0.5 else None)
        place = state.placed * 8
        said: Event = photos.add(owner, album, words, picture, place)[0]
        if self._chance.random() < 0.2:
            waits = ("private_view", _SCREENING, self._promise())
            said = PhotoHeld(owner, album, words, picture, place, *waits)  # type: ignore[arg-type]
        self._say(photo_stream(photo), owner, (said,))
        self._say(album_stream(album), owner, albums.receive(state, photo, picture.stored))

    def _change_album(self, owner: MemberId, album: AlbumId) -> None:
        state, stream = self._states[album_stream(album)], album_stream(album)
        events: Iterable[Event] | None
        moves = ["audience", "audience", "arrange", "retitle", "judge", "delete"]
        match self._chance.choice(moves):
            case "audience":
                events = albums.change_audience(state, self._audience())
            case "arrange":
                cover = self._chance.choice([None, *self.photos[-9:]])
                sort = state.arrangement.sort
                events = albums.arrange(state, Arrangement("wall", sort, cover=cover))
            case "retitle":
                events = albums.retitle(state, self._text(), None)
            case "judge":
                events = albums.judge(state, self._chance.choice(_VERDICTS), *self._ruling(owner))
            case _:
                events = albums.delete(state) if self._chance.random() < 0.2 else ()
        self._say(stream, owner, events or ())

    def _change_photo(self, owner: MemberId, album: AlbumId) -> None:
        held = [
            one
            for one in self.photos
            if isinstance(state := self._states[photo_stream(one)], Photo) and state.album == album
        ]
        if not held:
            return
        photo = self._chance.choice(held)
        state, stream = self._states[photo_stream(photo)], photo_stream(photo)
        source, stored = self._states[album_stream(album)], state.picture.stored
        match self._chance.choice(["reword", "move", "move", "place", "judge", "judge", "delete"]):
            case "reword":
                self._say(stream, owner, photos.reword(state, PhotoWords(self._text()), None))
            case "move":
                target = self._chance.choice(self.albums)
                if self._album(target, owner) is None or target == album:
                    return
                into = self._states[album_stream(target)]
                self._say(stream, owner, photos.move(state, target, into.placed * 8))
                self._say(album_stream(album), owner, albums.release(source, photo, stored))
                self._say(album_stream(target), owner, albums.receive(into, photo, stored))
            case "place":
                self._say(stream, owner, photos.put(state, self._chance.randrange(-9, 90)))
            case "judge":
                verdict = self._chance.choice(_VERDICTS)
                self._say(stream, owner, photos.judge(state, verdict, *self._ruling(owner)) or ())
            case _:
                self._say(stream, owner, photos.delete(state))
                self._say(album_stream(album), owner, albums.release(source, photo, stored))

    def _audience(self) -> Audience:
        some = frozenset(self._chance.sample(self._members, 2))
        every: list[Audience] = [Public(), Public(), Friends(), OnlyMe(), Listed(some)]
        return self._chance.choice(every)

    def _text(self) -> Sealed[str]:
        return Sealed(self._chance.randbytes(12))

    def _promise(self) -> Promise:
        return Promise("review", self._now + timedelta(days=2), "none")

    def _ruling(self, owner: MemberId) -> tuple[CaseId, DecisionId]:
        return CaseId(self._mint(owner)), DecisionId(self._mint(owner))

    def _mint(self, owner: MemberId) -> UUID:
        milliseconds = int(self._now.timestamp() * 1000)
        return mint(milliseconds, cell_of(owner), self._chance.getrandbits(62))

    def _say(self, stream: StreamId, owner: MemberId, events: Iterable[Event]) -> None:
        for event in events:
            # Now and then two happen at one moment.
            self._now += timedelta(seconds=self._chance.randrange(3))
            cell = cell_of(stream)
            position = self._heads[cell] = self._heads.get(cell, 0) + 1
            version = self._versions[stream] = self._versions.get(stream, 0) + 1
            aggregate = AGGREGATES_BY_TYPE[type(event)]
            before = self._states.get(stream, aggregate.initial)
            self._states[stream] = aggregate.evolve(before, event, version)
            command = uuid5(stream, str(version))
            self.events.append(
                Recorded(
                    cell,
                    position,
                    stream,
                    version,
                    self._now,
                    owner,
                    owner,
                    command,
                    command,
                    None,
                    event,
                )
            )
