"""
Friendship is two halves in two cells that learn of each other by messages.

Messages are late, come out of turn, and come again long after; members act meanwhile. Whatever the
order: two are friends only on a bond that one asked for and the other accepted and nobody ended,
nothing that ended comes back, and once all is told both halves agree. Every short history is tried,
and long ones between three members at random.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain import circle as decisions
from domain.circle import (
    CIRCLE,
    AnyCircleEvent,
    Circle,
    FriendAccepted,
    FriendAsked,
    FriendEnded,
    friends,
)
from domain.event import Refused
from domain.ids import MemberId, mint
from tests.domain.people import ANNA, BELA, CARL

Move: TypeAlias = Literal["befriend", "unfriend", "block", "unblock"]
MOVES: tuple[Move, ...] = ("befriend", "unfriend", "block", "unblock")
MEMBERS = (ANNA, BELA, CARL)

#: What both halves may say once all is told.
AGREEING = {
    ("none", "none"),
    ("friends", "friends"),
    ("outgoing", "incoming"),
    ("incoming", "outgoing"),
}


class Message(NamedTuple):
    """What a policy carries: of which event, and to whom."""

    event: FriendAsked | FriendAccepted | FriendEnded

    @property
    def sender(self) -> MemberId:
        return self.event.member

    @property
    def receiver(self) -> MemberId:
        return self.event.other


class World(msgspec.Struct, frozen=True):
    """The circles, what is on its way, and which bonds somebody ended."""

    circles: dict[MemberId, Circle]
    messages: tuple[Message, ...] = ()
    accepted: frozenset[UUID] = frozenset()
    ended: frozenset[UUID] = frozenset()
    events: int = 0

    def half(self, member: MemberId, other: MemberId) -> decisions.Tie:
        return self.circles[member].tie(other)

    def after(self, member: MemberId, events: tuple[AnyCircleEvent, ...]) -> "World":
        """What a member's events make of it."""
        messages, accepted, ended = list(self.messages), set(self.accepted), set(self.ended)
        for event in events:
            match event:
                case FriendAsked():
                    messages.append(Message(event))
                case FriendAccepted(bond=bond):
                    assert bond not in ended, "nobody accepts what is over"
                    accepted.add(bond)
                    messages.append(Message(event))
                case FriendEnded(bond=bond):
                    ended.add(bond)
                    messages.append(Message(event))
                case _:
                    pass
        circle = CIRCLE.fold(events, self.circles[member], self.events)
        return World(
            {**self.circles, member: circle},
            tuple(messages),
            frozenset(accepted),
            frozenset(ended),
            self.events + len(events),
        )

    def move(self, member: MemberId, other: MemberId, move: Move, bond: UUID) -> "World | None":
        """A member does something about another; None when that is refused or changes nothing."""
        circle = self.circles[member]
        try:
            match move:
                case "befriend":
                    half = self.half(other, member)
                    events = decisions.befriend(circle, member, other, half, bond)
                case "unfriend":
                    events = decisions.unfriend(circle, member, other)
                case "block":
                    events = decisions.block(circle, member, other)
                case "unblock":
                    events = decisions.unblock(circle, member, other)
        except Refused:
            return None
        return self.after(member, events) if events else None

    def hear(self, message: Message, *, again: bool) -> "World":
        """A message arrives; it stays on its way when it is to come ``again``."""
        member, other, event = message.receiver, message.sender, message.event
        circle = self.circles[member]
        match event:
            case FriendAsked(bond=bond):
                half = self.half(other, member)
                events = decisions.hear_asked(circle, member, other, bond, half)
            case FriendAccepted(bond=bond):
                events = decisions.hear_accepted(circle, member, other, bond)
            case FriendEnded(bond=bond, how=how):
                events = decisions.hear_ended(circle, member, other, bond, how)
        left = list(self.messages)
        if not again:
            left.remove(message)
        return msgspec.structs.replace(self, messages=tuple(left)).after(member, events)

    def check(self, member: MemberId, other: MemberId) -> None:
        """What must hold between two at any moment."""
        mine, theirs = self.half(member, other), self.half(other, member)
        if friends(mine, theirs):
            assert mine.bond in self.accepted, "both wanted it"
            assert mine.bond not in self.ended, "either's withdrawal holds at once"
            assert not mine.blocked
        if mine.blocked:
            assert mine.standing == "none", "who blocks offers and awaits nothing"
        if not self.messages:
            assert (mine.standing, theirs.standing) in AGREEING, "no half is left behind"
            assert mine.bond == theirs.bond


def counted(circle: Circle) -> Circle:
    """A circle with its counts taken from its ties."""
    ties = circle.ties.values()
    return Circle(
        circle.ties,
        friends=sum(tie.standing == "friends" for tie in ties),
        outgoing=sum(tie.standing == "outgoing" for tie in ties),
        incoming=sum(tie.standing == "incoming" for tie in ties),
        blocks=sum(tie.blocked for tie in ties),
        follows=sum(tie.follows for tie in ties),
    )


def test_every_history_of_five_moves_told_in_any_order_and_any_number_of_times() -> None:
    start = World({ANNA: Circle(), BELA: Circle()})
    seen: dict[object, int] = {}
    frontier = [(start, 5)]
    while frontier:
        world, moves_left = frontier.pop()
        name = canonical(world)
        if seen.get(name, -1) >= moves_left:
            continue
        seen[name] = moves_left
        assert len(world.messages) <= 3 * (5 - moves_left), "talk comes to an end"
        world.check(ANNA, BELA)
        world.check(BELA, ANNA)
        if moves_left:
            bond = mint(0, 0, moves_left)
            frontier += [(after, moves_left - 1) for after in moved(world, bond)]
        for message in world.messages:
            frontier += [(world.hear(message, again=again), moves_left) for again in (False, True)]
    assert len(seen) > 3_000


def moved(world: World, bond: UUID) -> Iterator[World]:
    """What either may do."""
    for member, other in ((ANNA, BELA), (BELA, ANNA)):
        for move in MOVES:
            after = world.move(member, other, move, bond)
            if after is not None:
                yield after


def canonical(world: World) -> object:
    """A world with its bonds renamed by order of appearance; versions do not matter."""
    names: dict[UUID | None, int] = {None: 0}

    def name(bond: UUID | None) -> int:
        return names.setdefault(bond, len(names))

    halves = [
        (tie.standing, name(tie.bond), name(tie.heard), tie.blocked)
        for tie in (world.half(ANNA, BELA), world.half(BELA, ANNA))
    ]
    messages = [
        (message.sender == ANNA, type(message.event).__name__, name(message.event.bond))
        for message in world.messages
    ]
    known = {bond: number for bond, number in names.items() if bond is not None}
    ended = sorted(number for bond, number in known.items() if bond in world.ended)
    return tuple(halves), tuple(sorted(messages)), tuple(ended)


class Friendships(RuleBasedStateMachine):
    """Three members, long histories; what one heard once it may hear again much later."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World({member: Circle() for member in MEMBERS})
        self.told: list[Message] = []
        self.bonds = 0

    @rule(
        pair=st.sampled_from([(a, b) for a in MEMBERS for b in MEMBERS if a != b]),
        move=st.sampled_from((*MOVES, "befriend", "befriend")),
    )
    def act(self, pair: tuple[MemberId, MemberId], move: Move) -> None:
        self.bonds += 1
        after = self.world.move(*pair, move, mint(self.bonds, 0, self.bonds))
        if after is not None:
            self.world = after
        if move in ("unfriend", "block") and after is not None:
            assert not friends(self.world.half(*pair), self.world.half(*reversed(pair)))

    @precondition(lambda self: self.world.messages)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.world.messages))
        self.world = self.world.hear(message, again=False)
        self.told.append(message)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hear_again(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.told))
        assert self.world.hear(message, again=True) == self.world

    @rule()
    def hear_all(self) -> None:
        while self.world.messages:
            message = self.world.messages[0]
            self.world = self.world.hear(message, again=False)
            self.told.append(message)

    @invariant()
    def both_halves_are_sound(self) -> None:
        for member in MEMBERS:
            assert self.world.circles[member] == counted(self.world.circles[member])
            for other in MEMBERS:
                if member != other:
                    self.world.check(member, other)


Friendships.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestFriendships = Friendships.TestCase


def test_an_ending_that_crosses_a_renewed_request_does_not_touch_it() -> None:
    """Anna ends it; Bela, who has not heard, is asked again; only then the ending arrives."""
    world = World({ANNA: Circle(), BELA: Circle()})
    world = _step(world, ANNA, BELA, "befriend", 1)
    world = _step(world, BELA, ANNA, "befriend", 2)
    world = _step(world, ANNA, BELA, "unfriend", 3)
    world = _step(world, ANNA, BELA, "befriend", 4)
    ending, renewed = world.messages[-2:]
    world = world.hear(renewed, again=False).hear(ending, again=False)
    assert world.half(BELA, ANNA).standing == "incoming"
    assert friends(*_halves(_step(world, BELA, ANNA, "befriend", 5)))


def _step(world: World, member: MemberId, other: MemberId, move: Move, bond: int) -> World:
    after = world.move(member, other, move, mint(bond, 0, bond))
    assert after is not None
    return after


def _halves(world: World) -> tuple[decisions.Tie, decisions.Tie]:
    return world.half(ANNA, BELA), world.half(BELA, ANNA)
