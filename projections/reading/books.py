"""
The books as sums: of whole stretches of the log, account by account and month by month.
"""

from collections.abc import Mapping
from datetime import date

import msgspec

from projections.reading.statements import Connection, Statement

# OFFSET 0 keeps the planner to looking into each cell by its key.

_TURNOVERS = Statement(
    "ledger_turnovers",
    """
    SELECT t.month, t.account, t.commodity, sum(t.debit)::bigint, sum(t.credit)::bigint
      FROM unnest(:cells::smallint[], :stretches::bigint[]) AS p (cell, stretch)
     CROSS JOIN LATERAL (
       SELECT * FROM models.ledger_turnovers w WHERE w.cell = p.cell AND w.stretch < p.stretch
        OFFSET 0
     ) t
     GROUP BY t.month, t.account, t.commodity
    """,
)

_RATES = Statement(
    "ledger_rates",
    """
    SELECT r.segment, r.day, sum(r.fen)::bigint
      FROM unnest(:cells::smallint[], :stretches::bigint[]) AS p (cell, stretch)
     CROSS JOIN LATERAL (
       SELECT * FROM models.ledger_rates w WHERE w.cell = p.cell AND w.stretch < p.stretch
        OFFSET 0
     ) r
     GROUP BY r.segment, r.day
    """,
)


class Turnover(msgspec.Struct, frozen=True):
    """What was posted to an account in a month."""

    month: str
    account: str
    commodity: str
    debit: int
    credit: int


class Rate(msgspec.Struct, frozen=True):
    """By how much the fen change that a segment earns a day."""

    segment: str
    day: date
    fen: int


async def turnovers(connection: Connection, before: Mapping[int, int]) -> list[Turnover]:
    """The sums of each cell's stretches before the one named."""
    rows = await _TURNOVERS(connection, cells=list(before), stretches=list(before.values()))
    return [Turnover(*row) for row in rows]


async def rates(connection: Connection, before: Mapping[int, int]) -> list[Rate]:
    """The changes of rates in each cell's stretches before the one named."""
    rows = await _RATES(connection, cells=list(before), stretches=list(before.values()))
    return [Rate(*row) for row in rows]
