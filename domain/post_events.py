"""
What happens to a post, from its publication on.
"""

from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from domain.audience import Audience
from domain.event import Event
from domain.ids import CaseId, DecisionId, MemberId, PhotoId, PostId
from domain.poll import Poll
from domain.promise import Promise
from domain.screening import Screening, Wait
from domain.sealed import Sealed

PostKind: TypeAlias = Literal["shuoshuo", "diary", "share", "poll"]

#: Who may comment, of those who see the post.
Commenting: TypeAlias = Literal["everyone", "friends", "nobody"]


class PostContent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """
    What a post says; all words sealed. Lengths were checked before they were. ``images`` are
    photos of the author's; ``mentions`` those whom its words name, be they let see it or not.
    """

    text: Sealed[str]
    title: Sealed[str] | None = None
    mood: Sealed[str] | None = None
    location: Sealed[str] | None = None
    images: tuple[PhotoId, ...] = ()
    mentions: tuple[MemberId, ...] = ()


#: Which version of a post its author's clients know: see :func:`edition_after`.
FIRST_EDITION: Final = 1
FIRST_WAITING: Final = -1


class PostPublished(Event, frozen=True, tag="post.published.v1"):
    """
    A post stands in its author's space. ``original_author`` is whose post a share is of;
    ``written_at`` when its author had published it elsewhere, where it comes from a copy: that is
    the place that it has here, too.
    """

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    share_of: PostId | None = None
    poll: Poll | None = None
    commenting: Commenting = "everyone"
    written_at: datetime | None = None
    original_author: MemberId | None = None


class PostEdited(Event, frozen=True, tag="post.edited.v1"):
    """It says this from now on. ``mentioned`` are those whom it did not mention before."""

    author: MemberId
    content: PostContent
    edition: int | None = None
    mentioned: tuple[MemberId, ...] = ()


class PostAudienceChanged(Event, frozen=True, tag="post.audience_changed.v1"):
    """
    It is for these from now on. ``share_of`` is the post among whose shares it counts from now on,
    or, being for its author alone, no longer.
    """

    author: MemberId
    audience: Audience
    edition: int | None = None
    share_of: PostId | None = None


class PostCommentingChanged(Event, frozen=True, tag="post.commenting_changed.v1"):
    """These may comment from now on; what was written stays."""

    author: MemberId
    commenting: Commenting
    edition: int


class PostPollClosed(Event, frozen=True, tag="post.poll_closed.v1"):
    """The poll's time has come. From then on no vote counted, however late this was recorded."""

    author: MemberId


class PostDeleted(Event, frozen=True, tag="post.deleted.v1"):
    """Its author took it away. ``share_of`` is the post among whose shares it counted."""

    author: MemberId
    share_of: PostId | None = None


# What screening makes of a post


class PostHeld(Event, frozen=True, tag="post.held.v1"):
    """Kept back until somebody decides: only its author sees it, and that it waits."""

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    how: Wait
    screening: Screening
    promise: Promise
    share_of: PostId | None = None
    poll: Poll | None = None
    commenting: Commenting = "everyone"
    original_author: MemberId | None = None


class PostRefused(Event, frozen=True, tag="post.refused.v1"):
    """An attempt that was not published, for nobody to see but those who audit."""

    author: MemberId
    kind: PostKind
    content: PostContent
    audience: Audience
    screening: Screening
    share_of: PostId | None = None
    poll: Poll | None = None
    commenting: Commenting = "everyone"


class PostFlagged(Event, frozen=True, tag="post.flagged.v1"):
    """It stands, and somebody is to look at it. Follows the event that made it say so."""

    author: MemberId
    screening: Screening


class PostAudienceIntended(Event, frozen=True, tag="post.audience_intended.v1"):
    """Whom a post that waits is for once it is approved."""

    author: MemberId
    audience: Audience
    edition: int | None = None


class PostEditHeld(Event, frozen=True, tag="post.edit_held.v1"):
    """What it is to say from now on waits; it says what it said, until somebody decides."""

    author: MemberId
    content: PostContent
    how: Wait
    screening: Screening
    promise: Promise


class PostEditRefused(Event, frozen=True, tag="post.edit_refused.v1"):
    """An edit that was not made; on a stream of its own, so that the post tells nothing of it."""

    author: MemberId
    post: PostId
    content: PostContent
    screening: Screening


# What people decide of it


class PostApproved(Event, frozen=True, tag="post.approved.v1"):
    """
    What was kept back is published now, for whom its author meant it; a share as well. It mentions
    these.
    """

    author: MemberId
    audience: Audience
    case: CaseId
    decision: DecisionId
    share_of: PostId | None = None
    original_author: MemberId | None = None
    mentioned: tuple[MemberId, ...] = ()


class PostRejected(Event, frozen=True, tag="post.rejected.v1"):
    """What was kept back is not published."""

    author: MemberId
    case: CaseId
    decision: DecisionId


class PostEditApproved(Event, frozen=True, tag="post.edit_approved.v1"):
    """It says what its author meant it to say."""

    author: MemberId
    content: PostContent
    case: CaseId
    decision: DecisionId
    edition: int | None = None
    mentioned: tuple[MemberId, ...] = ()


class PostEditRejected(Event, frozen=True, tag="post.edit_rejected.v1"):
    """It goes on saying what it said."""

    author: MemberId
    case: CaseId
    decision: DecisionId


class PostUnpublished(Event, frozen=True, tag="post.unpublished.v1"):
    """Taken down: nobody sees it. ``share_of`` is the post among whose shares it counted."""

    author: MemberId
    case: CaseId
    decision: DecisionId
    share_of: PostId | None = None


class PostRestored(Event, frozen=True, tag="post.restored.v1"):
    """
    Exactly what was there, where it was. ``share_of`` is the post among whose shares it counts.
    """

    author: MemberId
    audience: Audience
    case: CaseId
    decision: DecisionId
    edition: int | None = None
    share_of: PostId | None = None


PostEvent: TypeAlias = (
    PostPublished
    | PostEdited
    | PostAudienceChanged
    | PostCommentingChanged
    | PostPollClosed
    | PostDeleted
    | PostHeld
    | PostRefused
    | PostFlagged
    | PostAudienceIntended
    | PostEditHeld
    | PostEditRefused
    | PostApproved
    | PostRejected
    | PostEditApproved
    | PostEditRejected
    | PostUnpublished
    | PostRestored
)


def newly(content: PostContent, before: PostContent) -> tuple[MemberId, ...]:
    """Whom a content mentions and another did not."""
    return tuple(one for one in content.mentions if one not in before.mentions)


#: What counts up what is seen of a post.
Editing: TypeAlias = (
    PostEdited
    | PostAudienceChanged
    | PostAudienceIntended
    | PostEditApproved
    | PostRestored
    | PostCommentingChanged
)


def edition_after(event: Editing, version: int) -> int:
    """
    Which edition of a post an event makes it: how often what is seen of it changed, so that what
    was found in it, and an edit that waits, leave no gap. While a post waits it is counted below
    zero, and from 1 on once others see it: they do not learn how often it changed before, and its
    author's clients never take the one for the other.

    :param version: the event's own: older events do not say their edition, and were counted so.
    """
    return version if event.edition is None else event.edition
