"""
How a membership may stand, and what that means at a moment.

Time is an argument: what a membership gives follows from its state and a moment, and whatever
happens by itself happens at :func:`due_at`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

import msgspec

from domain.ids import MemberId
from domain.membership_events import Footing, Parked
from domain.membership_periods import DAY, Period, days_used
from domain.plans import GRACE, GRACE_AGAIN, TABLE, TABLES, Months, Plan


class Subscription(msgspec.Struct, frozen=True):
    """
    What a membership remembers, however it stands.

    :param months: the term of the next renewal.
    :param anchor: the day of the month on which terms end, in China.
    :param table: the version of the table that it was last paid by.
    :param points: of growth, the periods that still run not counted.
    :param since: the version of its last change.
    :param rested: for how long it has rested since it was last paid.
    :param graced_at: when the last grace began that nobody paid for, if there was one.
    """

    member: MemberId
    plan: Plan
    months: Months
    anchor: int
    table: int
    points: int
    since: int
    rested: timedelta = timedelta()
    graced_at: datetime | None = None

    def grace(self, owed_since: datetime) -> timedelta:
        """How long benefits last when a renewal is owed: who had that for nothing waits a year."""
        if self.graced_at is not None and owed_since < self.graced_at + GRACE_AGAIN:
            return timedelta()
        return GRACE


class NeverHad(msgspec.Struct, frozen=True):
    """This plan was never tried nor bought."""


class Trialing(msgspec.Struct, frozen=True):
    """Free days, and a renewal that will have to be paid."""

    of: Subscription
    trial: Period


class Active(msgspec.Struct, frozen=True):
    """Paid, and it renews. ``periods`` are those that still run or are to come; at least one."""

    of: Subscription
    periods: tuple[Period, ...]


class Cancelled(msgspec.Struct, frozen=True):
    """It will not renew, and lasts until the end of what was paid, or tried."""

    of: Subscription
    periods: tuple[Period, ...]


class PastDue(msgspec.Struct, frozen=True):
    """A renewal could not be paid; benefits last for a grace, of which it will be for."""

    of: Subscription
    owed_since: datetime
    attempt: int
    retry_at: datetime


class Unpaid(msgspec.Struct, frozen=True):
    """The grace is over, and it is still tried to renew it."""

    of: Subscription
    owed_since: datetime
    attempt: int
    retry_at: datetime
    lapsed_at: datetime


class Paused(msgspec.Struct, frozen=True):
    """
    It rests, without benefits and without decay.

    :param paused_at: since when.
    :param next_day: when the first day that rests would have begun.
    """

    of: Subscription
    parked: tuple[Parked, ...]
    paused_at: datetime
    next_day: datetime
    resumes_at: datetime
    renews: bool


class Expired(msgspec.Struct, frozen=True):
    """It is over."""

    of: Subscription
    lapsed_at: datetime


Running: TypeAlias = Trialing | Active | Cancelled
Held: TypeAlias = Running | PastDue | Unpaid | Paused | Expired
Membership: TypeAlias = NeverHad | Held


def running(membership: Membership) -> tuple[Period, ...]:
    """The periods that run or are to come."""
    match membership:
        case Trialing(trial=trial):
            return (trial,)
        case Active(periods=periods) | Cancelled(periods=periods):
            return periods
        case _:
            return ()


def growth(membership: Membership, at: datetime) -> int:
    """The points of growth at a moment: of each day that was paid, less what decayed since."""
    if isinstance(membership, NeverHad):
        return 0
    days = [(one.daily, one.since, one.until) for one in running(membership)]
    lapsed_at = membership.lapsed_at if isinstance(membership, Unpaid | Expired) else None
    return grown(membership.of.points, membership.of.table, days, lapsed_at, at)


def grown(
    points: int,
    table: int,
    running: Iterable[tuple[int, datetime, datetime]],
    lapsed_at: datetime | None,
    at: datetime,
) -> int:
    """
    Points at a moment.

    :param points: without the periods that run.
    :param running: what each of these gives a day, and from when until when.
    :param lapsed_at: since when points decay.
    """
    points += sum(daily * days_used(since, until, at) for daily, since, until in running)
    lapsed = 0 if lapsed_at is None else max(0, (at - lapsed_at) // DAY)
    return max(0, points - TABLES[table].decay * lapsed)


def benefits_until(membership: Membership) -> datetime | None:
    """
    When benefits end unless something happens before. What is paid is followed by the grace, as
    long as it renews, so a timer that is late takes nothing away.
    """
    match membership:
        case Trialing(trial=trial):
            return trial.until
        case Active(of=of, periods=periods):
            return periods[-1].until + of.grace(periods[-1].until)
        case Cancelled(periods=periods):
            return periods[-1].until
        case PastDue(owed_since=owed_since):
            return owed_since + GRACE
        case NeverHad() | Unpaid() | Paused() | Expired():
            return None
        case _:
            assert_never(membership)


def has_benefits(membership: Membership, at: datetime) -> bool:
    """Whether its benefits hold at a moment."""
    until = benefits_until(membership)
    return until is not None and at < until


def due_at(membership: Membership) -> datetime | None:
    """When something happens by itself."""
    match membership:
        case Trialing() | Active() | Cancelled():
            return running(membership)[-1].until
        case PastDue(retry_at=retry_at) | Unpaid(retry_at=retry_at):
            return retry_at
        case Paused(resumes_at=resumes_at):
            return resumes_at
        case NeverHad() | Expired():
            return None
        case _:
            assert_never(membership)


_STATES = {
    Trialing: "trialing",
    Active: "active",
    Cancelled: "cancelled",
    PastDue: "past_due",
    Unpaid: "unpaid",
    Paused: "paused",
    Expired: "expired",
}


def footing(membership: Membership) -> Footing:
    """How a membership stands, in a word and the moments that matter."""
    if isinstance(membership, NeverHad):
        return Footing("none", 0, TABLE)
    of, periods = membership.of, running(membership)
    lapsed_at = membership.lapsed_at if isinstance(membership, Unpaid | Expired) else None
    renews = not isinstance(membership, Cancelled | Expired)
    if isinstance(membership, Paused):
        renews = membership.renews
    return Footing(
        state=_STATES[type(membership)],  # type: ignore[arg-type]
        points=of.points,
        table=of.table,
        months=of.months,
        renews=renews,
        until=periods[-1].until if periods else None,
        benefits_until=benefits_until(membership),
        due=due_at(membership),
        lapsed_at=lapsed_at,
    )
