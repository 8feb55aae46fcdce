"""
The timeline: everything a member did, by time. It holds references alone; each passes its gate
when it is read.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Column, Index, Table, Text, Uuid

from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentHeld,
    CommentTakenBack,
    CommentWritten,
)
from domain.event import Recorded
from domain.ids import MemberId
from domain.like import LikeGiven, LikeWithdrawn
from domain.post_events import PostApproved, PostDeleted, PostHeld, PostPublished
from projections.posts import placed_at
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

TIMELINE = Table(
    "timeline",
    METADATA,
    cell(),
    key("member"),
    key("stream"),
    Column("at", MOMENT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("post", Uuid, nullable=False),
    Index("timeline_by_time", "cell", "member", "at", "stream"),
)


class Timeline:
    """The read model."""

    name = "timeline"
    tables = (TIMELINE,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case (
                PostPublished(author=member) | PostHeld(author=member) | PostApproved(author=member)
            ):
                yield _put(recorded, member, "post", recorded.stream)
            case (
                CommentWritten(author=member, post=post)
                | CommentHeld(author=member, post=post)
                | CommentApproved(author=member, post=post)
            ):
                yield _put(recorded, member, "comment", post)
            case LikeGiven(member=member, post=post):
                yield _put(recorded, member, "like", post)
            case (
                PostDeleted(author=member)
                | CommentDeleted(author=member)
                | CommentTakenBack(author=member)
                | LikeWithdrawn(member=member)
            ):
                yield Drop(TIMELINE, (recorded.cell, member, recorded.stream))
            case _:
                return


def _put(recorded: Recorded, member: MemberId, kind: str, post: UUID) -> Put:
    values = {"at": placed_at(recorded), "kind": kind, "post": post}
    return Put(TIMELINE, (recorded.cell, member, recorded.stream), values)
