"""
What follows the log on a server: the product's own policy and timer runners on the books, and a
small engine in the place of the product's, which feeds its models in a process of its own.

The engine here has the product's rules, not its code: a lease that only saves work, batches of any
size for each model on its own, and one transaction for a batch and its checkpoint, guarded by where
the checkpoint was believed to be. It computes, waits and writes at moments of its own, so that it
can be killed between any two of them and two of them can work on one batch.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.log.memory import MemoryReader
from commands.ports import Clock
from projections.engine.checkpoints import CheckpointMovedError, Move
from projections.engine.deadlines import deadlines
from projections.engine.lease import Lease
from projections.engine.leased_loop import LeasedLoop
from projections.engine.positions import PositionBoard, Vector
from projections.engine.timers import Deadline, TimerRunner
from projections.rows import ReadModel
from tests.simulation import books as book_keeping
from tests.simulation.books import Books
from tests.simulation.tables import FED, changes_of

_PREFIX = "model/"


class BookLease(Lease):
    """The product's lease; its row is in the books."""

    def _read(self, connection: Any) -> tuple[UUID, datetime] | None:
        found: tuple[UUID, datetime] | None = connection.leases.get(self.name)
        return found

    def _write(self, connection: Any, was: datetime | None, until: datetime) -> bool:
        found = connection.leases.get(self.name)
        if (None if found is None else found[1]) != was:
            return False
        connection.leases[self.name] = (self.holder, until)
        return True

    def _drop(self, connection: Any) -> None:
        if (found := connection.leases.get(self.name)) and found[0] == self.holder:
            del connection.leases[self.name]


def lease_from_books(
    runner: LeasedLoop, name: str, holder: UUID, clock: Clock, seconds: float
) -> None:
    """Give a runner of the product a lease whose row is in the books."""
    monotonic = asyncio.get_running_loop().time
    runner._lease = BookLease(name, holder, clock, seconds, monotonic)


class BookTimers(TimerRunner):
    """The product's timers; the deadlines are in the books."""

    @property
    def _rows(self) -> Mapping[Any, Mapping[str, Any]]:
        books: Any = self._database
        found: Mapping[Any, Mapping[str, Any]] = books.tables.every(deadlines)
        return found

    def _cells_due(self, now: datetime) -> Sequence[int]:
        return sorted({key[0] for key, row in self._rows.items() if row["due"] <= now})

    def _next_due(self, cell: int, now: datetime, limit: int) -> list[Deadline]:
        due = [
            Deadline(cell, key[1], row["due"], row["kind"], row["subject"])
            for key, row in self._rows.items()
            if key[0] == cell and row["due"] <= now
        ]
        return sorted(due, key=lambda one: (one.due, one.id))[:limit]

    def _due_after(self, now: datetime) -> list[datetime]:
        return [row["due"] for row in self._rows.values() if row["due"] > now]


class Engine:
    """
    Feeds the read models of a store from one server.

    :param guarded: whether checkpoints are moved only from where they were believed to be.
    """

    def __init__(
        self,
        reader: MemoryReader,
        books: Books,
        clock: Clock,
        holder: UUID,
        chance: random.Random,
        pause: Callable[[], float],
        *,
        lease_seconds: float,
        poll_seconds: float = 0.25,
        batch_events: int = 20,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._books = books
        self._lease = BookLease("models", holder, clock, lease_seconds, loop.time)
        self._chance = chance
        self._pause = pause
        self._poll_seconds = poll_seconds
        self._batch_events = batch_events
        self._models: dict[str, ReadModel] = {model.name: model for model in FED}
        self._board = PositionBoard(self._models)
        self._positions: dict[str, dict[int, int]] = {}
        self._woken = asyncio.Event()

    async def wait_for(
        self, target: Vector, seconds: float, models: Collection[str] | None = None
    ) -> None:
        """Return when those models have reached the target."""
        await self._board.wait_for(target, seconds, models)

    def wake(self, heads: Mapping[int, int]) -> None:
        """Something was committed."""
        self._woken.set()

    async def run(self) -> None:
        """Feed, or follow who feeds, until killed."""
        while True:
            if self._lease.due:
                held = self._lease.held
                await asyncio.sleep(self._pause())
                if self._lease.take(self._books) and not held:  # type: ignore[arg-type]
                    self._positions = {}
            if self._lease.held:
                busy = await self._feed()
            else:
                self._follow()
                busy = False
            if not busy:
                await self._rest()

    async def _rest(self) -> None:
        follows = not self._lease.held and self._board.waited_for
        try:
            async with asyncio.timeout(0.02 if follows else self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    def _follow(self) -> None:
        names = [_PREFIX + name for name in self._models]
        found = book_keeping.load(self._books, names)
        self._board.publish({name.removeprefix(_PREFIX): at for name, at in found.items()})

    async def _feed(self) -> bool:
        """A batch for each model that is behind, the models in any order; whether there was one."""
        heads = self._reader.heads()
        if not self._positions:
            self._load(heads)
        names = sorted(self._models)
        self._chance.shuffle(names)
        busy = False
        for name in names:
            try:
                busy |= await self._feed_one(name, heads)
            except CheckpointMovedError:
                # There are two of us: look again where the models are.
                self._positions = {}
                return True
        return busy

    async def _feed_one(self, name: str, heads: Mapping[int, int]) -> bool:
        at = self._positions[name]
        cells = [cell for cell in heads if at[cell] < heads[cell]]
        if not cells:
            return False
        cell = self._chance.choice(cells)
        size = self._chance.randint(1, self._batch_events)
        batch = self._reader.read(cell, at[cell], size, heads[cell])
        changes = changes_of([self._models[name]], batch)
        await asyncio.sleep(self._pause())
        move = Move(_PREFIX + name, cell, at[cell], batch[-1].position)
        # One transaction, the guard first.
        book_keeping.advance(self._books, [move])
        self._books.tables.write(changes)
        await asyncio.sleep(self._pause())
        at[cell] = move.new
        self._board.publish({name: at})
        return True

    def _load(self, heads: Mapping[int, int]) -> None:
        names = {name: _PREFIX + name for name in self._models}
        for stored in names.values():
            book_keeping.ensure(self._books, stored, dict.fromkeys(heads, 0))
        found = book_keeping.load(self._books, list(names.values()))
        self._positions = {name: found[stored] for name, stored in names.items()}
        self._board.publish(self._positions)
