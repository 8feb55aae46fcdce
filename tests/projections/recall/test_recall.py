"""
Before an answer, memory learns what was committed: from this process, from the log, or by
forgetting.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest

from commands.ports import LogUnavailable
from domain.account_events import NicknameChanged
from domain.event import Recorded, Refused
from domain.ids import MemberId, StreamId, mint
from domain.sealed import Sealed
from projections.reading.statements import Statement
from projections.recall import recall as module
from projections.recall.facts import Facts
from projections.recall.recall import Recall
from tests.projections.recorded import NOON

T = TypeVar("T")

CELL = 3
ANNA = MemberId(mint(1, CELL, 1))


def renamed(position: int) -> Recorded:
    event = NicknameChanged(member=ANNA, nickname=Sealed(b"n%d" % position))
    return Recorded(
        CELL, position, StreamId(ANNA), position, NOON, ANNA, ANNA, ANNA, ANNA, None, event
    )


class Database:
    """A log of one cell in which Anna is renamed again and again, and what is read of it."""

    def __init__(self) -> None:
        self.head = 0
        self.tables = [1, 2, 3]
        self.asked = 0
        self.loaded = 0
        self.read_from: list[int] = []
        self.unreadable = False
        self.on_load: Callable[[], None] | None = None

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        await asyncio.sleep(0)
        return await read(self, *arguments)

    async def fetch(self, statement: Statement, values: Any) -> list[tuple[Any, ...]]:
        if statement.name == "heads_and_fed":
            self.asked += 1
            return [(0, 0, 0, 0, self.tables), (CELL, self.head, 0, 0, None)]
        assert statement.name == "facts_of_members"
        self.loaded += 1
        name = b"n%d" % self.head
        if self.on_load is not None:
            self.on_load()
        shown = (b"q", name, None, None, "active", NOON, 1, False)
        return [(member, *shown) for member in values["members"]]

    async def read(
        self, cell: int, after: int, limit: int, until: int | None = None
    ) -> Sequence[Recorded]:
        self.read_from.append(after)
        if self.unreadable:
            raise ValueError("an event of tomorrow")
        return [renamed(position) for position in range(after + 1, after + limit + 1)]


def nickname(facts: Facts, viewer: MemberId) -> bytes | None:
    member = facts.members.one(viewer)
    assert member is not None
    return member.nickname


def tell(story: Callable[[Database, Recall], Awaitable[None]]) -> None:
    database = Database()
    asyncio.run(story(database, Recall(database, database, database)))  # type: ignore[arg-type]


def test_what_did_not_change_is_loaded_once_and_asked_about_together() -> None:
    async def story(database: Database, recall: Recall) -> None:
        database.head = 5
        assert await recall.answer(nickname, ANNA) == b"n5"
        asked = database.asked
        answers = await asyncio.gather(*(recall.answer(nickname, ANNA) for _ in range(50)))
        assert answers == [b"n5"] * 50
        assert database.asked == asked + 1
        assert (database.loaded, database.read_from) == (1, [])

    tell(story)


def test_what_this_process_committed_is_not_read_again() -> None:
    async def story(database: Database, recall: Recall) -> None:
        await recall.answer(nickname, ANNA)
        for head in (1, 2, 3):
            database.head = head
            recall.note([renamed(head)])
            assert await recall.answer(nickname, ANNA) == b"n%d" % head
        assert database.read_from == []

    tell(story)


def test_what_others_committed_is_read_from_where_it_began() -> None:
    async def story(database: Database, recall: Recall) -> None:
        await recall.answer(nickname, ANNA)
        database.head = 4
        assert await recall.answer(nickname, ANNA) == b"n4"
        database.head = 6
        # Its own commit follows one that it has not heard of.
        recall.note([renamed(6)])
        assert await recall.answer(nickname, ANNA) == b"n6"
        assert database.read_from == [0, 4]

    tell(story)


@pytest.mark.parametrize("why", ["far behind", "unreadable", "put back", "other tables"])
def test_it_forgets_all_where_it_cannot_follow(why: str) -> None:
    async def story(database: Database, recall: Recall) -> None:
        database.head = 7
        await recall.answer(nickname, ANNA)
        match why:
            case "far behind":
                database.head = 7 + module._BEHIND_MAX + 1
            case "unreadable":
                database.head, database.unreadable = 8, True
            case "put back":
                database.head = 2
            case _:
                database.tables = [1, 2, 4]
        assert await recall.answer(nickname, ANNA) == b"n%d" % database.head
        assert database.loaded == 2
        assert await recall.answer(nickname, ANNA) == b"n%d" % database.head
        assert database.loaded == 2
        assert database.read_from == ([7] if why == "unreadable" else [])

    tell(story)


def test_what_changes_while_it_is_loaded_is_not_told() -> None:
    """The row was read before the change, the change committed before the answer."""

    async def story(database: Database, recall: Recall) -> None:
        def change() -> None:
            if database.head < 2:
                database.head += 1

        database.on_load = change
        assert await recall.answer(nickname, ANNA) == b"n2"
        assert database.loaded == 3

    tell(story)


def test_what_changes_with_every_load_is_left_to_be_read() -> None:
    async def story(database: Database, recall: Recall) -> None:
        def change() -> None:
            database.head += 1

        database.on_load = change
        assert await recall.answer(nickname, ANNA) is None
        assert (recall.given_up, recall.answered) == (1, 0)

    tell(story)


def test_a_refusal_is_as_fresh_as_an_answer() -> None:
    async def story(database: Database, recall: Recall) -> None:
        def change() -> None:
            if database.head < 1:
                database.head += 1

        def refuse(facts: Facts, viewer: MemberId) -> bytes | None:
            if nickname(facts, viewer) == b"n0":
                raise Refused("not-found")
            return b"found"

        database.on_load = change
        assert await recall.answer(refuse, ANNA) == b"found"
        database.on_load = None
        database.tables, database.head = [9], 0
        with pytest.raises(Refused):
            await recall.answer(refuse, ANNA)

    tell(story)


def test_a_database_that_is_gone_is_told_to_all_and_forgets_nothing() -> None:
    async def story(database: Database, recall: Recall) -> None:
        await recall.answer(nickname, ANNA)

        async def gone(*_: Any) -> Any:
            raise LogUnavailable

        run = database.run
        database.run = gone  # type: ignore[method-assign, assignment]
        answers = await asyncio.gather(
            *(recall.answer(nickname, ANNA) for _ in range(5)), return_exceptions=True
        )
        assert [type(one) for one in answers] == [LogUnavailable] * 5
        database.run = run  # type: ignore[method-assign]
        assert await recall.answer(nickname, ANNA) == b"n0"
        assert database.loaded == 1

    tell(story)
