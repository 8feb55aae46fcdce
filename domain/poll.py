"""
Polls: what a post asks, and each member's vote on it.

What is asked is part of the post and never changes: who voted, voted on that. A vote is a stream
that voter and post alone name, in the voter's cell, like a like: so each member has one, whatever
they send at once. It may be changed until the poll closes, and says what it was before, so that
whoever counts need not remember.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, PostId, StreamId, cell_of, derive
from domain.sealed import Sealed

OPTIONS_MIN: Final = 2
OPTIONS_MAX: Final = 20
OPTION_LENGTH_MAX: Final = 100
#: How long a poll that closes may be open.
OPEN_MAX: Final = timedelta(days=366)


class Poll(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is asked: ``choose`` says how many options at most, ``closes_at`` from when none."""

    options: tuple[Sealed[str], ...]
    choose: int = 1
    closes_at: datetime | None = None

    def open(self, at: datetime) -> bool:
        """Whether votes count at a moment."""
        return self.closes_at is None or at < self.closes_at


class VoteCast(Event, frozen=True, tag="vote.cast.v1"):
    """The member is for these options, by number from 0, and no longer for ``former``."""

    member: MemberId
    post: PostId
    post_author: MemberId
    options: tuple[int, ...]
    former: tuple[int, ...] = ()


class Vote(msgspec.Struct, frozen=True, gc=False):
    """What a member is for, and since which version."""

    options: tuple[int, ...] = ()
    since: int = 0


def evolve(vote: Vote, event: VoteCast, version: int) -> Vote:
    """The vote after one more event."""
    return Vote(event.options, version)


VOTE: Aggregate[Vote] = Aggregate("vote", Vote(), evolve)


def vote_stream(member: MemberId, post: PostId) -> StreamId:
    """The stream of one member's vote on one post."""
    return StreamId(derive(cell_of(member), "vote", member, post))


def check_poll(poll: Poll, at: datetime) -> None:
    """
    Whether a poll can be asked at a moment.

    :raises Refused: it closes in the past or too far ahead, or asks for more than there is to
        choose from.
    """
    if poll.choose > len(poll.options):
        raise Refused("choose-too-many", "There are not so many options.", "/poll/choose")
    if not poll.open(at):
        raise Refused("in-the-past", "A poll closes in the future.", "/poll/closes_at")
    if poll.closes_at is not None and poll.closes_at > at + OPEN_MAX:
        raise Refused("too-far-ahead", "A poll closes within a year.", "/poll/closes_at")


def cast(
    vote: Vote,
    member: MemberId,
    post: PostId,
    post_author: MemberId,
    poll: Poll,
    options: frozenset[int],
    at: datetime,
) -> tuple[VoteCast, ...]:
    """
    Vote on a poll that the member sees, or change one's vote; said twice, it is so already.

    :param at: the moment that counts, whenever the poll is closed by its timer.
    :raises Refused: the poll has closed, there is no such option, or too many were chosen.
    """
    if not poll.open(at):
        raise Refused("poll-closed", "This poll has closed.")
    if any(not 0 <= option < len(poll.options) for option in options):
        raise Refused("no-such-option", "The poll has no such option.", "/options")
    if not options or len(options) > poll.choose:
        raise Refused("choose-too-many", f"Choose at least one, at most {poll.choose}.", "/options")
    chosen = tuple(sorted(options))
    if chosen == vote.options:
        return ()
    return (VoteCast(member, post, post_author, chosen, vote.options),)
