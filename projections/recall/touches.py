"""
Which facts an event changes.

Said a second time here, beside the read models' ``rows``, since facts are not rows: a member's ties
are one fact, an author's shelf is another. A test holds the two against each other, over every type
of event there is.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from domain.account_events import (
    AccountBanned,
    AccountErased,
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    BanLifted,
    NicknameApproved,
    NicknameChanged,
    NicknameRestored,
    NicknameWithdrawn,
)
from domain.circle import CircleEvent
from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentHeld,
    CommentRejected,
    CommentTakenBack,
)
from domain.consent import ConsentGiven, ConsentWithdrawn
from domain.decoration import DecorationChanged, DecorationRestored
from domain.erasure import ErasureClassDestroyed
from domain.event import Recorded
from domain.home import HomeChanged
from domain.like import LikeGiven, LikeWithdrawn
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import (
    PostApproved,
    PostDeleted,
    PostEditHeld,
    PostEditRejected,
    PostHeld,
    PostPollClosed,
    PostPublished,
    PostRejected,
    PostUnpublished,
)
from domain.sealed import KeyClass
from domain.space import CertificationWithdrawn, SpaceCertified
from domain.visit import VisitMade, VisitMadeUnseen, VisitorRemoved
from projections.counters import share_counted
from projections.reach import CommentChange, MessageChange, PostChange


class Touch(msgspec.Struct, frozen=True, gc=False):
    """
    A fact that an event changes.

    :param inline: at the commit.
    :param fed: when a fed model has taken the event, which stands in the cell of the key.
    """

    kind: str
    key: UUID | tuple[UUID, UUID]
    inline: bool = True
    fed: bool = False


class Changed(msgspec.Struct, frozen=True, gc=False):
    """An event, as far as facts care: where it is, and what it changes. No text is held by it."""

    cell: int
    position: int
    touches: tuple[Touch, ...]


def changed(recorded: Recorded) -> Changed:
    """What is kept of an event."""
    return Changed(recorded.cell, recorded.position, tuple(touches(recorded)))


def touches(recorded: Recorded) -> Iterator[Touch]:
    """Every fact that an event changes."""
    event: Any = recorded.event
    match event:
        case CircleEvent(member=member, other=other):
            yield Touch("standings", member)
            yield Touch("standings", other)
            yield Touch("pairs", (member, other))
            yield Touch("pairs", (other, member))
        case _ if isinstance(event, PostChange):
            yield from _of_post(recorded, event)
        case LikeGiven(member=member, post=post) | LikeWithdrawn(member=member, post=post):
            yield Touch("posts", post)
            yield Touch("own", (member, post), inline=False, fed=True)
        case _ if isinstance(event, CommentChange):
            yield from _of_comment(event)
        case ListSaved() | ListDeleted():
            for member in (*getattr(event, "members", ()), *event.removed):
                yield Touch("listed", (event.list, member))
        case (
            AccountOpened(member=member)
            | AccountSuspended(member=member)
            | AccountReinstated(member=member)
            | AccountBanned(member=member)
            | AccountErased(member=member)
            | BanLifted(member=member)
            | NicknameChanged(member=member)
            | NicknameApproved(member=member)
            | NicknameWithdrawn(member=member)
            | NicknameRestored(member=member)
            | SpaceCertified(member=member)
            | CertificationWithdrawn(member=member)
            | DecorationChanged(member=member)
            | DecorationRestored(member=member)
            | ConsentGiven(member=member)
            | ConsentWithdrawn(member=member)
        ):
            yield Touch("members", member)
        case HomeChanged(member=member):
            yield Touch("pages", member)
        case ErasureClassDestroyed(member=member, key_class=KeyClass.CONTENT):
            yield Touch("pages", member)
        case VisitMade(space=space) | VisitMadeUnseen(space=space) | VisitorRemoved(member=space):
            yield Touch("visited", space)
        case _ if isinstance(event, MessageChange):
            yield Touch("pages", event.space)
        case _:
            return


def _of_post(recorded: Recorded, event: PostChange) -> Iterator[Touch]:
    post, author = recorded.stream, event.author
    if (share := share_counted(event)) is not None:
        yield Touch("posts", share.of)
    match event:
        case PostPollClosed():
            # Whether a poll is open is asked of the clock.
            return
        case PostEditHeld() | PostEditRejected():
            yield Touch("posts", post, inline=False, fed=True)
        case PostRejected() | PostUnpublished():
            yield Touch("posts", post)
        case PostPublished() | PostDeleted() | PostHeld() | PostApproved():
            yield Touch("posts", post, fed=True)
            yield Touch("shelves", author, inline=False, fed=True)
        case _:
            yield Touch("posts", post, fed=True)


def _of_comment(event: CommentChange) -> Iterator[Touch]:
    own = Touch("own", (event.author, event.post))
    match event:
        case CommentHeld() | CommentRejected() | CommentTakenBack():
            yield own
        case CommentDeleted(counted=False):
            return
        case CommentApproved(waited=True):
            yield Touch("posts", event.post)
            yield own
        case _:
            yield Touch("posts", event.post)
