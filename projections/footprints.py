"""
Footprints: which events name an id, wherever they stand in the log.

What a read model changes at an event is a pure function of that event, so whatever stands in a row
under an id comes from events that name it, belong to it, or are its stream's own. The last two the
log and the trail find; this finds the first. With all three, a row is what it was at any moment by
folding the few events that could have made it.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, Table

from domain.event import Event, Recorded
from projections.rows import Change, Put
from projections.tables import METADATA, cell, key

FOOTPRINTS = Table(
    "footprints",
    METADATA,
    cell(),
    key("id"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    info={"append_only": True},
)


def named_by(event: Event) -> set[UUID]:
    """Every id that an event names, at any depth."""
    found: set[UUID] = set()
    _collect(event, found)
    return found


def _collect(value: Any, found: set[UUID]) -> None:
    kind = type(value)
    if kind is UUID:
        found.add(value)
    elif kind is tuple or kind is list or kind is frozenset:
        for one in value:
            _collect(one, found)
    elif kind is dict:
        for name, one in value.items():
            _collect(name, found)
            _collect(one, found)
    elif isinstance(value, msgspec.Struct):
        for name in kind.__struct_fields__:
            _collect(getattr(value, name), found)


class Footprints:
    """The read model."""

    name = "footprints"
    tables = (FOOTPRINTS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """Where an event left traces, apart from its own stream and its owner's data."""
        for one in named_by(recorded.event):
            if one != recorded.owner and one != recorded.stream:
                yield Put(FOOTPRINTS, (recorded.cell, one, recorded.position), {})
