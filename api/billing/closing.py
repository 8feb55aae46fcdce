"""
What a month has when it is closed: the figures of its accounts, what its days have earned, and a
hash over its postings that anybody with the log can compute again.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import msgspec

from api.billing.moments import sums_at
from api.services import AuditLog, Services
from commands.periods import ClosePeriod
from domain.event import Recorded, Refused
from domain.money import china_day
from domain.period import (
    PERIODS_STREAM,
    Figure,
    PeriodClosed,
    Periods,
    Recognised,
    check,
    evolve,
    following,
    month_begins,
    period_of,
)
from projections.postings import DEFERRED, POSTING, REVENUE
from projections.turnovers import Booked, booked

#: Events that are in memory at once.
_STEP = 500


class Tally(msgspec.Struct, frozen=True):
    """What the postings of a period are: their sums, how many, and the hash over them."""

    figures: Mapping[tuple[str, str], tuple[int, int]]
    postings: int
    root: str


async def closed_periods(log: AuditLog) -> list[PeriodClosed]:
    """Every period that was closed, in order."""
    history = await log.read_stream(PERIODS_STREAM)
    return [one.event for one in history if isinstance(one.event, PeriodClosed)]


async def closing(app: Services, month: str) -> ClosePeriod:
    """
    All that closing a month takes; it reads what was recorded from the month's beginning until now.
    Where the month is not over, or another comes before it, the command says so.
    """
    closed = await closed_periods(app.log)
    periods = Periods()
    for version, one in enumerate(closed, 1):
        periods = evolve(periods, one, version)
    first = None if closed else await _first_month(app.log)
    try:
        open_still = check(periods, month, first, app.clock.now())
    except Refused as refused:
        return ClosePeriod(month, first, refused=refused)
    if not open_still:
        return ClosePeriod(month, first)
    until = dict(await app.log.heads())
    tallied = await tally(app.log, month, until, closed)
    recognised = await _recognised(app, month, until, closed)
    return ClosePeriod(
        month,
        first,
        until,
        figures=tuple(_figures(tallied, recognised)),
        recognised=recognised,
        postings=tallied.postings,
        root=tallied.root,
    )


async def tally(
    log: AuditLog, month: str, until: Mapping[int, int], closed: Sequence[PeriodClosed]
) -> Tally:
    """
    What a month's postings are, up to some positions.

    The hash is SHA-256 over a line for each posting, by cell, position and line:
    ``7-45/0 2026-11-22T08:00:00+00:00 spend ORDER liability:coins:paid QC 20 0``.

    :param closed: the periods before it.
    """
    digest, postings = hashlib.sha256(), 0
    figures: dict[tuple[str, str], tuple[int, int]] = {}
    async for recorded, made in _booked_in(log, month, until, closed):
        entry = made.entry
        for line, one in enumerate(entry.postings):
            debit, credit = figures.get((one.account, one.commodity), (0, 0))
            sums = (debit + one.debit, credit + one.credit)
            figures[one.account, one.commodity] = sums
            digest.update(
                f"{recorded.at}/{line} {entry.at.isoformat()} {entry.what} {entry.about}"
                f" {one.account} {one.commodity} {one.debit} {one.credit}\n".encode()
            )
            postings += 1
    return Tally(figures, postings, digest.hexdigest())


async def _booked_in(
    log: AuditLog, month: str, until: Mapping[int, int], closed: Sequence[PeriodClosed]
) -> AsyncIterator[tuple[Recorded, Booked]]:
    """
    The postings of a period, by cell and position; what days have earned comes with its closing.
    """
    # Nothing is booked in a month before that has begun, and nothing late comes before the last
    # closing; of the first period all that was before is part.
    since: Mapping[int, int] = {}
    if closed:
        began = await log.heads_at(month_begins(month))
        since = {cell: min(at, closed[-1].end(cell)) for cell, at in began.items()}
    for cell, end in sorted(until.items()):
        after = since.get(cell, 0)
        while after < end:
            events = await log.read(cell, after, _STEP, end, POSTING)
            after = events[-1].position if len(events) == _STEP else end
            for recorded in events:
                made = booked(recorded)
                if made is None or isinstance(recorded.event, PeriodClosed):
                    continue
                period = period_of(made.month, cell, recorded.position, closed)
                if period == month or (not closed and period < month):
                    yield recorded, made


async def _first_month(log: AuditLog) -> str | None:
    """The month of the first posting there is."""
    firsts = [
        recorded
        for cell in range(log.cells)
        for recorded in await log.read(cell, 0, 1, types=POSTING)
    ]
    months = [made.month for made in map(booked, firsts) if made is not None]
    return min(months, default=None)


async def _recognised(
    app: Services, month: str, until: Mapping[int, int], closed: Sequence[PeriodClosed]
) -> tuple[Recognised, ...]:
    """
    What the days up to the end of a month have earned, less what closings before it recognised: so
    what came late for days of closed months is recognised in this one.
    """
    before: Counter[str] = Counter()
    for period in closed:
        for one in period.recognised:
            before[one.segment] += one.fen
    sums, end = await sums_at(app, until), china_day(month_begins(following(month)))
    found = [
        Recognised(segment, sums.earned(segment, end) - before[segment])
        for segment in sorted(sums.rates)
    ]
    return tuple(one for one in found if one.fen)


def _figures(tallied: Tally, recognised: Sequence[Recognised]) -> Iterator[Figure]:
    """The sums of postings, with what was recognised."""
    sums = dict(tallied.figures)
    for one in recognised:
        earned, back = one.sides
        for account, sides in ((DEFERRED, (earned, back)), (REVENUE, (back, earned))):
            at = (f"{account}:{one.segment}", "CNY")
            debit, credit = sums.get(at, (0, 0))
            sums[at] = (debit + sides[0], credit + sides[1])
    for (account, commodity), both in sorted(sums.items()):
        yield Figure(account, commodity, *both)  # type: ignore[arg-type]
