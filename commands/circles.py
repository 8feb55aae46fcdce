"""
Commands about a member's circle: befriend, unfriend, block, follow; and what policies carry across.
"""

from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from commands.relations import acting_member, other_member
from commands.work import Outcome, Work
from domain import circle as decisions
from domain.circle import CIRCLE, AnyCircleEvent, Circle, Ending, circle_stream, friends
from domain.ids import MemberId, StreamId
from domain.space import SPACE, Certified, space_stream

Move: TypeAlias = Literal["befriend", "unfriend", "block", "unblock", "follow", "unfollow"]

#: Which part of a tie each move is about: friendship, block, follow.
_PART: dict[Move, int] = {
    "befriend": 0,
    "unfriend": 0,
    "block": 1,
    "unblock": 1,
    "follow": 2,
    "unfollow": 2,
}


class ChangeTie(msgspec.Struct, frozen=True):
    """A member's move towards another."""

    other: MemberId
    move: Move


class HearFriend(msgspec.Struct, frozen=True):
    """
    A policy's command: tell ``member`` of what ``other`` did on their bond.

    ``how`` is set when the other's half ended.
    """

    member: MemberId
    other: MemberId
    bond: UUID
    said: Literal["asked", "accepted", "ended"]
    how: Ending | None = None


async def change_tie(command: ChangeTie, work: Work) -> Outcome:
    """Make a move towards another member."""
    member = await acting_member(work)
    other = await other_member(work, command.other)
    stream = circle_stream(member)
    circle = await work.load(CIRCLE, stream)
    events = await _decide(command.move, circle, member, other, work)
    work.append(CIRCLE, stream, member, events)
    because = (stream, circle.tie(other).since[_PART[command.move]])
    if command.move not in ("befriend", "unfriend"):
        return Outcome(other, because)
    after = CIRCLE.fold(events, circle, work.version(stream)).tie(other)
    state = after.standing
    if command.move == "befriend":
        half = await _half(work, other, member)
        if state == "outgoing" and friends(after, half):
            # The other has accepted, and this half has not heard yet.
            state, because = "friends", (circle_stream(other), half.since[0])
    return Outcome(other, because, state)


async def _decide(
    move: Move, circle: Circle, member: MemberId, other: MemberId, work: Work
) -> tuple[AnyCircleEvent, ...]:
    match move:
        case "befriend":
            half = await _half(work, other, member)
            bond = work.mint(work.cell_of(member))
            return decisions.befriend(circle, member, other, half, bond)
        case "unfriend":
            return decisions.unfriend(circle, member, other)
        case "block":
            return decisions.block(circle, member, other)
        case "unblock":
            return decisions.unblock(circle, member, other)
        case "follow":
            half = await _half(work, other, member)
            space = await work.load(SPACE, space_stream(other))
            return decisions.follow(circle, member, other, isinstance(space, Certified), half)
        case "unfollow":
            return decisions.unfollow(circle, member, other)


async def hear_friend(command: HearFriend, work: Work) -> Outcome:
    """Carry one half's move to the other half."""
    member, other, bond = command.member, command.other, command.bond
    stream = circle_stream(member)
    circle = await work.load(CIRCLE, stream)
    match command.said:
        case "asked":
            half = await _half(work, other, member)
            events = decisions.hear_asked(circle, member, other, bond, half)
        case "accepted":
            events = decisions.hear_accepted(circle, member, other, bond)
        case "ended":
            events = decisions.hear_ended(circle, member, other, bond, command.how or "ended")
    work.append(CIRCLE, stream, member, events)
    return Outcome(other, (stream, circle.tie(other).since[0]))


async def _half(work: Work, owner: MemberId, towards: MemberId) -> decisions.Tie:
    stream: StreamId = circle_stream(owner)
    return (await work.load(CIRCLE, stream)).tie(towards)
