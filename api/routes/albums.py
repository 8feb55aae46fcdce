"""
Albums: made, changed and listed; and how much room they take.
"""

from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from api import storage
from api.albums import Album, ExhibitPresenter, versioned
from api.answers import Written
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import LAST, mark_of
from api.routes.members import done
from api.routes.spaces import hidden
from api.services import MEMBERS, Ask
from commands.albums import ChangeAlbum, CreateAlbum
from commands.ports import Clock
from domain.event import Refused
from domain.ids import AlbumId, MemberId
from projections.reading import albums as reads
from projections.reading.albums import AlbumView
from projections.reading.homes import section_is_open
from projections.reading.posts import Mark

ROUTES = Routes()
_TAG = "Albums"
_READING = ("suspended", "banned", "no-account")
_ACTING = (*_READING, "conflict")
_PUBLISHING = (*_ACTING, "restricted", "not-published")
_AUDIENCE = ("no-such-member", "no-such-list", "list-or-name")


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
    versioned=True,
)
async def read_album(call: Ask[None, None]) -> Answer:
    """Deleted, taken down, never there and not for you look alike. Its owner has its version."""
    view = await call.app.read(call, reads.album, call.uuid())
    if view is None:
        raise Refused("not-found")
    return versioned(ExhibitPresenter(call.app, call.viewer.id).album(view), view)


@ROUTES.patch(
    "/v1/albums/{id}",
    tag=_TAG,
    summary="Change an album",
    body=ChangeAlbum,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, *_AUDIENCE, "not-yours", "no-such-photo"),
    conditional=True,
    example={"layout": "wall", "sort": "own"},
)
async def change_album(call: Ask[ChangeAlbum, None]) -> Answer:
    """
    Changes what is named. Whoever is no longer of the audience has lost all that is in it when this
    is answered.
    """
    change = partial(call.app.albums.change, AlbumId(call.uuid()), admits=call.admits)
    return done(await call.app.execute(call, change, call.body))


@ROUTES.delete(
    "/v1/albums/{id}",
    tag=_TAG,
    summary="Delete an album",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
    conditional=True,
)
async def delete_album(call: Ask[None, None]) -> Answer:
    """
    With all that is in it, whose bytes are free when this is answered, or once the store they are
    in answers again.
    """
    delete = partial(call.app.albums.delete, admits=call.admits)
    return done(await call.app.execute(call, delete, AlbumId(call.uuid()), carried=True))


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
    present = ExhibitPresenter(call.app, call.viewer.id).album
    return call.page([present(view) for view in views[:limit]], place)


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
