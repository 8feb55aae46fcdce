"""
The decoration of a space: what its owner chose, one stream a space.

Events hold what was chosen and never what shows: that follows from the choice and from what its
owner is entitled to (:mod:`domain.looks`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.looks import HOUSE, PLAIN, SLOTS, Look, OfHouse, Rights, Slot, entitled


class DecorationChanged(Event, frozen=True, tag="decoration.changed.v1"):
    """The space is to look like this."""

    member: MemberId
    look: Look
    effective_at: datetime


class DecorationRestored(Event, frozen=True, tag="decoration.restored.v1"):
    """The space looks like everybody's again."""

    member: MemberId
    effective_at: datetime


DecorationEvent: TypeAlias = DecorationChanged | DecorationRestored


class Decoration(msgspec.Struct, frozen=True):
    """What was chosen. ``since`` is the version of the last change."""

    look: Look = PLAIN
    since: int = 0


def evolve(decoration: Decoration, event: DecorationEvent, version: int) -> Decoration:
    """The decoration after one more event."""
    match event:
        case DecorationChanged(look=look):
            return Decoration(look, version)
        case DecorationRestored():
            return Decoration(PLAIN, version)
        case _:
            assert_never(event)


DECORATION: Aggregate[Decoration] = Aggregate("decoration", Decoration(), evolve)


def decoration_stream(member: MemberId) -> StreamId:
    """A space's decoration, in its owner's cell."""
    return StreamId(derive(cell_of(member), "decoration", member))


# Decisions


def change(
    decoration: Decoration,
    member: MemberId,
    changes: Mapping[str, Any],
    rights: Rights,
    at: datetime,
) -> tuple[DecorationEvent, ...]:
    """
    Change what is named; None restores a slot.

    :param changes: values by field of a look.
    :raises Refused: there is no such look, or it is not for this member now.
    """
    for slot in SLOTS:
        if (choice := changes.get(slot)) is not None:
            _check(slot, choice, rights)
    look = msgspec.structs.replace(decoration.look, **changes)
    if look == decoration.look:
        return ()
    return (DecorationChanged(member, look, at),)


def _check(slot: Slot, choice: Any, rights: Rights) -> None:
    if isinstance(choice, OfHouse) and choice.name not in HOUSE[slot]:
        raise Refused("no-such-look", "The house has no look of this name.", f"/{slot}")
    if not entitled(slot, choice, rights):
        raise Refused("not-entitled", "This takes a membership or an item of yours.", f"/{slot}")


def restore(decoration: Decoration, member: MemberId, at: datetime) -> tuple[DecorationEvent, ...]:
    """Restore the default; where it is so already, there is nothing to do."""
    return () if decoration.look == PLAIN else (DecorationRestored(member, at),)
