"""
The simulator finds what is wrong with what members are told: bugs that are planted, one at a time.
"""

from typing import Any
from unittest import mock

import msgspec
import pytest

from domain import notices as decisions
from domain.notices import NoticePreferencesChanged
from tests.simulation.history import Plan
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.run import live
from tests.simulation.server import Temper
from tests.simulation.statements import TWINS

PLAN = Plan(
    members=4,
    clients=5,
    rounds=2,
    moves=120,
    idle_seconds=0.1,
    notices=0.1,
    temper=Temper(seconds=0.05, stall=0.4, reads_lost=0.02, answers_lost=0.05),
)
READING = msgspec.structs.replace(PLAN, notices=0.3)


def _gates(column: int, value: object) -> Any:
    """Gates of what is told, in which something is always the same."""
    gates = TWINS["notice_gates"]

    def careless(tables: Any, asked: Any) -> Any:
        return [(*row[:column], value, *row[column + 1 :]) for row in gates(tables, asked)]

    return mock.patch.dict(TWINS, {"notice_gates": careless})


def who_blocks_is_still_told_of() -> Any:
    """Likes, comments and requests of somebody who has blocked the member since."""
    return _gates(5, False)


def what_is_gone_is_still_told() -> Any:
    """Comments and posts that were deleted since."""
    return _gates(1, True)


def unwanted_kinds_are_told() -> Any:
    """Lists that mind no preferences."""
    heads = TWINS["notice_heads"]

    def every(tables: Any, asked: Any) -> Any:
        return heads(tables, {**asked, "muted": []})

    return mock.patch.dict(TWINS, {"notice_heads": every})


def preferences_are_forgotten() -> Any:
    """A change of some kinds that lets all others be wanted again."""

    def anew(_: Any, member: Any, wanted: Any) -> Any:
        muted = sorted(kind for kind, want in wanted.items() if not want)
        return (NoticePreferencesChanged(member, tuple(muted)),)

    return mock.patch.object(decisions, "prefer", anew)


def what_was_read_is_unread() -> Any:
    """Counts that know of no marks."""
    return mock.patch.dict(TWINS, {"notice_marks": lambda *_: []})


def marks_go_back() -> Any:
    """A mark that is wherever it was said last."""
    return mock.patch.object(decisions, "_later", lambda _, until: dict(until))


def one_of_many_is_left_out() -> Any:
    """Notices of several members that count one too few."""
    newest = TWINS["newest_of_notices"]

    def fewer(tables: Any, asked: Any) -> Any:
        rows = newest(tables, asked)
        return rows[:1] if len(rows) == 2 else rows

    return mock.patch.dict(TWINS, {"newest_of_notices": fewer})


@pytest.mark.parametrize(
    ("plant", "plan"),
    [
        (who_blocks_is_still_told_of, PLAN),
        (what_is_gone_is_still_told, PLAN),
        (unwanted_kinds_are_told, PLAN),
        (preferences_are_forgotten, PLAN),
        (what_was_read_is_unread, READING),
        (marks_go_back, PLAN),
        (one_of_many_is_left_out, PLAN),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_is_planted_is_found(plant: Any, plan: Plan) -> None:
    found = first_failure(plant, plan)
    assert found is not None, f"not found in {SEEDS_MAX} seeds"


@pytest.mark.parametrize("moderation", [0.0, 0.4])
def test_nothing_else_is_found(moderation: float) -> None:
    for seed in range(1, 4):
        live(seed, msgspec.structs.replace(PLAN, moderation=moderation))
