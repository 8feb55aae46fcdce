"""
What happens to a membership: one plan of one member.

Each event says how the membership stands after it, so that nobody has to fold a stream to know what
a member may do; the fold comes to the same.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Event
from domain.ids import MemberId, OrderId
from domain.lots import Part
from domain.membership_periods import Cut, Period, left_to_earn
from domain.plans import Months, Plan
from domain.sealed import Sealed

MembershipState: TypeAlias = Literal[
    "none", "trialing", "active", "cancelled", "past_due", "unpaid", "paused", "expired"
]


class Footing(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    How a membership stands.

    :param months: the term that is paid at the next renewal.
    :param renews: whether there will be one.
    :param until: the end of what was paid.
    :param benefits_until: when its benefits end unless something happens before; None without any.
    :param due: when something happens by itself.
    :param points: of growth, the periods that still run not counted.
    :param lapsed_at: since when points decay.
    """

    state: MembershipState
    points: int
    table: int
    months: Months = 1
    renews: bool = False
    until: datetime | None = None
    benefits_until: datetime | None = None
    due: datetime | None = None
    lapsed_at: datetime | None = None


class Parked(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Days that were paid and rest, with the coins that they and the days used ``before`` took. What
    they have still to earn rests with them.
    """

    charge: OrderId
    days: int
    months: Months
    daily: int
    parts: tuple[Part, ...]
    taken_at: datetime
    before: int = 0

    @property
    def fen(self) -> int:
        """What they have still to earn."""
        return left_to_earn(self.parts, self.before, self.days)


class TrialStarted(Event, frozen=True, tag="membership.trial_started.v1"):
    """Some days for nothing, to see what it is like."""

    member: MemberId
    plan: Plan
    trial: Period
    after: Footing
    effective_at: datetime


class MonthsPaid(Event, frozen=True, tag="membership.paid.v1"):
    """
    A period was paid with coins, or by a friend's; it goes on renewing by terms like this one,
    unless what follows says otherwise.
    """

    member: MemberId
    plan: Plan
    period: Period
    how: Literal["bought", "extended", "renewed", "upgraded", "given"]
    after: Footing
    effective_at: datetime


class RenewalFailed(Event, frozen=True, tag="membership.renewal_failed.v1"):
    """There were not enough coins, for the ``attempt``-th time; it is tried again."""

    member: MemberId
    plan: Plan
    attempt: int
    retry_at: datetime
    after: Footing
    effective_at: datetime


class MembershipCancelled(Event, frozen=True, tag="membership.cancelled.v1"):
    """It will not renew; what was paid remains."""

    member: MemberId
    plan: Plan
    after: Footing
    effective_at: datetime


class RenewalResumed(Event, frozen=True, tag="membership.renewal_resumed.v1"):
    """It will renew after all."""

    member: MemberId
    plan: Plan
    after: Footing
    effective_at: datetime


class TermChanged(Event, frozen=True, tag="membership.term_changed.v1"):
    """The next renewal is for so many months."""

    member: MemberId
    plan: Plan
    months: Months
    after: Footing
    effective_at: datetime


class MembershipExpired(Event, frozen=True, tag="membership.expired.v1"):
    """It is over."""

    member: MemberId
    plan: Plan
    why: Literal["cancelled", "trial_over", "unpaid", "closed"]
    after: Footing
    effective_at: datetime


class MembershipPaused(Event, frozen=True, tag="membership.paused.v1"):
    """It rests: the days that have not begun are kept for later, and their coins with them."""

    member: MemberId
    plan: Plan
    cuts: tuple[Cut, ...]
    parked: tuple[Parked, ...]
    resumes_at: datetime
    after: Footing
    effective_at: datetime


class MembershipResumed(Event, frozen=True, tag="membership.resumed.v1"):
    """The days that rested follow one another, after the day that had begun when they did."""

    member: MemberId
    plan: Plan
    periods: tuple[Period, ...]
    after: Footing
    effective_at: datetime


class UnusedDaysRefunded(Event, frozen=True, tag="membership.refunded.v1"):
    """
    The days that have not begun were taken back, and their coins went back. ``reason`` is an
    operator's; there is none where a longer term took their place, the account was closed, or a
    payment for them was taken back.
    """

    member: MemberId
    plan: Plan
    refund: UUID
    cuts: tuple[Cut, ...]
    after: Footing
    effective_at: datetime
    reason: Sealed[str] | None = None


MembershipEvent: TypeAlias = (
    TrialStarted
    | MonthsPaid
    | RenewalFailed
    | MembershipCancelled
    | RenewalResumed
    | TermChanged
    | MembershipExpired
    | MembershipPaused
    | MembershipResumed
    | UnusedDaysRefunded
)
