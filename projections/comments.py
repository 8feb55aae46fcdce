"""
Comments and likes, by the post they are about: rows stand in the post's cell, each written by the
cell of whoever commented or liked.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, Uuid

from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentHeld,
    CommentTakenBack,
    CommentWritten,
)
from domain.event import Recorded
from domain.ids import cell_of
from domain.like import LikeGiven, LikeWithdrawn
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key, sealed

COMMENTS = Table(
    "comments",
    METADATA,
    cell(),
    key("comment"),
    Column("post", Uuid, nullable=False),
    Column("author", Uuid, nullable=False),
    Column("thread", Uuid, nullable=False),
    Column("reply_to", Uuid),
    sealed("text"),
    Column("waits", Text),
    Column("written_at", MOMENT, nullable=False),
    Column("comment_cell", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("comments_by_post", "cell", "post", "written_at", "comment"),
)

LIKES = Table(
    "likes",
    METADATA,
    cell(),
    key("post"),
    key("member"),
    Column("member_cell", SmallInteger, nullable=False),
    Column("liked_at", MOMENT, nullable=False),
    Index("likes_by_post", "cell", "post", "liked_at", "member"),
)


class Comments:
    """The read model of comments."""

    name = "comments"
    tables = (COMMENTS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case CommentWritten() | CommentHeld():
                values = {
                    "post": event.post,
                    "author": event.author,
                    "thread": event.thread,
                    "reply_to": event.reply_to,
                    "text": event.text.envelope,
                    "waits": event.how if isinstance(event, CommentHeld) else None,
                    "written_at": recorded.recorded_at,
                    "comment_cell": recorded.cell,
                    "position": recorded.position,
                }
                yield Put(COMMENTS, (cell_of(event.post), recorded.stream), values)
            case CommentApproved():
                # It was not there before, so it is as new as its approval.
                written = {
                    "waits": None,
                    "written_at": recorded.recorded_at,
                    "position": recorded.position,
                }
                yield Patch(COMMENTS, (cell_of(event.post), recorded.stream), written)
            case CommentDeleted() | CommentTakenBack():
                yield Drop(COMMENTS, (cell_of(event.post), recorded.stream))
            case _:
                return


class Likes:
    """The read model of likes."""

    name = "likes"
    tables = (LIKES,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case LikeGiven(post=post, member=member):
                values = {"member_cell": recorded.cell, "liked_at": recorded.recorded_at}
                yield Put(LIKES, (cell_of(post), post, member), values)
            case LikeWithdrawn(post=post, member=member):
                yield Drop(LIKES, (cell_of(post), post, member))
            case _:
                return
