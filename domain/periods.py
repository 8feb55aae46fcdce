"""
Periods of a membership: whole days, paid together, used up one by one.

A day is used when it begins. A period that is cut gives back the coins of the days that have not
begun, in whole coins, rounded down; what stays and what goes back is together exactly what was
paid, coin by coin and fen by fen.
"""

import calendar
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.ids import OrderId
from domain.lots import Part, coins_in, split
from domain.money import CHINA, Worth
from domain.plans import Months, Plan

DAY: Final = timedelta(days=1)


class Service(msgspec.Struct, frozen=True):
    """What coins were spent on: a plan, from one moment until another."""

    plan: Plan
    since: datetime
    until: datetime


class Period(msgspec.Struct, frozen=True):
    """
    Days that were paid together.

    :param charge: what paid them; the rest of a period that rested is another of that charge.
    :param parts: the coins that they took, none when they are free.
    :param months: the term that they were bought for.
    :param anchor: the day of the month on which such terms end, in China.
    :param daily: points of growth for each day used; 0 for free ones alone.
    """

    id: OrderId
    charge: OrderId
    since: datetime
    until: datetime
    months: Months
    anchor: int
    daily: int
    parts: tuple[Part, ...]
    taken_at: datetime

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.until - self.since) // DAY

    def used(self, at: datetime) -> int:
        """How many of them have begun."""
        return days_used(self.since, self.until, at)

    @property
    def free(self) -> bool:
        """Whether it is a trial: nobody grows by what nobody paid."""
        return self.daily == 0


class Cut(msgspec.Struct, frozen=True):
    """
    A period that ends early.

    :param days: how many were not used.
    :param kept: what the days that were used took.
    :param back: the coins of the others.
    """

    period: OrderId
    charge: OrderId
    until: datetime
    days: int
    kept: Worth
    back: tuple[Part, ...]
    taken_at: datetime


def days_used(since: datetime, until: datetime, at: datetime) -> int:
    """How many days of a period have begun at a moment."""
    return min((until - since) // DAY, max(0, -((since - at) // DAY)))


def recognised(amount: int, since: datetime, until: datetime, at: datetime) -> int:
    """How much of what was paid for a period is earned at a moment: day by day, rounded down."""
    return amount * days_used(since, until, at) // ((until - since) // DAY)


def earned(
    paid: int, since: datetime, until: datetime, at: datetime, ended: tuple[datetime, int] | None
) -> int:
    """
    How much of what a period took is earned at a moment.

    :param ended: when it was cut, and how much was kept then: that is all it will ever earn.
    """
    if ended is not None and at >= ended[0]:
        return ended[1]
    return recognised(paid, since, until, at)


def cut(period: Period, at: datetime) -> Cut:
    """End a period: the coins taken last go back for the days that have not begun."""
    unused = period.days - period.used(at)
    coins = coins_in(period.parts)
    kept, back = split(period.parts, coins - coins * unused // period.days)
    return Cut(
        period=period.id,
        charge=period.charge,
        until=period.until,
        days=unused,
        kept=worth_of(kept),
        back=back,
        taken_at=period.taken_at,
    )


def worth_of(parts: tuple[Part, ...]) -> Worth:
    """All coins of some parts, and their cost."""
    return Worth(coins_in(parts), sum(part.fen for part in parts))


def months_after(since: datetime, months: int, anchor: int) -> datetime:
    """
    So many months later by China's calendar, at the same time of the day, on the anchor's day of
    the month or, where there is none, on the month's last.
    """
    there = since.astimezone(CHINA)
    years, month = divmod(there.month - 1 + months, 12)
    year, month = there.year + years, month + 1
    day = min(anchor, calendar.monthrange(year, month)[1])
    return there.replace(year=year, month=month, day=day).astimezone(since.tzinfo)
