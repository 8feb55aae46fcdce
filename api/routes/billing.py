"""
The books: trial balances, revenue, and periods.
"""

from typing import Annotated

import msgspec

from api.answers import Written
from api.billing.closing import closed_periods, closing
from api.billing.moments import sums_at
from api.billing.revenue import SegmentMonth, revenue
from api.http.answers import Answer, Page
from api.http.positions import format_positions
from api.http.routes import Routes
from api.routes.audit import When, vector_of
from api.routes.members import done
from api.services import OPERATORS, Ask
from commands.periods import close_period
from commands.types import Moment
from domain.money import china_day
from domain.period import PeriodClosed
from projections.reading import ledgers

ROUTES = Routes()
_TAG = "Books"
BILLING = ("auditor", "operator")

_Sum = Annotated[int, msgspec.Meta(ge=0)]
Month = Annotated[
    str,
    msgspec.Meta(
        pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$",
        description="A month of China's calendar.",
        examples=["2026-11"],
    ),
]


class AccountRow(msgspec.Struct, frozen=True):
    """All that was ever posted to both sides of an account."""

    account: str
    commodity: str
    debit: _Sum
    credit: _Sum


class BalanceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which moment; now, as far as the read model is, when none is named."""

    at: When | None = None


class RevenueQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from"}
):
    """From which month to which, both included."""

    since: Month | None = None
    to: Month | None = None


class Period(msgspec.Struct, frozen=True):
    """
    A closed month: `until` where it goes, the figures of its accounts, and `root`, a hash over its
    `postings`.
    """

    month: str
    closed_at: Moment
    until: str
    postings: int
    root: str
    accounts: list[AccountRow]


@ROUTES.get(
    "/v1/billing/trial-balance",
    tag=_TAG,
    summary="The sums of all accounts, at any moment",
    query=BalanceQuery,
    answer=Page[AccountRow],
    roles=BILLING,
    problems=("not-yet",),
)
async def trial_balance(call: Ask[None, BalanceQuery]) -> Answer:
    """
    Coins (`QC`) and fen (`CNY`) beside each other, never netted; in each, the debits are as much as
    the credits. `at` positions, a cell that is not named has posted nothing.
    """
    if call.query.at is None and call.looked is None:
        cells = range(call.app.log.cells)
        views = await call.app.attend(call, ledgers.trial_balance, cells)
        return call.page(
            [AccountRow(one.account, one.commodity, one.debit, one.credit) for one in views]
        )
    at = await vector_of(call.app, call.query.at, "at") or await call.app.log.heads()
    sums = await sums_at(call.app, at)
    return call.page([AccountRow(*where, *sides) for where, sides in sums.accounts().items()])


@ROUTES.get(
    "/v1/billing/revenue",
    tag=_TAG,
    summary="Revenue by segment and month",
    query=RevenueQuery,
    answer=Page[SegmentMonth],
    roles=BILLING,
    problems=("not-yet",),
)
async def read_revenue(call: Ask[None, RevenueQuery]) -> Answer:
    """
    What is paid for days is earned by the day. Closed months stay as they were closed; what came
    late for them is in the first that is open.
    """
    app = call.app
    closed = await closed_periods(app.log)
    sums = await sums_at(app, await app.log.heads())
    since, to = call.query.since or "", call.query.to or "9999"
    months = revenue(sums, closed, china_day(app.clock.now()))
    return call.page([one for one in months if since <= one.month <= to])


@ROUTES.get(
    "/v1/billing/periods",
    tag=_TAG,
    summary="The months that are closed",
    answer=Page[Period],
    roles=BILLING,
)
async def list_periods(call: Ask[None, None]) -> Answer:
    """In order; every month after the last one is open."""
    return call.page([_shown(one) for one in await closed_periods(call.app.log)])


def _shown(event: PeriodClosed) -> Period:
    until = {int(cell): at for cell, at in event.until.items() if at}
    accounts = [AccountRow(*msgspec.structs.astuple(one)) for one in event.figures]
    return Period(
        event.month,
        event.effective_at,
        format_positions(until),
        event.postings,
        event.root,
        accounts,
    )


@ROUTES.post(
    "/v1/billing/periods/{month:month}/close",
    tag=_TAG,
    summary="Close a month of the books",
    answer=Written,
    roles=OPERATORS,
    problems=("period-running", "period-not-next", "not-yet", "conflict"),
)
async def close_month(call: Ask[None, None]) -> Answer:
    """
    Once it is over, and every month before it is closed, for good: what is posted into it later
    belongs to the first open month, with its own date. Closing it again changes nothing.
    """
    command = await closing(call.app, call.text("month"))
    return done(await call.app.execute(call, close_period, command))
