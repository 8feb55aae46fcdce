"""
Commands about photos: add, change, move, delete.

What an upload brought was made into a picture before the command runs: that takes long, and may be
done twice. The photo's id follows from the upload's, so that whatever is tried again adds nothing
again; the photo, its album's count and its owner's bytes are one append.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from commands.consents import consenting
from commands.exhibits import check_version, own_album, own_photo, seal, waits_as
from commands.memberships import levels
from commands.referrals import changed, nothing_to_decide, published_as
from commands.relations import acting_member, check_id, publishing_member
from commands.retentions import retain
from commands.types import Alt, Caption, Place, Precondition
from commands.work import Outcome, Work
from domain import album as albums
from domain import gallery as galleries
from domain import photo as decisions
from domain.album import ALBUM, album_stream
from domain.case_events import Subject
from domain.gallery import GALLERY, gallery_stream
from domain.ids import AlbumId, MemberId, PhotoId, StreamId, cell_of
from domain.photo import PHOTO, PLACE_STEP, DeletedPhoto, NoPhoto, Photo, photo_of, photo_stream
from domain.photo_events import PhotoEvent, PhotoWords
from domain.picture import Picture
from domain.plans import storage_quota
from domain.screening import Found
from domain.sealed import Sealed


class AddPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A finished upload, to be a photo; ``keep_location`` keeps where it was taken, which is removed
    otherwise.
    """

    upload: UUID
    caption: Caption | None = None
    alt: Alt | None = None
    keep_location: bool = False


class ChangePhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    Change what is named; null takes words away. ``album`` moves it into another of one's albums;
    ``place`` is where it stands in the order that is one's own.
    """

    caption: Caption | msgspec.UnsetType | None = msgspec.UNSET
    alt: Alt | msgspec.UnsetType | None = msgspec.UNSET
    album: UUID | msgspec.UnsetType = msgspec.UNSET
    place: Place | msgspec.UnsetType = msgspec.UNSET


class Taken(msgspec.Struct, frozen=True):
    """
    What an upload was made into; ``turned`` are the picture's PDQ hashes, turned and mirrored in
    all eight ways, none where they are not computed. ``made_at`` when it was added elsewhere, where
    it comes from a copy.
    """

    picture: Picture
    turned: tuple[bytes, ...] = ()
    made_at: datetime | None = None


async def quota_of(work: Work, member: MemberId) -> int:
    """How many bytes a member may store now."""
    return storage_quota((await levels(work, member)).get("yellow"))


async def add(album: AlbumId, taken: Taken, command: AddPhoto, work: Work) -> Outcome:
    """Add a photo to an album."""
    owner = await publishing_member(work)
    photo = photo_of(owner, command.upload)
    stream = photo_stream(photo)
    state = await work.load(PHOTO, stream)
    match state:
        case Photo():
            return Outcome(photo, (stream, 1), state=waits_as(state.standing), status=201)
        case DeletedPhoto():
            return Outcome(photo, (stream, state.since), state="deleted", status=201)
        case NoPhoto():
            pass
    if command.keep_location:
        await consenting(work, owner, "location", "/keep_location")
    into = await own_album(work, owner, album)
    said = {"caption": command.caption, "alt": command.alt}
    found = await work.screen(cell_of(owner), said, taken.turned)
    words = PhotoWords(
        await seal(work, owner, command.caption, photo), await seal(work, owner, command.alt, photo)
    )
    if found is not None and found.outcome == "refused":
        return await _refused(work, owner, album, words, found, photo)
    picture = taken.picture
    gallery = gallery_stream(owner, cell_of(owner))
    room, quota = await work.load(GALLERY, gallery), await quota_of(work, owner)
    counted = galleries.add_photo(room, owner, photo, picture.stored, quota)
    received = albums.receive(into, photo, picture.stored)
    place = (into.placed + 1) * PLACE_STEP
    events = decisions.add(owner, album, words, picture, place, found, taken.made_at)
    work.append(PHOTO, stream, owner, events)
    work.append(ALBUM, album_stream(album), owner, received)
    work.append(GALLERY, gallery, owner, counted)
    subject = Subject("photo", photo, owner)
    became, _ = await published_as(work, subject, found, len(events))
    return Outcome(photo, (stream, 1), state=became, status=201)


async def change(
    photo: PhotoId, command: ChangePhoto, work: Work, *, admits: Precondition | None = None
) -> Outcome:
    """Change a photo's words, its album, or its place."""
    owner = await publishing_member(work)
    current = await own_photo(work, owner, photo)
    check_version(current.since, admits)
    stream, subject = photo_stream(photo), Subject("photo", photo, owner)
    state = waits_as(current.standing)
    words = await _words(work, photo, current, command)
    found: Found | None = None
    if words != current.words:
        said = {"caption": _opened(work, words.caption), "alt": _opened(work, words.alt)}
        found = await work.screen(cell_of(owner), said)
        if found is not None and found.outcome == "refused":
            return await _refused(work, owner, current.album, words, found, photo)
    events = [*await _moved(work, owner, photo, current, command)]
    if words != current.words:
        events += decisions.reword(current, words, found)
        version = work.version(stream) + len(events)
        await published_as(work, subject, found, version, edit=True)
        settled = found is None and current.pending is not None
        if not (settled and await nothing_to_decide(work, subject, "replaced", {"edit_held"})):
            await changed(work, subject, found, version)
    work.append(PHOTO, stream, owner, events)
    made = work.version(stream) + len(events) if events else current.since
    return Outcome(photo, (stream, made), state=state)


async def delete(photo: PhotoId, work: Work, *, admits: Precondition | None = None) -> Outcome:
    """Take a photo away, and free its bytes."""
    owner = await acting_member(work)
    check_id(work, photo)
    stream = photo_stream(photo)
    state = await work.load(PHOTO, stream)
    if isinstance(state, DeletedPhoto) and state.owner == owner:
        return Outcome(photo, (stream, state.since), state="deleted")
    current = await own_photo(work, owner, photo)
    check_version(current.since, admits)
    album, gallery = album_stream(current.album), gallery_stream(owner, cell_of(owner))
    holding = albums.own(await work.load(ALBUM, album), owner)
    await work.load(GALLERY, gallery)
    stored = current.picture.stored
    work.append(PHOTO, stream, owner, decisions.delete(current))
    work.append(ALBUM, album, owner, albums.release(holding, photo, stored))
    removed = galleries.GalleryPhotoRemoved(owner, photo, stored)
    work.append(GALLERY, gallery, owner, (removed,))
    await retain(work, owner, "photo", photo)
    await nothing_to_decide(work, Subject("photo", photo, owner), "deleted")
    return Outcome(photo, (stream, work.version(stream) + 1), state="deleted")


async def _refused(
    work: Work, owner: MemberId, album: AlbumId, words: PhotoWords, found: Found, photo: PhotoId
) -> Outcome:
    """Keep what was refused, on a stream of its own."""
    attempt: StreamId = photo_stream(PhotoId(work.mint(cell_of(owner))))
    work.fresh(PHOTO, attempt)
    work.append(PHOTO, attempt, owner, decisions.refuse(owner, album, words, found, photo))
    _, refused = await published_as(work, Subject("photo", photo, owner), found, 0)
    return Outcome(photo, (attempt, 1), refused=refused)


async def _moved(
    work: Work, owner: MemberId, photo: PhotoId, current: Photo, command: ChangePhoto
) -> Sequence[PhotoEvent]:
    """What a change of album or place does; the albums hear of it in the same append."""
    target = current.album if command.album is msgspec.UNSET else AlbumId(command.album)
    place = current.place if command.place is msgspec.UNSET else command.place
    if target == current.album:
        return decisions.put(current, place)
    into = await own_album(work, owner, target, "/album")
    stored = current.picture.stored
    source = albums.own(await work.load(ALBUM, album_stream(current.album)), owner)
    work.append(ALBUM, album_stream(current.album), owner, albums.release(source, photo, stored))
    work.append(ALBUM, album_stream(target), owner, albums.receive(into, photo, stored))
    if command.place is msgspec.UNSET:
        place = (into.placed + 1) * PLACE_STEP
    return decisions.move(current, target, place)


async def _words(work: Work, photo: PhotoId, current: Photo, command: ChangePhoto) -> PhotoWords:
    """Its words after a change; what says the same as before stays sealed as it is."""
    said: dict[str, Sealed[str] | None] = {}
    for name in ("caption", "alt"):
        before: Sealed[str] | None = getattr(current.words, name)
        to = getattr(command, name)
        same = to is msgspec.UNSET or to == _opened(work, before)
        said[name] = before if same else await seal(work, current.owner, to, photo)
    return PhotoWords(**said)


def _opened(work: Work, text: Sealed[str] | None) -> str | None:
    return None if text is None else work.vault.open(text)
