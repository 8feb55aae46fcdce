"""
The images of a post: photos of its author's own, that are there.
"""

from collections.abc import Sequence
from uuid import UUID

from commands.relations import check_id
from commands.work import Work
from domain.album import ALBUM, Album, AnyAlbum, album_stream
from domain.event import Refused
from domain.exhibit import Down, Published, Waiting
from domain.ids import AlbumId, MemberId, PhotoId
from domain.photo import PHOTO, AnyPhoto, Photo, photo_stream


async def own_images(work: Work, author: MemberId, images: Sequence[UUID]) -> tuple[PhotoId, ...]:
    """
    The photos that a post is to show, each once; the command stands or falls with them.

    :raises Refused: one of them is not there, or another's: the two look alike; or it waits.
    """
    found: list[PhotoId] = []
    for number, image in enumerate(images):
        at = f"/images/{number}"
        check_id(work, image, "no-such-image", at)
        photo = PhotoId(image)
        state: AnyPhoto = await work.load(PHOTO, photo_stream(photo))
        if not isinstance(state, Photo) or state.owner != author or await _gone(work, state.album):
            raise Refused("no-such-image", "There is no such image of yours.", at)
        match state.standing:
            case Published():
                found.append(photo)
            case Waiting():
                raise Refused("not-published-yet", "This photo waits to be looked at.", at)
            case _:
                raise Refused("no-such-image", "There is no such image of yours.", at)
    return tuple(dict.fromkeys(found))


async def _gone(work: Work, album: AlbumId) -> bool:
    """Whether an album was deleted or taken down, and all that is in it with it."""
    state: AnyAlbum = await work.load(ALBUM, album_stream(album))
    return not isinstance(state, Album) or isinstance(state.standing, Down)
