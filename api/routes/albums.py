"""
Albums: made, changed and listed; and how much room they take.
"""

from functools import partial
from typing import Any, Final, Literal, cast
from uuid import UUID

import msgspec

from api import storage
from api.answers import Author, Presenter, Written
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import FIRST, LAST, mark_of
from api.routes.members import done
from api.routes.spaces import hidden
from api.services import MEMBERS, Ask
from commands.albums import ChangeAlbum, CreateAlbum
from commands.ports import Clock
from commands.types import Moment
from domain.album_events import Layout, Sort
from domain.event import Refused
from domain.ids import AlbumId, MemberId
from projections.reading import albums as reads
from projections.reading import photos as photo_reads
from projections.reading.albums import AlbumView
from projections.reading.homes import section_is_open
from projections.reading.posts import Mark

ROUTES = Routes()
_TAG = "Albums"
_READING = ("suspended", "banned", "no-account")
_ACTING = (*_READING, "conflict")
_PUBLISHING = (*_ACTING, "restricted", "not-published")
_AUDIENCE = ("no-such-member", "no-such-list", "list-or-name")

#: Photos whose bytes are removed in one go.
_DROPPED_AT_ONCE: Final = 200

_Waits = Literal["held", "private_view"]


class Album(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    An album. ``photos`` counts those that others see there, and for its owner those that wait, too.
    ``audience``, and all that waits, is told to the owner alone.
    """

    id: UUID
    owner: Author
    title: str | None
    layout: Layout
    sort: Sort
    slideshow: Sort
    photos: int
    created_at: Moment
    position: str
    state: Literal["published", "held", "private_view"]
    cover: UUID | None = None
    audience: str | None = None
    title_state: _Waits | None = None


class Storage(msgspec.Struct, frozen=True):
    """Bytes: what all photos take, in all their sizes, what there may be, and each album's part."""

    used: int
    quota: int
    by_album: dict[UUID, int]


@ROUTES.post(
    "/v1/albums",
    tag=_TAG,
    summary="Make an album",
    body=CreateAlbum,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, *_AUDIENCE, "too-many-albums"),
    links=("read_album", "change_album", "delete_album", "list_photos"),
    example={"title": "江南春", "audience": {"to": "friends"}},
)
async def create_album(call: Ask[CreateAlbum, None]) -> Answer:
    """At most 1,000 a member. Who may see it may see the photos in it."""
    return done(await call.app.execute(call, call.app.albums.create, call.body))


@ROUTES.get(
    "/v1/albums/{id}",
    tag=_TAG,
    summary="Read an album",
    answer=Album,
    roles=MEMBERS,
    problems=_READING,
)
async def read_album(call: Ask[None, None]) -> Answer:
    """Deleted, taken down, never there and not for you look alike."""
    view = await call.app.read(call, reads.album, call.uuid())
    if view is None:
        raise Refused("not-found")
    return found(_shown(call, view))


@ROUTES.patch(
    "/v1/albums/{id}",
    tag=_TAG,
    summary="Change an album",
    body=ChangeAlbum,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, *_AUDIENCE, "not-yours", "no-such-photo"),
    example={"layout": "wall", "sort": "own"},
)
async def change_album(call: Ask[ChangeAlbum, None]) -> Answer:
    """
    Changes what is named. Whoever is no longer of the audience has lost all that is in it when this
    is answered.
    """
    change = partial(call.app.albums.change, AlbumId(call.uuid()))
    return done(await call.app.execute(call, change, call.body))


@ROUTES.delete(
    "/v1/albums/{id}",
    tag=_TAG,
    summary="Delete an album",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
)
async def delete_album(call: Ask[None, None]) -> Answer:
    """With all that is in it, whose bytes are free when this is answered."""
    album = AlbumId(call.uuid())
    answer = await call.app.execute(call, call.app.albums.delete, album)
    mark: Mark | None = FIRST
    while mark is not None:
        # Whoever is interrupted here and asks again has the rest removed as well.
        renditions, mark = await call.app.look(photo_reads.bytes_of, album, mark, _DROPPED_AT_ONCE)
        await call.app.pictures.drop(renditions)
    return done(answer)


@ROUTES.get(
    "/v1/spaces/{qq}/albums",
    tag=_TAG,
    summary="A member's albums",
    query=Paging,
    answer=Page[Album],
    roles=MEMBERS,
    problems=_READING,
)
async def list_albums(call: Ask[None, Paging]) -> Answer:
    """Those that you may see, the newest first."""
    owner, limit = await call.app.other(call, call.qq()), call.query.limit
    views = await call.app.read(call, _albums, owner, mark_of(call, LAST), limit + 1)
    if views is None:
        raise Refused("not-found")
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page([_shown(call, view) for view in views[:limit]], place)


@ROUTES.get(
    "/v1/me/storage",
    tag=_TAG,
    summary="How much room your photos take",
    answer=Storage,
    roles=MEMBERS,
    problems=_READING,
)
async def read_storage(call: Ask[None, None]) -> Answer:
    """
    The quota comes with the level of Yellow Diamond; where there is less of it than is used,
    nothing goes, and nothing can be added.
    """
    quota, by_album = await call.app.read(call, _storage, call.app.clock)
    return found(Storage(sum(by_album.values()), quota, by_album))


async def _storage(connection: Any, member: MemberId, clock: Clock) -> tuple[int, dict[UUID, int]]:
    return await storage.quota(connection, member, clock), await reads.storage(connection, member)


async def _albums(
    connection: Any, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[AlbumView] | None:
    if await hidden(connection, viewer, owner):
        return None
    if not await section_is_open(connection, viewer, owner, "albums"):
        return []
    return await reads.albums_of(connection, viewer, owner, before, count)


def _shown(call: Ask[None, Any], view: AlbumView) -> Album:
    own = view.owner.member == call.viewer.id
    return Album(
        id=view.album,
        owner=Presenter(call.app, call.viewer.id).author(view.owner),
        title=call.app.open(view.title),
        layout=cast(Layout, view.layout),
        sort=cast(Sort, view.sort),
        slideshow=cast(Sort, view.slideshow),
        photos=view.photos,
        created_at=view.created_at,
        position=f"{view.cell}-{view.position}",
        state=cast(Any, view.waits or "published"),
        cover=view.cover,
        audience=(view.intended or view.audience) if own else None,
        title_state=cast(Any, view.title_waits) if own else None,
    )
