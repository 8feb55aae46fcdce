"""
What is damaged, altered, of another or in the way is refused, and nothing is lost by trying.
"""

import asyncio
import gzip
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from adapters.backup import (
    Backup,
    BackupFault,
    load,
    rows,
    writing_to,
)
from adapters.backup.files import Writing
from adapters.database import Database
from domain.sealed import KeyClass
from tests.adapters.backup.stores import (
    Store,
    checked,
    content,
    is_empty,
    restored,
    vault_at,
)
from tests.support.database import fresh_database


def test_a_flipped_bit_anywhere_is_found(store: Store) -> None:
    for _ in range(2):
        store.say(0, "床前明月光" * 20, key=str(uuid4()))
        asyncio.run(store.vault.prepare(uuid4(), [KeyClass.CONTENT]))
        store.take()
    checked(store.backup, store.vault)
    tried = 0
    for path in sorted(store.backup.iterdir()):
        whole = path.read_bytes()
        for at in {*range(0, len(whole), 37), len(whole) - 1}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(BackupFault):
                checked(store.backup, store.vault)
            tried += 1
        for shorter in (b"", whole[: len(whole) // 2], whole[:-1]):
            path.write_bytes(shorter)
            with pytest.raises(BackupFault):
                checked(store.backup, store.vault)
        if path.name != "00000002.json":  # without it, this is the backup of one run before
            path.unlink()
            with pytest.raises(BackupFault, match="missing"):
                checked(store.backup, store.vault)
        path.write_bytes(whole)
    assert tried > 100
    checked(store.backup, store.vault)


def test_parts_cannot_be_exchanged(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        store.say(0, f"{number}")
        store.take()
    second, third = (store.backup / f"0000000{number}.json" for number in (2, 3))
    whole = second.read_bytes(), third.read_bytes()
    second.write_bytes(whole[1])
    with pytest.raises(BackupFault, match="damaged"):
        checked(store.backup, store.vault)
    second.write_bytes(whole[0])
    checked(store.backup, store.vault)
    with vault_at(tmp_path / "other") as other, pytest.raises(BackupFault, match="another key"):
        checked(store.backup, other)


def test_what_arrives_is_held_against_the_checkpoint(store: Store, server_url: str) -> None:
    """Whoever has the vault can seal anything; the log must still be what the checkpoint says."""
    store.say(0, "first", "second")
    store.say(1, "third")
    store.take()
    path = store.backup / "00000001.events.gz"
    stream = gzip.decompress(path.read_bytes())
    for altered in (stream.replace(b"second", b"Second"), without_row(stream, 0)):
        backup = checked_again(store, path, altered)
        with fresh_database(server_url) as url:
            database = Database(url)
            try:
                with pytest.raises(BackupFault, match=r"checkpoint|no event"):
                    load(backup, database.owner, backup.last.heads, lambda: None)
                assert is_empty(database)
            finally:
                database.dispose()


def without_row(stream: bytes, number: int) -> bytes:
    kept = [row.raw for at, row in enumerate(rows.parse([stream])) if at != number]
    return b"".join((rows.HEAD, *kept, rows.TAIL))


def checked_again(store: Store, path: Path, stream: bytes) -> Backup:
    """The backup with another stream of events, sealed as if it were the right one."""

    part = Backup(store.backup).last
    with Writing(store.backup, path.name) as writing:
        writing.write(stream)
        file = writing.finish()
    (store.backup / "00000001.json").unlink()
    forged = msgspec.structs.replace(part, files=part.files | {"events": file})
    Backup(store.backup).add(forged, store.vault)
    return checked(store.backup, store.vault)


def test_a_failure_leaves_the_database_empty(store: Store, server_url: str) -> None:
    store.say(0, "words")
    store.take()
    backup = checked(store.backup, store.vault)

    def fail() -> None:
        raise RuntimeError("just before the commit")

    with fresh_database(server_url) as url:
        database = Database(url)
        try:
            with pytest.raises(RuntimeError):
                load(backup, database.owner, backup.last.heads, fail)
            assert is_empty(database)
            load(backup, database.owner, backup.last.heads, lambda: None)
            assert content(database) == content(store.database)
            with pytest.raises(BackupFault, match="holds a store already"):
                load(backup, database.owner, backup.last.heads, lambda: None)
            assert content(database) == content(store.database)
        finally:
            database.dispose()


def test_a_log_with_a_hole_is_not_backed_up_as_if_it_had_none(store: Store) -> None:
    store.say(1, "one", "two", "three")
    with store.database.owner.begin() as connection:
        connection.execute(text("DELETE FROM log.events WHERE position = 2"))
    with pytest.raises(BackupFault, match="no event at 1-2"):
        store.take()
    assert [path.name for path in store.backup.iterdir() if path.suffix == ".json"] == []
    with store.database.owner.begin() as connection:
        connection.execute(text("DELETE FROM log.events WHERE position = 3"))
    with pytest.raises(BackupFault, match="no event at 1-2"):
        store.take()


def test_another_history_is_not_added_to_a_backup(store: Store, server_url: str) -> None:
    store.say(0, "one")
    moment = store.clock.now()
    store.clock.advance(timedelta(seconds=1))
    store.say(0, "two")
    store.take()
    with restored(store, server_url, moment) as (database, _):
        url = database.url.render_as_string(hide_password=False)
        other = Store(url, store.backup.parent)
        other._number = 100
        try:
            with pytest.raises(BackupFault, match="another history"):
                other.take()
            other.say(0, "another second")
            with pytest.raises(BackupFault, match="another history"):
                other.take()
        finally:
            other.close()
    assert store.take() is None, "the backup is as it was"


def test_a_directory_of_other_things_is_left_alone(store: Store) -> None:
    store.backup.mkdir()
    (store.backup / "letter.txt").write_text("dear")
    with pytest.raises(BackupFault, match=r"letter\.txt"):
        store.take()
    assert [path.name for path in store.backup.iterdir()] == ["letter.txt"]


def test_one_backup_at_a_time(store: Store) -> None:
    with writing_to(store.backup), pytest.raises(BackupFault, match="under way"):
        store.take()
    assert store.take() is not None


def test_what_an_interrupted_run_left_is_written_over(store: Store, server_url: str) -> None:
    store.say(0, "one")
    store.take()
    store.say(0, "two")
    (store.backup / "00000002.events.gz").write_bytes(b"half")
    (store.backup / ".00000002.commands.gz.unfinished").write_bytes(b"half")
    checked(store.backup, store.vault)
    store.take()
    with restored(store, server_url) as (database, _):
        assert content(database) == content(store.database)
