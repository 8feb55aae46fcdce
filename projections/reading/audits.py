"""
Where in the log an auditor's question leads: positions by owner, actor or type.
"""

from projections.reading.statements import Connection, Statement
from projections.trail import Facet

_TRAIL = Statement(
    "trail_positions",
    """
    SELECT position FROM models.trail
     WHERE cell = :cell::smallint AND facet = :facet::smallint AND key = :key::uuid
       AND position > :after::bigint AND position <= :until::bigint
     ORDER BY position
     LIMIT :count::int
    """,
)


async def trail(
    connection: Connection, cell: int, facet: Facet, after: int, until: int, count: int
) -> list[int]:
    """Positions of a facet's events in a cell, in order."""
    kind, key = facet
    rows = await _TRAIL(
        connection, cell=cell, facet=kind, key=key, after=after, until=until, count=count
    )
    return [position for (position,) in rows]
