"""
What memberships must be, worked out anew from what happened to them.

Days are counted one by one and growth from the days: which term is due when and costs what, which
days a cut gives back, and what a membership gives at a moment follow from the rules as they are
told to clients. Each event is held against that, and so is what it says of how things stand then.
"""

import calendar
from dataclasses import dataclass, field, replace
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
_UNPAUSED: Final = (
    "none", "expired", "unpaid", "trialing", "active", "cancelled", "past_due",
)  # fmt: skip
#: What so many months cost, in coins.
PRICES: Final = {1: 10, 3: 30, 6: 60, 12: 100}
_LEVELS: Final = (0, 600, 1_800, 3_600, 6_000, 10_800, 16_800, 24_000)
#: Days after one failure until the next attempt; of benefits in between there are 7.
_RETRIES: Final = (2, 5, 7, 7)
_GRACE: Final = 7 * _DAY
#: From one grace that nobody paid for until another may begin.
_GRACE_AGAIN: Final = 365 * _DAY
#: For how long it rests in all between two payments.
_RESTS: Final = 90 * _DAY


@dataclass(eq=False)
class Span:
    """
    Days that were paid together, or are free. ``parts`` are the coins of the whole term, of which
    some days may have been used ``before`` the others rested.
    """

    id: UUID
    charge: UUID
    since: datetime
    until: datetime
    daily: int
    months: int
    parts: list[Taken]
    before: int = 0

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.until - self.since) // _DAY

    def begun(self, at: datetime) -> int:
        """How many of them have begun."""
        return sum(self.since + day * _DAY < at for day in range(self.days))

    def last(self, days: int) -> list[Taken]:
        """The coins of the last of them: those taken last, whole ones."""
        coins, whole = coins_in(self.parts), self.before + self.days
        return first(self.parts, coins - coins * days // whole)[1]

    def to_earn(self, days: int) -> int:
        """What the last of them earn, in fen."""
        each = day_by_day(sum(fen for _, _, fen in self.parts), self.before + self.days)
        return sum(each[len(each) - days :])


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
    #: Since when it rests, and for how long it did before, since it was paid last.
    rests_since: datetime | None = None
    rested: timedelta = timedelta()
    #: When the last grace began that nobody paid for.
    graced_at: datetime | None = None

    def grace(self, since: datetime) -> timedelta:
        """How long benefits go on when a renewal is owed since a moment."""
        again = self.graced_at is None or since >= self.graced_at + _GRACE_AGAIN
        return _GRACE if again else timedelta()

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
                until = self.spans[-1].until
                return until + self.grace(until)
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

    def longest(self, at: datetime) -> int:
        """
        The longest term that was paid and is not over, so that a longer one takes its place; 0 when
        none was, or a friend gave some of it: then a longer one begins after that.
        """
        live = [one for one in self.live(at) if one.daily]
        return max((one.months for one in live), default=0) if all(one.parts for one in live) else 0

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
        #: What was extended by it although renewal had been ended, and stays so.
        self.ended: list[tuple[Recorded, Tenure]] = []
        #: What friends gave in it, and whether that plan renewed before, and by which term.
        self.given: list[tuple[Recorded, Tenure, bool, int]] = []
        #: The longest term that an upgrade in it takes the place of.
        self.replaced = 0

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
                paid = tenure.longest(at)
                must(not paid or months <= paid, recorded, "a longer term begins at once")
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
        tenure.rested = timedelta()
        self._go_on(tenure)

    @staticmethod
    def _go_on(tenure: Tenure) -> None:
        tenure.renews = True
        tenure.state = "active" if tenure.spans[-1].daily else "trialing"

    def _pay(self, recorded: Recorded, tenure: Tenure, event: MonthsPaid) -> None:
        period, at, state = event.period, event.effective_at, tenure.state
        since, anchor = at, _china(at).day
        follows = event.how == "extended" or (event.how == "given" and state == "cancelled")
        if follows or state in ("trialing", "active"):
            since, anchor = tenure.spans[-1].until, tenure.anchor
        elif state == "past_due":
            assert tenure.owed_since is not None
            since, anchor = tenure.owed_since, tenure.anchor
        states = {
            "bought": ("none", "expired", "unpaid"),
            "upgraded": ("expired",),
            "extended": ("trialing", "active", "cancelled"),
            "renewed": ("trialing", "active", "past_due", "unpaid"),
            "given": _UNPAUSED,
        }
        must(state in states[event.how], recorded, f"{event.how} where it is {state}")
        if event.how == "upgraded":
            longer = 0 < self.replaced < period.months
            must(longer, recorded, f"it takes the place of {self.replaced} months")
            self.replaced = 0
        if state == "cancelled":
            self.ended.append((recorded, tenure))
        if event.how == "renewed" and state != "past_due":
            must(at == tenure.due, recorded, "it renews when it is due")
        must(period.since == since, recorded, f"the term begins {since}, not {period.since}")
        must(period.anchor == anchor, recorded, f"terms end on the {anchor}th")
        until = months_after(since, period.months, anchor)
        must(period.until == until, recorded, f"the term ends {until}, not {period.until}")
        price = 0 if event.how == "given" else PRICES[period.months]
        parts = told(period.parts)
        must(coins_in(parts) == price, recorded, f"it costs {price}")
        must(period.daily == (15 if period.months == 12 else 10), recorded, "a day gives so much")
        if event.how == "given":
            self.given.append((recorded, tenure, tenure.renews, tenure.months))
        else:
            self.paid[period.charge] = parts
        self._begin(tenure, period, at)

    def _fail(self, recorded: Recorded, tenure: Tenure, event: RenewalFailed) -> None:
        at = event.effective_at
        must(at == tenure.due, recorded, "it is tried when it is due")
        self.short.append((recorded, event.member, at, PRICES[tenure.months]))
        if tenure.state == "active":
            tenure.owed_since, tenure.failed, tenure.spans = at, 0, []
            tenure.state = "past_due"
            if not tenure.grace(at):
                tenure.state = "unpaid"
                self._lapse(tenure, at)
        assert tenure.owed_since is not None
        if tenure.state == "past_due" and at >= tenure.owed_since + _GRACE:
            tenure.state, tenure.graced_at = "unpaid", tenure.owed_since
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
                self.short.append((recorded, event.member, at, PRICES[tenure.months]))
            case "unpaid":
                fits = state in ("past_due", "unpaid") and at == tenure.due and tenure.failed == 4
                self.short.append((recorded, event.member, at, PRICES[tenure.months]))
            case "cancelled":
                owed = state in ("past_due", "unpaid")
                fits = owed or (state == "cancelled" and at == tenure.due)
            case _:
                # Days that rest come back first, and that ends it.
                ended = state == "expired" and tenure.lapsed_at == at
                fits = ended or state not in ("none", "expired", "paused")
        must(fits, recorded, f"it does not end so where it is {state}")
        for span in tenure.live(at):
            self._shorten(tenure, span, at)
        if state == "past_due":
            tenure.graced_at = tenure.owed_since
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
        for one, span in zip(event.cuts, live, strict=True):
            left = span.days - span.begun(at)
            since, back = span.until - left * _DAY, span.last(left)
            must((one.since, one.until) == (since, span.until), recorded, "these days")
            must(told(one.back) == back, recorded, f"their coins: {back}")
            used = [_sums(span.last(days)) for days in (span.days, left)]
            kept = used[0][0] - used[1][0], used[0][1] - used[1][1]
            must((one.kept.coins, one.kept.fen) == kept, recorded, "and the others stay")
            unearned = span.to_earn(left)
            must(one.unearned == unearned, recorded, f"they had {unearned} fen to earn")
            self._shorten(tenure, span, at)
        if isinstance(event, UnusedDaysRefunded):
            for one in event.cuts:
                self.cut.setdefault(one.charge, []).extend(told(one.back))
            self.replaced = tenure.longest(at) if event.reason is None else 0
            self._end(tenure, at)
        else:
            self._let_rest(recorded, tenure, event)

    @staticmethod
    def _let_rest(recorded: Recorded, tenure: Tenure, event: MembershipPaused) -> None:
        """It keeps the days that have not begun, and all the coins of their terms."""
        at, rests = event.effective_at, list[Span]()
        for span in tenure.live(at):
            used = span.begun(at)
            if used < span.days and span.daily:
                since, before = span.since + used * _DAY, span.before + used
                rests.append(replace(span, since=since, before=before))
        must(bool(rests), recorded, "something is paid that can rest")
        days = [(one.charge, one.days, told(one.parts), one.before) for one in event.parked]
        kept_days = [(one.charge, one.days, one.parts, one.before) for one in rests]
        must(days == kept_days, recorded, "what rests is what has not begun")
        must(tenure.rested < _RESTS, recorded, "it rests 90 days between two payments")
        tenure.renews = tenure.state != "cancelled"
        tenure.state, tenure.spans, tenure.parked = "paused", [], rests
        tenure.rests_since, tenure.next_at = at, at + (_RESTS - tenure.rested)
        must(event.resumes_at == tenure.next_at, recorded, "it goes on after 90 days")

    @staticmethod
    def _resume(recorded: Recorded, tenure: Tenure, event: MembershipResumed) -> None:
        must(tenure.state == "paused", recorded, "it rested")
        assert tenure.rests_since is not None
        # The day that had begun is used first, if it is not over.
        begins = tenure.parked[0].since
        moved = event.effective_at > begins
        since = event.effective_at if moved else begins
        for one, rest in zip(event.periods, tenure.parked, strict=True):
            until = since + rest.days * _DAY
            same = (one.since, one.until, one.charge) == (since, until, rest.charge)
            same = same and (told(one.parts), one.before) == (rest.parts, rest.before)
            must(same, recorded, "its days follow one another")
            terms = (one.months, one.daily) == (rest.months, rest.daily)
            must(terms, recorded, "they are what they were")
            tenure.past.append((one.daily, since, until))
            since = until
        tenure.spans = [_span(one) for one in event.periods]
        tenure.anchor = _china(since).day if moved else tenure.anchor
        tenure.rested += event.effective_at - tenure.rests_since
        tenure.parked, tenure.rests_since, tenure.next_at = [], None, None
        tenure.state = "active" if tenure.renews else "cancelled"

    def by_itself(self, event: Any) -> bool:
        """Whether something becomes of a membership for no other reason than that it is due."""
        due = self.tenure(event.member, event.plan).due
        timely = RenewalFailed | MembershipExpired | MembershipResumed | MonthsPaid
        return isinstance(event, timely) and event.effective_at == due

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
        points = after.points + sum(one.daily * one.begun(at) for one in tenure.live(at))
        if tenure.lapsed_at is not None:
            points = max(0, points - 5 * ((at - tenure.lapsed_at) // _DAY))
        must(points == tenure.points(at), recorded, f"{points} points, not {tenure.points(at)}")


def _span(period: Any) -> Span:
    return Span(
        period.id, period.charge, period.since, period.until, period.daily, period.months,
        told(period.parts), period.before,
    )  # fmt: skip


def _sums(parts: list[Taken]) -> tuple[int, int]:
    return coins_in(parts), sum(fen for _, _, fen in parts)


def day_by_day(fen: int, days: int) -> list[int]:
    """What each day earns of an amount, in whole fen: what is left over is the first days'."""
    each, over = divmod(fen, days)
    return [each + (1 if number < over else 0) for number in range(days)]


def earned(fen: int, since: datetime, until: datetime, day: date) -> int:
    """What of an amount is earned before a day of China, a day at a time, in whole fen."""
    days = (_china(until) - _china(since)).days
    return sum(day_by_day(fen, days)[: max((day - _china(since)).days, 0)])


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
