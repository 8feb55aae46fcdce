"""
A real log on a migrated database, with the toy models live on it: some inline, some fed.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID, uuid4

import pytest

from adapters.log.postgres import PostgresLog
from commands.ports import Append, NewEvent
from domain.event import Event, Registry
from domain.ids import MemberId, StreamId, mint
from projections.engine.apply import InlineModels
from projections.engine.runner import ProjectionEngine
from projections.rows import ReadModel
from replay.check import Checked, check
from replay.rebuild import Rebuilt, rebuild
from tests.projections.engine.toys import Edited, History, Noted, Notes, Struck, Tallies, World
from tests.support.database import database_url, server_url

__all__ = ["database_url", "live", "server_url", "world"]


class LiveWorld:
    """History is written inline, notes and tallies by an engine that the test drives."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.models: list[ReadModel] = [Notes(), Tallies(), History(inline=True)]
        registry = Registry([Noted | Edited | Struck], {})
        inline = InlineModels(self.models).statements
        self.log = PostgresLog(world.database, registry, world.clock, inline=inline)
        self.reader = self.log.reader
        self.engine = ProjectionEngine(
            self.reader, world.server, self.models, world.clock, uuid4(), poll_seconds=0.02
        )
        self.subjects: list[tuple[int, UUID]] = []
        self._minted = 0

    def append(self, cell: int, *events: Event) -> None:
        """Each event on a stream of its own."""
        self._minted += 1
        new = [
            NewEvent(StreamId(mint(self._minted, cell, number)), 1, MemberId(self._id(cell)), event)
            for number, event in enumerate(events)
        ]
        command = self._id(cell)
        self.log.append(Append(cell, command, command, command, None, tuple(new)))

    def write(self, count: int) -> None:
        """Notes, of which every third is edited and every fifth struck."""
        for number in range(count):
            cell, subject = number % 3, uuid4()
            events: list[Event] = [Noted(subject, f"note {number}", b"sealed")]
            if number % 3 == 0:
                events.append(Edited(subject, "edited"))
            if number % 5 == 0:
                events.append(Struck(subject))
            self.append(cell, *events)

    def rebuild(self, names: Iterable[str] | None = None, **options: float) -> list[Rebuilt]:
        return rebuild(
            self.reader,
            self.world.database.owner,
            self.models,
            self.world.clock,
            uuid4(),
            names=None if names is None else list(names),
            **options,  # type: ignore[arg-type]
        )

    def check(self) -> dict[str, Checked]:
        checked = check(
            self.reader, self.world.database.owner, self.models, self.world.clock, uuid4()
        )
        return {one.model: one for one in checked}

    def close(self) -> None:
        self.engine.stop()
        self.log.close()

    def _id(self, cell: int) -> UUID:
        return mint(self._minted, cell, 99)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    world = World(database_url)
    yield world
    world.close()


@pytest.fixture
def live(world: World) -> Iterator[LiveWorld]:
    live = LiveWorld(world)
    yield live
    live.close()
