"""
Photos: added to albums, changed and moved, listed, and their bytes.
"""

from functools import partial
from typing import Any, Final, Literal, cast
from uuid import UUID

import msgspec
from aiohttp import web

from api.albums import ExhibitPresenter, Photo, versioned
from api.answers import Written
from api.http.answers import Answer, Page
from api.http.downloads import serve_download
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import FIRST, LAST, mark_of
from api.routes.members import done
from api.routes.spaces import hidden
from api.services import MEMBERS, Ask
from commands import photos
from commands.photos import AddPhoto, ChangePhoto, Taken
from domain.album_events import Sort
from domain.event import Refused
from domain.ids import AlbumId, MemberId, PhotoId
from domain.photo import PLACE_MAX
from domain.picture import Size
from projections.reading import albums as album_reads
from projections.reading import photos as reads
from projections.reading.albums import AlbumView
from projections.reading.homes import section_is_open
from projections.reading.images import ImageView
from projections.reading.photos import PhotoMark, PhotoView
from projections.reading.posts import Mark, image_in

ROUTES = Routes()
_TAG = "Albums"
_READING = ("suspended", "banned", "no-account")
_ACTING = (*_READING, "conflict")
_PUBLISHING = (*_ACTING, "restricted", "not-published")

_FIRST_PLACE: Final[PhotoMark] = (-PLACE_MAX - 1, FIRST[1])
_START: Final[dict[Sort, PhotoMark]] = {
    "newest": LAST, "oldest": FIRST, "taken": FIRST, "own": _FIRST_PLACE,
}  # fmt: skip


class Photos(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The page, and its order: the album's, its slideshow's, or one that is named."""

    order: Literal["album", "slideshow", "newest", "oldest", "taken", "own"] = "album"


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Which size: ``thumb`` is at most 320 pixels on its longest side, ``screen`` 1,600; ``original``
    keeps format and pixels, its metadata removed. With ``post``, as an image of that post: for
    whoever sees the post, whatever album the photo is in.
    """

    size: Size = "screen"
    post: UUID | None = None


@ROUTES.post(
    "/v1/albums/{id}/photos",
    tag=_TAG,
    summary="Add a photo to an album",
    body=AddPhoto,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *_PUBLISHING,
        "not-yours",
        "album-full",
        "quota-exceeded",
        "no-such-upload",
        "upload-unfinished",
        "consent-missing",
        "not-a-picture",
        "picture-too-large",
    ),
    links=("read_photo", "change_photo", "delete_photo", "read_photo_content"),
    example={"upload": "00000000-0000-8000-8000-000000000000", "caption": "日出江花红胜火"},
)
async def add_photo(call: Ask[AddPhoto, None]) -> Answer:
    """
    A finished upload becomes a photo, once: whatever is tried again adds nothing. At most 10,000 an
    album.
    """
    app, member, command = call.app, call.viewer.member, call.body
    picture = await app.pictures.take(member, command.upload, keep_location=command.keep_location)
    taken = Taken(picture, await app.pictures.turned(member, command.upload))
    return done(await app.execute(call, partial(photos.add, AlbumId(call.uuid()), taken), command))


@ROUTES.get(
    "/v1/albums/{id}/photos",
    tag=_TAG,
    summary="An album's photos",
    query=Photos,
    answer=Page[Photo],
    roles=MEMBERS,
    problems=_READING,
)
async def list_photos(call: Ask[None, Photos]) -> Answer:
    """Those that you may see, in the album's order unless you name another."""
    limit, after = call.query.limit, call.after(cast("type[PhotoMark]", PhotoMark))
    album = await call.app.read(call, album_reads.album, call.uuid())
    if album is None:
        raise Refused("not-found")
    sort = _order(call.query, album)
    owner, start = album.owner.member, after or _START[sort]
    views = await call.app.read(call, reads.photos_in, album.album, owner, sort, start, limit + 1)
    place = views[limit - 1].mark(sort) if len(views) > limit else None
    present = ExhibitPresenter(call.app, call.viewer.id).photo
    return call.page([present(view) for view in views[:limit]], place)


def _order(query: Photos, album: AlbumView) -> Sort:
    match query.order:
        case "album":
            return cast(Sort, album.sort)
        case "slideshow":
            return cast(Sort, album.slideshow)
        case sort:
            return sort


@ROUTES.get(
    "/v1/spaces/{qq}/photos",
    tag=_TAG,
    summary="A member's photo wall",
    query=Paging,
    answer=Page[Photo],
    roles=MEMBERS,
    problems=_READING,
)
async def read_wall(call: Ask[None, Paging]) -> Answer:
    """The photos of all albums that you may see, the newest first."""
    owner, limit = await call.app.other(call, call.qq()), call.query.limit
    views = await call.app.read(call, _wall, owner, mark_of(call, LAST), limit + 1)
    if views is None:
        raise Refused("not-found")
    place = views[limit - 1].mark("newest") if len(views) > limit else None
    present = ExhibitPresenter(call.app, call.viewer.id).photo
    return call.page([present(view) for view in views[:limit]], place)


async def _wall(
    connection: Any, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[PhotoView] | None:
    if await hidden(connection, viewer, owner):
        return None
    if not await section_is_open(connection, viewer, owner, "albums"):
        return []
    return await reads.wall(connection, viewer, owner, before, count)


@ROUTES.get(
    "/v1/photos/{id}",
    tag=_TAG,
    summary="Read a photo",
    answer=Photo,
    roles=MEMBERS,
    problems=_READING,
    versioned=True,
)
async def read_photo(call: Ask[None, None]) -> Answer:
    """Deleted, taken down, never there and not for you look alike. Its owner has its version."""
    view = await _seen(call)
    return versioned(ExhibitPresenter(call.app, call.viewer.id).photo(view), view)


@ROUTES.patch(
    "/v1/photos/{id}",
    tag=_TAG,
    summary="Change or move a photo",
    body=ChangePhoto,
    answer=Written,
    roles=MEMBERS,
    problems=(*_PUBLISHING, "not-yours", "album-full"),
    conditional=True,
    example={"caption": "春来江水绿如蓝"},
)
async def change_photo(call: Ask[ChangePhoto, None]) -> Answer:
    """
    Changes what is named. In another album it is for that one's audience when this is answered.
    """
    return done(
        await call.app.execute(
            call, partial(photos.change, PhotoId(call.uuid()), admits=call.admits), call.body
        )
    )


@ROUTES.delete(
    "/v1/photos/{id}",
    tag=_TAG,
    summary="Delete a photo",
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "not-yours"),
    conditional=True,
)
async def delete_photo(call: Ask[None, None]) -> Answer:
    """
    It is gone from everywhere, and its bytes are free, when this is answered, or once the store
    they are in answers again.
    """
    delete = partial(photos.delete, admits=call.admits)
    return done(await call.app.execute(call, delete, PhotoId(call.uuid()), carried=True))


@ROUTES.get(
    "/v1/photos/{id}/content",
    tag=_TAG,
    summary="A photo's bytes",
    query=Content,
    answer=None,
    media_type="image/*",
    roles=MEMBERS,
    problems=_READING,
)
async def read_photo_content(call: Ask[None, Content]) -> web.StreamResponse:
    """Only while you may see the photo, or the post that shows it, asked anew each time."""
    view = await (_seen(call) if call.query.post is None else _seen_in(call, call.query.post))
    rendition = view.rendition(call.query.size)
    pieces = call.app.pictures.read(MemberId(view.owner), rendition)
    name = f"{view.photo}-{call.query.size}.{rendition.format}"
    return await serve_download(call.request, f"image/{rendition.format}", pieces, filename=name)


async def _seen(call: Ask[None, Any]) -> PhotoView:
    view = await call.app.read(call, reads.photo, call.uuid())
    if view is None:
        raise Refused("not-found")
    return view


async def _seen_in(call: Ask[None, Content], post: UUID) -> ImageView:
    view = await call.app.read(call, image_in, post, call.uuid())
    if view is None:
        raise Refused("not-found")
    return view
