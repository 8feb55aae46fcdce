"""
Every reading of what is sealed, by staff, with its stated purpose: those who watch are watched.
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

    ``surface`` is the operation that showed them; ``streams`` those whose fields were opened.
    """

    staff: UUID
    role: str
    purpose: Sealed[str]
    surface: str
    streams: tuple[StreamId, ...]


DisclosureEvent: TypeAlias = SealedDataRead


class Disclosures(msgspec.Struct, frozen=True):
    """How often this member of staff read what is sealed."""

    count: int = 0


def evolve(disclosures: Disclosures, event: DisclosureEvent, version: int) -> Disclosures:
    """One more."""
    return Disclosures(disclosures.count + 1)


DISCLOSURES: Aggregate[Disclosures] = Aggregate("disclosures", Disclosures(), evolve)


def disclosures_stream(staff: UUID) -> StreamId:
    """The stream of one member of staff."""
    return StreamId(derive(cell_of(staff), "disclosures", staff))
