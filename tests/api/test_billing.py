"""
The books at any moment, closed by the month, and what they have earned: in histories that are
partly recorded weeks late, against sums that are made event by event.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import msgspec
import pytest

from api.billing import moments
from api.billing.closing import closed_periods, tally
from api.billing.moments import Sums, sums_at
from api.billing.revenue import SegmentMonth, revenue
from domain.event import Event, Recorded, Refused
from domain.money import china_day, china_month
from domain.period import PeriodClosed, accounting_month, following, month_begins, period_of
from domain.recognition import Term, earned
from domain.wallet_events import CoinsRefunded, CoinsSpent
from projections import postings, turnovers
from projections.postings import DEFERRED, MALL, REFUNDS, Entry, Posting, entry
from tests.api.ledgers import Ledgers, late, positions
from tests.samples.stored import STORED, sample

SEEDS = pytest.mark.parametrize("seed", range(4))
_DAYS = 40


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of a few events, so that a history has many."""
    for module in (moments, turnovers):
        monkeypatch.setattr(module, "STRETCH", 7)


@pytest.fixture
def _memberships(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the orders are for days: their price is deferred, and refunds are of unused days."""
    monkeypatch.setattr(turnovers, "entry", _with_days)


def _with_days(event: Event) -> Entry | None:
    made = entry(event)
    if made is None or not isinstance(event, CoinsSpent | CoinsRefunded) or event.order.int % 2:
        return made
    deferred, today = f"{DEFERRED}:memberships", china_day(event.effective_at)
    term = Term(today, today + timedelta(days=_DAYS))
    changed = [
        msgspec.structs.replace(one, account=deferred, term=term)
        if one.commodity == "CNY" and one.account in (MALL, REFUNDS)
        else one
        for one in made.postings
    ]
    return msgspec.structs.replace(made, postings=tuple(changed))


def lived(seed: int, *, closing: bool = True) -> Ledgers:
    """
    A whole history; each month is closed five days after its end.
    """
    ledgers = Ledgers()

    async def live() -> None:
        month = "2026-11"
        for recorded in late(seed):
            due = month_begins(following(month)) + timedelta(days=5)
            if closing and recorded.recorded_at >= due:
                ledgers.clock.set(due)
                await ledgers.close(month)
                month = following(month)
            ledgers.record(recorded)

    asyncio.run(live())
    return ledgers


def posted(events: Iterable[Recorded]) -> Iterator[tuple[Recorded, str, Posting]]:
    """Event by event what was posted, and in which month."""
    for one in events:
        made = turnovers.booked(one)
        for posting in () if made is None else made.entry.postings:
            assert made is not None
            yield one, made.month, posting


def balances(events: Iterable[Recorded]) -> dict[tuple[str, str], tuple[int, int]]:
    """The same, summed up."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for _, _, one in posted(events):
        debit, credit = sums.get((one.account, one.commodity), (0, 0))
        sums[one.account, one.commodity] = (debit + one.debit, credit + one.credit)
    return sums


@SEEDS
def test_the_books_of_any_moment_are_the_sums_of_all_that_was_posted_by_then(seed: int) -> None:
    ledgers = lived(seed)
    for at in positions(ledgers.log, seed):
        sums = asyncio.run(sums_at(ledgers.services, at)).accounts()
        before = [one for one in ledgers.log.events if one.position <= at.get(one.cell, 0)]
        assert sums == balances(before)
        for commodity in ("QC", "CNY"):
            each = [debit - credit for (_, unit), (debit, credit) in sums.items()
                    if unit == commodity]  # fmt: skip
            assert sum(each) == 0


def test_whatever_posts_is_read() -> None:
    """An event that posts and is of no type that readers of the books ask for would be missed."""
    posting = {type(sample(name)) for name in STORED if entry(sample(name)) is not None}
    assert posting == set(postings.POSTING)


@SEEDS
@pytest.mark.usefixtures("_memberships")
def test_a_closed_month_is_the_same_for_ever(seed: int) -> None:
    """Whatever comes late: its figures and its root, computed anew from the log alone."""
    ledgers = lived(seed)
    closed = asyncio.run(closed_periods(ledgers.log))  # type: ignore[arg-type]
    assert [one.month for one in closed][:3] == ["2026-11", "2026-12", "2027-01"]
    for number, one in enumerate(closed):
        until = {int(cell): position for cell, position in one.until.items()}
        again = asyncio.run(
            tally(ledgers.log, one.month, until, closed[:number])  # type: ignore[arg-type]
        )
        assert (again.root, again.postings) == (one.root, one.postings)
        assert one.postings > 0
        for commodity in ("QC", "CNY"):
            figures = [each for each in one.figures if each.commodity == commodity]
            assert sum(each.debit - each.credit for each in figures) == 0


@SEEDS
@pytest.mark.usefixtures("_memberships")
def test_every_posting_is_of_one_period(seed: int) -> None:
    """What is closed, and what is open, together are all; and some of it did come late."""
    ledgers = lived(seed)
    closed = asyncio.run(closed_periods(ledgers.log))  # type: ignore[arg-type]
    expected: Counter[tuple[str, str, str]] = Counter()
    came_late = 0
    for recorded, month, one in posted(ledgers.log.events):
        period = month
        if not isinstance(recorded.event, PeriodClosed):
            period = period_of(month, recorded.cell, recorded.position, closed)
        came_late += period != month
        expected[period, one.account, one.commodity] += one.debit - one.credit
    assert came_late
    for event in closed:
        figures = {(one.account, one.commodity): one.debit - one.credit for one in event.figures}
        of_it = {key[1:]: left for key, left in expected.items() if key[0] == event.month}
        assert figures == of_it


@SEEDS
def test_the_first_period_has_all_that_was_before(seed: int) -> None:
    ledgers = lived(seed, closing=False)
    with pytest.raises(Refused, match="period-not-next"):
        asyncio.run(ledgers.close("2026-12"))
    with pytest.raises(Refused, match="period-not-next"):
        asyncio.run(ledgers.close("2026-10"))
    first = asyncio.run(ledgers.close("2026-11"))
    assert first.postings
    with pytest.raises(Refused, match="period-running"):
        asyncio.run(ledgers.close(china_month(ledgers.clock.now())))


# Revenue


def segments(ledgers: Ledgers) -> list[SegmentMonth]:
    """Revenue as it is told."""

    async def ask() -> list[SegmentMonth]:
        closed = await closed_periods(ledgers.log)  # type: ignore[arg-type]
        sums = await sums_at(ledgers.services, await ledgers.log.heads())
        return revenue(sums, closed, china_day(ledgers.clock.now()))

    return asyncio.run(ask())


@SEEDS
@pytest.mark.parametrize("closing", [True, False])
@pytest.mark.usefixtures("_memberships")
def test_billed_is_recognised_and_deferred_and_refunded(seed: int, closing: bool) -> None:
    """At every prefix of the log, by segment, with what is not earned yet counted day by day."""
    ledgers, whole = Ledgers(), lived(seed, closing=closing)
    months: set[str] = set()
    for number, recorded in enumerate(whole.log.events):
        ledgers.record(recorded)
        if number % 41 and recorded is not whole.log.events[-1]:
            continue
        told = segments(ledgers)
        months |= {one.month for one in told if one.closed}
        for segment in {one.segment for one in told}:
            of_it = [one for one in told if one.segment == segment]
            assert sum(one.billed - one.refunded - one.recognised for one in of_it) == (
                of_it[-1].deferred
            )
            assert of_it[-1].deferred == _not_earned(ledgers, segment)
    assert bool(months) == closing


def _not_earned(ledgers: Ledgers, segment: str) -> int:
    """What of all that was paid for days is for days that are not over, or rest."""
    today = china_day(ledgers.clock.now())
    resting = sum(
        one.credit - one.debit
        for _, _, one in posted(ledgers.log.events)
        if one.account == f"liability:paused:{segment}"
    )
    return resting + sum(
        (one.credit - one.debit) - earned(one.credit - one.debit, one.term, today)
        for _, _, one in posted(ledgers.log.events)
        if one.account == f"{DEFERRED}:{segment}" and one.term is not None
    )


@pytest.mark.usefixtures("_memberships")
def test_what_is_closed_is_told_as_it_was_closed() -> None:
    """Later months grow, closed ones do not."""
    whole, ledgers = lived(0), Ledgers()
    known: dict[tuple[str, str], SegmentMonth] = {}
    for recorded in whole.log.events:
        ledgers.record(recorded)
        if not isinstance(recorded.event, PeriodClosed):
            continue
        told = {(one.month, one.segment): one for one in segments(ledgers) if one.closed}
        assert known.items() <= told.items()
        known = told
    assert {segment for _, segment in known} == {"mall", "memberships"}
    assert known[("2026-12", "memberships")].recognised > 0


def test_an_event_is_booked_no_later_than_it_was_recorded() -> None:
    """A clock that runs ahead books nothing in a month that has not begun."""
    now = month_begins("2026-12") - timedelta(seconds=1)
    assert accounting_month(now + timedelta(seconds=2), now) == "2026-11"
    assert accounting_month(now - timedelta(days=40), now) == "2026-10"


def test_days_that_rest_are_deferred_and_not_refunded() -> None:
    """What they cost goes to and fro between two accounts, and to nobody."""
    deferred, paused = "liability:deferred:memberships", "liability:paused:memberships"
    sums = Sums()
    sums.post("2026-10", deferred, "CNY", 0, 100)
    sums.post("2026-11", deferred, "CNY", 60, 0)
    sums.post("2026-11", paused, "CNY", 0, 60)
    sums.post("2026-12", paused, "CNY", 60, 0)
    sums.post("2026-12", deferred, "CNY", 0, 60)
    told = revenue(sums, [], date(2026, 12, 5))
    assert [(one.billed, one.refunded, one.recognised, one.deferred) for one in told] == [
        (100, 0, 0, 100),
        (0, 0, 0, 100),
        (0, 0, 0, 100),
    ]
