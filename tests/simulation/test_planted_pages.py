"""
The simulator finds what is wrong with home pages, their visitors and boards: bugs that are planted,
one at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import msgspec
import pytest

from commands import messages, subjects, visits
from domain.event import Recorded
from domain.home import SECTIONS, HomeChanged
from domain.message import MessageUnpublished
from domain.visit import VisitMade, VisitMadeUnseen, VisitorRemoved
from projections.gates import GATES, Gates
from projections.reading import homes as reads
from projections.recall import homes as recalled
from projections.recall import recall
from projections.recall.answers import profile
from projections.recall.touches import Changed, changed
from projections.rows import Add, Change
from projections.visits import VISIT_COUNTS, Visits
from tests.simulation.history import Plan
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.run import live
from tests.simulation.server import Temper
from tests.simulation.statements import TWINS

PLAN = Plan(
    members=5,
    clients=5,
    rounds=2,
    moves=120,
    idle_seconds=0.1,
    pages=0.8,
    temper=Temper(seconds=0.05, stall=0.4, reads_lost=0.02, answers_lost=0.05),
)
JUDGED = msgspec.structs.replace(PLAN, moderation=0.4)
MONEYED = msgspec.structs.replace(PLAN, money=0.4, moves=160)


def a_closed_board_is_read() -> Any:
    """A list that asks nobody whether the board is there for its reader."""

    async def always(*_: Any) -> bool:
        return True

    return mock.patch.object(reads, "section_is_open", always)


def a_page_shows_every_section() -> Any:
    """A page made from memory that minds no privacy."""
    return mock.patch.object(recalled, "opened", return_value=frozenset(SECTIONS))


def a_page_minds_no_message_s_gate() -> Any:
    """Messages that wait, or were taken down, on the page of the board's owner."""
    return mock.patch.object(recalled, "visible", return_value=True)


def a_page_minds_no_blocks() -> Any:
    """Visitors and authors whom the viewer has blocked, or who blocked the viewer."""

    def everybody(facts: Any, _: Any, members: Any) -> Any:
        found = {one: facts.members.one(one) for one in members}
        return {one: profile(one, row) for one, row in found.items()}

    return mock.patch.object(recalled, "_near", everybody)


@contextmanager
def _untouched(kinds: type | tuple[type, ...]) -> Iterator[None]:
    """Facts that some events do not drop."""

    def deaf(recorded: Recorded) -> Changed:
        found = changed(recorded)
        if isinstance(recorded.event, kinds):
            return msgspec.structs.replace(found, touches=())
        return found

    with mock.patch.object(recall, "changed", deaf):
        yield


def a_page_stays_as_it_was() -> Any:
    """A page in memory that hears nothing of what its owner closed."""
    return _untouched(HomeChanged)


def visits_stay_as_they_were() -> Any:
    """Visits in memory that hear nothing of more."""
    return _untouched((VisitMade, VisitMadeUnseen, VisitorRemoved))


def what_is_taken_down_stays() -> Any:
    """A gate that a decision about a message leaves open."""
    rows = Gates.rows

    def careless(model: Gates, recorded: Recorded) -> Iterator[Change]:
        judged = isinstance(recorded.event, MessageUnpublished)
        return (one for one in rows(model, recorded) if not (judged and one.table is GATES))

    return mock.patch.object(Gates, "rows", careless)


def blocked_members_visit() -> Any:
    """Visits that mind no block."""
    return mock.patch.object(visits, "visible", return_value=True)


def anybody_writes() -> Any:
    """A board on which everybody writes who sees it."""
    return mock.patch.object(messages, "check_writer", return_value=None)


def a_closed_board_is_written_on() -> Any:
    """Commands that mind no privacy."""
    return mock.patch.object(messages, "open_to", return_value=True)


def who_is_removed_is_listed() -> Any:
    """A list of visitors that knows of nobody taken off it."""
    visitors = TWINS["visitors_of_space"]

    def all_of_them(tables: Any, asked: Any) -> Any:
        with mock.patch.object(tables, "get", return_value=None):
            return visitors(tables, asked)

    return mock.patch.dict(TWINS, {"visitors_of_space": all_of_them})


def anybody_is_unseen() -> Any:
    """Invisible visits without a membership."""

    async def everything(*_: Any) -> dict[str, int]:
        return {"yellow": 1}

    return mock.patch.object(visits, "levels", everything)


@contextmanager
def the_unseen_are_counted_as_visitors() -> Iterator[None]:
    """A count of members that rises with somebody who is not on the list."""
    rows = Visits.rows

    def careless(model: Visits, recorded: Recorded) -> Iterator[Change]:
        unseen = isinstance(recorded.event, VisitMadeUnseen)
        for one in rows(model, recorded):
            if unseen and one.table is VISIT_COUNTS:
                yield Add(one.table, one.key, {"total": 1, "visitors": 1})
            else:
                yield one

    with mock.patch.object(Visits, "rows", careless):
        yield


def reports_mind_no_board() -> Any:
    """Reports of what stands on a board that the reporter does not see."""

    async def always(*_: Any) -> None:
        return None

    return mock.patch.object(subjects, "visible_board", always)


PLANS = {
    what_is_taken_down_stays: JUDGED,
    a_page_minds_no_message_s_gate: JUDGED,
    reports_mind_no_board: JUDGED,
    the_unseen_are_counted_as_visitors: MONEYED,
}


@pytest.mark.parametrize(
    "plant",
    [
        a_closed_board_is_read,
        a_page_shows_every_section,
        a_page_minds_no_message_s_gate,
        a_page_minds_no_blocks,
        a_page_stays_as_it_was,
        visits_stay_as_they_were,
        what_is_taken_down_stays,
        blocked_members_visit,
        anybody_writes,
        a_closed_board_is_written_on,
        who_is_removed_is_listed,
        anybody_is_unseen,
        the_unseen_are_counted_as_visitors,
        reports_mind_no_board,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, PLANS.get(plant, PLAN))
    assert found is not None, f"not found in {SEEDS_MAX} seeds"


@pytest.mark.parametrize("plan", [PLAN, JUDGED, MONEYED])
def test_nothing_else_is_found(plan: Plan) -> None:
    for seed in range(1, 4):
        live(seed, plan)
