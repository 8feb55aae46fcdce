"""
Every reading of what is sealed, every export and every look at the past, by staff, with its stated
purpose: those who watch are watched.
"""

from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event
from domain.ids import StreamId, cell_of, derive
from domain.sealed import Sealed


class SealedDataRead(Event, frozen=True, tag="disclosure.read.v1"):
    """
    A member of staff opened sealed fields.

    ``surface`` is the operation that showed them; ``streams`` those whose fields were opened;
    ``request`` the authority's request that it was done for, where it was.
    """

    staff: UUID
    role: str
    purpose: Sealed[str]
    surface: str
    streams: tuple[StreamId, ...]
    request: UUID | None = None


class RecordsExported(Event, frozen=True, tag="disclosure.exported.v1"):
    """
    A member of staff took records out as a file, of after ``since`` until ``until``: positions or
    times, as they were asked for. What is sealed stays so in it.
    """

    staff: UUID
    role: str
    surface: str
    purpose: Sealed[str] | None = None
    since: str | None = None
    until: str | None = None


class PastRead(Event, frozen=True, tag="disclosure.past_read.v1"):
    """
    A member of staff looked at how something was at a moment: ``at`` a version, positions or a
    time, as it was asked for; None where all moments were. ``streams`` are what it was about.
    """

    staff: UUID
    role: str
    surface: str
    purpose: Sealed[str] | None = None
    at: str | None = None
    streams: tuple[StreamId, ...] = ()


DisclosureEvent: TypeAlias = SealedDataRead | RecordsExported | PastRead


class Disclosures(msgspec.Struct, frozen=True):
    """How often this member of staff read what is sealed, exported, or looked at the past."""

    count: int = 0


def evolve(disclosures: Disclosures, event: DisclosureEvent, version: int) -> Disclosures:
    """One more."""
    return Disclosures(disclosures.count + 1)


DISCLOSURES: Aggregate[Disclosures] = Aggregate("disclosures", Disclosures(), evolve)


def disclosures_stream(staff: UUID) -> StreamId:
    """The stream of one member of staff."""
    return StreamId(derive(cell_of(staff), "disclosures", staff))
