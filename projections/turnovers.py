"""
Turnovers: what was posted to each account, by month and by stretches of the log; and what is earned
by the day of what was paid for days.

A sum up to any position is that of whole stretches, from here, and of the few events after them,
from the log: so the books of any moment are exact without reading all that led to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Date, Table, Text

from domain.event import Recorded
from domain.period import PeriodClosed, accounting_month
from domain.recognition import steps
from projections.postings import DEFERRED, Entry, Posting, entry
from projections.rows import Add
from projections.tables import METADATA, cell

#: Positions of a cell that make a stretch: the most events of it that are read from the log.
STRETCH: Final = 1024

TURNOVERS = Table(
    "ledger_turnovers",
    METADATA,
    cell(),
    Column("stretch", BigInteger, primary_key=True, autoincrement=False),
    Column("month", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("commodity", Text, primary_key=True),
    Column("debit", BigInteger, nullable=False, server_default="0"),
    Column("credit", BigInteger, nullable=False, server_default="0"),
)

#: Changes of what a segment earns a day, in fen.
RATES = Table(
    "ledger_rates",
    METADATA,
    cell(),
    Column("stretch", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("fen", BigInteger, nullable=False, server_default="0"),
)


class Booked(msgspec.Struct, frozen=True, gc=False):
    """An entry, and the month that it is of."""

    entry: Entry
    month: str


def stretch_of(position: int) -> int:
    """The stretch that a position is in; positions begin at 1."""
    return (position - 1) // STRETCH


def booked(recorded: Recorded) -> Booked | None:
    """What an event posts, and into which month; None when it moves no money."""
    made = entry(recorded.event)
    if made is None:
        return None
    if isinstance(recorded.event, PeriodClosed):
        return Booked(made, recorded.event.month)
    return Booked(made, accounting_month(made.at, recorded.recorded_at))


def turned(
    recorded: Recorded, month: str, posting: Posting, side: Mapping[str, int]
) -> Iterable[Add]:
    """What a posting adds to the sums of its stretch."""
    cell, stretch = recorded.cell, stretch_of(recorded.position)
    total = Add(TURNOVERS, (cell, stretch, month, posting.account, posting.commodity), side)
    if posting.term is None:
        return (total,)
    days = rates(posting)
    return (total, *(Add(RATES, (cell, stretch, *day), {"fen": fen}) for *day, fen in days))


def rates(posting: Posting) -> Iterator[tuple[str, date, int]]:
    """How a posting changes what its segment earns a day."""
    if posting.term is not None:
        segment = posting.account.removeprefix(f"{DEFERRED}:")
        for step in steps(posting.credit - posting.debit, posting.term):
            yield segment, step.day, step.fen
