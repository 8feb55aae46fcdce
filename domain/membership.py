"""
A membership: one plan of one member, from a trial through renewals to its end.
"""

from datetime import datetime
from typing import assert_never

import msgspec

from domain.event import Aggregate
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.membership_events import (
    MembershipCancelled,
    MembershipEvent,
    MembershipExpired,
    MembershipPaused,
    MembershipResumed,
    MonthsPaid,
    RenewalFailed,
    RenewalResumed,
    TermChanged,
    TrialStarted,
    UnusedDaysRefunded,
)
from domain.membership_periods import Period
from domain.membership_states import (
    Active,
    Cancelled,
    Expired,
    Held,
    Membership,
    NeverHad,
    PastDue,
    Paused,
    Subscription,
    Trialing,
    Unpaid,
    growth,
    running,
)
from domain.plans import GRACE, Plan


def evolve(membership: Membership, event: MembershipEvent, version: int) -> Membership:
    """The membership after one more event."""
    if isinstance(event, TrialStarted | MonthsPaid):
        return _begun(membership, event, version)
    assert not isinstance(membership, NeverHad), "it began with a trial or a purchase"
    points = _settled(membership, event.effective_at)
    of = msgspec.structs.replace(membership.of, points=points, since=version)
    live = _live(membership, event.effective_at)
    match event:
        case RenewalFailed():
            return _failed(membership, of, event)
        case MembershipCancelled() | RenewalResumed() if isinstance(membership, Paused):
            renews = isinstance(event, RenewalResumed)
            return msgspec.structs.replace(membership, of=of, renews=renews)
        case MembershipCancelled():
            return Cancelled(of, live)
        case RenewalResumed():
            return _renewing(of, live)
        case TermChanged(months=months):
            return _renewing(msgspec.structs.replace(of, months=months), live)
        case _:
            return _stopped(membership, of, event)


def _stopped(
    membership: Held,
    of: Subscription,
    event: MembershipExpired | UnusedDaysRefunded | MembershipPaused | MembershipResumed,
) -> Membership:
    """After the days stopped to run, or began to again."""
    at = event.effective_at
    grown = msgspec.structs.replace(of, points=growth(membership, at))
    match event:
        case MembershipExpired() if isinstance(membership, Unpaid):
            return Expired(_still(membership, of), membership.lapsed_at)
        case MembershipExpired() if isinstance(membership, PastDue):
            return Expired(msgspec.structs.replace(grown, graced_at=membership.owed_since), at)
        case MembershipExpired() | UnusedDaysRefunded():
            return Expired(grown, at)
        case MembershipPaused(cuts=cuts, parked=parked, resumes_at=resumes_at):
            next_day = next(one.since for one in cuts if one.charge == parked[0].charge)
            renews = not isinstance(membership, Cancelled)
            return Paused(grown, parked, at, next_day, resumes_at, renews)
        case MembershipResumed(periods=periods):
            assert isinstance(membership, Paused)
            rested = of.rested + (at - membership.paused_at)
            moved = msgspec.structs.replace(of, anchor=periods[-1].anchor, rested=rested)
            return _renewing(moved, periods) if membership.renews else Cancelled(moved, periods)
        case _:
            assert_never(event)


def _begun(before: Membership, event: TrialStarted | MonthsPaid, version: int) -> Trialing | Active:
    at = event.effective_at
    period = event.trial if isinstance(event, TrialStarted) else event.period
    of = Subscription(
        member=event.member,
        plan=event.plan,
        months=period.months,
        anchor=period.anchor,
        table=event.after.table,
        points=0 if isinstance(before, NeverHad) else _settled(before, at),
        since=version,
        graced_at=None if isinstance(before, NeverHad) else before.of.graced_at,
    )
    if isinstance(event, TrialStarted):
        return Trialing(of, period)
    return Active(of, (*_live(before, at), period))


def _still(membership: Unpaid, of: Subscription) -> Subscription:
    """What decays goes on decaying from where it began to."""
    return msgspec.structs.replace(of, points=membership.of.points)


def _settled(membership: Held, at: datetime) -> int:
    """Points without those of periods that still run."""
    live = sum(one.daily * one.used(at) for one in _live(membership, at))
    return growth(membership, at) - live


def _live(membership: Membership, at: datetime) -> tuple[Period, ...]:
    return tuple(one for one in running(membership) if one.until > at)


def _renewing(of: Subscription, periods: tuple[Period, ...]) -> Trialing | Active:
    """A membership that renews; it is tried as long as nothing was paid."""
    return Trialing(of, periods[-1]) if periods[-1].free else Active(of, periods)


def _failed(membership: Held, of: Subscription, event: RenewalFailed) -> PastDue | Unpaid:
    at = event.effective_at
    match membership:
        case Active(periods=periods) if of.grace(owed_since := periods[-1].until):
            return PastDue(of, owed_since, event.attempt, event.retry_at)
        case Active(periods=periods):
            owed_since = periods[-1].until
            return Unpaid(of, owed_since, event.attempt, event.retry_at, owed_since)
        case PastDue(owed_since=owed_since) if at < owed_since + GRACE:
            return PastDue(of, owed_since, event.attempt, event.retry_at)
        case PastDue(owed_since=owed_since):
            had = msgspec.structs.replace(of, graced_at=owed_since)
            return Unpaid(had, owed_since, event.attempt, event.retry_at, owed_since + GRACE)
        case Unpaid(owed_since=owed_since, lapsed_at=lapsed_at):
            kept = _still(membership, of)
            return Unpaid(kept, owed_since, event.attempt, event.retry_at, lapsed_at)
        case _:
            raise AssertionError("nothing was to be renewed")


MEMBERSHIP: Aggregate[Membership] = Aggregate("membership", NeverHad(), evolve)


def membership_stream(member: MemberId, plan: Plan) -> StreamId:
    """A plan of a member, in the member's cell."""
    return StreamId(derive(cell_of(member), "membership", member, plan.encode()))
