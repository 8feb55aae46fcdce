"""
From a seed to its history, and from a failure to the command that repeats it.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from api import storage
from api.billing import moments
from api.routes import photos as photo_routes
from api.stream import hub, resume
from commands import photos as photo_commands
from commands.executor import Contended
from commands.ports import LogUnavailable
from commands.rails import RailUnavailable
from domain import album as albums
from domain import gallery as galleries
from domain.event import Recorded
from projections import turnovers
from projections.engine import backoff, leased_loop
from projections.engine import policies as policy_engine
from projections.engine import timers as timer_engine
from projections.reading.statements import Statement
from tests.simulation import books
from tests.simulation.apps import watched
from tests.simulation.darkroom import ALBUMS_MAX, PHOTOS_MAX, quota, serve_whole
from tests.simulation.history import History, Outcome, Plan
from tests.simulation.loop import SimulatedLoop
from tests.simulation.server import Temper
from tests.simulation.tables import Tables

#: How much of a failed history is told.
PAST = 60
#: What timers and policies may come across, and try again.
_PASSING = (RailUnavailable, LogUnavailable, Contended, TimeoutError)
#: Positions of a cell that make a stretch of the books.
_STRETCH = 16


class Failed(AssertionError):
    """A history that went wrong; it tells the seed and how to repeat it."""


def plan_of(seed: int) -> Plan:
    """What kind of history a seed is: from one thing after another to everything at once."""
    chance = random.Random(f"{seed}/plan")
    wild = chance.choice([0, 1, 2, 2, 3])
    temper = Temper(
        seconds=chance.choice([0.002, 0.02, 0.1]),
        stall=chance.choice([0.1, 0.3, 0.6]) if wild else 0.05,
        capacity=chance.choice([1, 2, 3, 1_000, 1_000]),
        skew_seconds=chance.choice([0.0, 0.005, 2.0]) if wild > 2 else 0.0,
        wakes_lost=chance.choice([0.0, 0.1, 0.9]),
        reads_lost=0.01 if wild > 1 else 0.0,
        answers_lost=0.03 if wild else 0.0,
        rail_lost=0.1 if wild else 0.0,
        lease_seconds=chance.choice([0.3, 1.0]),
        recalls=chance.random() < 0.7,
        behind_seconds=chance.choice([0.0, 0.3, 1.0]) if wild else 0.0,
        shuffled=wild > 0 and chance.random() < 0.8,
    )
    return Plan(
        members=chance.choice([3, 4, 5, 6]),
        clients=[1, 3, 5, 8][wild],
        rounds=chance.choice([2, 3]),
        moves=chance.choice([20, 60, 120]),
        idle_seconds=chance.choice([0.02, 0.2, 0.5]),
        cells=chance.choice([1, 3, 8]),
        kills=[0.0, 0.0, 0.3, 0.6][wild],
        apps=chance.choice([0, 1, 2]),
        moderation=chance.choice([0.0, 0.25, 0.5]),
        money=chance.choice([0.0, 0.3, 0.6]),
        gifts=chance.choice([0.0, 0.3, 0.6]),
        reversals=chance.choice([0.0, 0.2]),
        pages=chance.choice([0.0, 0.2, 0.4]),
        photos=chance.choice([0.0, 0.2, 0.5]),
        notices=chance.choice([0.0, 0.1]),
        forgets=chance.random() < 0.3,
        temper=temper,
    )


class Journal:
    """What a history leaves behind, for those who look into it afterwards."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.asked: list[tuple[Statement, Mapping[str, Any]]] = []
        self.answers: list[tuple[object, ...]] = []
        self.tables = Tables()


def live(seed: int, plan: Plan | None = None, *, journal: Journal | None = None) -> Outcome:
    """
    Live a seed's history.

    :raises Failed: something was not as it must be.
    """
    plan = plan or plan_of(seed)
    order = random.Random(f"{seed}/order")
    threads = random.Random(f"{seed}/threads")
    loop = SimulatedLoop(  # type: ignore[abstract]
        order if plan.temper.shuffled else None,
        lambda: threads.random() ** 4 * plan.temper.seconds,
    )
    history = History(seed, plan, loop)
    if journal is not None:
        history.keep(journal)
    try:
        with _on_loop(loop, history):
            return loop.live(history.live())
    except Exception as error:
        past = "\n".join(history.past[-PAST:])
        said = f"{type(error).__name__}: {error}"
        raise Failed(
            f"{past}\nseed {seed}, step {loop.steps}, second {loop.time():.4f}: {said}\n"
            f"repeat it with: make simulate-seeds SEED={seed}"
        ) from error


@contextmanager
def _on_loop(loop: SimulatedLoop, history: History) -> Iterator[None]:
    """
    Let the product's runners take time from the loop and checkpoints from the books, and let
    nothing go wrong unseen.
    """

    def fail(error: BaseException, *_: str) -> None:
        loop.fail(error)

    def told(_: str, error: BaseException, **__: Any) -> None:
        if not isinstance(error, _PASSING):
            loop.fail(error)

    with ExitStack() as stack:
        for owner, name, twin in (
            (backoff, "time", SimpleNamespace(monotonic=loop.time)),
            (policy_engine, "checkpoints", books),
            (timer_engine, "tell", told),
            (leased_loop, "tell", told),
            (hub, "log_failure", fail),
            (hub, "compose", watched(history)),
            (resume, "compose", watched(history)),
            # So that a history has several: sums of whole ones, and what comes after.
            (turnovers, "STRETCH", _STRETCH),
            (moments, "STRETCH", _STRETCH),
            # So that limits are come to.
            (galleries, "ALBUMS_MAX", ALBUMS_MAX),
            (albums, "PHOTOS_MAX", PHOTOS_MAX),
            (photo_commands, "storage_quota", quota),
            (storage, "storage_quota", quota),
            (photo_routes, "serve_download", serve_whole),
        ):
            stack.enter_context(mock.patch.object(owner, name, twin))
        yield


def with_capacity(plan: Plan, capacity: int) -> Plan:
    """The same, with so many streams in a server's memory."""
    temper = msgspec.structs.replace(plan.temper, capacity=capacity)
    return msgspec.structs.replace(plan, temper=temper)
