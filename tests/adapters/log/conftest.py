"""
The same log tests over every store: in memory and on PostgreSQL, with 1 cell and with 16.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from adapters.clock import ManualClock
from adapters.database import Database
from adapters.log.memory import MemoryLog, MemoryStore
from adapters.log.postgres import PostgresLog
from tests.adapters.log.events import NOON, REGISTRY, said, stream
from tests.adapters.log.stores import emptied


class MemoryBed:
    """A store in memory, and the logs opened on it."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.clock = ManualClock(NOON)
        self.store = MemoryStore(cells)

    def open(self, **options: Any) -> Any:
        """A server's log."""
        return MemoryLog(self.store, REGISTRY, self.clock, **options)

    @contextmanager
    def gathering(self, log: Any) -> Iterator[None]:
        """What is submitted here and now is one batch anyway."""
        yield

    def close(self) -> None:
        """Nothing to close."""


class PostgresBed:
    """An empty database, and the logs opened on it."""

    patience = 1.5

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.clock = ManualClock(NOON)
        self.url = emptied(cells)
        self.database = Database(self.url)
        self._logs: list[PostgresLog] = []

    def open(self, **options: Any) -> Any:
        """A server's log."""
        log = PostgresLog(self.database, REGISTRY, self.clock, **options)
        self._logs.append(log)
        return log

    @contextmanager
    def gathering(self, log: Any) -> Iterator[None]:
        """Hold the writer up, so that what is submitted meanwhile is one batch."""
        with self.database.owner.connect() as connection:
            connection.execute(text("SELECT 1 FROM log.log_heads FOR UPDATE"))
            log.submit(said((stream(), 1)))
            self.wait_for_lock(connection)
            yield

    def wait_for_lock(self, connection: Any) -> None:
        """Wait until somebody waits for a lock."""
        for _ in range(500):
            waiting = connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            if waiting:
                return
            time.sleep(0.005)
        raise AssertionError("the writer never came")

    def close(self) -> None:
        """Stop the servers."""
        for log in self._logs:
            log.close()
        self.database.dispose()


@pytest.fixture(params=["memory-1", "memory-16", "postgres-1", "postgres-16"])
def bed(request: pytest.FixtureRequest) -> Iterator[MemoryBed | PostgresBed]:
    """An empty store of each kind."""
    kind, _, cells = request.param.partition("-")
    made = MemoryBed(int(cells)) if kind == "memory" else PostgresBed(int(cells))
    yield made
    made.close()


@pytest.fixture(params=[1, 16])
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresBed]:
    """An empty database, for what only a database can do."""
    made = PostgresBed(request.param)
    yield made
    made.close()
