"""
What memberships must be, worked out anew from what happened to them.

Days are counted one by one and growth from the days: which term is due when and costs what, which
days a cut gives back, and what a membership gives at a moment follow from the rules as they are
told to clients. Each event is held against that, and so is what it says of how things stand then.
"""

import calendar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

from domain.event import Recorded
from domain.membership_events import (
    MembershipCancelled,
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
from tests.simulation.legal import must
from tests.simulation.purses import Taken, coins_in, first, told

_DAY: Final = timedelta(days=1)
_CHINA: Final = timezone(timedelta(hours=8))
_PRICES: Final = {1: 10, 3: 30, 6: 60, 12: 100}
_LEVELS: Final = (0, 600, 1_800, 3_600, 6_000, 10_800, 16_800, 24_000)
#: Days after one failure until the next attempt; of benefits in between there are 7.
_RETRIES: Final = (2, 5, 7, 7)
_GRACE: Final = 7 * _DAY


@dataclass(eq=False)
class Span:
    """Days that were paid together, or are free."""

    id: UUID
    charge: UUID
    since: datetime
    until: datetime
    daily: int
    months: int
    parts: list[Taken]

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.until - self.since) // _DAY

    def begun(self, at: datetime) -> int:
        """How many of them have begun."""
        return sum(self.since + day * _DAY < at for day in range(self.days))

    @property
    def fen(self) -> int:
        """What they cost."""
        return sum(fen for _, _, fen in self.parts)


@dataclass(eq=False)
class Tenure:
    """One plan of one member. ``grown`` and ``lapses`` are all its days with and without it."""

    state: str = "none"
    months: int = 1
    anchor: int = 0
    spans: list[Span] = field(default_factory=list)
    parked: list[Span] = field(default_factory=list)
    owed_since: datetime | None = None
    failed: int = 0
    next_at: datetime | None = None
    renews: bool = False
    lapsed_at: datetime | None = None
    latest: datetime | None = None
    past: list[tuple[int, datetime, datetime | None]] = field(default_factory=list)

    @property
    def due(self) -> datetime | None:
        """When something happens by itself."""
        if self.state in ("trialing", "active", "cancelled"):
            return self.spans[-1].until
        return self.next_at if self.state in ("past_due", "unpaid", "paused") else None

    @property
    def benefits_until(self) -> datetime | None:
        """Until when it gives anything."""
        match self.state:
            case "trialing" | "cancelled":
                return self.spans[-1].until
            case "active":
                return self.spans[-1].until + _GRACE
            case "past_due":
                assert self.owed_since is not None
                return self.owed_since + _GRACE
            case _:
                return None

    def gives(self, at: datetime) -> bool:
        """Whether it gives anything at a moment."""
        return self.benefits_until is not None and at < self.benefits_until

    def points(self, at: datetime) -> int:
        """Of growth: ``past`` is what each day gave, from when until when; 0 is a lapse."""
        points = 0
        for daily, since, until in self.past:
            end = at if until is None else min(at, until)
            if daily:
                assert until is not None
                days = (until - since) // _DAY
                points += daily * sum(since + day * _DAY < at for day in range(days))
            elif end > since:
                points = max(0, points - 5 * ((end - since) // _DAY))
        return points

    def level(self, at: datetime) -> int:
        """1 to 8."""
        return sum(self.points(at) >= least for least in _LEVELS)

    def live(self, at: datetime) -> list[Span]:
        """What runs, or is to come."""
        return [one for one in self.spans if one.until > at]


class Tenures:
    """All memberships."""

    def __init__(self) -> None:
        self.of: dict[tuple[UUID, str], Tenure] = {}
        #: What was paid by the command under way, by charge.
        self.paid: dict[UUID, list[Taken]] = {}
        self.cut: dict[UUID, list[Taken]] = {}
        #: Of whom a renewal failed in it, when, and over how many coins.
        self.short: list[tuple[Recorded, UUID, datetime, int]] = []

    def tenure(self, member: UUID, plan: str) -> Tenure:
        """A plan of a member."""
        return self.of.setdefault((member, plan), Tenure())

    def take(self, recorded: Recorded, event: Any) -> None:
        """
        Something became of a membership.

        :raises Illegal: not as it must.
        """
        tenure, at = self.tenure(event.member, event.plan), event.effective_at
        closed = isinstance(event, MembershipExpired) and event.why == "closed"
        in_order = tenure.due is None or at <= tenure.due or closed
        must(in_order, recorded, "what has been due comes first")
        match event:
            case TrialStarted(trial=trial):
                must(tenure.state == "none", recorded, "a plan is tried once")
                week = (trial.since, trial.until) == (at, at + 7 * _DAY)
                must(week and not trial.parts, recorded, "a week for nothing")
                self._begin(tenure, trial, at)
            case MonthsPaid():
                self._pay(recorded, tenure, event)
            case RenewalFailed():
                self._fail(recorded, tenure, event)
            case MembershipCancelled():
                can = tenure.state in ("trialing", "active") or (
                    tenure.state == "paused" and tenure.renews
                )
                must(can, recorded, "what renews is cancelled")
                tenure.renews = False
                if tenure.state != "paused":
                    tenure.state, tenure.spans = "cancelled", tenure.live(at)
            case RenewalResumed():
                must(tenure.state == "cancelled", recorded, "it was cancelled")
                self._go_on(tenure)
            case TermChanged(months=months):
                must(tenure.state in ("trialing", "active"), recorded, "it renews")
                tenure.months = months
            case MembershipExpired():
                self._expire(recorded, tenure, event)
            case MembershipPaused() | UnusedDaysRefunded():
                self._cut_short(recorded, tenure, event)
            case MembershipResumed():
                self._resume(recorded, tenure, event)
            case _:
                raise AssertionError(event)
        self._check_told(recorded, tenure, event)

    def _begin(self, tenure: Tenure, period: Any, at: datetime) -> None:
        if tenure.lapsed_at is not None:
            tenure.past[-1] = (0, tenure.lapsed_at, at)
            tenure.lapsed_at = None
        tenure.spans = [*tenure.live(at), _span(period)]
        tenure.past.append((period.daily, period.since, period.until))
        tenure.months, tenure.anchor = period.months, period.anchor
        tenure.owed_since = tenure.next_at = None
        self._go_on(tenure)

    @staticmethod
    def _go_on(tenure: Tenure) -> None:
        tenure.renews = True
        tenure.state = "active" if tenure.spans[-1].daily else "trialing"

    def _pay(self, recorded: Recorded, tenure: Tenure, event: MonthsPaid) -> None:
        period, at, state = event.period, event.effective_at, tenure.state
        since, anchor = at, _china(at).day
        if event.how == "extended" or state in ("trialing", "active"):
            since, anchor = tenure.spans[-1].until, tenure.anchor
        elif state == "past_due":
            assert tenure.owed_since is not None
            since, anchor = tenure.owed_since, tenure.anchor
        states = {
            "bought": ("none", "expired", "unpaid"),
            "upgraded": ("expired",),
            "extended": ("trialing", "active", "cancelled"),
            "renewed": ("trialing", "active", "past_due", "unpaid"),
        }
        must(state in states[event.how], recorded, f"{event.how} where it is {state}")
        if event.how == "renewed" and state != "past_due":
            must(at == tenure.due, recorded, "it renews when it is due")
        must(period.since == since, recorded, f"the term begins {since}, not {period.since}")
        must(period.anchor == anchor, recorded, f"terms end on the {anchor}th")
        until = months_after(since, period.months, anchor)
        must(period.until == until, recorded, f"the term ends {until}, not {period.until}")
        price = _PRICES[period.months]
        parts = told(period.parts)
        must(coins_in(parts) == price, recorded, f"it costs {price}")
        must(period.daily == (15 if period.months == 12 else 10), recorded, "a day gives so much")
        self.paid[period.charge] = parts
        self._begin(tenure, period, at)

    def _fail(self, recorded: Recorded, tenure: Tenure, event: RenewalFailed) -> None:
        at = event.effective_at
        must(at == tenure.due, recorded, "it is tried when it is due")
        self.short.append((recorded, event.member, at, _PRICES[tenure.months]))
        if tenure.state == "active":
            tenure.owed_since, tenure.failed, tenure.state = at, 0, "past_due"
            tenure.spans = []
        assert tenure.owed_since is not None
        if tenure.state == "past_due" and at >= tenure.owed_since + _GRACE:
            tenure.state = "unpaid"
            self._lapse(tenure, tenure.owed_since + _GRACE)
        tenure.failed += 1
        tenure.next_at = at + _RETRIES[tenure.failed - 1] * _DAY
        told_so = (event.attempt, event.retry_at) == (tenure.failed, tenure.next_at)
        must(told_so, recorded, "it is tried after 2, 5, 7 and 7 days")

    def _expire(self, recorded: Recorded, tenure: Tenure, event: MembershipExpired) -> None:
        at, state = event.effective_at, tenure.state
        match event.why:
            case "trial_over":
                fits = state == "trialing" and at == tenure.due
                self.short.append((recorded, event.member, at, _PRICES[tenure.months]))
            case "unpaid":
                fits = state in ("past_due", "unpaid") and at == tenure.due and tenure.failed == 4
                self.short.append((recorded, event.member, at, _PRICES[tenure.months]))
            case "cancelled":
                owed = state in ("past_due", "unpaid")
                fits = owed or (state == "cancelled" and at == tenure.due)
            case _:
                fits = state not in ("none", "expired")
        must(fits, recorded, f"it does not end so where it is {state}")
        for span in tenure.live(at):
            self._shorten(tenure, span, at)
        self._end(tenure, at)

    def _end(self, tenure: Tenure, at: datetime) -> None:
        if tenure.lapsed_at is None:
            self._lapse(tenure, at)
        tenure.state, tenure.renews, tenure.spans, tenure.parked = "expired", False, [], []
        tenure.owed_since = tenure.next_at = None

    @staticmethod
    def _lapse(tenure: Tenure, at: datetime) -> None:
        tenure.lapsed_at = at
        tenure.past.append((0, at, None))

    @staticmethod
    def _shorten(tenure: Tenure, span: Span, at: datetime) -> None:
        """Days that have not begun give nothing."""
        for place, (daily, since, until) in enumerate(tenure.past):
            if daily and (since, until) == (span.since, span.until):
                tenure.past[place] = (daily, since, since + span.begun(at) * _DAY)

    def _cut_short(
        self, recorded: Recorded, tenure: Tenure, event: MembershipPaused | UnusedDaysRefunded
    ) -> None:
        at, live = event.effective_at, tenure.live(event.effective_at)
        same = [one.period for one in event.cuts] == [one.id for one in live]
        must(bool(live) and same, recorded, "all days that are left are cut")
        rests: list[Span] = []
        for one, span in zip(event.cuts, live, strict=True):
            rest = _rest(span, at)
            must((one.since, one.until) == (rest.since, rest.until), recorded, "these days")
            must(told(one.back) == rest.parts, recorded, f"their coins: {rest.parts}")
            kept = coins_in(span.parts) - coins_in(rest.parts), span.fen - rest.fen
            must((one.kept.coins, one.kept.fen) == kept, recorded, "and the others stay")
            unearned = span.fen - earned(span.fen, span.since, span.until, _china(rest.since))
            must(one.unearned == unearned, recorded, f"they had {unearned} fen to earn")
            self._shorten(tenure, span, at)
            self.cut.setdefault(one.charge, []).extend(rest.parts)
            if rest.days and span.daily:
                rests.append(rest)
        if isinstance(event, UnusedDaysRefunded):
            self._end(tenure, at)
            return
        self.cut.clear()
        must(bool(rests), recorded, "something is paid that can rest")
        days = [(one.charge, one.days, told(one.parts)) for one in event.parked]
        kept_days = [(one.charge, one.days, one.parts) for one in rests]
        must(days == kept_days, recorded, "what rests is what has not begun")
        tenure.renews = tenure.state != "cancelled"
        tenure.state, tenure.spans, tenure.parked = "paused", [], rests
        tenure.next_at = at + 90 * _DAY

    def _resume(self, recorded: Recorded, tenure: Tenure, event: MembershipResumed) -> None:
        must(tenure.state == "paused", recorded, "it rested")
        since = event.effective_at
        for one, rest in zip(event.periods, tenure.parked, strict=True):
            until = since + rest.days * _DAY
            same = (one.since, one.until, one.charge) == (since, until, rest.charge)
            must(same and told(one.parts) == rest.parts, recorded, "its days follow one another")
            tenure.past.append((one.daily, since, until))
            since = until
        tenure.spans = [_span(one) for one in event.periods]
        tenure.anchor, tenure.parked, tenure.next_at = _china(since).day, [], None
        tenure.state = "active" if tenure.renews else "cancelled"

    @staticmethod
    def _check_told(recorded: Recorded, tenure: Tenure, event: Any) -> None:
        after, at = event.after, event.effective_at
        until = tenure.spans[-1].until if tenure.spans else None
        wanted = (
            tenure.state, tenure.months, tenure.renews, until, tenure.benefits_until, tenure.due,
            tenure.lapsed_at,
        )  # fmt: skip
        said = (
            after.state, after.months, after.renews, after.until, after.benefits_until, after.due,
            after.lapsed_at,
        )  # fmt: skip
        must(said == wanted, recorded, f"it stands so: {wanted}, not {said}")
        if tenure.latest is not None and at < tenure.latest:
            # A command that was long under way decides for a moment before another's.
            return
        tenure.latest = at
        points = after.points + sum(one.daily * one.begun(at) for one in tenure.spans)
        if tenure.lapsed_at is not None:
            points = max(0, points - 5 * ((at - tenure.lapsed_at) // _DAY))
        must(points == tenure.points(at), recorded, f"{points} points, not {tenure.points(at)}")


def _span(period: Any) -> Span:
    return Span(
        period.id, period.charge, period.since, period.until, period.daily, period.months,
        told(period.parts),
    )  # fmt: skip


def _rest(span: Span, at: datetime) -> Span:
    """What is left of some days: the coins taken last, whole ones."""
    used, coins = span.begun(at), coins_in(span.parts)
    _, back = first(span.parts, coins - coins * (span.days - used) // span.days)
    since = span.since + used * _DAY
    return Span(span.id, span.charge, since, span.until, span.daily, span.months, back)


def earned(fen: int, since: datetime, until: datetime, day: date) -> int:
    """What of an amount is earned before a day of China, a day at a time, in whole fen."""
    days = (_china(until) - _china(since)).days
    each, over = divmod(fen, days)
    passed = min(max((day - _china(since)).days, 0), days)
    return sum(each + (1 if number < over else 0) for number in range(passed))


def _china(moment: datetime) -> date:
    return moment.astimezone(_CHINA).date()


def months_after(since: datetime, months: int, anchor: int) -> datetime:
    """So many months on, on a day of the month or on its last, at the same time, in China."""
    there = since.astimezone(_CHINA)
    year, month = there.year, there.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    day = min(anchor, calendar.monthrange(year, month)[1])
    return there.replace(year=year, month=month, day=day)
