"""
The simulator finds what is wrong: bugs that are planted, one at a time, each in a rule of the
product or of the world that the product stands on. A simulator that finds nothing would prove
nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from adapters.log import batch, memory
from api.stream import hub
from commands import timers
from commands.work import Context, Work
from domain.comment import CommentDeleted
from domain.event import Recorded
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import PostAudienceChanged
from projections import counters, streams
from projections.engine.policies import PolicyRunner
from projections.gates import GATES, Gates
from projections.reading import moments, notices, responses
from projections.recall import recall
from projections.recall.touches import changed
from projections.rows import Change, Patch
from tests.simulation import books
from tests.simulation.history import Plan
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.server import Temper
from tests.simulation.statements import TWINS

PLAN = Plan(
    members=5,
    clients=6,
    rounds=2,
    moves=120,
    kills=0.4,
    idle_seconds=0.1,
    apps=2,
    temper=Temper(seconds=0.05, stall=0.4, reads_lost=0.03, answers_lost=0.05, behind_seconds=1.0),
)

Planted: TypeAlias = Any


def _twin(name: str, twin: Any) -> Planted:
    return mock.patch.dict(TWINS, {name: twin})


def gate_not_asked() -> Planted:
    """A statement that says of every post that it is there for everyone."""
    hydrate = TWINS["hydrate_posts"]

    def open_to_all(tables: Any, asked: Any) -> Any:
        return [(*row[:13], True, "public", *row[15:]) for row in hydrate(tables, asked)]

    return _twin("hydrate_posts", open_to_all)


def block_overlooked() -> Planted:
    """Comments by those whom the viewer has blocked, or who blocked the viewer."""
    return mock.patch.object(responses, "visible", lambda live, *_: live)


def notices_not_gated() -> Planted:
    """Notices of whatever was done, be it gone, or by somebody blocked."""
    return mock.patch.object(notices._Gate, "lets", return_value=True)


def last_page_cut_short() -> Planted:
    """A feed that stops when a page of references has too few that may be seen."""
    page = TWINS["page_by_authors"]

    def short(tables: Any, asked: Any) -> Any:
        return page(tables, {**asked, "count": asked["count"] - 1})

    return _twin("page_by_authors", short)


def guards_dropped() -> Planted:
    """Commands that do not mind what else was changed meanwhile."""
    to_append = Work.to_append

    def unguarded(work: Work, answer: bytes, *, keep_events: bool) -> Any:
        append = to_append(work, answer, keep_events=keep_events)
        return msgspec.structs.replace(append, guards={})

    return mock.patch.object(Work, "to_append", unguarded)


def versions_not_checked() -> Planted:
    """A log that lets the second of two writers write as well."""
    return mock.patch.object(batch, "_moved", return_value=False)


def forgetting_forgotten() -> Planted:
    """States ahead of the log that stay when the log does not bear them out."""
    return mock.patch.object(Work, "forget")


def keys_not_known() -> Planted:
    """A log that has never seen a key before: a retry is done twice."""
    facts_of = memory.MemoryLog._facts

    def forgetful(log: Any, submissions: Any) -> Any:
        return msgspec.structs.replace(facts_of(log, submissions), answers={})

    return mock.patch.object(memory.MemoryLog, "_facts", forgetful)


def reactions_lost() -> Planted:
    """A policy that moves on from what it could not answer."""
    answer = PolicyRunner._answer

    async def careless(runner: Any, policy: Any, recorded: Any, place: Any) -> bool:
        if recorded.position % 2:
            return True
        return await answer(runner, policy, recorded, place)

    @contextmanager
    def planted() -> Iterator[None]:
        with (
            mock.patch.object(PolicyRunner, "_answer", careless),
            mock.patch.object(PolicyRunner, "react_now", mock.AsyncMock()),
        ):
            yield

    return planted()


def timers_by_the_clock() -> Planted:
    """A timer that decides for now rather than for when it was due."""

    def late(**said: Any) -> Any:
        return Context(**{**said, "effective_at": said["effective_at"] + timedelta(seconds=1)})

    return mock.patch.object(timers, "Context", late)


def count_not_taken_back() -> Planted:
    """A counter that never goes down."""
    rows = counters.Counters.rows

    def upwards(model: Any, recorded: Recorded) -> Iterator[Change]:
        return iter(() if isinstance(recorded.event, CommentDeleted) else rows(model, recorded))

    return mock.patch.object(counters.Counters, "rows", upwards)


def gate_behind() -> Planted:
    """A gate that does not hear of a change of audience."""
    rows = Gates.rows

    def stubborn(model: Any, recorded: Recorded) -> Iterator[Change]:
        for change in rows(model, recorded):
            narrows = isinstance(change, Patch) and "audience" in change.values
            if not (narrows and change.table is GATES):
                yield change

    return mock.patch.object(Gates, "rows", stubborn)


def memory_not_told() -> Planted:
    """Facts in memory that no change of audience drops."""

    def deaf(recorded: Recorded) -> Any:
        known = changed(recorded)
        hidden = isinstance(recorded.event, PostAudienceChanged)
        return msgspec.structs.replace(known, touches=()) if hidden else known

    return mock.patch.object(recall, "changed", deaf)


def memory_not_asked_how_far() -> Planted:
    """Answers from memory that do not ask how far the log is."""

    @contextmanager
    def planted() -> Iterator[None]:
        follow = recall.Recall._follow

        async def lazy(self: Any, keys: Any) -> None:
            if not self._heads or self.answered % 4 == 0:
                await follow(self, keys)

        with mock.patch.object(recall.Recall, "_follow", lazy):
            yield

    return planted()


def checkpoints_not_guarded() -> Planted:
    """Two engines that write one batch after another's."""

    def unguarded(at: Any, moves: Sequence[Any]) -> None:
        for one in moves:
            at.checkpoints[one.subscriber, one.cell] = one.new

    return mock.patch.object(books, "advance", unguarded)


def lists_not_told() -> Planted:
    """A stream that says nothing when a named list changes."""
    of = streams.question

    def deaf(recorded: Recorded, viewer: Any) -> Any:
        listed = isinstance(recorded.event, ListSaved | ListDeleted)
        return None if listed else of(recorded, viewer)

    return mock.patch.object(moments, "question", deaf)


def rounds_enlarged() -> Planted:
    """A stream's round that is tried again with more in it than some were told of."""
    advance = hub.Hub._advance

    async def enlarged(self: Any) -> bool:
        self._target = {}
        return await advance(self)

    return mock.patch.object(hub.Hub, "_advance", enlarged)


@pytest.mark.parametrize(
    "plant",
    [
        gate_not_asked,
        block_overlooked,
        notices_not_gated,
        last_page_cut_short,
        guards_dropped,
        versions_not_checked,
        forgetting_forgotten,
        keys_not_known,
        reactions_lost,
        timers_by_the_clock,
        count_not_taken_back,
        gate_behind,
        memory_not_told,
        memory_not_asked_how_far,
        checkpoints_not_guarded,
        lists_not_told,
        rounds_enlarged,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, PLAN)
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
