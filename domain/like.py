"""
Likes: one a member a post, on a stream that the two alone name, in the member's cell.
"""

from typing import TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event
from domain.ids import MemberId, PostId, StreamId, cell_of, derive


class LikeGiven(Event, frozen=True, tag="like.given.v1"):
    """The member likes the post."""

    member: MemberId
    post: PostId
    post_author: MemberId


class LikeWithdrawn(Event, frozen=True, tag="like.withdrawn.v1"):
    """No longer."""

    member: MemberId
    post: PostId
    post_author: MemberId


LikeEvent: TypeAlias = LikeGiven | LikeWithdrawn


class Like(msgspec.Struct, frozen=True, gc=False):
    """Whether the post is liked, and since which version."""

    given: bool = False
    since: int = 0


def evolve(like: Like, event: LikeEvent, version: int) -> Like:
    """The like after one more event."""
    match event:
        case LikeGiven():
            return Like(True, version)
        case LikeWithdrawn():
            return Like(False, version)
        case _:
            assert_never(event)


LIKE: Aggregate[Like] = Aggregate("like", Like(), evolve)


def like_stream(member: MemberId, post: PostId) -> StreamId:
    """The stream of one member's like of one post."""
    return StreamId(derive(cell_of(member), "like", member, post))


def give(
    like: Like, member: MemberId, post: PostId, post_author: MemberId
) -> tuple[LikeEvent, ...]:
    """Like a post that the member sees."""
    return () if like.given else (LikeGiven(member, post, post_author),)


def withdraw(
    like: Like, member: MemberId, post: PostId, post_author: MemberId
) -> tuple[LikeEvent, ...]:
    """Like it no longer; allowed of a post that is gone as well."""
    return (LikeWithdrawn(member, post, post_author),) if like.given else ()
