"""
Counters: how many live likes, comments and shares a post has. Written inline and therefore exact;
the same for every viewer, so that no count tells of anything one may not see. Comments that wait
are counted apart, for their authors alone.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Column, Table

from domain.audience import OnlyMe
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
from domain.event import Event, Recorded
from domain.ids import PostId, cell_of
from domain.like import LikeGiven, LikeWithdrawn
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostDeleted,
    PostPublished,
    PostRestored,
    PostUnpublished,
)
from projections.rows import Add, Change
from projections.tables import METADATA, cell, key

COUNTERS = Table(
    "counters",
    METADATA,
    cell(),
    key("post"),
    Column("likes", BigInteger, nullable=False, server_default="0"),
    Column("comments", BigInteger, nullable=False, server_default="0"),
    Column("shares", BigInteger, nullable=False, server_default="0"),
)


WAITING = Table(
    "waiting_comments",
    METADATA,
    cell(),
    key("post"),
    key("author"),
    Column("comments", BigInteger, nullable=False, server_default="0"),
)


class Counters:
    """The read model."""

    name = "counters"
    tables = (COUNTERS, WAITING)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case LikeGiven(post=post):
                yield _add(post, "likes", 1)
            case LikeWithdrawn(post=post):
                yield _add(post, "likes", -1)
            case CommentWritten(post=post) | CommentRestored(post=post):
                yield _add(post, "comments", 1)
            case CommentDeleted(post=post, counted=True) | CommentUnpublished(post=post):
                yield _add(post, "comments", -1)
            case CommentHeld():
                yield _wait(event, 1)
            case CommentApproved():
                # From a rejection undone as well; then it had ceased to wait before.
                yield _add(event.post, "comments", 1)
                if event.waited:
                    yield _wait(event, -1)
            case CommentRejected() | CommentTakenBack():
                yield _wait(event, -1)
            case _:
                share = share_counted(event)
                if share is not None:
                    yield _add(share.of, "shares", share.amount)


class ShareCounted(NamedTuple):
    """A post has one share more, or one less."""

    of: PostId
    amount: Literal[1, -1]


def share_counted(event: Event) -> ShareCounted | None:
    """
    What an event changes in how often a post is shared: shares that are there for others count, be
    it for a few, as comments do whoever may see them.
    """
    match event:
        case (
            PostPublished(share_of=UUID() as of, audience=audience)
            | PostApproved(share_of=UUID() as of, audience=audience)
        ):
            return None if isinstance(audience, OnlyMe) else ShareCounted(of, 1)
        case PostAudienceChanged(share_of=UUID() as of, audience=audience):
            return ShareCounted(of, -1 if isinstance(audience, OnlyMe) else 1)
        case PostRestored(share_of=UUID() as of):
            return ShareCounted(of, 1)
        case PostDeleted(share_of=UUID() as of) | PostUnpublished(share_of=UUID() as of):
            return ShareCounted(of, -1)
        case _:
            return None


def _add(post: UUID, column: str, amount: int) -> Add:
    # Written by the cells of those who like and comment: sums commute.
    return Add(COUNTERS, (cell_of(post), post), {column: amount})


def _wait(
    event: CommentHeld | CommentApproved | CommentRejected | CommentTakenBack, amount: int
) -> Add:
    at = (cell_of(event.post), event.post, event.author)
    return Add(WAITING, at, {"comments": amount})
