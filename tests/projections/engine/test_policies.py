"""
Policies: every event is answered, in order in its cell, at least once, whatever happens.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from domain.event import Event, Recorded
from projections.engine.policies import PolicyRunner
from projections.engine.status import Condition
from tests.projections.engine.toys import CELLS, Noted, Struck, World, until


class Recorder:
    """A policy that notes what it was asked, and fails on demand."""

    def __init__(self, name: str = "recorder") -> None:
        self.name = name
        self.types: frozenset[type[Event]] = frozenset({Noted})
        self.answered: list[str] = []
        self.failing: set[str] = set()

    async def react(self, recorded: Recorded) -> None:
        await asyncio.sleep(0)
        if recorded.at in self.failing:
            raise LookupError(recorded.at)
        self.answered.append(recorded.at)

    def forget(self) -> None:
        """It remembers nothing but what it was asked."""


def runner(world: World, *policies: Recorder, **options: Any) -> PolicyRunner:
    options = {"poll_seconds": 0.02, "retry_seconds": 0.01} | options
    return PolicyRunner(world.log, world.server, policies, world.clock, uuid4(), **options)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scenario()

    asyncio.run(whole())


def test_a_new_policy_starts_at_the_head(world: World) -> None:
    policy, other = Recorder(), Recorder("historian")

    async def scenario() -> None:
        world.log.append(0, Noted(uuid4(), "before"))
        policies = runner(world, policy, other, from_start=["historian"])
        await policies.catch_up()
        world.log.append(0, Noted(uuid4(), "after"), Struck(uuid4()))
        await policies.catch_up()
        await policies.stop()

    run(scenario)
    assert policy.answered == ["0-2"]
    assert other.answered == ["0-1", "0-2"]


def test_every_event_is_answered_in_the_order_of_its_cell(world: World) -> None:
    policy = Recorder()

    async def scenario() -> None:
        policies = runner(world, policy, batch_events=4)
        policies.start()
        await until(lambda: policies.leading and bool(policies.status().subscribers[0].positions))
        for number in range(60):
            world.log.append(number % CELLS, Noted(uuid4(), "x"), Struck(uuid4()))
            policies.wake()
        await until(lambda: len(policy.answered) == 60)
        await policies.stop()

    run(scenario)
    for cell in range(CELLS):
        assert [at for at in policy.answered if at.startswith(f"{cell}-")] == [
            f"{cell}-{position}" for position in range(1, 40, 2)
        ]


def test_a_restart_answers_what_was_not_yet(world: World) -> None:
    policy = Recorder()

    async def scenario() -> None:
        for number in range(3):
            policies = runner(world, policy, from_start=["recorder"])
            world.log.append(1, Noted(uuid4(), f"{number}"))
            await policies.catch_up()
            await policies.stop()

    run(scenario)
    assert policy.answered == ["1-1", "1-2", "1-3"]


def test_a_crash_before_the_checkpoint_answers_again(world: World) -> None:
    policy = Recorder()

    async def scenario() -> None:
        world.log.append(1, Noted(uuid4(), "x"))
        crashing = runner(world, policy, from_start=["recorder"])

        def crash(move: object) -> None:
            raise ConnectionError

        crashing._write = crash  # type: ignore[method-assign]
        await crashing.catch_up()
        await crashing.stop()
        again = runner(world, policy)
        await again.catch_up()
        await again.stop()

    run(scenario)
    assert policy.answered == ["1-1", "1-1"]


def test_a_reaction_that_fails_holds_its_cell_alone_until_it_succeeds(world: World) -> None:
    policy, other = Recorder(), Recorder("other")
    policy.failing = {"0-2"}

    async def scenario() -> None:
        policies = runner(world, policy, other, from_start=["recorder", "other"])
        for cell in (0, 1):
            world.log.append(cell, *(Noted(uuid4(), "x") for _ in range(3)))
        policies.start()
        await until(lambda: len(other.answered) == 6 and len(policy.answered) == 4)
        status = {one.name: one for one in policies.status().subscribers}
        assert status["other"].condition is Condition.LIVE
        failure = status["recorder"].failure
        assert failure is not None
        assert (failure.cell, failure.position, failure.error) == (0, 2, "LookupError")
        await until(lambda: policies._stuck["recorder", 0].retry.attempts > 2)
        policy.failing.clear()
        await until(lambda: len(policy.answered) == 6)
        assert policies.status().subscribers[1].failure is None
        await policies.stop()

    run(scenario)
    assert [at for at in policy.answered if at.startswith("0-")] == ["0-1", "0-2", "0-3"]


def test_reacting_now_saves_the_wait_and_the_runner_does_it_no_second_time(world: World) -> None:
    policy = Recorder()

    async def scenario() -> None:
        policies = runner(world, policy, from_start=["recorder"])
        await policies.catch_up()
        recorded = world.log.append(2, Noted(uuid4(), "x"))
        await policies.react_now([recorded])
        assert policy.answered == ["2-1"]
        world.log.append(2, Noted(uuid4(), "y"))
        await policies.catch_up()
        await policies.react_now([recorded])
        await policies.stop()

    run(scenario)
    assert policy.answered == ["2-1", "2-2"]


def test_reacting_now_never_overtakes_a_reaction_that_failed(world: World) -> None:
    policy = Recorder()
    policy.failing = {"0-1"}

    async def scenario() -> None:
        policies = runner(world, policy, from_start=["recorder"])
        await policies.catch_up()
        first = world.log.append(0, Noted(uuid4(), "x"))
        second = world.log.append(0, Noted(uuid4(), "y"))
        await policies.react_now([first, second])
        assert policy.answered == []
        policy.failing.clear()
        await asyncio.sleep(0.05)
        await policies.catch_up()
        await policies.stop()

    run(scenario)
    assert policy.answered == ["0-1", "0-2"]


def test_a_second_runner_takes_over_when_the_first_has_gone(world: World) -> None:
    first, second = Recorder(), Recorder()

    async def scenario() -> None:
        one, two = runner(world, first), runner(world, second)
        await one.catch_up()
        await two.catch_up()
        world.log.append(0, Noted(uuid4(), "x"))
        await two.catch_up()
        assert second.answered == []
        await one.catch_up()
        world.log.append(0, Noted(uuid4(), "y"))
        world.clock.advance(timedelta(seconds=60))
        two._lease._asked_at = float("-inf")
        await two.catch_up()
        await one.stop()
        await two.stop()

    run(scenario)
    assert first.answered == ["0-1"]
    assert second.answered == ["0-2"]
