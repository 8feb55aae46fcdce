"""
The database goes away, and comes back: nobody is answered wrongly, and nothing needs help.
"""

import asyncio
import threading
import time
from typing import Any

from sqlalchemy import text

from adapters.database import Database
from adapters.embedded import EmbeddedPostgres
from adapters.log.postgres import PostgresLog
from adapters.schema import migrate
from commands.ports import Appended, LogUnavailable, OutcomeUnknown
from tests.adapters.log.conftest import PostgresBed
from tests.adapters.log.events import REGISTRY, said, stream
from tests.adapters.log.test_append import assert_gapless, everything, kinds, live, outcomes
from tests.support.database import enterable_directory, remove_data


def test_killed_backends_cost_a_retry(postgres: PostgresBed) -> None:
    log = postgres.open()
    done = threading.Event()

    def kill() -> None:
        victims = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # Each look in a transaction of its own: within one the view does not change.
        with postgres.database.owner.connect() as connection:
            while not done.is_set():
                connection.execute(victims)
                connection.commit()
                time.sleep(0.02)

    async def story() -> None:
        killer = threading.Thread(target=kill)
        killer.start()
        commands: list[Any] = []
        results: list[Any] = []
        try:
            while log.statistics.retries < 5:
                cells = [at % postgres.cells for at in range(10)]
                batch = [said((stream(cell), 1), cell=cell) for cell in cells]
                commands += batch
                results += await outcomes(*map(log.submit, batch))
        finally:
            done.set()
            killer.join()
        assert set(kinds(results)) == {Appended}
        assert sorted(each.command for each in everything(log)) == sorted(
            each.command for each in commands
        )

    live(story)
    assert_gapless(log)


def test_a_dead_lock_holder_costs_a_retry(postgres: PostgresBed) -> None:
    log = postgres.open(patience_seconds=20)

    async def story() -> None:
        with postgres.database.owner.connect() as connection:
            connection.execute(text("SELECT 1 FROM log.log_heads FOR UPDATE"))
            waiting = log.submit(said((stream(), 1)))
            await asyncio.sleep(2.5)
            assert not waiting.outcome.done()
        assert kinds(await outcomes(waiting)) == [Appended]

    live(story)
    assert log.statistics.retries == 1


def test_the_database_stops_and_starts(postgres: PostgresBed) -> None:
    directory = enterable_directory()
    server = EmbeddedPostgres(directory / "data")
    url = server.start()
    migrate(url, postgres.cells)
    database = Database(url)
    log = PostgresLog(database, REGISTRY, postgres.clock, patience_seconds=0.5)

    async def story() -> None:
        nonlocal server
        one = stream()
        await log.submit(said((one, 1))).outcome
        await asyncio.to_thread(server.stop)
        tickets = [log.submit(said((one, 2))), log.submit(said((stream(), 1)))]
        began = time.monotonic()
        results = await outcomes(*tickets)
        assert kinds(results) == [LogUnavailable, LogUnavailable]
        assert not any(isinstance(each, OutcomeUnknown) for each in results)
        assert time.monotonic() - began < 3
        reads = (log.heads(), log.read(0, 0, 1), log.read_stream(one), log.position_of(one, 1))
        assert kinds(list(await asyncio.gather(*reads, return_exceptions=True))) == (
            [LogUnavailable] * 4
        )
        server = EmbeddedPostgres(directory / "data")
        await asyncio.to_thread(server.start)
        assert kinds(await outcomes(log.submit(said((one, 2))))) == [Appended]
        assert len(await log.read_stream(one)) == 2

    try:
        live(story)
        assert_gapless(log)
    finally:
        log.close()
        database.dispose()
        server.stop()
        remove_data(directory)
