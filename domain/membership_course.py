"""
A membership and its member's wallet under way together, and what time does to both.

Coins and membership go into one append. Time comes first: what has been due happens, at the moments
it was due, before anything else is decided, so one jump of the clock comes to the same as many
steps.
"""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from domain import wallet_moves
from domain.event import Refused
from domain.ids import MemberId, OrderId, cell_of, derive
from domain.lots import Part
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_events import (
    Footing,
    MembershipEvent,
    MembershipExpired,
    MembershipResumed,
    MonthsPaid,
    RenewalFailed,
)
from domain.membership_periods import DAY, Cut, Period, Service, months_after
from domain.membership_states import (
    Active,
    Cancelled,
    Held,
    Membership,
    PastDue,
    Paused,
    Trialing,
    Unpaid,
    due_at,
    footing,
)
from domain.money import china_day
from domain.plans import RETRIES, TABLE, TABLES, Months, Plan
from domain.wallet import WALLET, Wallet
from domain.wallet_events import WalletEvent

#: What an event says before the course that it is part of has worked out how things stand after it.
UNSAID: Final = Footing("none", 0, TABLE)


class Course:
    """
    One decision under way. ``events`` and ``moved`` are what it comes to so far, in the
    membership's stream and in the wallet's.
    """

    def __init__(
        self, member: MemberId, plan: Plan, membership: Membership, wallet: Wallet
    ) -> None:
        self.member = member
        self.plan = plan
        self.membership = membership
        self.wallet = wallet
        self.events: list[MembershipEvent] = []
        self.moved: list[WalletEvent] = []

    def happen(self, event: MembershipEvent) -> None:
        """One more event, which says how the membership stands after it."""
        after = MEMBERSHIP.evolve(self.membership, event, 0)
        told = msgspec.structs.replace(event, after=footing(after))
        self.membership = MEMBERSHIP.evolve(self.membership, told, 0)
        self.events.append(told)

    def pay(self, charge: OrderId, coins: int, service: Service, at: datetime) -> tuple[Part, ...]:
        """
        Take coins for a period.

        :raises Refused: there are not enough.
        """
        (spent,) = wallet_moves.spend(self.wallet, self.member, charge, coins, at, service)
        self._move((spent,))
        return spent.parts

    def give_back(self, refund: UUID, one: Cut, at: datetime) -> None:
        """Return the coins of days that were not used."""
        name = derive(cell_of(self.member), "refund-of-days", refund, one.period)
        service = one.service(self.plan)
        self._move(
            wallet_moves.refund(
                self.wallet, self.member, one.charge, name, one.back, one.taken_at, at, service
            )
        )

    def _move(self, events: tuple[WalletEvent, ...]) -> None:
        self.wallet = WALLET.fold(events, self.wallet)
        self.moved += events


# Time


def advance(course: Course, at: datetime) -> None:
    """Let happen whatever has been due, each at its moment."""
    while (due := due_at(course.membership)) is not None and due <= at:
        _fall_due(course, due)


def _fall_due(course: Course, due: datetime) -> None:
    match course.membership:
        case Trialing() as trialing:
            if not _renew(course, trialing, due, due):
                expire(course, "trial_over", due)
        case Active() as active:
            if not _renew(course, active, due, due):
                _fail(course, 1, due)
        case PastDue() as past_due:
            # What the grace gave is part of what is paid for.
            if not _renew(course, past_due, past_due.owed_since, due):
                _fail(course, past_due.attempt + 1, due)
        case Unpaid() as unpaid:
            if not _renew(course, unpaid, due, due):
                _fail(course, unpaid.attempt + 1, due)
        case Paused() as paused:
            resume_days(course, paused, due)
        case Cancelled():
            expire(course, "cancelled", due)
        case _:
            raise AssertionError("nothing is due")


def _renew(course: Course, held: Held, since: datetime, at: datetime) -> bool:
    """Pay the next term, if there are coins for it: a period is named by its membership."""
    name = OrderId(named_by(course, "membership-period", since))
    anchor = anchor_of(since) if isinstance(held, Unpaid) else held.of.anchor
    try:
        period = paid_period(course, name, since, held.of.months, anchor, at)
    except Refused:
        return False
    course.happen(MonthsPaid(course.member, course.plan, period, "renewed", UNSAID, at))
    return True


def named_by(course: Course, what: str, at: datetime) -> UUID:
    """The name of something that a membership does by itself at a moment, whoever lets it."""
    stream = membership_stream(course.member, course.plan)
    return derive(cell_of(stream), what, stream, _stamp(at))


def _stamp(moment: datetime) -> bytes:
    return int(moment.timestamp() * 1_000_000).to_bytes(8, "big")


def paid_period(
    course: Course, id: OrderId, since: datetime, months: Months, anchor: int, at: datetime
) -> Period:
    """A period, paid; Refused when there are not enough coins."""
    rate = TABLES[TABLE].rates[course.plan][months]
    until = months_after(since, months, anchor)
    parts = course.pay(id, rate.coins, Service(course.plan, since, until), at)
    return Period(id, id, since, until, months, anchor, rate.daily, parts, at)


def _fail(course: Course, attempt: int, at: datetime) -> None:
    """A renewal failed, for the so manieth time: it is tried again later, or never again."""
    if attempt > len(RETRIES):
        expire(course, "unpaid", at)
    else:
        retry_at = at + RETRIES[attempt - 1]
        course.happen(RenewalFailed(course.member, course.plan, attempt, retry_at, UNSAID, at))


def expire(
    course: Course, why: Literal["cancelled", "trial_over", "unpaid", "closed"], at: datetime
) -> None:
    """It is over."""
    course.happen(MembershipExpired(course.member, course.plan, why, UNSAID, at))


def resume_days(course: Course, paused: Paused, at: datetime) -> None:
    """
    The days that rested follow one another from now on; if the day that had begun is not over, from
    its end. So each is used once, and who goes on at once has what there was.
    """
    periods: list[Period] = []
    since = max(at, paused.next_day)
    moved = since > paused.next_day
    for one in paused.parked:
        until = since + one.days * DAY
        name = OrderId(derive(cell_of(one.charge), "resumed-period", one.charge, _stamp(since)))
        anchor = anchor_of(until) if moved else paused.of.anchor
        periods.append(
            Period(
                name,
                one.charge,
                since,
                until,
                one.months,
                anchor,
                one.daily,
                one.parts,
                one.taken_at,
                one.before,
            )
        )
        since = until
    resumed = MembershipResumed(course.member, course.plan, tuple(periods), UNSAID, at)
    course.happen(resumed)


def anchor_of(moment: datetime) -> int:
    """The day of the month in China that a term which begins then ends on."""
    return china_day(moment).day
