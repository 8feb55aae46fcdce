"""
When a viewer could see a post: every interval, and the events that opened and closed each.

History keeps each turn that the gate, either half of the tie, a list and the viewer's account ever
took, unfolded. They are played in the one order of all cells, and after each the one rule is asked,
:func:`visible`; so this says what reading would have said at every moment, not what it should have.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.audience import Relation, visible
from domain.event import Recorded
from projections.gates import audience_of
from projections.members import MEMBERS, Members
from projections.rows import Drop, Patch, Put
from projections.streams import Moment, moment_of


class GateTurn(msgspec.Struct, frozen=True, gc=False):
    """The post's gate is thus from now on; ``audience`` is None where it is closed to all."""

    at: Moment
    live: bool
    audience: str | None
    list: UUID | None


class TieTurn(msgspec.Struct, frozen=True, gc=False):
    """
    One half of the tie is thus from now on: the viewer's where ``mine``, else the author's.
    ``part`` is ``friendship``, with the bond that is offered where it stands, or ``block``.
    """

    at: Moment
    mine: bool
    part: str
    standing: bool
    bond: UUID | None


class ListTurn(msgspec.Struct, frozen=True, gc=False):
    """The viewer is on a list from now on, or no longer."""

    at: Moment
    list: UUID
    listed: bool


class AccountTurn(msgspec.Struct, frozen=True, gc=False):
    """The viewer may read from now on, or no longer."""

    at: Moment
    active: bool


class GoneTurn(msgspec.Struct, frozen=True, gc=False):
    """The author is forgotten: nothing of theirs is there for anybody."""

    at: Moment


Turn: TypeAlias = GateTurn | TieTurn | ListTurn | AccountTurn | GoneTurn


class Interval(msgspec.Struct, frozen=True):
    """
    From the moment of the event that opened it, which is within, to that of the one that closed
    it, which is not; None while it lasts.
    """

    opened: Moment
    closed: Moment | None


class _Between:
    """How the viewer, the author and the post stand while the turns are played."""

    def __init__(self, own: bool) -> None:
        self.own = own
        self.gate: GateTurn | None = None
        self.active = False
        self.gone = False
        self.lists: set[UUID] = set()
        self.bonds: dict[bool, UUID | None] = {}
        self.blocks: set[bool] = set()

    def take(self, turn: Turn) -> None:
        """One turn more."""
        match turn:
            case GateTurn():
                self.gate = turn
            case AccountTurn(active=active):
                self.active = active
            case GoneTurn():
                self.gone = True
            case ListTurn(list=which, listed=listed):
                (self.lists.add if listed else self.lists.discard)(which)
            case TieTurn(part="friendship", mine=mine):
                self.bonds[mine] = turn.bond if turn.standing else None
            case TieTurn(mine=mine, standing=standing):
                (self.blocks.add if standing else self.blocks.discard)(mine)

    def sees(self) -> bool:
        """Whether the viewer, reading now, would find the post."""
        gate = self.gate
        if gate is None or self.gone or not self.active:
            return False
        mine, theirs = self.bonds.get(True), self.bonds.get(False)
        relation = Relation(
            is_author=self.own,
            friends=mine is not None and mine == theirs,
            blocked=bool(self.blocks),
            listed=gate.list is not None and gate.list in self.lists,
        )
        return visible(gate.live, audience_of(gate.audience or "only_me"), relation)


def intervals(own: bool, turns: Iterable[Turn]) -> list[Interval]:
    """
    Every interval, in order.

    :param own: the viewer is the author.
    :param turns: in any order; those of one event count together.
    """
    between, found, opened = _Between(own), list[Interval](), None
    in_order = sorted(turns, key=lambda turn: turn.at)
    for at, of_event in groupby(in_order, key=lambda turn: turn.at):
        for turn in of_event:
            between.take(turn)
        sees = between.sees()
        if sees and opened is None:
            opened = at
        elif opened is not None and not sees:
            found.append(Interval(opened, at))
            opened = None
    return found if opened is None else [*found, Interval(opened, None)]


def account_turns(history: Iterable[Recorded]) -> Iterator[AccountTurn]:
    """
    When the member whose account this is could read: by the very row that every reading asks.
    """
    model = Members()
    for recorded in history:
        for change in model.rows(recorded):
            if change.table is not MEMBERS:
                continue
            match change:
                case Put(values=values) | Patch(values=values) if "status" in values:
                    yield AccountTurn(moment_of(recorded), values["status"] == "active")
                case Drop():
                    yield AccountTurn(moment_of(recorded), False)
                case _:
                    pass


def author_turns(history: Iterable[Recorded]) -> Iterator[GoneTurn]:
    """When the author whose account this is was forgotten: by the row that every reading joins."""
    model = Members()
    for recorded in history:
        if any(isinstance(one, Drop) and one.table is MEMBERS for one in model.rows(recorded)):
            yield GoneTurn(moment_of(recorded))
