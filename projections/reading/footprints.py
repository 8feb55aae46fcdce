"""
Where to look in the log for what a moment of the past was like: positions, up to a vector.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from projections.reading.statements import Connection, Statement
from projections.trail import Facet

#: A cell and a position in it.
Place = tuple[int, int]

# OFFSET 0 keeps the planner to looking into each cell by its key.

_NAMING = Statement(
    "footprints_of_ids",
    """
    SELECT w.cell, f.position
      FROM unnest(:cells::smallint[], :ids::uuid[], :untils::bigint[]) AS w (cell, id, until)
     CROSS JOIN LATERAL (
       SELECT position FROM models.footprints t
        WHERE t.cell = w.cell AND t.id = w.id AND t.position <= w.until
       OFFSET 0
     ) f
    """,
)

_FILED = Statement(
    "trail_until",
    """
    SELECT w.cell, f.position
      FROM unnest(:cells::smallint[], :facets::smallint[], :keys::uuid[], :untils::bigint[])
           AS w (cell, facet, key, until)
     CROSS JOIN LATERAL (
       SELECT position FROM models.trail t
        WHERE t.cell = w.cell AND t.facet = w.facet AND t.key = w.key AND t.position <= w.until
        ORDER BY t.position DESC
        LIMIT :count::bigint
     ) f
    """,
)


async def naming(
    connection: Connection, ids: Collection[UUID], until: Mapping[int, int]
) -> set[Place]:
    """Where events stand that name one of these ids."""
    pairs = [(cell, one, position) for one in ids for cell, position in until.items()]
    if not pairs:
        return set()
    cells, named, untils = zip(*pairs, strict=True)
    rows = await _NAMING(connection, cells=list(cells), ids=list(named), untils=list(untils))
    return {(cell, position) for cell, position in rows}


async def filed(
    connection: Connection, facets: Sequence[Facet], until: Mapping[int, int], count: int
) -> set[Place]:
    """Where the trail has events under these facets: of each the last ``count`` in every cell."""
    asked = [(cell, *facet, position) for facet in facets for cell, position in until.items()]
    if not asked:
        return set()
    cells, kinds, keys, untils = zip(*asked, strict=True)
    rows = await _FILED(
        connection,
        cells=list(cells), facets=list(kinds), keys=list(keys), untils=list(untils), count=count,
    )  # fmt: skip
    return {(cell, position) for cell, position in rows}
