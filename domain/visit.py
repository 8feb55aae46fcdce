"""
Visits: how often one member was in another's space, on a stream that the two alone name, in the
visitor's cell, so that a storm of visits to one space meets nowhere.

A visit that is not to be seen is an event of its own: whoever shows visits cannot show it by
forgetting to look at a flag. What an owner takes off the list stands in the owner's cell, and says
how many visits it takes off; those that follow are listed again, counted from there.
"""

from datetime import datetime
from typing import TypeAlias, assert_never

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.money import china_day


def day_of(moment: datetime) -> int:
    """The number of the day in China (UTC+8) that a moment is on: days of its calendar, from 1."""
    return china_day(moment).toordinal()


class VisitMade(Event, frozen=True, tag="visit.made.v1"):
    """A member was in a space, for the ``times``-th time that its owner may know of."""

    member: MemberId
    space: MemberId
    times: int


class VisitMadeUnseen(Event, frozen=True, tag="visit.made_unseen.v1"):
    """
    Somebody was in a space, which is counted; who it was is for nobody to see. At ``effective_at``
    they might.
    """

    member: MemberId
    space: MemberId
    effective_at: datetime


class VisitorRemoved(Event, frozen=True, tag="visitor.removed.v1"):
    """A space's owner took a visitor off the list, with the first ``times`` of their visits."""

    member: MemberId
    visitor: MemberId
    times: int


VisitEvent: TypeAlias = VisitMade | VisitMadeUnseen


class Visits(msgspec.Struct, frozen=True, gc=False):
    """How often the space's owner may know of."""

    times: int = 0


class Removal(msgspec.Struct, frozen=True, gc=False):
    """How many visits of one visitor are off the list, since which version."""

    times: int = 0
    since: int = 0


def evolve(visits: Visits, event: VisitEvent, version: int) -> Visits:
    """The visits after one more event."""
    match event:
        case VisitMade(times=times):
            return Visits(times)
        case VisitMadeUnseen():
            return visits
        case _:
            assert_never(event)


def evolve_removal(removal: Removal, event: VisitorRemoved, version: int) -> Removal:
    """The removal after one more event."""
    return Removal(event.times, version)


VISITS: Aggregate[Visits] = Aggregate("visits", Visits(), evolve)
REMOVAL: Aggregate[Removal] = Aggregate("removed-visitor", Removal(), evolve_removal)


def visits_stream(visitor: MemberId, space: MemberId) -> StreamId:
    """The stream of one member's visits to one space."""
    return StreamId(derive(cell_of(visitor), "visits", visitor, space))


def removal_stream(space: MemberId, visitor: MemberId) -> StreamId:
    """The stream of what a space's owner took off the list of one visitor."""
    return StreamId(derive(cell_of(space), "removed-visitor", space, visitor))


# Decisions


def visit(
    visits: Visits, member: MemberId, space: MemberId, at: datetime, *, unseen: bool
) -> tuple[VisitEvent, ...]:
    """Be in a space that is there for the member; in one's own, nothing happens."""
    if member == space:
        return ()
    if unseen:
        return (VisitMadeUnseen(member, space, at),)
    return (VisitMade(member, space, visits.times + 1),)


def remove(
    removal: Removal, visits: Visits, space: MemberId, visitor: MemberId
) -> tuple[VisitorRemoved, ...]:
    """
    Take a visitor off the list; said again, nothing happens.

    :raises Refused: the owner knows of no visit: there was none, or none to be seen.
    """
    if visits.times == 0:
        raise Refused("not-found")
    if visits.times == removal.times:
        return ()
    return (VisitorRemoved(space, visitor, visits.times),)
