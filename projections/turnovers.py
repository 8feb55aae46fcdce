"""
Turnovers: what was posted to each account, by month and by stretches of the log; and what is earned
by the day of what was paid for days.

A sum up to any position is that of whole stretches, from here, and of the few events after them,
from the log: so the books of any moment are exact without reading all that led to it.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Date, Table, Text

from domain.event import Recorded
from domain.period import PeriodClosed, accounting_month
from domain.recognition import steps
from projections.postings import DEFERRED, Entry, Posting, entry
from projections.rows import Add, Change
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


def turned(recorded: Recorded, made: Booked) -> Iterator[Change]:
    """What an event adds to the sums of its stretch."""
    cell, stretch = recorded.cell, stretch_of(recorded.position)
    for one in made.entry.postings:
        key = (cell, stretch, made.month, one.account, one.commodity)
        yield Add(TURNOVERS, key, one.side)
        if one.term is not None:
            for segment, day, fen in rates(one):
                yield Add(RATES, (cell, stretch, segment, day), {"fen": fen})


def rates(posting: Posting) -> Iterator[tuple[str, date, int]]:
    """How a posting changes what its segment earns a day."""
    if posting.term is not None:
        segment = posting.account.removeprefix(f"{DEFERRED}:")
        for step in steps(posting.credit - posting.debit, posting.term):
            yield segment, step.day, step.fen
