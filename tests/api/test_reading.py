"""
The line in front of the database's readers: in order, no longer than it may be, and no place lost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.reading import ReadLine
from commands.ports import LogOverloaded, LogUnavailable


class Database:
    """Reads that end when told to; it notes how many run at once."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.began: list[Any] = []
        self.go_on = asyncio.Event()

    async def run(self, read: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await read(self, *arguments)
        finally:
            self.running -= 1

    async def read(self, _: Any, name: Any) -> Any:
        self.began.append(name)
        await self.go_on.wait()
        return name


async def line_of(database: Database, line: ReadLine, count: int) -> "list[asyncio.Task[Any]]":
    tasks = [asyncio.create_task(line.run(database.read, number)) for number in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_as_many_as_there_are_places_run_and_the_rest_in_their_order() -> None:
    async def run() -> None:
        database = Database()
        line = ReadLine(database, places=3, waiting_max=100)
        tasks = await line_of(database, line, 20)
        assert (line.running, line.waiting) == (3, 17)
        database.go_on.set()
        assert await asyncio.gather(*tasks) == list(range(20))
        assert database.began == list(range(20))
        assert database.most == 3
        assert (line.running, line.waiting, line.refused) == (0, 0, 0)

    asyncio.run(run())


def test_who_finds_the_line_full_is_told_so_at_once() -> None:
    async def run() -> None:
        database = Database()
        line = ReadLine(database, places=2, waiting_max=5)
        tasks = await line_of(database, line, 10)
        refused = tasks[7:]
        assert all(task.done() for task in refused)
        for task in refused:
            with pytest.raises(LogOverloaded):
                task.result()
        assert line.refused == 3
        database.go_on.set()
        assert await asyncio.gather(*tasks[:7]) == list(range(7))
        assert (line.running, line.waiting) == (0, 0)

    asyncio.run(run())


def test_nobody_waits_for_ever_and_no_place_is_lost() -> None:
    async def run() -> None:
        database = Database()
        line = ReadLine(database, places=1, waiting_max=10, patience_seconds=0.05)
        first, *others = await line_of(database, line, 4)
        for outcome in await asyncio.gather(*others, return_exceptions=True):
            assert isinstance(outcome, LogUnavailable)
        database.go_on.set()
        assert await first == 0
        assert await line.run(database.read, "after") == "after"
        assert (line.running, line.waiting, line.refused) == (0, 0, 3)

    asyncio.run(run())


def test_who_leaves_while_waiting_or_just_when_called_takes_no_place_along() -> None:
    async def run() -> None:
        database = Database()
        line = ReadLine(database, places=1, waiting_max=10)
        tasks = await line_of(database, line, 4)
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert line.waiting == 2
        assert database.began == [0]
        database.go_on.set()
        while line.waiting == 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        # The place was handed to the third just now; it is gone before it can take it.
        assert not tasks[2].done()
        tasks[2].cancel()
        assert await tasks[3] == 3
        assert (line.running, line.waiting) == (0, 0)
        assert await line.run(database.read, "after") == "after"

    asyncio.run(run())
