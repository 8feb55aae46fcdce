"""
Visits to spaces: how many, on which day, and by whom. Written inline and therefore exact, in the
cell of the space, by the cells of those who visit: sums commute, and each visitor has a row of
their own.

What is not to be seen is summed up with the rest, and leaves no row. What an owner took off the
list stands beside it, as so many visits of that visitor.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from domain.event import Recorded
from domain.ids import cell_of
from domain.visit import VisitMade, VisitMadeUnseen, VisitorRemoved, day_of
from projections.rows import Add, Change, Put
from projections.tables import METADATA, MOMENT, cell, key

VISIT_COUNTS = Table(
    "visit_counts",
    METADATA,
    cell(),
    key("space"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("visitors", BigInteger, nullable=False, server_default="0"),
)

VISIT_DAYS = Table(
    "visit_days",
    METADATA,
    cell(),
    key("space"),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("visits", BigInteger, nullable=False, server_default="0"),
)

VISITORS = Table(
    "visitors",
    METADATA,
    cell(),
    key("space"),
    key("visitor"),
    Column("times", BigInteger, nullable=False),
    Column("visited_at", MOMENT, nullable=False),
    Index("visitors_by_time", "cell", "space", "visited_at", "visitor"),
)

REMOVED_VISITORS = Table(
    "removed_visitors",
    METADATA,
    cell(),
    key("space"),
    key("visitor"),
    Column("times", BigInteger, nullable=False),
)


class Visits:
    """The read model."""

    name = "visits"
    tables = (VISIT_COUNTS, VISIT_DAYS, VISITORS, REMOVED_VISITORS)
    types = frozenset({VisitMade, VisitMadeUnseen, VisitorRemoved})
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case VisitMade(member=visitor, space=space, times=times):
                yield from _count(recorded, space, new=times == 1)
                values = {"times": times, "visited_at": recorded.recorded_at}
                yield Put(VISITORS, (cell_of(space), space, visitor), values)
            case VisitMadeUnseen(space=space):
                # Whoever comes unseen is no visitor that the owner could miss in the list.
                yield from _count(recorded, space, new=False)
            case VisitorRemoved(member=space, visitor=visitor, times=times):
                at = (recorded.cell, space, visitor)
                yield Put(REMOVED_VISITORS, at, {"times": times})
            case _:
                return


def _count(recorded: Recorded, space: UUID, *, new: bool) -> Iterator[Change]:
    cell_ = cell_of(space)
    counted = {"total": 1, "visitors": 1} if new else {"total": 1}
    yield Add(VISIT_COUNTS, (cell_, space), counted)
    yield Add(VISIT_DAYS, (cell_, space, day_of(recorded.recorded_at)), {"visits": 1})
