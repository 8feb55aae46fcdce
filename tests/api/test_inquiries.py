"""
News of payments is looked into in the background: each at most once at a time, few at once, and
not forgotten when the rail cannot be reached.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from api.inquiries import Inquiries
from commands.payments import HearOfPayment
from commands.ports import LogOverloaded
from commands.rails import RailUnavailable


def news(number: int) -> HearOfPayment:
    return HearOfPayment("slow", f"r-{number}")


class Rail:
    """Answers when it is told to, fails so many times first, and counts."""

    def __init__(self, failures: int = 0, *, awaited: bool = True) -> None:
        self.asked: Counter[str] = Counter()
        self.at_once = 0
        self.at_once_max = 0
        self.open = asyncio.Event()
        self._failures = failures
        self._awaited = awaited

    async def look(self, about: HearOfPayment) -> bool:
        self.asked[about.rail_ref] += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        await self.open.wait()
        self.at_once -= 1
        if self.asked.total() <= self._failures:
            raise RailUnavailable("slow")
        return self._awaited


def live(history: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(history(), 10)

    asyncio.run(bounded())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for has no event to set
        await asyncio.sleep(0.001)


def test_news_of_one_payment_asks_once_and_once_more_for_what_came_meanwhile() -> None:
    async def history() -> None:
        rail = Rail()
        inquiries = Inquiries(rail.look, pause_seconds=0.01)
        inquiries.note(news(1))
        await until(lambda: rail.at_once == 1)
        for _ in range(100):
            inquiries.note(news(1))
        rail.open.set()
        await until(lambda: rail.asked["r-1"] == 2)
        await inquiries.stop()
        assert rail.asked["r-1"] == 2
        assert rail.at_once_max == 1

    live(history)


def test_one_payment_rests_between_two_looks() -> None:
    async def history() -> None:
        rail = Rail()
        rail.open.set()
        inquiries = Inquiries(rail.look, pause_seconds=60)
        inquiries.note(news(1))
        await until(lambda: rail.asked["r-1"] == 1)
        for _ in range(100):
            inquiries.note(news(1))
            await asyncio.sleep(0)
        assert rail.asked["r-1"] == 1
        inquiries.note(news(2))
        await until(lambda: rail.asked["r-2"] == 1)
        await inquiries.stop()

    live(history)


def test_few_are_asked_after_at_once_and_only_so_many_remembered() -> None:
    async def history() -> None:
        rail = Rail()
        inquiries = Inquiries(rail.look, remembered_max=9, at_once=3, pause_seconds=0)
        for number in range(9):
            inquiries.note(news(number))
        with pytest.raises(LogOverloaded):
            inquiries.note(news(9))
        inquiries.note(news(8))
        await until(lambda: rail.at_once == 3)
        rail.open.set()
        await until(lambda: len(rail.asked) == 9)
        assert rail.at_once_max == 3
        await inquiries.stop()
        with pytest.raises(LogOverloaded):
            inquiries.note(news(9))

    live(history)


def test_what_nobody_awaits_makes_room_at_once() -> None:
    async def history() -> None:
        rail = Rail(awaited=False)
        rail.open.set()
        inquiries = Inquiries(rail.look, remembered_max=1, pause_seconds=60)
        for number in range(5):
            inquiries.note(news(number))
            await until(lambda number=number: rail.asked[f"r-{number}"] == 1)  # type: ignore[misc]
            await asyncio.sleep(0)

    live(history)


@pytest.mark.parametrize(("failures", "asked"), [(0, 1), (2, 3), (9, 4)])
def test_a_rail_that_cannot_be_reached_is_tried_again_and_not_for_ever(
    failures: int, asked: int
) -> None:
    async def history() -> None:
        rail = Rail(failures)
        rail.open.set()
        inquiries = Inquiries(rail.look, pause_seconds=0, retries_seconds=(0.01, 0.01, 0.01))
        inquiries.note(news(1))
        await until(lambda: rail.asked["r-1"] == asked)
        await asyncio.sleep(0.05)
        assert rail.asked["r-1"] == asked

    live(history)
