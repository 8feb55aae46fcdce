"""
A log and its books in memory, for what is read of them: histories of coins, recorded late.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec

from adapters.clock import ManualClock
from api.billing.closing import closing
from api.services import Services
from domain.event import Event, Recorded
from domain.ids import MemberId, StreamId, mint
from domain.period import PERIODS_STREAM, PeriodClosed
from projections.ledger import Ledger
from projections.reading.statements import Statement
from tests.simulation.coins import Purchases
from tests.simulation.statements import TWINS
from tests.simulation.tables import Tables

T = TypeVar("T")

CELLS = 3
STAFF = mint(0, 0, 1)


class Log:
    """What was recorded, as much as readers of the books ask of a log."""

    cells = CELLS

    def __init__(self) -> None:
        self.events: list[Recorded] = []

    def append(self, recorded: Recorded) -> Recorded:
        """Record an event, at the next position of its cell."""
        position = sum(one.cell == recorded.cell for one in self.events) + 1
        placed = msgspec.structs.replace(recorded, position=position)
        self.events.append(placed)
        return placed

    async def heads(self) -> Mapping[int, int]:
        return {cell: sum(one.cell == cell for one in self.events) for cell in range(CELLS)}

    async def heads_at(self, moment: datetime) -> Mapping[int, int]:
        before = [one for one in self.events if one.recorded_at <= moment]
        return {cell: sum(one.cell == cell for one in before) for cell in range(CELLS)}

    async def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
    ) -> list[Recorded]:
        end = len(self.events) if until is None else until
        found = [
            one
            for one in self.events
            if one.cell == cell
            and after < one.position <= end
            and (types is None or type(one.event) in types)
        ]
        return found[:limit]

    async def read_stream(self, stream: StreamId) -> Sequence[Recorded]:
        return [one for one in self.events if one.stream == stream]


class Ledgers:
    """Services over such a log; read models are as far as they are asked to be."""

    def __init__(self) -> None:
        self.log = Log()
        self.clock = ManualClock(datetime.fromisoformat("2026-11-22T12:00:00+00:00"))
        self.freshness = self
        self.closings = 0
        self._tables = Tables()
        self._model = Ledger()

    @property
    def services(self) -> Services:
        """As what reads the books takes them."""
        return cast(Services, self)

    def record(self, recorded: Recorded) -> Recorded:
        """Record an event and feed the read model."""
        self.clock.set(max(self.clock.now(), recorded.recorded_at))
        placed = self.log.append(recorded)
        self._tables.write(self._model.rows(placed))
        return placed

    async def close(self, month: str) -> PeriodClosed:
        """Close a month, as its command does."""
        command = await closing(self.services, month)
        if command.refused is not None:
            raise command.refused
        now = self.clock.now()
        event = PeriodClosed(
            command.month,
            {str(cell): position for cell, position in command.until.items()},
            command.figures,
            command.recognised,
            command.postings,
            command.root,
            by=STAFF,
            effective_at=now,
        )
        self.closings += 1
        id_, owner = mint(0, 0, self.closings), MemberId(STAFF)
        self.record(
            Recorded(
                0,
                0,
                PERIODS_STREAM,
                self.closings,
                now,
                owner,
                STAFF,
                id_,
                id_,
                None,
                event,
            )
        )
        return event

    async def wait_for(
        self, target: Mapping[int, int], seconds: float, models: Collection[str]
    ) -> None:
        assert set(models) == {self._model.name}

    async def look(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        return await read(self, *arguments)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        return TWINS[statement.name](self._tables, values)


def late(seed: int, steps: int = 400) -> list[Recorded]:
    """A history over some months; a part of it is recorded weeks after it took effect."""
    chance = random.Random(f"{seed}/late")
    purchases = Purchases(seed, CELLS, {}, steps, pause=timedelta(hours=9))
    latest: dict[int, datetime] = {}
    recorded: list[Recorded] = []
    for one in purchases.events:
        days = chance.choice((3, 20)) if chance.random() < 0.05 else 0
        before = latest.get(one.cell, one.recorded_at)
        latest[one.cell] = max(before, one.recorded_at + timedelta(days=days))
        recorded.append(msgspec.structs.replace(one, recorded_at=latest[one.cell]))
    return sorted(recorded, key=lambda event: event.recorded_at)


def positions(log: Log, seed: int) -> Iterator[dict[int, int]]:
    """Moments, as positions of some or all cells."""
    chance = random.Random(f"{seed}/positions")
    heads = {cell: sum(one.cell == cell for one in log.events) for cell in range(CELLS)}
    yield heads
    yield {}
    for _ in range(20):
        cells = chance.sample(range(CELLS), chance.randrange(1, CELLS + 1))
        yield {cell: chance.randrange(heads[cell] + 2) for cell in cells}
