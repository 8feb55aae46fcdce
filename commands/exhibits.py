"""
Albums and photos as commands find them: for a viewer, or for the one whose they are.

Each load is a guard: what is decided on an album that its owner hid a moment ago does not pass.
"""

from commands.relations import check_id, relation
from commands.types import Precondition
from commands.work import Work
from domain import album as albums
from domain import photo as photos
from domain.album import ALBUM, Album, album_stream
from domain.audience import Public, visible
from domain.event import Refused
from domain.exhibit import Down, Published, Standing, Waiting
from domain.ids import AlbumId, MemberId, PhotoId
from domain.photo import PHOTO, Photo, photo_stream
from domain.sealed import KeyClass, Sealed


def check_version(since: int, admits: Precondition | None) -> None:
    """
    :param since: the version that last changed what it is.
    :raises Refused: the change is conditional on another one.
    """
    if admits is not None and not admits(since):
        raise Refused("version-mismatch", "It has changed since it was read.")


async def visible_album(
    work: Work, viewer: MemberId, album: AlbumId, field: str | None = None
) -> Album:
    """
    An album that the viewer may see.

    :raises Refused: there is none, or it is not for the viewer: the two look alike.
    """
    check_id(work, album, field=field)
    state = await work.load(ALBUM, album_stream(album))
    if isinstance(state, Album):
        if state.owner == viewer and not isinstance(state.standing, Down):
            return state
        stands = await relation(work, viewer, state.owner, state.audience)
        if visible(isinstance(state.standing, Published), state.audience, stands):
            return state
    raise Refused("not-found", field=field)


async def visible_photo(
    work: Work, viewer: MemberId, photo: PhotoId, field: str | None = None
) -> Photo:
    """
    A photo that the viewer may see.

    :raises Refused: there is none, or it is not for the viewer: the two look alike.
    """
    check_id(work, photo, field=field)
    state = await work.load(PHOTO, photo_stream(photo))
    if isinstance(state, Photo):
        await visible_album(work, viewer, state.album, field)
        if state.owner == viewer and not isinstance(state.standing, Down):
            return state
        stands = await relation(work, viewer, state.owner, Public())
        if visible(isinstance(state.standing, Published), Public(), stands):
            return state
    raise Refused("not-found", field=field)


async def own_album(
    work: Work, editor: MemberId, album: AlbumId, field: str | None = None
) -> Album:
    """An album of the editor's; another's that they may not even see is not found."""
    check_id(work, album, field=field)
    state = await work.load(ALBUM, album_stream(album))
    if isinstance(state, Album) and state.owner != editor:
        await visible_album(work, editor, album, field)
    try:
        return albums.own(state, editor)
    except Refused as no:
        no.field = field
        raise


async def own_photo(work: Work, editor: MemberId, photo: PhotoId) -> Photo:
    """A photo of the editor's in an album that is there."""
    check_id(work, photo)
    state = await work.load(PHOTO, photo_stream(photo))
    if isinstance(state, Photo):
        if state.owner != editor:
            await visible_photo(work, editor, photo)
        else:
            albums.own(await work.load(ALBUM, album_stream(state.album)), editor)
    return photos.own(state, editor)


def waits_as(standing: Standing) -> str:
    """How it waits, or that it does not, as its owner hears it."""
    match standing:
        case Waiting(how=how):
            return how
        case Down():
            return "taken_down"
        case Published():
            return "published"


async def seal(
    work: Work, owner: MemberId, text: str | None, item: AlbumId | PhotoId
) -> Sealed[str] | None:
    """A text of the owner's about an album or a photo, sealed; none stays none."""
    return None if text is None else await work.vault.seal(owner, KeyClass.CONTENT, text, item)
