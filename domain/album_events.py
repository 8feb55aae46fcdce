"""
What happens to an album. Its title is sealed; ``photos`` come and go by their own events, of which
the album keeps how many there are and how many bytes they take.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from domain.audience import Audience
from domain.event import Event
from domain.ids import AlbumId, CaseId, DecisionId, MemberId, PhotoId
from domain.promise import Promise
from domain.screening import Screening, Wait
from domain.sealed import Sealed

Layout: TypeAlias = Literal["grid", "wall", "story"]
#: In which order photos stand: as they were added, as they were taken, or as their owner placed
#: them.
Sort: TypeAlias = Literal["newest", "oldest", "taken", "own"]


class Arrangement(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How an album is shown: its layout, its order, that of its slideshow, and its cover."""

    layout: Layout = "grid"
    sort: Sort = "newest"
    slideshow: Sort = "oldest"
    cover: PhotoId | None = None


class AlbumCreated(Event, frozen=True, tag="album.created.v1"):
    """There is an album, for its audience; ``made_at`` when it was made elsewhere: from a copy."""

    owner: MemberId
    title: Sealed[str]
    audience: Audience
    arrangement: Arrangement
    made_at: datetime | None = None


class AlbumHeld(Event, frozen=True, tag="album.held.v1"):
    """There is an album, whose title waits: its owner alone sees it, and what is in it."""

    owner: MemberId
    title: Sealed[str]
    audience: Audience
    arrangement: Arrangement
    how: Wait
    screening: Screening
    promise: Promise


class AlbumRefused(Event, frozen=True, tag="album.refused.v1"):
    """A title that was not published; ``album`` is what was to bear it instead of its own."""

    owner: MemberId
    title: Sealed[str]
    screening: Screening
    album: AlbumId | None = None


class AlbumFlagged(Event, frozen=True, tag="album.flagged.v1"):
    """Its title is seen, and somebody is to look at it."""

    owner: MemberId
    screening: Screening


class AlbumArranged(Event, frozen=True, tag="album.arranged.v1"):
    """It is shown in another way."""

    owner: MemberId
    arrangement: Arrangement


class AlbumRetitled(Event, frozen=True, tag="album.retitled.v1"):
    """It has another title."""

    owner: MemberId
    title: Sealed[str]


class AlbumTitleHeld(Event, frozen=True, tag="album.title_held.v1"):
    """It is to have another title, once somebody has looked at that."""

    owner: MemberId
    title: Sealed[str]
    how: Wait
    screening: Screening
    promise: Promise


class AlbumAudienceChanged(Event, frozen=True, tag="album.audience_changed.v1"):
    """It is for others from now on, and so is what is in it."""

    owner: MemberId
    audience: Audience


class AlbumAudienceIntended(Event, frozen=True, tag="album.audience_intended.v1"):
    """It will be for others once it no longer waits."""

    owner: MemberId
    audience: Audience


class AlbumDeleted(Event, frozen=True, tag="album.deleted.v1"):
    """Gone by its owner's hand, with the photos that were in it and their bytes."""

    owner: MemberId
    photos: int
    stored: int


class AlbumPhotoCame(Event, frozen=True, tag="album.photo_came.v1"):
    """A photo of so many stored bytes is in it."""

    owner: MemberId
    photo: PhotoId
    stored: int


class AlbumPhotoWent(Event, frozen=True, tag="album.photo_went.v1"):
    """A photo is in it no longer."""

    owner: MemberId
    photo: PhotoId
    stored: int


class AlbumRuled(Event, frozen=True):
    """What people decided of an album."""

    owner: MemberId
    case: CaseId
    decision: DecisionId


class AlbumApproved(AlbumRuled, frozen=True, tag="album.approved.v1"):
    """What waited, or was rejected, is there for its audience."""

    audience: Audience


class AlbumRejected(AlbumRuled, frozen=True, tag="album.rejected.v1"):
    """What waited is not published."""


class AlbumUnpublished(AlbumRuled, frozen=True, tag="album.unpublished.v1"):
    """Taken down: nobody sees it, nor what is in it."""


class AlbumRestored(AlbumRuled, frozen=True, tag="album.restored.v1"):
    """Exactly what was there."""

    audience: Audience


class AlbumTitleApproved(AlbumRuled, frozen=True, tag="album.title_approved.v1"):
    """The title that waited is seen."""

    title: Sealed[str]


class AlbumTitleRejected(AlbumRuled, frozen=True, tag="album.title_rejected.v1"):
    """The title that waited will not be seen."""


AlbumEvent: TypeAlias = (
    AlbumCreated
    | AlbumHeld
    | AlbumRefused
    | AlbumFlagged
    | AlbumArranged
    | AlbumRetitled
    | AlbumTitleHeld
    | AlbumAudienceChanged
    | AlbumAudienceIntended
    | AlbumDeleted
    | AlbumPhotoCame
    | AlbumPhotoWent
    | AlbumApproved
    | AlbumRejected
    | AlbumUnpublished
    | AlbumRestored
    | AlbumTitleApproved
    | AlbumTitleRejected
)
