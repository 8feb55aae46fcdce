"""
Photos: a picture in an album, with words. Whoever sees the album sees it, unless it waits or was
taken down. A photo that was taken down keeps its bytes, for it may be put back.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.exhibit import (
    PUBLISHED,
    Down,
    Published,
    Standing,
    Step,
    Waiting,
    after,
    check_there,
    steps,
)
from domain.ids import (
    AlbumId,
    CaseId,
    DecisionId,
    MemberId,
    PhotoId,
    StreamId,
    cell_of,
    derive_at,
    milliseconds_of,
)
from domain.photo_events import (
    PhotoAdded,
    PhotoApproved,
    PhotoDeleted,
    PhotoEvent,
    PhotoFlagged,
    PhotoHeld,
    PhotoMoved,
    PhotoPlaced,
    PhotoRefused,
    PhotoRejected,
    PhotoRestored,
    PhotoReworded,
    PhotoUnpublished,
    PhotoWords,
    PhotoWordsApproved,
    PhotoWordsHeld,
    PhotoWordsRejected,
    Seen,
)
from domain.picture import Picture
from domain.screening import Found

CAPTION_LENGTH_MAX = 500
ALT_LENGTH_MAX = 1_000
#: How far apart photos are put in their owner's order, so that others find room between them.
PLACE_STEP = 1 << 16
PLACE_MAX = (1 << 53) - 1


class NoPhoto(msgspec.Struct, frozen=True, gc=False):
    """No such photo; or an attempt that was refused."""


class Photo(msgspec.Struct, frozen=True, gc=False):
    """
    A photo. ``pending`` are the words it is to have once they are approved; ``since`` the version
    that last changed it, and ``said`` the one that last gave it words.
    """

    owner: MemberId
    album: AlbumId
    words: PhotoWords
    picture: Picture
    place: int
    standing: Standing
    since: int
    said: int
    pending: PhotoWords | None = None

    @property
    def seen(self) -> Seen:
        """Whether others see it, or it waits; of one that is there."""
        return "published" if isinstance(self.standing, Published) else "waiting"


class DeletedPhoto(msgspec.Struct, frozen=True, gc=False):
    """Gone at version ``since``."""

    owner: MemberId
    album: AlbumId
    since: int


AnyPhoto: TypeAlias = NoPhoto | Photo | DeletedPhoto

_STEPS: dict[type[Event], Step] = {
    PhotoApproved: "approved",
    PhotoRejected: "rejected",
    PhotoUnpublished: "unpublished",
    PhotoRestored: "restored",
}


def evolve(photo: AnyPhoto, event: PhotoEvent, version: int) -> AnyPhoto:
    """The photo after one more event."""
    match event, photo:
        case ((PhotoAdded() | PhotoHeld()), NoPhoto()):
            standing = Waiting(event.how) if isinstance(event, PhotoHeld) else PUBLISHED
            return Photo(
                event.owner, event.album, event.words, event.picture, event.place, standing,
                version, version,
            )  # fmt: skip
        case PhotoDeleted(owner=owner, album=album), _:
            return DeletedPhoto(owner, album, version)
        case _, Photo():
            return _changed(photo, event, version)
        case _:
            return photo


def _changed(photo: Photo, event: PhotoEvent, version: int) -> Photo:
    change = msgspec.structs.replace
    match event:
        case PhotoReworded(words=words):
            return change(photo, words=words, pending=None, since=version, said=version)
        case PhotoWordsHeld(words=words):
            return change(photo, pending=words, said=version)
        case PhotoWordsApproved(words=words):
            return change(photo, words=words, pending=None, since=version)
        case PhotoWordsRejected():
            return change(photo, pending=None)
        case PhotoMoved(album=album, place=place):
            return change(photo, album=album, place=place, since=version)
        case PhotoPlaced(place=place):
            return change(photo, place=place, since=version)
        case PhotoApproved() | PhotoRejected() | PhotoUnpublished() | PhotoRestored():
            standing = after(photo.standing, _STEPS[type(event)], version)
            return change(photo, standing=standing, since=version)
        case _:
            return photo


PHOTO: Aggregate[AnyPhoto] = Aggregate("photo", NoPhoto(), evolve)


def photo_of(owner: MemberId, upload: UUID) -> PhotoId:
    """The one photo that an upload of a member's becomes; as old as the upload."""
    return PhotoId(derive_at(milliseconds_of(upload), cell_of(owner), "photo", owner, upload))


def photo_stream(photo: PhotoId) -> StreamId:
    """A photo's stream bears the photo's own id."""
    return StreamId(photo)


def add(
    owner: MemberId,
    album: AlbumId,
    words: PhotoWords,
    picture: Picture,
    place: int,
    found: Found | None = None,
    made_at: datetime | None = None,
) -> tuple[PhotoEvent, ...]:
    """
    Add a photo, or what becomes of it instead; what is refused is kept elsewhere.

    :param made_at: when it was added elsewhere.
    """
    added = PhotoAdded(owner, album, words, picture, place, made_at)
    if found is None:
        return (added,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return ()
        case ("held" | "private_view") as how:
            return (PhotoHeld(owner, album, words, picture, place, how, screening, promise),)
        case "flagged":
            return (added, PhotoFlagged(owner, screening))
        case "published":
            return (added,)


def refuse(
    owner: MemberId, album: AlbumId, words: PhotoWords, found: Found, photo: PhotoId | None = None
) -> tuple[PhotoEvent, ...]:
    """Keep an attempt that is refused, on a stream of its own: the photo's stays free for it."""
    return (PhotoRefused(owner, album, words, found.screening, photo),)


def own(photo: AnyPhoto, editor: MemberId) -> Photo:
    """
    The photo, if it is there and the editor's.

    :raises Refused: another's that is there is not theirs; whether they see it, ask before.
    """
    if not isinstance(photo, Photo):
        raise Refused("not-found")
    check_there(photo.standing)
    if photo.owner != editor:
        if isinstance(photo.standing, Published):
            raise Refused("not-yours", "Only its owner may change a photo.")
        raise Refused("not-found")
    return photo


def reword(photo: Photo, words: PhotoWords, found: Found | None) -> tuple[PhotoEvent, ...]:
    """Give it other words, or have those wait; what is refused is kept elsewhere."""
    if found is None or found.outcome == "published":
        return (PhotoReworded(photo.owner, words),)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return ()
        case ("held" | "private_view") as how if isinstance(photo.standing, Published):
            return (PhotoWordsHeld(photo.owner, words, how, screening, promise),)
        case _:
            return PhotoReworded(photo.owner, words), PhotoFlagged(photo.owner, screening)


def move(photo: Photo, album: AlbumId, place: int) -> tuple[PhotoEvent, ...]:
    """Put it into another album."""
    if photo.album == album:
        return ()
    stored = photo.picture.stored
    return (PhotoMoved(photo.owner, photo.album, album, place, photo.seen, stored),)


def put(photo: Photo, place: int) -> tuple[PhotoEvent, ...]:
    """Put it elsewhere in its owner's own order."""
    return () if photo.place == place else (PhotoPlaced(photo.owner, place),)


def delete(photo: Photo) -> tuple[PhotoEvent, ...]:
    """Take it away."""
    return (PhotoDeleted(photo.owner, photo.album, photo.seen, photo.picture.stored),)


def erase(photo: Photo) -> tuple[PhotoEvent, ...]:
    """Take it away because its owner is forgotten, also where it was taken down."""
    was: Seen | Literal["down"] = "down" if isinstance(photo.standing, Down) else photo.seen
    return (PhotoDeleted(photo.owner, photo.album, was, photo.picture.stored),)


def judge(
    photo: AnyPhoto, verdict: str, case: CaseId, decision: DecisionId
) -> tuple[PhotoEvent, ...] | None:
    """What a verdict makes of a photo; None when it decides nothing of it."""
    if not isinstance(photo, Photo):
        return () if verdict == "no_action" else None
    taken = steps(photo.standing, photo.pending is not None, verdict)
    return None if taken is None else tuple(_step(photo, one, case, decision) for one in taken)


def _step(photo: Photo, step: Step, case: CaseId, decision: DecisionId) -> PhotoEvent:
    owner, album = photo.owner, photo.album
    match step:
        case "approved":
            waited = isinstance(photo.standing, Waiting)
            return PhotoApproved(owner, album, case, decision, waited)
        case "rejected":
            return PhotoRejected(owner, album, case, decision)
        case "unpublished":
            return PhotoUnpublished(owner, album, case, decision)
        case "restored":
            return PhotoRestored(owner, album, case, decision)
        case "words_approved":
            assert photo.pending is not None
            return PhotoWordsApproved(owner, album, case, decision, photo.pending)
        case "words_rejected":
            return PhotoWordsRejected(owner, album, case, decision)


def gone_since(photo: AnyPhoto) -> int:
    """The version at which it went out of its owner's sight; 0 when it has not."""
    match photo:
        case DeletedPhoto(since=since) | Photo(standing=Down(since=since)):
            return since
        case _:
            return 0
