"""
The trail: where in the log to look for a member, an actor or a type of event, and for what a
member's stream may tell. It holds positions alone; whoever follows it reads the events themselves.
"""

from collections.abc import Iterator
from functools import cache
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, Column, SmallInteger, Table

from domain.event import Recorded, type_of
from domain.ids import derive
from projections.reach import reach
from projections.rows import Change, Put
from projections.tables import METADATA, cell, key

TRAIL = Table(
    "trail",
    METADATA,
    cell(),
    Column("facet", SmallInteger, primary_key=True, autoincrement=False),
    key("key"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    info={"append_only": True},
)

#: A question the trail answers: which facet of events, and its value.
Facet: TypeAlias = tuple[int, UUID]

_OWNER, _ACTOR, _TYPE, _SOURCE, _CONCERN = 1, 2, 3, 4, 5


def owner_facet(member: UUID) -> Facet:
    """Events that are a member's data."""
    return _OWNER, member


def actor_facets(actor: UUID) -> tuple[Facet, ...]:
    """
    Events that an actor made, among others: what one does is nearly always one's own data, and is
    found as such.
    """
    return owner_facet(actor), (_ACTOR, actor)


@cache
def type_facet(tag: str) -> Facet:
    """Events of one type."""
    return _TYPE, derive(0, "type", tag.encode())


def source_facet(author: UUID) -> Facet:
    """What an author did that whoever has it in the feed may notice."""
    return _SOURCE, author


def concern_facet(member: UUID) -> Facet:
    """What anybody did that concerns a member: comments, likes, ties."""
    return _CONCERN, member


class Trail:
    """The read model."""

    name = "trail"
    tables = (TRAIL,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """Where an event can be found."""
        cell_, position = recorded.cell, recorded.position
        yield Put(TRAIL, (cell_, _OWNER, recorded.owner, position), {})
        if recorded.actor != recorded.owner:
            yield Put(TRAIL, (cell_, _ACTOR, recorded.actor, position), {})
        yield Put(TRAIL, (cell_, *type_facet(type_of(recorded.event)), position), {})
        reached = reach(recorded.event)
        if reached.source is not None:
            yield Put(TRAIL, (cell_, *source_facet(reached.source), position), {})
        for member in reached.members:
            yield Put(TRAIL, (cell_, *concern_facet(member), position), {})
