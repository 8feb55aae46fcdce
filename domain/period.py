"""
Periods: months of the books, by the calendar of China, closed one after another and never reopened.

What is posted into a closed month belongs to the next one that is open, and keeps the date on which
it took effect. Cells share no order, so a closing says up to which position of each cell the month
goes; which period a posting belongs to follows from that alone, in every replay.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import StreamId, derive
from domain.money import CHINA, Commodity, china_month


class Figure(msgspec.Struct, frozen=True):
    """What a period has on both sides of an account."""

    account: str
    commodity: Commodity
    debit: int
    credit: int


class Recognised(msgspec.Struct, frozen=True):
    """What the days of a period have earned of what was deferred, in fen; negative corrects."""

    segment: str
    fen: int

    @property
    def sides(self) -> tuple[int, int]:
        """What of it is debited to deferred and credited to revenue, and what the other way."""
        return max(self.fen, 0), max(-self.fen, 0)


class PeriodClosed(Event, frozen=True, tag="period.closed.v1"):
    """
    A month of the books is closed.

    :param until: the last position that it takes in of each cell, by the cell's number in text.
    :param figures: of each account, with what was recognised.
    :param root: SHA-256 over its postings, in hexadecimal; ``postings`` is how many they are.
    """

    month: str
    until: Mapping[str, int]
    figures: tuple[Figure, ...]
    recognised: tuple[Recognised, ...]
    postings: int
    root: str
    by: UUID
    effective_at: datetime

    def end(self, cell: int) -> int:
        """The last position of a cell that it takes in."""
        return self.until.get(str(cell), 0)


class Periods(msgspec.Struct, frozen=True):
    """
    Which months are closed: all up to the last one.

    :param versions: of each closed month, the version that closed it.
    """

    last: str | None = None
    versions: Mapping[str, int] = {}


def evolve(periods: Periods, event: PeriodClosed, version: int) -> Periods:
    """The periods after one more was closed."""
    return Periods(event.month, {**periods.versions, event.month: version})


PERIODS: Aggregate[Periods] = Aggregate("periods", Periods(), evolve)

#: There is one set of books.
PERIODS_STREAM = StreamId(derive(DIRECTORY_CELL, "periods"))


# Months


def month_begins(month: str) -> datetime:
    """Its first moment; ``month`` is ``2026-11``."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA)


def following(month: str) -> str:
    """The month after it."""
    return china_month(month_begins(month) + timedelta(days=31))


def last_moment(month: str) -> datetime:
    """Its last microsecond."""
    return month_begins(following(month)) - timedelta(microseconds=1)


def accounting_month(effective_at: datetime, recorded_at: datetime) -> str:
    """
    The month that something is booked in while that is open: when it took effect, but never later
    than it was recorded, whatever the clocks of several servers say.
    """
    return china_month(min(effective_at, recorded_at))


def period_of(month: str, cell: int, position: int, closed: Sequence[PeriodClosed]) -> str:
    """
    The period of a posting: its accounting month, or the first after it that was open.

    :param closed: what was closed, in order.
    """
    for one in closed:
        if month <= one.month and position <= one.end(cell):
            return one.month
    return max(month, following(closed[-1].month)) if closed else month


# Decisions


def due(periods: Periods, first: str | None) -> str | None:
    """
    The month to be closed next.

    :param first: the month of the first posting there is, if there is one.
    """
    return first if periods.last is None else following(periods.last)


def check(periods: Periods, month: str, first: str | None, now: datetime) -> bool:
    """
    Whether there is something to do: False for a month that is closed already.

    :raises Refused: it is not over, or another comes before it.
    """
    if month in periods.versions:
        return False
    if month_begins(following(month)) > now:
        raise Refused("period-running", "A month can be closed once it is over.")
    if month != (turn := due(periods, first)):
        said = "Nothing was posted yet." if turn is None else f"The next to be closed is {turn}."
        raise Refused("period-not-next", said)
    return True
