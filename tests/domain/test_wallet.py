"""
A wallet: what it takes in, in which order it is emptied, and where coins go that come back.
"""

from datetime import datetime, timedelta

import pytest

from domain import wallet_moves as decisions
from domain.charge import charge_of, refunding
from domain.event import Refused
from domain.ids import LotId, cell_of, derive
from domain.lots import Part, Returned, split
from domain.money import Worth, china_month
from domain.wallet import WALLET
from domain.wallet_events import (
    BonusExpired,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
)
from tests.domain.coins import (
    DAY,
    NOON,
    bonus,
    bonus_lot,
    bought,
    bought_lot,
    granted,
    order,
    paid,
    payment,
    refund_id,
)
from tests.domain.given import given
from tests.domain.people import ANNA, sealed

LATER = NOON + DAY
LONG_AFTER = NOON + 30 * DAY


def test_a_payment_buys_once() -> None:
    worth = Worth(100, 10_000)
    given(WALLET).when(decisions.top_up, ANNA, payment(1), "demo", worth, NOON).then(bought(1, 100))
    given(WALLET, bought(1, 100)).when(
        decisions.top_up, ANNA, payment(1), "demo", worth, LATER
    ).then_nothing()


def test_a_bonus_is_granted_once() -> None:
    until = NOON + 7 * DAY
    asked = (ANNA, bonus_lot(1), 5, until, sealed("hello"), NOON)
    given(WALLET).when(decisions.grant, *asked).then(granted(1, 5, days=7))
    given(WALLET, granted(1, 5, days=7)).when(decisions.grant, *asked).then_nothing()


def test_bonus_goes_first_soonest_to_expire_then_what_was_bought_first() -> None:
    wallet = given(
        WALLET, bought(1, 10), granted(1, 3, days=9), granted(2, 3, days=2), bought(2, 10)
    )
    wallet.when(decisions.spend, ANNA, order(1), 18, LATER).then(
        CoinsSpent(ANNA, order(1), (bonus(2, 3), bonus(1, 3), paid(1, 10), paid(2, 2)), 1, LATER)
    )


def test_what_has_expired_is_not_spent_though_no_timer_has_said_so() -> None:
    wallet = given(WALLET, granted(1, 3, days=1), bought(1, 1))
    assert wallet.state.balance(NOON) == 4
    assert wallet.state.balance(LATER) == 1
    wallet.when(decisions.spend, ANNA, order(1), 2, LATER).then_refused("insufficient-coins")
    wallet.when(decisions.spend, ANNA, order(1), 1, LATER).then(
        CoinsSpent(ANNA, order(1), (paid(1, 1),), 1, LATER)
    )


def test_a_lot_expires_at_its_time_with_what_is_left() -> None:
    spent = CoinsSpent(ANNA, order(1), (bonus(1, 2),), 1, NOON)
    wallet = given(WALLET, granted(1, 3, days=1), spent)
    wallet.when(decisions.expire, ANNA, bonus_lot(1), NOON).then_nothing()
    wallet.when(decisions.expire, ANNA, bonus_lot(1), LATER).then(
        BonusExpired(ANNA, bonus_lot(1), 1, LATER)
    )
    wallet.when(decisions.expire, ANNA, bonus_lot(2), LATER).then_nothing()
    given(WALLET, bought(1, 1)).when(
        decisions.expire, ANNA, bought_lot(1), LONG_AFTER
    ).then_nothing()


def test_a_lot_that_has_ended_takes_in_nothing_whatever_a_clock_says() -> None:
    """A server whose clock is behind the one that ended it would put coins where none is seen."""
    spent = CoinsSpent(ANNA, order(1), (bonus(1, 2),), 1, NOON)
    ended = BonusExpired(ANNA, bonus_lot(1), 1, LATER)
    wallet = given(WALLET, granted(1, 3, days=1), spent, ended)
    early = LATER - timedelta(minutes=1)
    wallet.when(decisions.expire, ANNA, bonus_lot(1), LATER).then_nothing()
    anew = LotId(derive(cell_of(bonus_lot(1)), "returned-lot", bonus_lot(1), refund_id(1).bytes))
    refunded = CoinsRefunded(
        ANNA, order(1), refund_id(1), (Returned(bonus(1, 2), anew, early + DAY),), 1, early
    )
    wallet.when(decisions.refund, ANNA, order(1), refund_id(1), (bonus(1, 2),), NOON, early).then(
        refunded
    )
    (lot,) = WALLET.fold([refunded], wallet.state).lots
    assert (lot.id, lot.left.coins) == (anew, 2), "with the life that was left, and the old is over"


def test_a_lot_stays_as_long_as_coins_of_it_may_come_back() -> None:
    end = BonusExpired(ANNA, bonus_lot(1), 3, LATER)
    assert given(WALLET, granted(1, 3, days=1), end).state.lots == (), "nothing of it was spent"
    spent = CoinsSpent(ANNA, order(1), (bonus(1, 2),), 1, NOON)
    some = BonusExpired(ANNA, bonus_lot(1), 1, LATER)
    state = given(WALLET, granted(1, 3, days=1), spent, some).state
    assert [(lot.left.coins, lot.ended) for lot in state.lots] == [(0, True)]
    used = CoinsSpent(ANNA, order(2), (paid(1, 10),), 1, NOON)
    (bought_out,) = given(WALLET, bought(1, 10), used).state.lots
    assert bought_out.left == Worth(), "what was bought is refunded whenever it is"


def test_a_wallet_of_a_thousand_bonuses_that_ran_out_is_empty() -> None:
    state = WALLET.initial
    for number in range(1_000):
        events = (granted(number, 5, days=1), BonusExpired(ANNA, bonus_lot(number), 5, LATER))
        state = WALLET.fold(events, state)
    assert state.lots == ()


def test_a_hold_is_captured_and_the_remainder_is_free_again() -> None:
    held = CoinsHeld(ANNA, order(1), (bonus(1, 3), paid(1, 5)), 1, NOON + 7 * DAY, NOON)
    wallet = given(WALLET, bought(1, 10), granted(1, 3, days=30), held)
    assert wallet.state.balance(NOON) == 5
    captured = CoinsCaptured(ANNA, order(1), (bonus(1, 3), paid(1, 1)), 0, LATER)
    back = Returned(paid(1, 4), bought_lot(1))
    wallet.when(decisions.capture, ANNA, order(1), 4, LATER).then(
        captured, HoldVoided(ANNA, order(1), (back,), "remainder", 1, LATER)
    )
    wallet.when(decisions.capture, ANNA, order(1), 8, LATER).then(
        CoinsCaptured(ANNA, order(1), (bonus(1, 3), paid(1, 5)), 0, LATER)
    )


def test_a_part_is_captured_and_the_remainder_kept() -> None:
    held = CoinsHeld(ANNA, order(1), (paid(1, 5),), 1, NOON + 7 * DAY, NOON)
    first = CoinsCaptured(ANNA, order(1), (paid(1, 2),), 3, LATER)
    wallet = given(WALLET, bought(1, 10), held)
    wallet.when(decisions.capture, ANNA, order(1), 2, LATER, keep=True).then(first)
    further = given(WALLET, bought(1, 10), held, first)
    further.when(decisions.capture, ANNA, order(1), 4, LATER).then_refused("held-less")
    further.when(decisions.void, ANNA, order(1), LATER).then(
        HoldVoided(ANNA, order(1), (Returned(paid(1, 3), bought_lot(1)),), "voided", 1, LATER)
    )


def test_a_hold_ends_once_by_whoever_comes_first() -> None:
    held = CoinsHeld(ANNA, order(1), (paid(1, 5),), 1, NOON + 7 * DAY, NOON)
    due = NOON + 7 * DAY
    wallet = given(WALLET, bought(1, 10), held)
    wallet.when(decisions.void, ANNA, order(1), LATER, expired=True).then_nothing()
    wallet.when(decisions.capture, ANNA, order(1), 5, due).then_refused("nothing-held")
    wallet.when(decisions.hold, ANNA, order(1), 5, due, LATER).then_nothing()
    expired = HoldVoided(ANNA, order(1), (Returned(paid(1, 5), bought_lot(1)),), "expired", 1, due)
    wallet.when(decisions.void, ANNA, order(1), due, expired=True).then(expired)
    over = given(WALLET, bought(1, 10), held, expired)
    over.when(decisions.void, ANNA, order(1), due, expired=True).then_nothing()
    over.when(decisions.capture, ANNA, order(1), 5, LATER).then_refused("nothing-held")


def test_a_refund_restores_the_very_lots_those_spent_last_first() -> None:
    parts = (bonus(1, 3), paid(1, 5))
    spent = CoinsSpent(ANNA, order(1), parts, 1, NOON)
    wallet = given(WALLET, bought(1, 10), granted(1, 3, days=30), spent)
    back = refunding(charge_of(parts, NOON), refund_id(1), 6)
    assert back == (bonus(1, 1), paid(1, 5))
    refunded = CoinsRefunded(
        ANNA,
        order(1),
        refund_id(1),
        (Returned(bonus(1, 1), bonus_lot(1)), Returned(paid(1, 5), bought_lot(1))),
        1,
        LATER,
    )
    wallet.when(decisions.refund, ANNA, order(1), refund_id(1), back, NOON, LATER).then(refunded)
    state = WALLET.fold([refunded], wallet.state)
    assert [lot.left for lot in state.lots] == [Worth(10, 1_000), Worth(1)]


def test_expired_coins_come_back_with_the_life_they_had_left() -> None:
    spent_at = NOON + 8 * DAY
    spent = CoinsSpent(ANNA, order(1), (bonus(1, 3),), 1, spent_at)
    gone = BonusExpired(ANNA, bonus_lot(1), 0, NOON + 10 * DAY)
    wallet = given(WALLET, granted(1, 3, days=10), spent, gone)
    anew = LotId(derive(cell_of(ANNA), "returned-lot", bonus_lot(1), refund_id(1).bytes))
    refunded = CoinsRefunded(
        ANNA,
        order(1),
        refund_id(1),
        (Returned(bonus(1, 3), anew, LONG_AFTER + 2 * DAY),),
        1,
        LONG_AFTER,
    )
    wallet.when(
        decisions.refund, ANNA, order(1), refund_id(1), (bonus(1, 3),), spent_at, LONG_AFTER
    ).then(refunded)
    state = WALLET.fold([refunded], wallet.state)
    assert state.balance(LONG_AFTER + DAY) == 3
    assert state.balance(LONG_AFTER + 2 * DAY) == 0


@pytest.mark.parametrize(("coins", "left"), [(1, 7), (8, 0), (None, 0)])
def test_a_charge_gives_back_no_more_than_it_took(coins: int | None, left: int) -> None:
    charge = charge_of((bonus(1, 3), paid(1, 5)), NOON)
    after = charge.without(refund_id(1), refunding(charge, refund_id(1), coins))
    assert after.refundable == left
    assert refunding(after, refund_id(1), coins) == (), "the same refund again"
    with pytest.raises(Refused, match="refund-too-much"):
        refunding(after, refund_id(2), left + 1)


def test_shares_of_what_it_cost_add_up_to_the_fen() -> None:
    odd = (Part(bought_lot(1), "paid", 3, 100),)
    first, rest = split(odd, 1)
    second, third = split(rest, 1)
    assert [part.fen for part in (*first, *second, *third)] == [33, 33, 34]


def test_a_month_is_chinas() -> None:
    assert china_month(datetime.fromisoformat("2026-11-30T15:59:59+00:00")) == "2026-11"
    assert china_month(datetime.fromisoformat("2026-11-30T16:00:00+00:00")) == "2026-12"
