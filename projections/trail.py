"""
The trail: where in the log to look for a member, an actor or a type of event. It holds positions
alone; whoever follows it reads the events themselves.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import BigInteger, Column, Table

from domain.event import Event, Recorded, type_of
from domain.ids import derive
from projections.rows import Change, Put
from projections.tables import METADATA, cell, key

TRAIL = Table(
    "trail",
    METADATA,
    cell(),
    key("facet"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    info={"append_only": True},
)


def owner_facet(member: UUID) -> UUID:
    """Events that are a member's data."""
    return derive(0, "owner", member)


def actor_facet(actor: UUID) -> UUID:
    """Events that an actor made."""
    return derive(0, "actor", actor)


def type_facet(tag: str) -> UUID:
    """Events of one type."""
    return derive(0, "type", tag.encode())


_TYPES: dict[type[Event], UUID] = {}


class Trail:
    """The read model."""

    name = "trail"
    tables = (TRAIL,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """Where an event can be found."""
        kind = type(recorded.event)
        facet = _TYPES.get(kind)
        if facet is None:
            facet = _TYPES.setdefault(kind, type_facet(type_of(kind)))
        for found in (facet, owner_facet(recorded.owner), actor_facet(recorded.actor)):
            yield Put(TRAIL, (recorded.cell, found, recorded.position), {})
