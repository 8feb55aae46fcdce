"""
What moves a membership: its member, and operators. Each acts on a course that time has advanced
already.
"""

from datetime import datetime, timedelta
from uuid import UUID

from domain.event import Refused
from domain.ids import LotId, OrderId
from domain.membership_course import (
    UNSAID,
    Course,
    anchor_of,
    expire,
    named_by,
    paid_period,
    resume_days,
)
from domain.membership_events import (
    MembershipCancelled,
    MembershipPaused,
    MonthsPaid,
    Parked,
    RenewalResumed,
    TermChanged,
    TrialStarted,
    UnusedDaysRefunded,
)
from domain.membership_periods import Cut, Period, cut, months_after
from domain.membership_states import (
    Active,
    Cancelled,
    Expired,
    NeverHad,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
    due_at,
    running,
)
from domain.plans import AHEAD_MAX, PAUSE_MAX, TRIAL, Months
from domain.sealed import Sealed

# What members ask for


def start_trial(course: Course, id: OrderId, months: Months, at: datetime) -> None:
    """
    Try the plan for some days, and go on by terms of so many months.

    :raises Refused: it was had before.
    """
    if isinstance(course.membership, Trialing):
        return
    if not isinstance(course.membership, NeverHad):
        raise Refused("trial-used", "This plan was tried or bought before.", "/trial")
    until = at + TRIAL
    trial = Period(id, id, at, until, months, anchor_of(until), 0, (), at)
    course.happen(TrialStarted(course.member, course.plan, trial, UNSAID, at))


def subscribe(course: Course, id: OrderId, months: Months, at: datetime) -> None:
    """
    Have it renew by terms of so many months: buy it where it is not had, pay what is owed; move to
    a term longer than all that was paid now, with the unused days given back, to any other at the
    next renewal.

    :param id: of the period that is paid, if one is.
    :raises Refused: not enough coins, or it rests.
    """
    match course.membership:
        case NeverHad() | Expired() | Unpaid():
            _buy(course, id, months, at)
        case PastDue(of=of, owed_since=owed_since):
            period = paid_period(course, id, owed_since, months, of.anchor, at)
            course.happen(MonthsPaid(course.member, course.plan, period, "renewed", UNSAID, at))
        case Active(periods=periods) | Cancelled(periods=periods) if _longer(months, periods, at):
            _upgrade(course, id, months, at)
        case Paused():
            raise Refused("membership-paused", "Resume it first.")
        case Trialing() | Active() | Cancelled() as held:
            if isinstance(held, Cancelled):
                course.happen(RenewalResumed(course.member, course.plan, UNSAID, at))
            if months != held.of.months:
                course.happen(TermChanged(course.member, course.plan, months, UNSAID, at))


def _longer(months: Months, periods: tuple[Period, ...], at: datetime) -> bool:
    """
    Whether a term is longer than any that was paid and is not over; a trial is no term. Days that
    were given would be lost: a longer term begins after them.
    """
    left = [one for one in periods if one.until > at]
    paid = [one.months for one in left if not one.free]
    return bool(paid) and months > max(paid) and not any(one.given for one in left)


def _buy(course: Course, id: OrderId, months: Months, at: datetime) -> None:
    period = paid_period(course, id, at, months, anchor_of(at), at)
    course.happen(MonthsPaid(course.member, course.plan, period, "bought", UNSAID, at))


def _upgrade(course: Course, id: OrderId, months: Months, at: datetime) -> None:
    _take_back(course, id, None, at)
    period = paid_period(course, id, at, months, anchor_of(at), at)
    course.happen(MonthsPaid(course.member, course.plan, period, "upgraded", UNSAID, at))


def extend(course: Course, id: OrderId, months: Months, at: datetime) -> None:
    """
    Pay a further period, after what was paid; where nothing runs, buy one. A renewal that was ended
    stays so: more days are no wish to go on paying.

    :raises Refused: not enough coins, it rests, or it is paid far ahead already.
    """
    if not (periods := running(course.membership)):
        return subscribe(course, id, months, at)
    last = periods[-1]
    if months_after(last.until, months, last.anchor) > at + AHEAD_MAX:
        raise Refused("too-far-ahead", "A membership is paid three years ahead at most.", "/months")
    renews = not isinstance(course.membership, Cancelled)
    period = paid_period(course, id, last.until, months, last.anchor, at)
    course.happen(MonthsPaid(course.member, course.plan, period, "extended", UNSAID, at))
    if not renews:
        cancel(course, at)
    return None


def cancel(course: Course, at: datetime) -> None:
    """End renewal: what was paid remains, and what is owed is not tried any longer."""
    match course.membership:
        case Trialing() | Active() | Paused(renews=True):
            course.happen(MembershipCancelled(course.member, course.plan, UNSAID, at))
        case PastDue() | Unpaid():
            expire(course, "cancelled", at)
        case NeverHad() | Cancelled() | Paused() | Expired():
            return


def pause(course: Course, at: datetime) -> None:
    """
    Let it rest: days that have not begun are kept.

    :raises Refused: there is nothing paid that could rest, or it has rested as long as it may.
    """
    membership = course.membership
    if isinstance(membership, Paused):
        return
    periods = [one for one in running(membership) if one.until > at]
    cuts = tuple(cut(one, at) for one in periods)
    parked = tuple(
        _parked(one, one.used(at)) for one in periods if one.used(at) < one.days and not one.free
    )
    if isinstance(membership, NeverHad) or not parked:
        raise Refused("nothing-unused", "There are no paid days that could rest.")
    left = PAUSE_MAX - membership.of.rested
    if left <= timedelta():
        raise Refused("pause-used-up", "It has rested 90 days since it was last paid.")
    paused = MembershipPaused(course.member, course.plan, cuts, parked, at + left, UNSAID, at)
    course.happen(paused)


def _parked(one: Period, used: int) -> Parked:
    days, before = one.days - used, one.before + used
    return Parked(one.charge, days, one.months, one.daily, one.parts, one.taken_at, before)


def resume(course: Course, at: datetime) -> None:
    """Go on; where it does not rest, there is nothing to do."""
    if isinstance(course.membership, Paused):
        resume_days(course, course.membership, at)


# What operators ask for


def refund(course: Course, refund: UUID, reason: Sealed[str], at: datetime) -> None:
    """
    Give back the days that have not begun, those that rest among them, and end it.

    :raises Refused: there is nothing to give back.
    """
    resume(course, at)
    if not any(one.back for one in _cuts(course, at)):
        raise Refused("nothing-unused", "There are no paid days left to give back.")
    _take_back(course, refund, reason, at)


def _take_back(course: Course, refund: UUID, reason: Sealed[str] | None, at: datetime) -> None:
    cuts = _cuts(course, at)
    for one in cuts:
        course.give_back(refund, one, at)
    course.happen(UnusedDaysRefunded(course.member, course.plan, refund, cuts, UNSAID, at, reason))


def revoke(course: Course, lot: LotId, at: datetime) -> None:
    """
    A lot's payment was taken back: where it paid days that have not begun, all of those go, and the
    membership ends. What other lots paid of them is the member's again.
    """
    tried = Course(course.member, course.plan, course.membership, course.wallet)
    resume(tried, at)
    if any(part.lot == lot for one in _cuts(tried, at) for part in one.back):
        resume(course, at)
        _take_back(course, named_by(course, "membership-revoked", at), None, at)


def close(course: Course, at: datetime) -> None:
    """
    Time passes for a member whose account is closed. Nothing is renewed for nobody: what was paid
    is used up, and whatever is due next ends it. Days that rested until then are given back.
    """
    due = due_at(course.membership)
    if due is None or due > at:
        return
    if isinstance(course.membership, Paused):
        resume_days(course, course.membership, due)
        _take_back(course, named_by(course, "membership-closed", due), None, due)
    expire(course, "closed", due)


def _cuts(course: Course, at: datetime) -> tuple[Cut, ...]:
    return tuple(cut(one, at) for one in running(course.membership) if one.until > at)
