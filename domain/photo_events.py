"""
What happens to a photo. Its words are sealed; its bytes are named by the digests of their sealed
form (:mod:`domain.picture`). ``was`` says whether others saw it, without looking that up.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from domain.event import Event
from domain.ids import AlbumId, CaseId, DecisionId, MemberId, PhotoId
from domain.picture import Picture
from domain.promise import Promise
from domain.screening import Screening, Wait
from domain.sealed import Sealed

Seen: TypeAlias = Literal["published", "waiting"]


class PhotoWords(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What its owner says of a photo: a caption, and what it shows for those who do not see it."""

    caption: Sealed[str] | None = None
    alt: Sealed[str] | None = None


class PhotoAdded(Event, frozen=True, tag="photo.added.v1"):
    """
    It is in an album, at ``place`` in its owner's own order; ``made_at`` when it was added
    elsewhere, where it comes from a copy.
    """

    owner: MemberId
    album: AlbumId
    words: PhotoWords
    picture: Picture
    place: int
    made_at: datetime | None = None


class PhotoHeld(Event, frozen=True, tag="photo.held.v1"):
    """It is in an album, and waits: its owner alone sees it."""

    owner: MemberId
    album: AlbumId
    words: PhotoWords
    picture: Picture
    place: int
    how: Wait
    screening: Screening
    promise: Promise


class PhotoRefused(Event, frozen=True, tag="photo.refused.v1"):
    """A photo, or words for the ``photo`` that is there, which were not published."""

    owner: MemberId
    album: AlbumId
    words: PhotoWords
    screening: Screening
    photo: PhotoId | None = None


class PhotoFlagged(Event, frozen=True, tag="photo.flagged.v1"):
    """It is seen, and somebody is to look at it."""

    owner: MemberId
    screening: Screening


class PhotoReworded(Event, frozen=True, tag="photo.reworded.v1"):
    """It has other words."""

    owner: MemberId
    words: PhotoWords


class PhotoWordsHeld(Event, frozen=True, tag="photo.words_held.v1"):
    """It is to have other words, once somebody has looked at those."""

    owner: MemberId
    words: PhotoWords
    how: Wait
    screening: Screening
    promise: Promise


class PhotoMoved(Event, frozen=True, tag="photo.moved.v1"):
    """It is in another album now, and for that one's audience."""

    owner: MemberId
    source: AlbumId
    album: AlbumId
    place: int
    was: Seen
    stored: int


class PhotoPlaced(Event, frozen=True, tag="photo.placed.v1"):
    """It stands elsewhere in its owner's own order."""

    owner: MemberId
    place: int


class PhotoDeleted(Event, frozen=True, tag="photo.deleted.v1"):
    """
    Gone by its owner's hand, with its bytes; or with its owner, who is forgotten, also where it had
    been taken ``down``.
    """

    owner: MemberId
    album: AlbumId
    was: Seen | Literal["down"]
    stored: int


class PhotoRuled(Event, frozen=True):
    """What people decided of a photo."""

    owner: MemberId
    album: AlbumId
    case: CaseId
    decision: DecisionId


class PhotoApproved(PhotoRuled, frozen=True, tag="photo.approved.v1"):
    """What was kept back is seen; ``waited`` until now, or a rejection was undone."""

    waited: bool = True


class PhotoRejected(PhotoRuled, frozen=True, tag="photo.rejected.v1"):
    """What was kept back is not published."""


class PhotoUnpublished(PhotoRuled, frozen=True, tag="photo.unpublished.v1"):
    """Taken down: nobody sees it."""


class PhotoRestored(PhotoRuled, frozen=True, tag="photo.restored.v1"):
    """Exactly what was there, where it was."""


class PhotoWordsApproved(PhotoRuled, frozen=True, tag="photo.words_approved.v1"):
    """The words that waited are seen."""

    words: PhotoWords


class PhotoWordsRejected(PhotoRuled, frozen=True, tag="photo.words_rejected.v1"):
    """The words that waited will not be seen."""


PhotoEvent: TypeAlias = (
    PhotoAdded
    | PhotoHeld
    | PhotoRefused
    | PhotoFlagged
    | PhotoReworded
    | PhotoWordsHeld
    | PhotoMoved
    | PhotoPlaced
    | PhotoDeleted
    | PhotoApproved
    | PhotoRejected
    | PhotoUnpublished
    | PhotoRestored
    | PhotoWordsApproved
    | PhotoWordsRejected
)
