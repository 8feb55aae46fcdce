"""
What a minor bought is undone at a guardian's word, and its price is split by fault.
"""

from datetime import date

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from domain import order as decisions
from domain.event import Refused
from domain.guardian import GuardianClaim, house_share
from domain.ids import ItemId, mint
from domain.lots import POLICY, coins_in
from domain.mall import Terms
from domain.order import ORDER, OrderPlaced, OrderRefunded, Placed
from tests.domain.coins import DAY, NOON, bonus, paid, refund_id
from tests.domain.people import ANNA, sealed

BORN = date(2012, 1, 1)
ITEM = ItemId(mint(0, 0, 1))
PARTS = (bonus(1, 3), paid(1, 7))
PLACED = OrderPlaced(ANNA, ITEM, Terms("theme", "雪", 10), 1, 10, PARTS, POLICY, NOON)
LATER = NOON + 30 * DAY
REASON = sealed("asked by the mother")


def claim(percent: int) -> GuardianClaim:
    return GuardianClaim(sealed("letter 114"), percent)


def order(*events: OrderPlaced | OrderRefunded) -> Placed:
    state = ORDER.fold(events, ORDER.initial)
    assert isinstance(state, Placed)
    return state


def undone(state: Placed, percent: int, number: int = 1) -> tuple[OrderRefunded, ...]:
    return decisions.refund_to_guardian(
        state, refund_id(number), BORN, claim(percent), REASON, LATER
    )


def test_the_house_gives_back_its_part_and_says_on_which_ground() -> None:
    (refunded,) = undone(order(PLACED), 70)
    assert refunded == OrderRefunded(
        ANNA, refund_id(1), (paid(1, 7),), 3, REASON, LATER, claim(70)
    ), "those taken last come back first"
    again = order(PLACED, refunded)
    assert again.charge.refundable == 3
    assert undone(again, 100, 2) == (), "once an order"


def test_no_more_comes_back_than_the_order_still_holds() -> None:
    (before,) = decisions.refund(order(PLACED), refund_id(1), 6, REASON, LATER)
    (refunded,) = undone(order(PLACED, before), 100, 2)
    assert (coins_in(refunded.parts), refunded.left) == (4, 0)
    (rest,) = decisions.refund(order(PLACED, before), refund_id(3), None, REASON, LATER)
    with pytest.raises(Refused, match="refund-too-much"):
        undone(order(PLACED, before, rest), 100, 4)


@pytest.mark.parametrize("born", [date(2008, 11, 22), date(1980, 1, 1), None])
def test_who_was_of_age_has_no_guardian(born: date | None) -> None:
    """Of age on the day it was placed: Anna's order is of the 22nd."""
    with pytest.raises(Refused, match="not-a-minor"):
        decisions.refund_to_guardian(order(PLACED), refund_id(1), born, claim(100), REASON, LATER)


def test_who_has_come_of_age_since_was_a_minor_then() -> None:
    born = date(2008, 11, 23)
    (refunded,) = decisions.refund_to_guardian(
        order(PLACED), refund_id(1), born, claim(100), REASON, LATER
    )
    assert refunded.left == 0


@generated(st.integers(1, 1_000_000), st.integers(1, 100))
def test_the_two_parts_are_the_whole(coins: int, percent: int) -> None:
    house = house_share(coins, percent)
    assert 1 <= house <= coins
    assert 0 <= house * 100 - coins * percent < 100, "exact, but for a part of one coin"
