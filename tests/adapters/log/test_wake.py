"""
Readers find what is new: at once, by a hint, or, when every hint is lost, by looking.
"""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

from adapters.log.notify import CHANNEL, Notifier, Wake
from tests.adapters.log.conftest import PostgresBed
from tests.adapters.log.events import said, stream
from tests.adapters.log.test_append import live


def later(action: Any) -> threading.Thread:
    thread = threading.Timer(0.1, action)
    thread.start()
    return thread


def test_a_commit_wakes_the_readers_of_its_process(bed: Any) -> None:
    log = bed.open()
    known = log.reader.heads()
    appending = later(lambda: log.append(said((stream(), 1))))
    heads = log.reader.wait_for_change(known, 20)
    appending.join()
    assert heads[0] == 1
    assert log.reader.wait_for_change(known, 20) == heads


def test_waiting_ends_without_a_change(bed: Any) -> None:
    log = bed.open()
    began = time.monotonic()
    assert log.reader.wait_for_change(log.reader.heads(), 0.2)[0] == 0
    assert 0.1 < time.monotonic() - began < 5


def test_a_hint_wakes_the_readers_of_other_processes(postgres: PostgresBed) -> None:
    writer, reader = postgres.open(), postgres.open(poll_seconds=60)
    writer.append(said((stream(), 1)))
    known = reader.reader.heads()
    time.sleep(0.2)
    appending = later(lambda: writer.append(said((stream(), 1))))
    began = time.monotonic()
    heads = reader.reader.wait_for_change(known, 30)
    appending.join()
    assert heads[0] == 2
    assert time.monotonic() - began < 10


def test_a_lost_notify_costs_a_poll(postgres: PostgresBed) -> None:
    writer, reader = postgres.open(notify=False), postgres.open(poll_seconds=0.2)
    known = reader.reader.heads()
    appending = later(lambda: writer.append(said((stream(), 1))))
    began = time.monotonic()
    heads = reader.reader.wait_for_change(known, 30)
    appending.join()
    assert heads[0] == 1
    assert time.monotonic() - began < 5


def test_many_commits_share_a_message(postgres: PostgresBed) -> None:
    log = postgres.open()
    pooled = postgres.database.owner.raw_connection()
    ear: Any = pooled.driver_connection
    ear.autocommit = True
    ear.cursor().execute(f"LISTEN {CHANNEL}")

    async def story() -> None:
        for _ in range(50):
            await log.submit(said((stream(), 1))).outcome

    live(story)
    time.sleep(0.3)
    ear.poll()
    heard = len(ear.notifies)
    pooled.invalidate()
    assert 1 <= heard <= 40


def test_a_database_that_is_away_is_asked_for_now_and_then() -> None:
    class Away:
        asked = 0

        def raw_connection(self) -> Any:
            self.asked += 1
            raise ConnectionError

    engine: Any = Away()
    notifier = Notifier(engine, Wake())
    notifier.notify()
    notifier.start()
    time.sleep(0.3)
    notifier.close()
    assert engine.asked <= 2, "what rang before must not be why it asks again and again"


def test_a_reader_that_starts_late_misses_nothing(bed: Any) -> None:
    log = bed.open()

    async def story() -> None:
        await asyncio.gather(*[log.submit(said((stream(), 1))).outcome for _ in range(30)])

    live(story)
    known: Mapping[int, int] = {}
    while known.get(0) != 30:
        before, known = known, log.reader.wait_for_change(known, 5)
        assert known.get(0, 0) > before.get(0, 0)
