"""
A page of a queue is the first of all that waits, however it lies in the cells.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count as counted
from typing import Any

import msgspec
import pytest

from domain.case_events import CaseOpened, CaseReported, Subject
from domain.ids import MemberId, StreamId, mint
from domain.promise import Promise
from projections.cases import CASE_DUES, CASES, Cases
from projections.reading import cases
from projections.reading.statements import Statement
from projections.rows import Put
from tests.projections.recorded import NOON, recorded
from tests.simulation.statements import TWINS
from tests.simulation.tables import Tables

CELLS = 4


class Asked:
    """A connection to the tables in memory, which counts what it is asked."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.count = 0

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        self.count += 1
        return TWINS[statement.name](self.tables, values)


def opened(chance: random.Random, count: int, crowded: float) -> Tables:
    """Open cases of which one cell has more than its part."""
    tables = Tables()
    for number in range(count):
        cell = 0 if chance.random() < crowded else chance.randrange(CELLS)
        owner = MemberId(mint(number, cell, number))
        due = NOON + timedelta(minutes=chance.randrange(50))
        subject = Subject("post", mint(number, cell, number), owner)
        event = CaseOpened(subject, "report", "reports", Promise("review", due, "test"), 1)
        stream = StreamId(mint(1, cell, number))
        at = msgspec.structs.replace(recorded(event), cell=cell, stream=stream, recorded_at=NOON)
        tables.write(Cases().rows(at))
    return tables


def walk(connection: Asked, size: int, between: Callable[[], None] = lambda: None) -> list[Any]:
    """All cases that a walk meets, with their marks; something goes on between its pages."""
    walked: list[Any] = []
    mark = cases.first(NOON + timedelta(hours=1))
    while True:
        page = asyncio.run(cases.page(connection, CELLS, cases.Wanted(), mark, size))
        if not page.cases:
            return walked
        walked += zip(page.cases, page.marks, strict=True)
        mark = page.marks[-1]
        between()


@pytest.mark.parametrize("crowded", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("count", [0, 3, 60])
def test_a_walk_meets_every_case_once_in_its_order(count: int, crowded: float) -> None:
    chance = random.Random(f"{count}/{crowded}")
    for size in (1, 2, 7, 21):
        walked = walk(Asked(opened(chance, count, crowded)), size)
        places = [mark for _, mark in walked]
        assert places == sorted(places)
        assert [view.due_at for view, _ in walked] == [due for due, _, _ in places]
        assert len({view.case for view, _ in walked}) == len(walked) == count


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_meets_every_case_once_however_due_dates_move(seed: int) -> None:
    """Hastened by reports, put off when one of two things is decided, in any order, many times."""
    chance = random.Random(seed)
    tables = opened(chance, 40, 0.3)
    every = list(tables.every(CASES))
    position = counted(1_000)

    def move() -> None:
        for cell, case in chance.sample(every, 5):
            promise = Promise("review", NOON + timedelta(minutes=chance.randrange(50)), "test")
            event = CaseReported(mint(1, cell, 1), MemberId(case), "spam", sooner=promise)
            at = msgspec.structs.replace(
                recorded(event),
                cell=cell, stream=StreamId(case), position=next(position),
                recorded_at=NOON + timedelta(hours=2),
            )  # fmt: skip
            tables.write(Cases().rows(at))

    walked = [view.case for view, _ in walk(Asked(tables), 3, between=move)]
    assert len(set(walked)) == len(walked) == len(every)
    began = opened(random.Random(seed), 40, 0.3).every(CASES)
    before = {case: row["due_at"] for (_, case), row in began.items()}
    assert [before[case] for case in walked] == sorted(before.values())


def test_what_is_opened_while_a_walk_goes_on_is_met_at_most_once() -> None:
    tables = opened(random.Random(1), 10, 0.0)
    newer = opened(random.Random(2), 40, 0.0)

    def more() -> None:
        for key, row in newer.every(CASES).items():
            tables.write([Put(CASES, key, {**row, "due_set_at": NOON + timedelta(hours=2)})])
        for key, row in newer.every(CASE_DUES).items():
            tables.write([Put(CASE_DUES, key, {**row, "at": NOON + timedelta(hours=2)})])

    walked = [view.case for view, _ in walk(Asked(tables), 3, between=more)]
    assert len(set(walked)) == len(walked) >= 10


def test_a_page_asks_again_only_where_one_cell_has_it_all() -> None:
    even, crowded = Asked(opened(random.Random(1), 60, 0.0)), Asked(opened(random.Random(1), 60, 1))
    for connection, times in ((even, 1), (crowded, 2)):
        mark = cases.first(NOON + timedelta(hours=1))
        found = asyncio.run(cases.page(connection, CELLS, cases.Wanted(), mark, 21))
        assert len(found.cases) == 21
        assert connection.count == times
