"""
The simulator finds what is wrong with refunds that buyers and guardians ask for: bugs that are
planted, one at a time.
"""

from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from domain import order as orders
from domain.order import Placed
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.test_planted_gifts import GIVING, LATE_GIVING

Planted: TypeAlias = Any


def buyers_give_back_what_they_like() -> Planted:
    """A buyer's refund without a term, and of what was given away."""
    return mock.patch.object(orders, "may_return")


def guardians_are_heard_again() -> Planted:
    """A guardian's refund that can be had twice."""
    refund = orders.refund_to_guardian

    def forgetful(order: Placed, *arguments: Any) -> Any:
        return refund(msgspec.structs.replace(order, guardian=None), *arguments)

    return mock.patch.object(orders, "refund_to_guardian", forgetful)


def guardians_speak_for_everybody() -> Planted:
    """A guardian of somebody who is of age."""
    return mock.patch.object(orders, "minor", return_value=True)


def the_house_rounds_down() -> Planted:
    """A broken coin that the guardian bears."""
    return mock.patch.object(orders, "house_share", lambda coins, percent: coins * percent // 100)


def a_friend_keeps_what_a_guardian_undid() -> Planted:
    """A gift of a minor that stays a gift as long as the guardian bears anything of it."""
    return mock.patch.object(
        Placed, "delivered", property(lambda order: order.charge.refundable > 0)
    )


PLANS = {buyers_give_back_what_they_like: LATE_GIVING}


@pytest.mark.parametrize(
    "plant",
    [
        buyers_give_back_what_they_like,
        guardians_are_heard_again,
        guardians_speak_for_everybody,
        the_house_rounds_down,
        a_friend_keeps_what_a_guardian_undid,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, PLANS.get(plant, GIVING))
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
