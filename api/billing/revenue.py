"""
Revenue by segment and month: what was billed, what of it went back, what is earned, and what is
not yet.

A segment is what stands behind ``revenue:`` in the name of an account. What is paid for days is
earned by the day, of a month that is not over as far as yesterday. Closed months are as they were
closed; what came late for them is in the first that is open.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from api.billing.moments import Sums
from domain.money import china_day
from domain.period import PeriodClosed, following, month_begins
from projections.postings import DEFERRED, MALL, REFUNDS, REVENUE

#: Of days that rest nothing is earned; what they cost is deferred all the same.
_PAUSED: Final = "liability:paused"


class SegmentMonth(msgspec.Struct, frozen=True):
    """
    A segment in a month, in fen. ``billed`` was paid for what was sold in it, ``refunded`` went
    back, ``recognised`` is revenue, less what was refunded of it; ``deferred`` is what is not
    earned by its end: over all months so far, billed = recognised + refunded + deferred.
    """

    month: str
    segment: str
    billed: int
    refunded: int
    recognised: int
    deferred: int
    closed: bool


class Moved(msgspec.Struct):
    """What postings did to a segment, apart from recognition."""

    billed: int = 0
    refunded: int = 0
    direct: int = 0


def segment_of(account: str) -> tuple[str, str] | None:
    """Which side of which segment an account is; None when it is none of revenue's."""
    if account == REFUNDS:
        return REFUNDS, MALL.removeprefix(f"{REVENUE}:")
    for kind in (REVENUE, DEFERRED, _PAUSED, REFUNDS):
        if account.startswith(f"{kind}:"):
            return kind, account.removeprefix(f"{kind}:")
    return None


def revenue(sums: Sums, closed: Sequence[PeriodClosed], today: date) -> list[SegmentMonth]:
    """
    Every segment in every month from the first posting to this one.

    :param sums: of everything that was posted, at the same moment as ``closed`` or later.
    """
    by_period = _by_period(sums, closed)
    if not by_period:
        return []
    recognised = {one.month: Counter({r.segment: r.fen for r in one.recognised}) for one in closed}
    segments = sorted({segment for moved in by_period.values() for segment in moved})
    found: list[SegmentMonth] = []
    earned: Counter[str] = Counter()
    deferred: Counter[str] = Counter()
    month, last = min(by_period), max(*by_period, f"{today:%Y-%m}")
    while month <= last:
        end = min(china_day(month_begins(following(month))), today)
        for segment in segments:
            moved = by_period.get(month, {}).get(segment, Moved())
            if month in recognised:
                by_day = recognised[month][segment]
            else:
                by_day = sums.earned(segment, end) - earned[segment]
            earned[segment] += by_day
            whole = moved.direct + by_day
            deferred[segment] += moved.billed - moved.refunded - whole
            found.append(
                SegmentMonth(
                    month,
                    segment,
                    moved.billed,
                    moved.refunded,
                    whole,
                    deferred[segment],
                    month in recognised,
                )
            )
        month = following(month)
    return found


def _by_period(sums: Sums, closed: Sequence[PeriodClosed]) -> dict[str, dict[str, Moved]]:
    """Months that were closed as they were, and the others with what came late."""
    moved: dict[str, dict[str, Moved]] = {}
    firm = closed[-1].month if closed else ""
    for (month, account, commodity), (debit, credit) in sums.turnovers.items():
        if commodity == "CNY":
            period = month if month > firm else following(firm)
            _move(moved, period, account, debit, credit)
    for one in closed:
        for figure in one.figures:
            if figure.commodity == "CNY":
                _move(moved, one.month, figure.account, figure.debit, figure.credit)
                # All that was posted up to a closed month was taken as late above.
                late = (-figure.debit, -figure.credit)
                _move(moved, following(firm), figure.account, *late)
        for recognised in one.recognised:
            earned, back = recognised.sides
            _move(moved, one.month, f"{DEFERRED}:{recognised.segment}", -earned, -back)
            _move(moved, one.month, f"{REVENUE}:{recognised.segment}", -back, -earned)
    return moved


def _move(
    moved: dict[str, dict[str, Moved]], period: str, account: str, debit: int, credit: int
) -> None:
    found = segment_of(account)
    if found is None:
        return
    kind, segment = found
    into = moved.setdefault(period, {}).setdefault(segment, Moved())
    if kind == REFUNDS:
        into.refunded += debit - credit
        into.direct -= debit - credit
        return
    if kind == _PAUSED:
        # To and fro between what days cost and what resting days cost: nobody paid or had it back.
        into.refunded -= credit
        into.billed -= debit
        return
    into.billed += credit
    into.refunded += debit
    if kind == REVENUE:
        into.direct += credit - debit
