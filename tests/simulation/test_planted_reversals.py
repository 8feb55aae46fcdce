"""
The simulator finds what is wrong with payments that are taken back: bugs that are planted, one at a
time, each in a rule that keeps coins from being had that nobody paid for, or lost that somebody
paid for.
"""

from collections.abc import Callable
from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from domain import belonging, membership_moves, payment, reversal, wallet_moves
from domain import order as orders
from domain.event import Recorded
from domain.payment import Settled
from domain.wallet import Wallet
from projections.engine.policies import PolicyRunner
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.test_planted_money import MONEYED

Planted: TypeAlias = Any

REVERSING = msgspec.structs.replace(MONEYED, members=4, gifts=0.3, reversals=0.3)


def _without(policy_name: str) -> Planted:
    """A policy that moves on from everything."""
    answer, answer_now = PolicyRunner._answer, PolicyRunner._answer_now

    async def careless(runner: Any, policy: Any, recorded: Recorded, place: Any) -> bool:
        return policy.name == policy_name or await answer(runner, policy, recorded, place)

    async def careless_now(runner: Any, policy: Any, recorded: Recorded) -> None:
        if policy.name != policy_name:
            await answer_now(runner, policy, recorded)

    return mock.patch.multiple(PolicyRunner, _answer=careless, _answer_now=careless_now)


# Payments


def a_payment_turns_once() -> Planted:
    """A dispute that nobody can win."""
    turn = payment.turn

    def once(of: Settled, *arguments: Any) -> Any:
        return () if of.turn else turn(of, *arguments)

    return mock.patch.object(payment, "turn", once)


def lots_do_not_follow() -> Planted:
    """A payment that is taken back, and coins that stay."""
    return _without("turn-lot")


# Taking back


def nobody_looks_for_what_was_spent() -> Planted:
    """A lot that is closed, and nothing that it bought."""
    return _without("recover-lot")


def escrow_is_left_alone() -> Planted:
    """Coins that are safe once they are for a friend."""
    reverse = reversal.reverse
    return mock.patch.object(
        reversal, "reverse", lambda lot, _held, *arguments: reverse(lot, (), *arguments)
    )


def gifts_are_accepted_unpaid() -> Planted:
    """Coins in escrow that count although they are gone."""
    return mock.patch.object(Wallet, "in_hold", lambda _, hold: hold.parts)


def what_comes_back_is_spent_again() -> Planted:
    """Coins that come back into a lot whose payment was taken back, and stay."""
    return mock.patch.object(wallet_moves, "sweep", return_value=())


def who_owes_goes_on() -> Planted:
    """A debt that keeps nobody from spending."""
    return mock.patch.object(wallet_moves, "_owes_nothing")


def what_is_not_paid_is_kept() -> Planted:
    """An order that is revoked, and an item that stays."""
    return mock.patch.object(belonging, "revoke", return_value=())


def what_is_used_up_is_revoked() -> Planted:
    """An order that counts as undone although nothing of it is there."""
    revoke = orders.revoke

    def blind(order: Any, lot: Any, owned: Any, at: Any, *, awaited: bool = False) -> Any:
        return revoke(order, lot, owned, at, awaited=True)

    return mock.patch.object(orders, "revoke", blind)


def days_that_were_not_paid_are_kept() -> Planted:
    """A membership that goes on without having been paid."""
    return mock.patch.object(membership_moves, "revoke")


# Giving back


def what_was_revoked_stays_so() -> Planted:
    """A dispute that was won, and orders that are lost all the same."""
    restore: Callable[..., Any] = orders.restore
    return mock.patch.object(orders, "restore", lambda *arguments: restore(*arguments)[:0])


def escrow_goes_to_the_lot() -> Planted:
    """Coins of a gift that waits, and that its sender can spend."""
    restore = reversal.restore
    return mock.patch.object(
        reversal, "restore", lambda of, _held, *arguments: restore(of, (), *arguments)
    )


def what_is_revoked_is_refunded_too() -> Planted:
    """A refund of an order that is to be undone later."""
    return mock.patch.object(orders, "_check_undone")


@pytest.mark.parametrize(
    "plant",
    [
        a_payment_turns_once,
        lots_do_not_follow,
        nobody_looks_for_what_was_spent,
        escrow_is_left_alone,
        gifts_are_accepted_unpaid,
        what_comes_back_is_spent_again,
        who_owes_goes_on,
        what_is_not_paid_is_kept,
        what_is_used_up_is_revoked,
        days_that_were_not_paid_are_kept,
        what_was_revoked_stays_so,
        escrow_goes_to_the_lot,
        what_is_revoked_is_refunded_too,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, REVERSING)
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
