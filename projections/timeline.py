"""
The timeline: everything a member did, by time. It holds references alone; each passes its gate
when it is read.

``about`` is the post that a post, comment, like or vote is about, the board that a message is on,
the album that a photo was added to, and an album itself. What others wrote on a member's board is
not what that member did.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Column, Index, Table, Text, Uuid

from domain.album_events import AlbumApproved, AlbumCreated, AlbumDeleted, AlbumHeld
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
from domain.message import (
    MessageApproved,
    MessageDeleted,
    MessageHeld,
    MessageTakenBack,
    MessageWritten,
)
from domain.photo_events import PhotoAdded, PhotoApproved, PhotoDeleted, PhotoHeld
from domain.poll import VoteCast
from domain.post_events import PostApproved, PostDeleted, PostHeld, PostPublished
from projections.moments import made_at
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
    Column("about", Uuid, nullable=False),
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
                yield _drop(recorded, member)
            case _:
                yield from _elsewhere(recorded)


def _elsewhere(recorded: Recorded) -> Iterator[Change]:
    """What an event changes in what a member did outside of posts: boards, polls, albums."""
    match recorded.event:
        case (
            MessageWritten(author=member, space=space)
            | MessageHeld(author=member, space=space)
            | MessageApproved(author=member, space=space)
        ):
            yield _put(recorded, member, "message", space)
        case VoteCast(member=member, post=post, former=()):
            # Voting otherwise is not another vote, and moves nothing.
            yield _put(recorded, member, "vote", post)
        case AlbumCreated(owner=member) | AlbumHeld(owner=member) | AlbumApproved(owner=member):
            yield _put(recorded, member, "album", recorded.stream)
        case (
            PhotoAdded(owner=member, album=album)
            | PhotoHeld(owner=member, album=album)
            | PhotoApproved(owner=member, album=album)
        ):
            yield _put(recorded, member, "photo", album)
        case MessageDeleted(author=member) | MessageTakenBack(author=member):
            yield _drop(recorded, member)
        case AlbumDeleted(owner=member) | PhotoDeleted(owner=member):
            yield _drop(recorded, member)
        case _:
            return


def _drop(recorded: Recorded, member: MemberId) -> Drop:
    return Drop(TIMELINE, (recorded.cell, member, recorded.stream))


def _put(recorded: Recorded, member: MemberId, kind: str, about: UUID) -> Put:
    values = {"at": made_at(recorded), "kind": kind, "about": about}
    return Put(TIMELINE, (recorded.cell, member, recorded.stream), values)
