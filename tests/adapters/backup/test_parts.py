"""
What is backed up, run by run, is what is restored.
"""

import asyncio
import gzip
import io
import random
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.backup import (
    BackupFault,
    Work,
    rows,
)
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from commands.ports import Append, IdempotencyKey, NewEvent
from domain.ids import MemberId, StreamId, mint
from domain.sealed import KeyClass
from tests.adapters.backup.stores import (
    CELLS,
    REGISTRY,
    Said,
    Store,
    content,
    restored,
    shape,
)


def test_what_is_restored_is_what_was_backed_up_run_by_run(store: Store, server_url: str) -> None:
    chance = random.Random(7)
    for run in range(4):
        for number in range(30):
            store.clock.advance(timedelta(milliseconds=chance.randrange(50)))
            words = [f"{run}.{number}.{one}" for one in range(chance.randrange(1, 4))]
            store.say(chance.randrange(3), *words, key=f"k{number}" if number % 3 else None)
        store.say(1, key=f"nothing {run}")
        store.move_subscriber(1, 10 * run)
        seen: list[Work] = []
        part = store.take(seen.append)
        assert part is not None
        assert part.number == run + 1
        assert [work.done for work in seen][-1] == seen[-1].total == part.events
    with restored(store, server_url) as (database, vector):
        assert content(database) == content(store.database)
        assert len(content(database)["commands"]) == 4 * 21
        assert vector == dict(store.log.reader.heads())
        assert shape(database) == shape(store.database)
        with database.owner.connect() as connection:
            models = "SELECT count(*) FROM log.checkpoints WHERE subscriber LIKE 'model/%'"
            assert connection.scalar(text(models)) == 0


def test_the_restored_log_goes_on(store: Store, server_url: str, tmp_path: Path) -> None:
    store.say(0, "before", key="once")
    store.take()
    with restored(store, server_url) as (database, _):
        url = database.url.render_as_string(hide_password=False)
        log = PostgresLog(Database(url), REGISTRY, store.clock, notify=False)
        try:
            assert log.reader.read(0, 0, 10)[0].event == Said("before")
            who = mint(1, 0, 99)
            again = Append(
                0, uuid4(), who, who, None, (), key=IdempotencyKey(who, "once", b"digest", None)
            )
            assert log.append(again).replayed
            new = NewEvent(StreamId(mint(9, 0, 1)), 1, MemberId(who), Said("after"))
            assert log.append(Append(0, who, who, who, None, (new,))).positions == (2,)
        finally:
            log.close()


def test_nothing_new_makes_no_part(store: Store) -> None:
    assert store.take() is not None, "an empty store can be backed up"
    names = sorted(path.name for path in store.backup.iterdir())
    assert store.take() is None
    assert sorted(path.name for path in store.backup.iterdir()) == names
    asyncio.run(store.vault.prepare(UUID(int=5), [KeyClass.CONTENT]))
    part = store.take()
    assert part is not None, "a key of the vault is new"
    assert part.events == 0
    assert store.take() is None
    store.vault.destroy(UUID(int=5), KeyClass.CONTENT)
    assert store.take() is not None, "so is its end"
    assert store.take() is None


def test_a_refusal_waits_for_the_next_part(store: Store, server_url: str) -> None:
    store.say(2, "an event")
    store.take()
    store.say(2, key="refused")
    assert store.take() is None
    store.say(1, "another")
    assert store.take() is not None
    assert store.take() is None
    with restored(store, server_url) as (database, _):
        assert content(database) == content(store.database)
        assert len(content(database)["commands"]) == 1


def test_files_are_private_and_can_be_read_without_homezone(store: Store) -> None:
    store.say(0, "words")
    store.take()
    for path in store.backup.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert store.backup.stat().st_mode & 0o777 == 0o700
    stream = gzip.decompress((store.backup / "00000001.events.gz").read_bytes())
    (row,) = rows.parse([stream])
    assert b"words" in row.raw
    with store.database.owner.begin() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE t (LIKE log.events) ON COMMIT DROP")
        driver: Any = connection.connection.dbapi_connection
        statement = f"COPY t ({rows.COLUMNS}) FROM STDIN (FORMAT binary)"
        driver.cursor().copy_expert(statement, io.BytesIO(stream))
        assert connection.scalar(text("SELECT count(*) FROM t")) == 1


@pytest.mark.parametrize("size", [1, 7, 100, 1_000_000])
def test_a_stream_may_come_in_pieces_of_any_size(store: Store, size: int) -> None:
    for number in range(20):
        store.say(number % CELLS, "x" * number * 10)
    store.take()
    stream = gzip.decompress((store.backup / "00000001.events.gz").read_bytes())
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = list(rows.parse(pieces))
    assert [row.position for row in found] == [1, 2, 3, 4, 5] * CELLS
    assert b"".join((rows.HEAD, *(row.raw for row in found), rows.TAIL)) == stream
    for cut in (0, 5, len(rows.HEAD), 200, len(stream) - 3, len(stream) - 1):
        with pytest.raises(BackupFault, match="breaks off"):
            list(rows.parse([stream[:cut]]))
    with pytest.raises(BackupFault):
        list(rows.parse([b"?" + stream[1:]]))
