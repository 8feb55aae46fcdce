"""
Whom an event can mean something to: the one rule that both the index of open streams and the trail
that resuming ones follow are made from.
"""

from typing import TypeAlias

import msgspec

from domain.account_events import AccountBanned, AccountErased, AccountSuspended
from domain.circle import (
    CircleEvent,
)
from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentHeld,
    CommentRejected,
    CommentRestored,
    CommentTakenBack,
    CommentUnpublished,
    CommentWritten,
)
from domain.event import Event
from domain.ids import MemberId
from domain.like import LikeGiven, LikeWithdrawn
from domain.message import (
    MessageApproved,
    MessageDeleted,
    MessageHeld,
    MessageRejected,
    MessageRestored,
    MessageTakenBack,
    MessageUnpublished,
    MessageWritten,
)
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostCommentingChanged,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostEditHeld,
    PostEditRejected,
    PostHeld,
    PostPollClosed,
    PostPublished,
    PostRejected,
    PostRestored,
    PostUnpublished,
)
from domain.space import CertificationWithdrawn, SpaceCertified

#: What changes a post for anybody.
PostChange: TypeAlias = (
    PostPublished
    | PostEdited
    | PostAudienceChanged
    | PostDeleted
    | PostHeld
    | PostApproved
    | PostRejected
    | PostUnpublished
    | PostRestored
    | PostAudienceIntended
    | PostEditHeld
    | PostEditApproved
    | PostEditRejected
    | PostCommentingChanged
    | PostPollClosed
)

#: What changes a comment for anybody.
CommentChange: TypeAlias = (
    CommentWritten
    | CommentDeleted
    | CommentHeld
    | CommentTakenBack
    | CommentApproved
    | CommentRejected
    | CommentUnpublished
    | CommentRestored
)

#: What changes a message for anybody.
MessageChange: TypeAlias = (
    MessageWritten
    | MessageDeleted
    | MessageHeld
    | MessageTakenBack
    | MessageApproved
    | MessageRejected
    | MessageUnpublished
    | MessageRestored
)

_WAITING = CommentHeld | CommentTakenBack | CommentRejected
_WAITING_ON_BOARD = MessageHeld | MessageTakenBack | MessageRejected


class Reach(msgspec.Struct, frozen=True):
    """
    Whom an event can mean something to: those who have ``source`` in their feed, the source itself
    among them, and ``members`` whom it concerns wherever it happened.
    """

    source: MemberId | None = None
    members: frozenset[MemberId] = frozenset()


_NOBODY = Reach()


def reach(event: Event) -> Reach:
    """Whom an event can mean something to."""
    match event:
        case PostHeld() | PostRejected() | PostAudienceIntended():
            return Reach(members=frozenset({event.author}))
        case PostEditHeld() | PostEditRejected():
            return Reach(members=frozenset({event.author}))
        case _ if isinstance(event, PostChange):
            return Reach(source=event.author)
        case ListSaved() | ListDeleted():
            return Reach(source=event.owner)
        case SpaceCertified() | CertificationWithdrawn():
            return Reach(source=event.member)
        case _ if isinstance(event, CommentChange):
            told = {event.post_author, event.answered} - {None}
            if isinstance(event, _WAITING):
                # To all but its author it is not there.
                told &= {event.author}
            return Reach(members=frozenset(one for one in told if one is not None))
        case _ if isinstance(event, MessageChange):
            return _of_message(event)
        case LikeGiven() | LikeWithdrawn():
            return Reach(members=frozenset({event.post_author}))
        case CircleEvent():
            return Reach(members=frozenset({event.member, event.other}))
        case AccountSuspended() | AccountBanned() | AccountErased():
            return Reach(members=frozenset({event.member}))
        case _:
            return _NOBODY


def _of_message(event: MessageChange) -> Reach:
    """
    The board's owner, who always sees it: when others could, nobody wrote down. What waits is there
    for its author alone.
    """
    if isinstance(event, _WAITING_ON_BOARD) and event.author != event.space:
        return _NOBODY
    return Reach(members=frozenset({event.space}))
