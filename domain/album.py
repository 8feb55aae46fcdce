"""
Albums: a title, an audience, and how many photos are in them. Which ones, the photos say: an album
of ten thousand is as small a state as an empty one.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from domain.album_events import (
    AlbumApproved,
    AlbumArranged,
    AlbumAudienceChanged,
    AlbumAudienceIntended,
    AlbumCreated,
    AlbumDeleted,
    AlbumEvent,
    AlbumFlagged,
    AlbumHeld,
    AlbumPhotoCame,
    AlbumPhotoWent,
    AlbumRefused,
    AlbumRejected,
    AlbumRestored,
    AlbumRetitled,
    AlbumTitleApproved,
    AlbumTitleHeld,
    AlbumTitleRejected,
    AlbumUnpublished,
    Arrangement,
)
from domain.audience import Audience
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
from domain.ids import AlbumId, CaseId, DecisionId, MemberId, PhotoId, StreamId
from domain.screening import Found
from domain.sealed import Sealed

ALBUM_TITLE_LENGTH_MAX = 60
PHOTOS_MAX = 10_000


class NoAlbum(msgspec.Struct, frozen=True, gc=False):
    """No such album; or a title that was refused."""


class Album(msgspec.Struct, frozen=True, gc=False):
    """
    An album. ``photos`` and ``stored`` are how many photos are in it and their bytes, ``placed``
    how many ever came; ``pending`` is the title that it is to have once that is approved; ``since``
    the version that last changed what it is, and ``said`` the one that last gave it a title.
    """

    owner: MemberId
    title: Sealed[str]
    audience: Audience
    arrangement: Arrangement
    standing: Standing
    since: int
    said: int
    photos: int = 0
    stored: int = 0
    placed: int = 0
    pending: Sealed[str] | None = None


class DeletedAlbum(msgspec.Struct, frozen=True, gc=False):
    """Gone at version ``since``."""

    owner: MemberId
    since: int


AnyAlbum: TypeAlias = NoAlbum | Album | DeletedAlbum

_STEPS: dict[type[Event], Step] = {
    AlbumApproved: "approved",
    AlbumRejected: "rejected",
    AlbumUnpublished: "unpublished",
    AlbumRestored: "restored",
}


def evolve(album: AnyAlbum, event: AlbumEvent, version: int) -> AnyAlbum:
    """The album after one more event."""
    match event, album:
        case ((AlbumCreated() | AlbumHeld()), NoAlbum()):
            standing = Waiting(event.how) if isinstance(event, AlbumHeld) else PUBLISHED
            return Album(
                event.owner, event.title, event.audience, event.arrangement, standing, version,
                version,
            )  # fmt: skip
        case AlbumDeleted(owner=owner), _:
            return DeletedAlbum(owner, version)
        case _, Album():
            return _changed(album, event, version)
        case _:
            return album


def _changed(album: Album, event: AlbumEvent, version: int) -> Album:
    change = msgspec.structs.replace
    match event:
        case AlbumPhotoCame(stored=stored):
            photos, placed = album.photos + 1, album.placed + 1
            return change(album, photos=photos, stored=album.stored + stored, placed=placed)
        case AlbumPhotoWent(stored=stored):
            return change(album, photos=album.photos - 1, stored=album.stored - stored)
        case AlbumArranged(arrangement=arrangement):
            return change(album, arrangement=arrangement, since=version)
        case AlbumRetitled(title=title):
            return change(album, title=title, pending=None, since=version, said=version)
        case AlbumTitleHeld(title=title):
            return change(album, pending=title, said=version)
        case AlbumTitleApproved(title=title):
            return change(album, title=title, pending=None, since=version)
        case AlbumTitleRejected():
            return change(album, pending=None)
        case AlbumAudienceChanged(audience=audience) | AlbumAudienceIntended(audience=audience):
            return change(album, audience=audience, since=version)
        case AlbumApproved() | AlbumRejected() | AlbumUnpublished() | AlbumRestored():
            standing = after(album.standing, _STEPS[type(event)], version)
            return change(album, standing=standing, since=version)
        case _:
            return album


ALBUM: Aggregate[AnyAlbum] = Aggregate("album", NoAlbum(), evolve)


def album_stream(album: AlbumId) -> StreamId:
    """An album's stream bears the album's own id."""
    return StreamId(album)


def create(
    owner: MemberId,
    title: Sealed[str],
    audience: Audience,
    arrangement: Arrangement,
    found: Found | None = None,
    made_at: datetime | None = None,
) -> tuple[AlbumEvent, ...]:
    """
    Make an album, or what becomes of that instead.

    :param made_at: when it was made elsewhere.
    """
    created = AlbumCreated(owner, title, audience, arrangement, made_at)
    if found is None:
        return (created,)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return (AlbumRefused(owner, title, screening),)
        case ("held" | "private_view") as how:
            return (AlbumHeld(owner, title, audience, arrangement, how, screening, promise),)
        case "flagged":
            return (created, AlbumFlagged(owner, screening))
        case "published":
            return (created,)


def own(album: AnyAlbum, editor: MemberId) -> Album:
    """
    The album, if it is there and the editor's.

    :raises Refused: another's that is there is not theirs; whether they see it, ask before.
    """
    if not isinstance(album, Album):
        raise Refused("not-found")
    check_there(album.standing)
    if album.owner != editor:
        if isinstance(album.standing, Published):
            raise Refused("not-yours", "Only its owner may change an album.")
        raise Refused("not-found")
    return album


def retitle(album: Album, title: Sealed[str], found: Found | None) -> tuple[AlbumEvent, ...]:
    """Give it another title, or have that wait; what is refused is kept elsewhere."""
    if found is None or found.outcome == "published":
        return (AlbumRetitled(album.owner, title),)
    screening, promise = found.screening, found.promise
    match found.outcome:
        case "refused":
            return ()
        case ("held" | "private_view") as how if isinstance(album.standing, Published):
            return (AlbumTitleHeld(album.owner, title, how, screening, promise),)
        case _:
            return AlbumRetitled(album.owner, title), AlbumFlagged(album.owner, screening)


def change_audience(album: Album, audience: Audience) -> tuple[AlbumEvent, ...]:
    """Have it for others, with all that is in it."""
    if album.audience == audience:
        return ()
    if isinstance(album.standing, Waiting):
        return (AlbumAudienceIntended(album.owner, audience),)
    return (AlbumAudienceChanged(album.owner, audience),)


def arrange(album: Album, arrangement: Arrangement) -> tuple[AlbumEvent, ...]:
    """Show it in another way."""
    return () if album.arrangement == arrangement else (AlbumArranged(album.owner, arrangement),)


def delete(album: Album) -> tuple[AlbumEvent, ...]:
    """Take it away, with all that is in it."""
    return (AlbumDeleted(album.owner, album.photos, album.stored),)


def receive(album: Album, photo: PhotoId, stored: int) -> tuple[AlbumEvent, ...]:
    """
    A photo comes.

    :raises Refused: album-full.
    """
    if album.photos >= PHOTOS_MAX:
        raise Refused("album-full", f"An album has at most {PHOTOS_MAX} photos.")
    return (AlbumPhotoCame(album.owner, photo, stored),)


def release(album: Album, photo: PhotoId, stored: int) -> tuple[AlbumEvent, ...]:
    """A photo goes."""
    return (AlbumPhotoWent(album.owner, photo, stored),)


def judge(
    album: AnyAlbum, verdict: str, case: CaseId, decision: DecisionId
) -> tuple[AlbumEvent, ...] | None:
    """What a verdict makes of an album; None when it decides nothing of it."""
    if not isinstance(album, Album):
        return () if verdict == "no_action" else None
    taken = steps(album.standing, album.pending is not None, verdict)
    return None if taken is None else tuple(_step(album, one, case, decision) for one in taken)


def _step(album: Album, step: Step, case: CaseId, decision: DecisionId) -> AlbumEvent:
    owner = album.owner
    match step:
        case "approved":
            return AlbumApproved(owner, case, decision, album.audience)
        case "rejected":
            return AlbumRejected(owner, case, decision)
        case "unpublished":
            return AlbumUnpublished(owner, case, decision)
        case "restored":
            return AlbumRestored(owner, case, decision, album.audience)
        case "words_approved":
            assert album.pending is not None
            return AlbumTitleApproved(owner, case, decision, album.pending)
        case "words_rejected":
            return AlbumTitleRejected(owner, case, decision)


def gone_since(album: AnyAlbum) -> int:
    """The version at which it went out of its owner's sight; 0 when it has not."""
    match album:
        case DeletedAlbum(since=since) | Album(standing=Down(since=since)):
            return since
        case _:
            return 0
