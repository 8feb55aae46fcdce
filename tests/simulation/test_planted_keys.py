"""
The simulator finds what is wrong with keys of single items: bugs that are planted, one at a time.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import UUID

import pytest

from adapters.vault.memory import MemoryKeyVault
from api.item_keys import DestroyItemKeys
from commands import comments
from domain import retention
from domain.sealed import KeyClass, Sealed
from tests.simulation.history import Plan
from tests.simulation.run import Failed, live
from tests.simulation.server import Temper

#: Each is found within so many seeds, or the simulator has lost its edge.
SEEDS_MAX = 20
PLAN = Plan(
    members=3,
    clients=3,
    rounds=2,
    moves=80,
    idle_seconds=0.1,
    moderation=0.2,
    photos=0.3,
    temper=Temper(seconds=0.02),
)


def a_key_is_never_destroyed() -> Any:
    """A policy that hears of a destruction, and does nothing."""
    return mock.patch.object(DestroyItemKeys, "react", mock.AsyncMock())


def a_key_takes_the_others_along() -> Any:
    """A vault that knows no single items."""

    async def all_of_it(
        vault: MemoryKeyVault, subject: UUID, key_class: KeyClass, _: Iterable[UUID]
    ) -> int:
        return int(vault.destroy(subject, key_class))

    return mock.patch.object(MemoryKeyVault, "destroy_items", all_of_it)


def an_item_is_sealed_under_its_member_s_key() -> Any:
    """Words that nobody can destroy alone."""
    seal = MemoryKeyVault.seal

    async def whole(
        vault: MemoryKeyVault, subject: UUID, key_class: KeyClass, plain: str, _: Any = None
    ) -> Sealed[str]:
        return await seal(vault, subject, key_class, plain)

    return mock.patch.object(MemoryKeyVault, "seal", whole)


def a_deleted_comment_has_no_clock() -> Any:
    """A deletion that starts nothing."""
    return mock.patch.object(comments, "retain", mock.AsyncMock())


def a_clock_is_set_back() -> Any:
    """A case that makes its subject go sooner."""
    return mock.patch.object(retention, "AGAIN", timedelta(seconds=-1))


BUGS = (
    a_key_is_never_destroyed,
    a_key_takes_the_others_along,
    an_item_is_sealed_under_its_member_s_key,
    a_deleted_comment_has_no_clock,
    a_clock_is_set_back,
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_simulator_finds_it(bug: Any) -> None:
    with bug():
        for seed in range(SEEDS_MAX):
            try:
                live(seed, PLAN)
            except Failed:
                return
    pytest.fail(f"{bug.__name__} was not found in {SEEDS_MAX} seeds")


def test_without_them_it_finds_nothing() -> None:
    for seed in range(5):
        live(seed, PLAN)
