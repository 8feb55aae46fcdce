"""
What is under a legal hold, and what is left of a member who is gone.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement

_HOLDS = Statement(
    "legal_holds",
    """
    SELECT member, classes, placed_at, member_cell, position FROM models.legal_holds
     WHERE cell = :cell::smallint AND member > :after::uuid
     ORDER BY member LIMIT :count::int
    """,
)

_MADE = Statement(
    "made_by_member",
    """
    SELECT stream, kind, about FROM models.timeline
     WHERE cell = :cell::smallint AND member = :member::uuid AND stream > :after::uuid
     ORDER BY stream LIMIT :count::int
    """,
)


class HoldRow(msgspec.Struct, frozen=True):
    """A hold that stands; ``classes`` by their names, between spaces."""

    member: UUID
    classes: str
    placed_at: datetime
    cell: int
    position: int


class MadeRow(msgspec.Struct, frozen=True):
    """Something a member did, and what it was about."""

    stream: UUID
    kind: str
    about: UUID


async def holds(connection: Connection, after: UUID, count: int) -> list[HoldRow]:
    """Holds that stand, in the order of their members' ids."""
    rows = await _HOLDS(connection, cell=DIRECTORY_CELL, after=after, count=count)
    return [HoldRow(*row) for row in rows]


async def made(connection: Connection, member: MemberId, after: UUID, count: int) -> list[MadeRow]:
    """What a member did and did not take back, whoever may see it, in the order of its ids."""
    rows = await _MADE(connection, cell=cell_of(member), member=member, after=after, count=count)
    return [MadeRow(*row) for row in rows]
