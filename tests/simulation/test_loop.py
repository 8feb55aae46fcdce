"""
The loop keeps what asyncio promises, and nothing else: no clock, no thread, no order of its own.
"""

import asyncio
import random
import time
from functools import partial

import pytest

from tests.simulation.loop import PROCESS, Process, SimulatedLoop, StuckError


def loop_of(seed: int | None) -> SimulatedLoop:
    order = None if seed is None else random.Random(seed)
    return SimulatedLoop(order, lambda: 0.5)  # type: ignore[abstract]


def test_time_jumps_and_nobody_waits() -> None:
    async def history() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert loop_of(1).live(history()) == 86_400
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_what_hangs_on_one_future_keeps_its_order(seed: int | None) -> None:
    heard: list[int] = []

    def hear(number: int, _: object) -> None:
        heard.append(number)

    async def history() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for number in range(20):
            future.add_done_callback(partial(hear, number))
        future.set_result(None)
        await asyncio.sleep(0.1)

    loop_of(seed).live(history())
    assert heard == list(range(20))


def _orders(seed: int | None) -> list[int]:
    heard: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            heard.append(number)

    async def history() -> None:
        await asyncio.gather(*(one(number) for number in range(6)))

    loop_of(seed).live(history())
    return heard


def test_tasks_take_turns_as_the_seed_says() -> None:
    assert _orders(None) == [*range(6)] * 3
    assert _orders(1) == _orders(1)
    assert len({tuple(_orders(seed)) for seed in range(8)}) > 4


def test_what_is_given_to_a_thread_takes_time_and_stays_in_one_piece() -> None:
    async def history() -> tuple[str, float]:
        done = await asyncio.to_thread(str.upper, "done")
        with pytest.raises(ValueError, match="no"):
            await asyncio.to_thread(_fail)
        return done, asyncio.get_running_loop().time()

    assert loop_of(1).live(history()) == ("DONE", 2.0)


def _fail() -> None:
    raise ValueError("no")


def test_a_killed_process_takes_no_further_step_not_even_to_clean_up() -> None:
    heard: list[str] = []
    loop = loop_of(1)

    async def work(name: str) -> None:
        try:
            for number in range(9):
                await asyncio.sleep(1)
                heard.append(f"{name}{number}")
        finally:
            heard.append(f"{name} ends")

    async def history() -> None:
        mortal, other = Process("mortal"), Process("other")
        loop.spawn(mortal, work("a"))
        await asyncio.sleep(0.5)
        loop.spawn(other, work("b"))
        await asyncio.sleep(2)
        mortal.alive = False
        other.stopped_until = loop.time() + 10
        await asyncio.sleep(9)
        assert heard == ["a0", "b0", "a1"]
        await asyncio.sleep(20)
        assert heard[3:] == [*(f"b{number}" for number in range(1, 9)), "b ends"]

    loop.live(history())


def test_a_process_is_inherited() -> None:
    loop = loop_of(1)
    process = Process("p")

    async def child() -> Process | None:
        return PROCESS.get()

    async def parent() -> Process | None:
        return await asyncio.create_task(child())

    async def history() -> None:
        assert await loop.spawn(process, parent()) is process
        assert PROCESS.get() is None

    loop.live(history())


def test_a_history_that_cannot_go_on_is_stuck() -> None:
    async def history() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckError):
        loop_of(1).live(history())


def test_an_error_that_nobody_fetches_ends_the_history() -> None:
    loop = loop_of(1)

    async def fail() -> None:
        raise ZeroDivisionError

    async def history() -> None:
        loop.spawn(Process("p"), fail())
        await asyncio.sleep(60)

    with pytest.raises(ZeroDivisionError):
        loop.live(history())
    assert loop.time() == 0
