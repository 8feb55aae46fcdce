"""
The simulator finds what is left of a member who is forgotten: bugs that are planted, one at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import pytest

from commands import forgetting
from domain import comment
from domain.account_events import AccountErased
from domain.event import Recorded
from projections.members import Members
from projections.rows import Change
from tests.simulation.history import Plan
from tests.simulation.run import Failed, live
from tests.simulation.server import Temper

#: Each is found within so many seeds, or the simulator has lost its edge.
SEEDS_MAX = 20
PLAN = Plan(
    members=4,
    clients=3,
    rounds=1,
    moves=80,
    idle_seconds=0.1,
    moderation=0.2,
    photos=0.2,
    forgets=True,
    temper=Temper(seconds=0.02),
)


@contextmanager
def who_is_forgotten_is_still_shown() -> Iterator[None]:
    """A row of theirs that stays."""
    rows = Members.rows

    def careless(model: Members, recorded: Recorded) -> Iterator[Change]:
        gone = isinstance(recorded.event, AccountErased)
        return iter(()) if gone else rows(model, recorded)

    with mock.patch.object(Members, "rows", careless):
        yield


def what_they_said_stays() -> Any:
    """Comments that nobody deletes, and everybody counts."""
    return mock.patch.object(comment, "erase", return_value=())


def photos_stay() -> Any:
    """Photos that go with no album."""
    return mock.patch.object(forgetting, "_delete_photo", mock.AsyncMock())


def their_ties_stay() -> Any:
    """Friends who lose no friend."""
    return mock.patch.object(forgetting, "part", return_value=())


BUGS: list[Callable[[], AbstractContextManager[Any]]] = [
    who_is_forgotten_is_still_shown,
    what_they_said_stays,
    photos_stay,
    their_ties_stay,
]


@pytest.mark.parametrize("bug", BUGS)
def test_what_is_left_is_found(bug: Callable[[], AbstractContextManager[Any]]) -> None:
    assert any(_fails(bug, seed) for seed in range(SEEDS_MAX)), "not found"


def _fails(bug: Callable[[], AbstractContextManager[Any]], seed: int) -> bool:
    """Whether a seed shows what is planted."""
    try:
        with bug():
            live(seed, PLAN)
    except Failed:
        return True
    return False


def test_nothing_is_found_where_there_is_nothing() -> None:
    for seed in range(2):
        live(seed, PLAN)
