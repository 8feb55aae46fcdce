"""
Periods of a membership: whole days, paid together, used up one by one.

A day is used when it begins. A period that is cut gives back the coins of the days that have not
begun, in whole coins, rounded down; what stays and what goes back is together exactly what was
paid, coin by coin and fen by fen. Days that rest take the coins of all their term with them, and
remember how many of it were used: nothing is rounded when they do, however often.
"""

import calendar
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.ids import OrderId
from domain.lots import Part, coins_in, split
from domain.money import CHINA, Worth, china_day
from domain.plans import Months, Plan
from domain.recognition import Term, unearned

DAY: Final = timedelta(days=1)


class Service(msgspec.Struct, frozen=True):
    """
    What coins were spent on: a plan, from one moment until another.

    :param unearned: where coins come back, the fen that these days had still to earn.
    """

    plan: Plan
    since: datetime
    until: datetime
    unearned: int | None = None

    @property
    def term(self) -> Term:
        """Its days, as the books count them."""
        return Term(china_day(self.since), china_day(self.until))


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Days that were paid together.

    :param charge: what paid them; the rest of a period that rested is another of that charge.
    :param parts: the coins that they took, and ``before``, too; none when they are free.
    :param months: the term that they were bought for.
    :param anchor: the day of the month on which such terms end, in China.
    :param daily: points of growth for each day used; 0 for free ones alone.
    :param before: the days of that charge that were used before the others rested.
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
    before: int = 0

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.until - self.since) // DAY

    @property
    def worth(self) -> Worth:
        """The coins that they would give back if none was used, and the fen that they earn."""
        coins = coins_in(_last(self.parts, self.days, self.before + self.days))
        return Worth(coins, left_to_earn(self.parts, self.before, self.days))

    def used(self, at: datetime) -> int:
        """How many of them have begun."""
        return days_used(self.since, self.until, at)

    @property
    def free(self) -> bool:
        """Whether it is a trial: nobody grows by what nobody paid."""
        return self.daily == 0

    @property
    def given(self) -> bool:
        """Whether somebody else paid for it: no coins come back for its days."""
        return not self.free and not self.parts


class Cut(msgspec.Struct, frozen=True):
    """
    A period that ends early.

    :param since: when the first day that was not used would have begun.
    :param kept: what the days that were used took.
    :param back: the coins of the others, which go back unless these rest.
    :param unearned: the fen that the others had still to earn: not what they come back as, since
        coins are whole, and the last taken go back first.
    """

    period: OrderId
    charge: OrderId
    since: datetime
    until: datetime
    kept: Worth
    back: tuple[Part, ...]
    unearned: int
    taken_at: datetime

    @property
    def days(self) -> int:
        """How many were not used."""
        return (self.until - self.since) // DAY

    def service(self, plan: Plan) -> Service:
        """The days that were not used."""
        return Service(plan, self.since, self.until, self.unearned)


def days_used(since: datetime, until: datetime, at: datetime) -> int:
    """How many days of a period have begun at a moment."""
    return min((until - since) // DAY, max(0, -((since - at) // DAY)))


def cut(period: Period, at: datetime) -> Cut:
    """End a period: the coins taken last go back for the days that have not begun."""
    used, whole = period.used(at), period.before + period.days
    began, back = (_last(period.parts, days, whole) for days in (period.days, period.days - used))
    return Cut(
        period=period.id,
        charge=period.charge,
        since=period.since + used * DAY,
        until=period.until,
        kept=worth_of(began).minus(worth_of(back)),
        back=back,
        unearned=left_to_earn(period.parts, period.before + used, period.days - used),
        taken_at=period.taken_at,
    )


def _last(parts: tuple[Part, ...], days: int, whole: int) -> tuple[Part, ...]:
    """The coins of the last of some days: those taken last, in whole coins, rounded down."""
    coins = coins_in(parts)
    return split(parts, coins - coins * days // whole)[1]


def left_to_earn(parts: tuple[Part, ...], used: int, days: int) -> int:
    """What days have to earn, in fen, when so many that were paid with them have been used."""
    return unearned(worth_of(parts).fen, used + days, used)


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
