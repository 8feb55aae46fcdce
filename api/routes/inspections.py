"""
The pictures that a case is about, for those who decide it: held, taken down or published.
"""

from uuid import UUID

import msgspec
from aiohttp import web

from api.disclosing import STATED, may_open
from api.http.downloads import serve_download
from api.http.routes import Routes
from api.moderation.trails import Trail
from api.routes.moderation import check_not_theirs
from api.services import REVIEWERS, Ask
from domain.case_events import Subject
from domain.event import Event, Refused
from domain.ids import CaseId, PhotoId, StreamId, cell_of
from domain.photo import PHOTO, AnyPhoto, Photo, photo_stream
from domain.picture import Picture, Size
from domain.post_events import PostContent

ROUTES = Routes()


class Inspected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which photo of the case, and in which size."""

    photo: UUID
    size: Size = "screen"


@ROUTES.get(
    "/v1/moderation/cases/{id}/content",
    tag="Moderation",
    summary="A picture that a case is about",
    query=Inspected,
    answer=None,
    media_type="image/*",
    roles=REVIEWERS,
    headers=STATED,
    problems=("same-person", "purpose-required", "no-such-request", "request-closed"),
)
async def inspect_photo(call: Ask[None, Inspected]) -> web.StreamResponse:
    """
    A photo, one that an album holds, or an image of a post, however it stands, as long as its bytes
    are there. `Homezone-Purpose` is needed, and recorded before anything is sent.
    """
    app, size = call.app, call.query.size
    trail = await Trail.read(app, CaseId(call.uuid()))
    await check_not_theirs(call, trail)
    picture = await _picture(call, trail, PhotoId(call.query.photo))
    if not await may_open(call, (StreamId(call.query.photo),)):
        raise Refused("purpose-required")
    rendition = picture.of_size(size)
    pieces = app.pictures.read(trail.subject.owner, rendition)
    name = f"{call.query.photo}-{size}.{rendition.format}"
    return await serve_download(call.request, f"image/{rendition.format}", pieces, filename=name)


async def _picture(call: Ask[None, Inspected], trail: Trail, photo: PhotoId) -> Picture:
    """
    :raises Refused: not-found: it is not what the case is about, or it was deleted.
    """
    if not 0 <= cell_of(photo) < call.app.log.cells:
        raise Refused("not-found")
    history = await call.app.log.read_stream(photo_stream(photo))
    state: AnyPhoto = PHOTO.fold((one.event for one in history), PHOTO.initial)
    events = [one.event for part, one in trail.recorded if part == "subject"]
    if isinstance(state, Photo) and _about(trail.subject, photo, state, events):
        return state.picture
    raise Refused("not-found")


def _about(subject: Subject, photo: PhotoId, state: Photo, events: list[Event]) -> bool:
    """Whether a photo is the subject of a case, or is in it, or was."""
    if state.owner != subject.owner:
        return False
    match subject.kind:
        case "photo":
            return photo == subject.id
        case "album":
            return state.album == subject.id
        case "post":
            said = (getattr(event, "content", None) for event in events)
            return any(photo in one.images for one in said if isinstance(one, PostContent))
        case _:
            return False
