"""
How far each subscriber has read each cell, moved only from where it was believed to be.

The guard (``WHERE position = :old`` must hit) is what makes a runner safe, whatever its lease says:
of two that did the same work, one finds its checkpoints moved and throws its work away.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from projections.engine.arrays import literal
from projections.engine.tables import checkpoints

Positions = Mapping[int, int]


class Move(NamedTuple):
    """One checkpoint's step in one cell."""

    subscriber: str
    cell: int
    old: int
    new: int


class CheckpointMovedError(Exception):
    """Somebody else moved a checkpoint; nothing may be written from what was read before."""


def ensure(connection: Connection, subscriber: str, positions: Positions) -> None:
    """Make the checkpoints that are missing, at these positions."""
    connection.exec_driver_sql(
        "INSERT INTO log.checkpoints (cell, subscriber, position)"
        " SELECT cell, %s, position"
        " FROM unnest(%s::smallint[], %s::bigint[]) AS new(cell, position)"
        " ORDER BY cell ON CONFLICT (cell, subscriber) DO NOTHING",
        (subscriber, literal(map(str, positions)), literal(map(str, positions.values()))),
    )


def load(connection: Connection, subscribers: Collection[str]) -> dict[str, dict[int, int]]:
    """The positions of those subscribers; one without checkpoints has none."""
    found: dict[str, dict[int, int]] = {subscriber: {} for subscriber in subscribers}
    rows = connection.execute(
        select(checkpoints.c.subscriber, checkpoints.c.cell, checkpoints.c.position).where(
            checkpoints.c.subscriber.in_(subscribers)
        )
    )
    for subscriber, cell, position in rows:
        found[subscriber][cell] = position
    return found


# Locked in one order first: an UPDATE alone locks in whatever order its plan finds the rows, and
# could deadlock with another runner or with a rebuild's swap.
_ADVANCE = """
WITH moved AS MATERIALIZED (
    SELECT old.cell, old.subscriber, new.becomes
    FROM log.checkpoints AS old
    JOIN unnest(%s::text[], %s::smallint[], %s::bigint[], %s::bigint[])
        AS new(subscriber, cell, was, becomes) USING (cell, subscriber)
    WHERE old.position = new.was
    ORDER BY old.subscriber, old.cell
    FOR UPDATE OF old
)
UPDATE log.checkpoints AS old SET position = moved.becomes
FROM moved WHERE old.cell = moved.cell AND old.subscriber = moved.subscriber
"""


def advance(connection: Connection, moves: Sequence[Move]) -> None:
    """
    Move checkpoints, all or none.

    :raises CheckpointMovedError: one of them was not where it was believed to be.
    """
    if not moves:
        return
    subscribers, cells, olds, news = zip(*moves, strict=True)
    result = connection.exec_driver_sql(
        _ADVANCE,
        (
            literal(f'"{name}"' for name in subscribers),
            literal(map(str, cells)),
            literal(map(str, olds)),
            literal(map(str, news)),
        ),
    )
    if result.rowcount != len(moves):
        raise CheckpointMovedError
