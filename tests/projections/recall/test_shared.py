"""
Work done once for all who wait for it.
"""

import asyncio
from collections.abc import Sequence

import pytest

from projections.recall.shared import Shared


class Work:
    """Runs that end when they are told to."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.gates: list[asyncio.Future[None]] = []

    async def __call__(self, keys: Sequence[int]) -> None:
        self.runs.append(list(keys))
        self.gates.append(asyncio.get_running_loop().create_future())
        await self.gates[-1]

    async def until(self, runs: int) -> None:
        """Wait until so many runs have begun."""
        while len(self.runs) < runs:  # noqa: ASYNC110
            await asyncio.sleep(0)


def test_whoever_asks_during_a_run_waits_for_the_next() -> None:
    async def story() -> None:
        work = Work()
        shared = Shared(work)
        first = asyncio.ensure_future(shared([1]))
        await work.until(1)
        late = [asyncio.ensure_future(shared([key])) for key in (2, 3, 2)]
        work.gates[0].set_result(None)
        await first
        await work.until(2)
        assert not any(one.done() for one in late)
        work.gates[1].set_result(None)
        await asyncio.gather(*late)
        assert work.runs == [[1], [2, 3]]

    asyncio.run(story())


def test_an_error_is_told_to_those_who_waited_and_to_nobody_else() -> None:
    async def story() -> None:
        work = Work()
        shared = Shared(work)
        first = asyncio.ensure_future(shared([1]))
        await work.until(1)
        second = asyncio.ensure_future(shared([2]))
        work.gates[0].set_exception(OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await first
        await work.until(2)
        work.gates[1].set_result(None)
        await second

    asyncio.run(story())


def test_one_who_gives_up_takes_nobody_along() -> None:
    async def story() -> None:
        work = Work()
        shared = Shared(work)

        async def ask(key: int) -> None:
            await shared([key])

        one, other = asyncio.create_task(ask(1)), asyncio.create_task(ask(2))
        await work.until(1)
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        work.gates[0].set_result(None)
        await other
        assert work.runs == [[1, 2]]

    asyncio.run(story())


def test_it_rests_until_it_is_asked_again() -> None:
    async def story() -> None:
        work = Work()
        shared = Shared(work)
        for run in range(1, 4):
            asked = asyncio.ensure_future(shared([run]))
            await work.until(run)
            work.gates[-1].set_result(None)
            await asked
        assert work.runs == [[1], [2], [3]]

    asyncio.run(story())
