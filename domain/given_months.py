"""
Months of a membership that a friend gives: days that whoever has them did not pay, so they bring no
coins back; and they follow whatever is there.

They say nothing about renewal: a membership that would have renewed does so after them, on its own
term, and another ends with them.
"""

from datetime import datetime
from typing import Final

from domain.gift import GivenMonths
from domain.ids import ItemId, OrderId, derive
from domain.mall import Terms
from domain.membership_course import UNSAID, Course, anchor_of, resume_days
from domain.membership_events import MembershipCancelled, MonthsPaid, TermChanged
from domain.membership_moves import pause
from domain.membership_periods import Period, Service, months_after
from domain.membership_states import (
    Active,
    Membership,
    NeverHad,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
    running,
)
from domain.plans import TABLE, TABLES, Months, Plan

#: What an order of months is of, beside the kinds of the mall's items.
KIND: Final = "membership"


def offered(plan: Plan, months: Months) -> tuple[ItemId, Terms, GivenMonths]:
    """What an order of so many months is for, and on which terms."""
    rate = TABLES[TABLE].rates[plan][months]
    item = ItemId(derive(0, "months", f"{plan}/{months}".encode()))
    terms = Terms(KIND, f"{plan}, {months} months", rate.coins)
    return item, terms, GivenMonths(plan, months, rate.daily)


def service(given: GivenMonths, at: datetime) -> Service:
    """
    What is paid when months are accepted: so many from then on, for the books, be it that the
    recipient uses them later.
    """
    return Service(given.plan, at, months_after(at, given.months, anchor_of(at)))


def receive(course: Course, which: OrderId, given: GivenMonths, at: datetime) -> None:
    """
    Add months to a membership.

    :param course: the recipient's, advanced to ``at``.
    :param which: the order that they were given by.
    """
    before = course.membership
    if isinstance(before, Paused):
        resume_days(course, before, at)
    since, anchor = _begins(course, at)
    until = months_after(since, given.months, anchor)
    period = Period(which, which, since, until, given.months, anchor, given.daily, (), at)
    renews = _renews(before)
    course.happen(MonthsPaid(course.member, course.plan, period, "given", UNSAID, at))
    if not renews:
        course.happen(MembershipCancelled(course.member, course.plan, UNSAID, at))
    elif not isinstance(before, NeverHad) and before.of.months != given.months:
        term = TermChanged(course.member, course.plan, before.of.months, UNSAID, at)
        course.happen(term)
    if isinstance(before, Paused):
        pause(course, at)


def _begins(course: Course, at: datetime) -> tuple[datetime, int]:
    """When the months begin, and the day of the month on which they end."""
    if periods := running(course.membership):
        return periods[-1].until, periods[-1].anchor
    if isinstance(course.membership, PastDue):
        # What the grace gave is part of them.
        return course.membership.owed_since, course.membership.of.anchor
    return at, anchor_of(at)


def _renews(membership: Membership) -> bool:
    match membership:
        case Paused(renews=renews):
            return renews
        case Trialing() | Active() | PastDue() | Unpaid():
            return True
        case _:
            return False
