"""
Commands about polls: what a post asks, votes on it, and its end.
"""

from datetime import UTC
from typing import Annotated

import msgspec

from commands.relations import acting_member, visible_post
from commands.types import Moment
from commands.work import Outcome, Work
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.poll import (
    OPTION_LENGTH_MAX,
    OPTIONS_MAX,
    OPTIONS_MIN,
    VOTE,
    Poll,
    cast,
    check_poll,
    vote_stream,
)
from domain.post import POST, close_poll, post_stream
from domain.sealed import KeyClass

Option = Annotated[str, msgspec.Meta(min_length=1, max_length=OPTION_LENGTH_MAX)]


class AskPoll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a poll asks: `choose` of its options at most, until `closes_at` or for ever."""

    options: Annotated[list[Option], msgspec.Meta(min_length=OPTIONS_MIN, max_length=OPTIONS_MAX)]
    choose: Annotated[int, msgspec.Meta(ge=1, le=OPTIONS_MAX)] = 1
    closes_at: Moment | None = None


class CastVote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options one is for, by their numbers from 0."""

    options: Annotated[
        list[Annotated[int, msgspec.Meta(ge=0, lt=OPTIONS_MAX)]],
        msgspec.Meta(min_length=1, max_length=OPTIONS_MAX),
    ]


class ClosePoll(msgspec.Struct, frozen=True):
    """A timer's command: a poll's time has come."""

    post: PostId


async def asked(work: Work, author: MemberId, post: PostId, ask: AskPoll) -> Poll:
    """
    What is asked, sealed.

    :raises Refused: the poll cannot be asked now.
    """
    seal = work.vault.seal
    options = [await seal(author, KeyClass.CONTENT, option, post) for option in ask.options]
    poll = Poll(tuple(options), ask.choose, ask.closes_at)
    check_poll(poll, work.context.effective_at)
    if ask.closes_at is None:
        return poll
    # Offsets as large as RFC 3339 has them mean nothing to a database.
    return msgspec.structs.replace(poll, closes_at=ask.closes_at.astimezone(UTC))


async def vote(post: PostId, command: CastVote, work: Work) -> Outcome:
    """Vote on a poll that one can see, or change one's vote."""
    member = await acting_member(work)
    live = await visible_post(work, member, post)
    if live.poll is None:
        raise Refused("not-a-poll", "This post asks nothing.")
    stream = vote_stream(member, post)
    state = await work.load(VOTE, stream)
    chosen, at = frozenset(command.options), work.context.effective_at
    events = cast(state, member, post, live.author, live.poll, chosen, at)
    work.append(VOTE, stream, member, events)
    since = work.version(stream) + 1 if events else state.since
    return Outcome(post, (stream, since), state="voted")


async def close(command: ClosePoll, work: Work) -> Outcome:
    """Record that a poll has closed; nothing where the post is gone."""
    stream = post_stream(command.post)
    work.cell = cell_of(stream)
    state = await work.load(POST, stream)
    events = close_poll(state, work.context.effective_at)
    if events:
        work.append(POST, stream, events[0].author, events)
    return Outcome(command.post, (stream, work.version(stream) + len(events)))
