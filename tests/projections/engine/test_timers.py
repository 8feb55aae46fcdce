"""
Timers: what is due is fired in due order, with what firing arms, and never for nothing again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.event import Event, Recorded
from projections.engine.deadlines import Arm, Deadlines, Disarm
from projections.engine.timers import Deadline, TimerRunner
from tests.projections.engine.toys import START, World, until


class Promised(Event, frozen=True, tag="toy.promised.v1"):
    promise: UUID
    due: datetime


class Kept(Event, frozen=True, tag="toy.kept.v1"):
    promise: UUID


def promised(recorded: Recorded) -> Iterable[Arm | Disarm]:
    assert isinstance(recorded.event, Promised)
    yield Arm(recorded.event.promise, recorded.event.due, "promise", recorded.event.promise)


def kept(recorded: Recorded) -> Iterable[Arm | Disarm]:
    assert isinstance(recorded.event, Kept)
    yield Disarm(recorded.event.promise)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Keeper:
    """Fires a promise by keeping it; ``arms`` are promises that keeping one makes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.fired: list[tuple[int, float]] = []
        self.arms: dict[float, float] = {}
        self.failing: set[float] = set()
        self.idle = False

    async def __call__(self, deadline: Deadline) -> None:
        await asyncio.sleep(0)
        seconds = (deadline.due - START).total_seconds()
        if seconds in self.failing:
            raise LookupError
        self.fired.append((deadline.cell, seconds))
        if not self.idle:
            self._world.log.append(deadline.cell, Kept(deadline.id))
        if seconds in self.arms:
            self._world.log.append(deadline.cell, Promised(uuid4(), after(self.arms[seconds])))


def run(
    world: World,
    keeper: Keeper,
    scenario: Callable[[TimerRunner], Awaitable[None]],
    **options: Any,
) -> None:
    engine = world.engine([Deadlines({Promised: promised, Kept: kept})])
    engine.start()

    async def whole() -> None:
        settings = {"poll_seconds": 0.02, "retry_seconds": 0.01} | options
        timers = TimerRunner(
            world.log, world.server, engine, keeper, world.clock, uuid4(), **settings
        )
        await scenario(timers)
        await timers.stop()

    try:
        asyncio.run(whole())
    finally:
        engine.stop()


async def one_turn(timers: TimerRunner) -> float:
    assert await timers.lead()
    return await timers.turn()


def test_what_is_due_is_fired_in_due_order(world: World) -> None:
    keeper = Keeper(world)
    for seconds in (3, 1, 2, 9):
        world.log.append(1, Promised(uuid4(), after(seconds)))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        await one_turn(timers)
        assert timers.status().due == 0

    run(world, keeper, scenario)
    assert keeper.fired == [(1, 1.0), (1, 2.0), (1, 3.0)]


def test_what_firing_arms_takes_its_place_in_the_order(world: World) -> None:
    keeper = Keeper(world)
    keeper.arms = {1.0: 1.5, 1.5: 2.5}
    for seconds in (1, 2, 3):
        world.log.append(0, Promised(uuid4(), after(seconds)))
        world.log.append(2, Promised(uuid4(), after(seconds + 0.1)))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        await one_turn(timers)

    run(world, keeper, scenario)
    assert [at for cell, at in keeper.fired if cell == 0] == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert [at for cell, at in keeper.fired if cell == 2] == [1.1, 2.1, 3.1]


def test_it_sleeps_until_the_next_is_due(world: World) -> None:
    keeper = Keeper(world)
    world.log.append(0, Promised(uuid4(), after(30)))

    async def scenario(timers: TimerRunner) -> None:
        assert await one_turn(timers) == 30.0
        world.clock.set(after(29))
        assert await one_turn(timers) == 1.0
        world.clock.set(after(30))
        assert await one_turn(timers) == 60.0

    run(world, keeper, scenario, poll_seconds=60.0)
    assert keeper.fired == [(0, 30.0)]


def test_one_whose_command_has_nothing_to_do_is_fired_once(world: World) -> None:
    keeper = Keeper(world)
    keeper.idle = True
    world.log.append(0, Promised(uuid4(), after(1)), Promised(uuid4(), after(2)))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        for _ in range(3):
            await one_turn(timers)
        assert timers.status().due == 2

    run(world, keeper, scenario, batch_deadlines=1)
    assert keeper.fired == [(0, 1.0), (0, 2.0)]


def test_one_that_fails_is_tried_again_and_holds_up_nobody(world: World) -> None:
    keeper = Keeper(world)
    keeper.failing = {1.0}
    world.log.append(0, Promised(uuid4(), after(1)), Promised(uuid4(), after(2)))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        timers.start()
        await until(lambda: keeper.fired == [(0, 2.0)])
        assert timers.status().failing == 1
        keeper.failing.clear()
        await until(lambda: len(keeper.fired) == 2)
        assert timers.status().failing == 0

    run(world, keeper, scenario)
    assert keeper.fired == [(0, 2.0), (0, 1.0)]


def test_one_that_failed_and_was_disarmed_is_forgotten(world: World) -> None:
    keeper = Keeper(world)
    keeper.failing = {1.0, 2.0}
    alone, beside = uuid4(), uuid4()
    world.log.append(0, Promised(alone, after(1)))
    world.log.append(1, Promised(beside, after(2)), Promised(uuid4(), after(90)))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        await one_turn(timers)
        assert timers.status().failing == 2
        world.log.append(0, Kept(alone))
        world.log.append(1, Kept(beside))
        await asyncio.sleep(0.05)
        assert await one_turn(timers) > 0.0, "or it would look again and again, for ever"
        assert timers.status().failing == 0

    run(world, keeper, scenario, poll_seconds=60.0)
    assert keeper.fired == []


def test_a_deadline_that_was_disarmed_or_moved_is_not_fired(world: World) -> None:
    keeper = Keeper(world)
    moved, kept_in_time = uuid4(), uuid4()
    world.log.append(0, Promised(moved, after(1)), Promised(kept_in_time, after(1)))
    world.log.append(0, Promised(moved, after(60)), Kept(kept_in_time))
    world.clock.set(after(5))

    async def scenario(timers: TimerRunner) -> None:
        await one_turn(timers)

    run(world, keeper, scenario)
    assert keeper.fired == []
