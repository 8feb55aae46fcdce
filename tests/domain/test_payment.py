"""
A payment is claimed once, settles once, and comes to nothing once; and what minors may pay.
"""

from datetime import date, datetime, timedelta
from typing import Literal

import pytest

from domain import allowance as allowances
from domain import payment as decisions
from domain.allowance import ALLOWANCE, AllowanceReturned, AllowanceTaken, age_at
from domain.event import Event
from domain.payment import (
    LOOKS,
    PAYMENT,
    Failed,
    PaymentClaimed,
    PaymentFailed,
    PaymentPending,
    PaymentSettled,
    RailState,
    Waiting,
)
from tests.domain.coins import DAY, NOON, payment
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, sealed

REF = sealed("4200001889")
CLAIMED = PaymentClaimed(ANNA, "demo", REF, 100, 10_000, NOON)
PENDING = PaymentClaimed(ANNA, "demo", REF, 100, 10_000, NOON, NOON + LOOKS[0])
SETTLED = PaymentSettled(ANNA, "demo", 100, 10_000, NOON)
LATER = NOON + timedelta(minutes=1)


def test_a_paid_claim_settles_at_once() -> None:
    given(PAYMENT).when(decisions.claim, CLAIMED, "paid", 10_000).then(CLAIMED, SETTLED)


@pytest.mark.parametrize(
    ("state", "problem", "field"),
    [
        ("failed", "payment-failed", "/rail_ref"),
        ("unknown", "no-such-payment", "/rail_ref"),
    ],
)
def test_what_the_rail_does_not_bear_out_is_nobodys(
    state: RailState, problem: str, field: str
) -> None:
    given(PAYMENT).when(decisions.claim, CLAIMED, state, 10_000).then_refused(problem, field)


@pytest.mark.parametrize("state", ["paid", "pending", "failed", "unknown"])
def test_a_payment_over_another_amount_is_as_good_as_none(state: RailState) -> None:
    given(PAYMENT).when(decisions.claim, CLAIMED, state, 9_999).then_refused(
        "no-such-payment", "/rail_ref"
    )


@pytest.mark.parametrize("history", [(PENDING,), (CLAIMED, SETTLED)])
def test_a_claim_is_one_members_for_so_many_coins(history: tuple[Event, ...]) -> None:
    claimed = given(PAYMENT, *history)
    claimed.when(decisions.claim, CLAIMED, "paid", 10_000).then_nothing()
    for other in (
        PaymentClaimed(BELA, "demo", REF, 100, 10_000, NOON),
        PaymentClaimed(ANNA, "demo", REF, 99, 9_900, NOON),
    ):
        claimed.when(decisions.claim, other, "paid", other.fen).then_refused(
            "rail-ref-used", "/rail_ref"
        )


def test_a_pending_payment_is_looked_at_again_until_it_is_known() -> None:
    given(PAYMENT).when(decisions.claim, CLAIMED, "pending", 10_000).then(PENDING)
    waiting = given(PAYMENT, PENDING)
    again = PaymentPending(ANNA, 1, LATER + LOOKS[1])
    waiting.when(decisions.look_again, "pending", 10_000, LATER).then(again)
    waiting.when(decisions.look_again, "unknown", 0, LATER).then(again)
    waiting.when(decisions.look_again, "paid", 10_000, LATER).then(
        PaymentSettled(ANNA, "demo", 100, 10_000, LATER)
    )
    failed = PaymentFailed(ANNA, "failed", LATER)
    waiting.when(decisions.look_again, "failed", 10_000, LATER).then(failed)
    waiting.when(decisions.look_again, "paid", 1, LATER).then(failed)
    over = given(PAYMENT, PENDING, failed)
    over.when(decisions.look_again, "paid", 10_000, LATER).then_nothing()
    over.when(decisions.claim, CLAIMED, "paid", 10_000).then_nothing()


@pytest.mark.parametrize("why", ["failed", "expired"])
def test_what_has_failed_settles_once_if_its_money_comes_after_all(
    why: Literal["failed", "expired"],
) -> None:
    over = given(PAYMENT, PENDING, PaymentFailed(ANNA, why, LATER)).state
    assert isinstance(over, Failed)
    others: tuple[tuple[RailState, int], ...] = (
        ("failed", 10_000),
        ("pending", 10_000),
        ("unknown", 0),
        ("paid", 9_999),
    )
    for state, fen in others:
        assert decisions.hasten(over, state, fen, LATER) == ()
    settled = PaymentSettled(ANNA, "demo", 100, 10_000, LATER)
    assert decisions.hasten(over, "paid", 10_000, LATER) == (settled,)
    after = PAYMENT.fold([settled], over)
    assert not isinstance(after, Waiting | Failed), "and it is asked after no more"
    given(PAYMENT, PENDING, PaymentFailed(ANNA, why, LATER), settled).when(
        decisions.look_again, "paid", 10_000, LATER
    ).then_nothing()


def test_after_the_last_look_it_has_failed() -> None:
    last = PaymentPending(ANNA, len(LOOKS) - 1, LATER)
    assert sum(LOOKS, timedelta()) > 7 * DAY
    given(PAYMENT, PENDING, last).when(decisions.look_again, "pending", 10_000, LATER).then(
        PaymentFailed(ANNA, "expired", LATER)
    )


def test_out_of_turn_only_news_counts() -> None:
    waiting = given(PAYMENT, PENDING).state
    assert isinstance(waiting, Waiting)
    assert decisions.hasten(waiting, "pending", 10_000, LATER) == ()
    assert decisions.hasten(waiting, "unknown", 0, LATER) == ()
    assert decisions.hasten(waiting, "paid", 10_000, LATER) == (
        PaymentSettled(ANNA, "demo", 100, 10_000, LATER),
    )


BORN_2018 = date(2018, 11, 23)
BORN_2011 = date(2011, 1, 1)
BORN_2009 = date(2009, 1, 1)
BORN_2008 = date(2008, 11, 22)


@pytest.mark.parametrize(
    ("moment", "age"),
    [
        ("2026-11-22T15:59:59+00:00", 7),
        ("2026-11-22T16:00:00+00:00", 8),
        ("2027-11-22T15:59:59+00:00", 8),
    ],
)
def test_one_is_older_when_the_day_begins_in_china(moment: str, age: int) -> None:
    assert age_at(BORN_2018, datetime.fromisoformat(moment)) == age


def test_those_born_on_a_leap_day_are_older_in_march() -> None:
    born = date(2012, 2, 29)
    assert age_at(born, datetime.fromisoformat("2028-02-28T12:00:00+08:00")) == 15
    assert age_at(born, datetime.fromisoformat("2028-02-29T12:00:00+08:00")) == 16
    assert age_at(born, datetime.fromisoformat("2030-02-28T12:00:00+08:00")) == 17
    assert age_at(born, datetime.fromisoformat("2030-03-01T12:00:00+08:00")) == 18


def taken(number: int, fen: int, month: str = "2026-11") -> AllowanceTaken:
    return AllowanceTaken(ANNA, payment(number), month, fen, 1)


def test_a_minors_payments_count_by_month() -> None:
    full = [taken(number, 5_000) for number in range(4)]
    asked = (ANNA, BORN_2011, payment(9))
    given(ALLOWANCE).when(allowances.take, *asked, 5_000, NOON).then(taken(9, 5_000))
    given(ALLOWANCE).when(allowances.take, *asked, 5_100, NOON).then_refused(
        "minor-limit", "/coins"
    )
    given(ALLOWANCE, *full).when(allowances.take, *asked, 100, NOON).then_refused(
        "minor-limit", "/coins"
    )
    december = datetime.fromisoformat("2026-11-30T16:00:00+00:00")
    given(ALLOWANCE, *full).when(allowances.take, *asked, 5_000, december).then(
        taken(9, 5_000, "2026-12")
    )
    returned = AllowanceReturned(ANNA, payment(0), "2026-11", 5_000)
    given(ALLOWANCE, *full).when(allowances.give_back, ANNA, payment(0)).then(returned)
    given(ALLOWANCE, *full, returned).when(allowances.take, *asked, 5_000, NOON).then(
        taken(9, 5_000)
    )
    given(ALLOWANCE, *full, returned).when(allowances.give_back, ANNA, payment(0)).then_nothing()


def test_what_was_given_back_counts_again_in_its_month_when_its_money_comes() -> None:
    full = [taken(number, 5_000) for number in range(4)]
    returned = AllowanceReturned(ANNA, payment(0), "2026-11", 5_000)
    beyond = given(ALLOWANCE, *full, returned, taken(9, 5_000))
    beyond.when(allowances.take_again, ANNA, payment(0)).then(taken(0, 5_000))
    after = given(ALLOWANCE, *full, returned, taken(9, 5_000), taken(0, 5_000))
    after.when(allowances.take_again, ANNA, payment(0)).then_nothing()
    assert after.state.of_month("2026-11") == 25_000
    given(ALLOWANCE, *full).when(allowances.take_again, ANNA, payment(0)).then_nothing()
    given(ALLOWANCE).when(allowances.take_again, ANNA, payment(0)).then_nothing()


def test_limits_go_by_age() -> None:
    asked = (payment(9), 10_000, NOON)
    given(ALLOWANCE).when(allowances.take, ANNA, BORN_2018, payment(9), 100, NOON).then_refused(
        "minor-may-not-pay"
    )
    given(ALLOWANCE).when(allowances.take, ANNA, BORN_2009, *asked).then(taken(9, 10_000))
    given(ALLOWANCE).when(allowances.take, ANNA, BORN_2008, *asked).then_nothing()
