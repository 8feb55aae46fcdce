"""
The simulator finds what is wrong with gifts: bugs that are planted, one at a time, each in a rule
that keeps a gift from being had twice, for nothing, by a stranger, or not at all.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from domain import giving, received_gift
from domain import order as orders
from domain.event import Recorded
from domain.gift import Offered
from domain.order import Placed
from domain.wallet_events import CoinsHeld
from projections import postings
from projections.arming import ARMING
from projections.engine.deadlines import Arm, Disarm
from projections.engine.policies import PolicyRunner
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.test_planted_money import LATE, MONEYED

Planted: TypeAlias = Any

GIVING = msgspec.structs.replace(MONEYED, gifts=0.6)
#: What shows only where an answer is late is looked for where days are leapt over often.
LATE_GIVING = msgspec.structs.replace(LATE, gifts=0.6)


def gifts_are_for_anybody() -> Planted:
    """An offer that asks neither for a friend nor for one who can act."""
    return mock.patch.object(giving, "may_give")


def gifts_wait_for_ever() -> Planted:
    """An offer that no timer ends."""
    held = ARMING[CoinsHeld]

    def arm(recorded: Recorded) -> Iterator[Arm | Disarm]:
        event = recorded.event
        assert isinstance(event, CoinsHeld)
        return iter(()) if event.gift else iter(held(recorded))

    return mock.patch.dict(ARMING, {CoinsHeld: arm})


def answers_are_never_late() -> Planted:
    """An offer that is open as long as no timer has come round."""
    return mock.patch.object(
        giving, "open_to_answer", lambda order, _at: isinstance(order, Offered)
    )


def gifts_are_not_carried() -> Planted:
    """A policy that moves on from gifts without telling the other cell."""
    answer, answer_now = PolicyRunner._answer, PolicyRunner._answer_now

    async def careless(runner: Any, policy: Any, recorded: Recorded, place: Any) -> bool:
        return policy.name == "carry-gift" or await answer(runner, policy, recorded, place)

    async def careless_now(runner: Any, policy: Any, recorded: Recorded) -> None:
        if policy.name != "carry-gift":
            await answer_now(runner, policy, recorded)

    return mock.patch.multiple(PolicyRunner, _answer=careless, _answer_now=careless_now)


def news_of_a_gift_is_taken_twice() -> Planted:
    """A recipient's cell that hands over whenever it hears that a gift was accepted."""

    def whenever(_half: Any, order: Placed, _which: Any, _at: Any) -> bool:
        return order.gift is not None and order.delivered

    return mock.patch.object(received_gift, "awaited", whenever)


def a_refunded_gift_is_kept() -> Planted:
    """A gift whose coins are back, and whose recipient has it."""
    return mock.patch.object(received_gift, "take_back", return_value=())


def days_of_a_gift_count_from_the_offer() -> Planted:
    """A gift that gets old while it waits."""
    brought = orders.brought

    def early(order: Placed, which: Any) -> Any:
        gained = brought(order, which)
        if gained.expires_at is None or order.gift is None:
            return gained
        waited = order.placed_at - order.gift.offer.effective_at
        return msgspec.structs.replace(gained, expires_at=gained.expires_at - waited)

    return mock.patch.object(received_gift, "brought", early)


def escrow_is_booked_as_held() -> Planted:
    """Books that do not tell coins for a friend from coins for an order."""
    return mock.patch.object(postings, "_set_aside", return_value=postings.HOLDS)


PLANS = {
    gifts_wait_for_ever: LATE_GIVING,
    answers_are_never_late: LATE_GIVING,
}


@pytest.mark.parametrize(
    "plant",
    [
        gifts_are_for_anybody,
        gifts_wait_for_ever,
        answers_are_never_late,
        gifts_are_not_carried,
        news_of_a_gift_is_taken_twice,
        a_refunded_gift_is_kept,
        days_of_a_gift_count_from_the_offer,
        escrow_is_booked_as_held,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, PLANS.get(plant, GIVING))
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
