"""
A page of a queue is the first of all that waits, however it lies in the cells.
"""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain.case_events import CaseOpened, Subject
from domain.ids import MemberId, StreamId, mint
from domain.promise import Promise
from projections.cases import Cases
from projections.reading import cases
from projections.reading.statements import Statement
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
        (change,) = Cases().rows(
            msgspec.structs.replace(
                recorded(event), cell=cell, stream=StreamId(mint(1, cell, number))
            )
        )
        tables.write([change])
    return tables


@pytest.mark.parametrize("crowded", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("count", [0, 3, 60])
def test_a_walk_meets_every_case_once_in_its_order(count: int, crowded: float) -> None:
    chance = random.Random(f"{count}/{crowded}")
    for size in (1, 2, 7, 21):
        connection = Asked(opened(chance, count, crowded))
        walked, mark = [], cases.FIRST
        while found := asyncio.run(cases.page(connection, CELLS, cases.Wanted(), mark, size)):
            walked += found
            mark = found[-1].mark
        places = [one.mark for one in walked]
        assert places == sorted(places)
        assert len({one.case for one in walked}) == len(walked) == count


def test_a_page_asks_again_only_where_one_cell_has_it_all() -> None:
    even, crowded = Asked(opened(random.Random(1), 60, 0.0)), Asked(opened(random.Random(1), 60, 1))
    for connection, times in ((even, 1), (crowded, 2)):
        found = asyncio.run(cases.page(connection, CELLS, cases.Wanted(), cases.FIRST, 21))
        assert len(found) == 21
        assert connection.count == times
