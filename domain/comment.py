"""
Comments, in threads: a comment lives with the one who made it, so that a popular page is never a
hot cell.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import CommentId, MemberId, PostId, StreamId
from domain.sealed import Sealed

COMMENT_LENGTH_MAX = 2_000


class CommentWritten(Event, frozen=True, tag="comment.written.v1"):
    """
    A comment stands under a post. ``thread`` is the comment that began its thread, itself when it
    did; ``reply_to`` the one it answers, and ``answered`` who wrote that one, so that they can be
    told without looking it up.
    """

    author: MemberId
    post: PostId
    post_author: MemberId
    text: Sealed[str]
    thread: CommentId
    reply_to: CommentId | None = None
    answered: MemberId | None = None


class CommentDeleted(Event, frozen=True, tag="comment.deleted.v1"):
    """Taken away by its author, or by the post's."""

    author: MemberId
    post: PostId
    post_author: MemberId
    by: Literal["author", "post_author"]
    answered: MemberId | None = None


CommentEvent: TypeAlias = CommentWritten | CommentDeleted


class Unwritten(msgspec.Struct, frozen=True):
    """No such comment."""


class Live(msgspec.Struct, frozen=True):
    """A comment that whoever sees its post may see."""

    author: MemberId
    post: PostId
    post_author: MemberId
    thread: CommentId
    answered: MemberId | None = None


class Deleted(msgspec.Struct, frozen=True):
    """Gone at version ``since``."""

    author: MemberId
    post_author: MemberId
    since: int


Comment: TypeAlias = Unwritten | Live | Deleted


def evolve(comment: Comment, event: CommentEvent, version: int) -> Comment:
    """The comment after one more event."""
    match event:
        case CommentWritten():
            return Live(event.author, event.post, event.post_author, event.thread, event.answered)
        case CommentDeleted():
            return Deleted(event.author, event.post_author, version)
        case _:
            assert_never(event)


COMMENT: Aggregate[Comment] = Aggregate("comment", Unwritten(), evolve)


def comment_stream(comment: CommentId) -> StreamId:
    """A comment's stream bears the comment's own id."""
    return StreamId(comment)


# Decisions


def write(
    id: CommentId,
    author: MemberId,
    post: PostId,
    post_author: MemberId,
    text: Sealed[str],
    reply_to: CommentId | None,
    answered: Comment,
) -> tuple[CommentEvent, ...]:
    """
    Comment on a post that the author sees.

    :param answered: the comment that ``reply_to`` names.
    """
    thread, whom = id, None
    if reply_to is not None:
        if not isinstance(answered, Live) or answered.post != post:
            raise Refused("no-such-comment", "There is no such comment here.", "/reply_to")
        thread, whom = answered.thread, answered.author
    return (CommentWritten(author, post, post_author, text, thread, reply_to, whom),)


def delete(comment: Comment, editor: MemberId) -> tuple[CommentEvent, ...]:
    """Take a comment away: one's own, or any under one's own post."""
    match comment:
        case Live() if editor in (comment.author, comment.post_author):
            by: Literal["author", "post_author"] = (
                "author" if editor == comment.author else "post_author"
            )
            return (
                CommentDeleted(
                    comment.author, comment.post, comment.post_author, by, comment.answered
                ),
            )
        case Deleted() if editor in (comment.author, comment.post_author):
            return ()
        case Live():
            raise Refused("not-yours", "Only its author or the post's may delete a comment.")
        case Unwritten() | Deleted():
            raise Refused("not-found")
        case _:
            assert_never(comment)
