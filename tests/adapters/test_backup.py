"""
Backups of the log on a real PostgreSQL: whole, in parts, up to a moment, damaged, and of others.
"""

import asyncio
import gzip
import io
import random
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text

from adapters.backup import (
    Backup,
    BackupFault,
    Vector,
    When,
    Work,
    load,
    reckon,
    resolve,
    rows,
    settle,
    take,
    writing_to,
)
from adapters.backup.files import Writing
from adapters.backup.parts import Part
from adapters.clock import ManualClock
from adapters.database import Database, migrate
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault, VaultFault
from commands.ports import Append, IdempotencyKey, NewEvent
from domain.event import Event, Registry
from domain.ids import MemberId, StreamId, mint
from domain.sealed import KeyClass
from tests.support.database import database_url, fresh_database, server_url

__all__ = ["database_url", "server_url"]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CELLS = 4


class Said(Event, frozen=True, tag="test.said.v1"):
    """An event of these tests."""

    words: str


REGISTRY = Registry([Said], {})


class Store:
    """A store of four cells whose clock is the test's."""

    def __init__(self, url: str, directory: Path) -> None:
        migrate(url, CELLS)
        self.clock = ManualClock(NOON)
        self.database = Database(url)
        self.log = PostgresLog(self.database, REGISTRY, self.clock, notify=False)
        self.keys = directory / "keys"
        self.vault = FileKeyVault(self.keys, self.clock)
        self.backup = directory / "backup"
        self._number = 0

    def say(self, cell: int, *words: str, key: str | None = None) -> str:
        """One command with an event a word, on a stream of its own; the position of the last."""
        self._number += 1
        who = mint(self._number, cell, 99)
        events = tuple(
            NewEvent(StreamId(mint(self._number, cell, at)), 1, MemberId(who), Said(word))
            for at, word in enumerate(words)
        )
        named = None if key is None else IdempotencyKey(who, key, b"digest", None)
        append = Append(cell, who, who, who, None, events, key=named, answer=b"answer")
        positions = self.log.append(append).positions
        return f"{cell}-{positions[-1]}" if positions else ""

    def move_subscriber(self, cell: int, position: int) -> None:
        """A policy has answered so far."""
        with self.database.owner.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO log.checkpoints VALUES (:cell, 'policy/x', :position),"
                    " (:cell, 'model/x', 7)"
                    " ON CONFLICT (cell, subscriber) DO UPDATE SET position = excluded.position"
                ),
                {"cell": cell, "position": position},
            )

    def take(self, on_work: Callable[[Work], None] = lambda _: None) -> Part | None:
        """One run of the backup."""
        with writing_to(self.backup):
            backup = Backup(self.backup)
            now = self.clock.now()
            return take(backup, self.database.server, self.vault, now, "test", on_work)

    def close(self) -> None:
        self.log.close()
        self.vault.close()
        self.database.dispose()


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    store = Store(database_url, tmp_path)
    yield store
    store.close()


def checked(directory: Path, vault: FileKeyVault) -> Backup:
    """A backup, after all checks."""
    backup = Backup(directory)
    backup.check_seals(vault)
    backup.check_files(lambda _: None)
    return backup


@contextmanager
def restored(
    store: Store, server_url: str, when: When | None = None
) -> Iterator[tuple[Database, Vector]]:
    """A database with the backup as of a moment."""
    backup = checked(store.backup, store.vault)
    vector = resolve(backup, when)
    with fresh_database(server_url) as url:
        database = Database(url)
        try:
            loaded = load(backup, database.owner, vector, lambda: None)
            assert loaded.positions == vector
            yield database, vector
        finally:
            database.dispose()


def content(database: Database, where: str = "true") -> dict[str, list[Any]]:
    """All that a backup is to bring back."""
    queries = {
        "events": f"SELECT * FROM log.events WHERE {where} ORDER BY cell, position",
        "log_heads": "SELECT * FROM log.log_heads ORDER BY cell",
        "commands": "SELECT * FROM log.commands ORDER BY cell, actor, key",
        "subscribers": "SELECT * FROM log.checkpoints WHERE subscriber NOT LIKE 'model/%'"
        " ORDER BY cell, subscriber",
    }
    with database.owner.connect() as connection:
        return {
            name: [tuple(map(plain, row)) for row in connection.execute(text(query))]
            for name, query in queries.items()
        }


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def shape(database: Database) -> list[Any]:
    """The log's tables, as the catalogue has them."""
    with database.owner.connect() as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = 'log' ORDER BY 1, 2"
            )
        ).all()
        keys = connection.execute(
            text(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = 'log'::regnamespace ORDER BY 1, 2"
            )
        ).all()
        grants = connection.execute(
            text(
                "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
                " WHERE table_schema = 'log' AND grantee = 'homezone_server' ORDER BY 1, 2"
            )
        ).all()
    return [*map(tuple, columns), *map(tuple, keys), *map(tuple, grants)]


def is_empty(database: Database) -> bool:
    with database.owner.connect() as connection:
        return bool(connection.scalar(text("SELECT to_regclass('log.events') IS NULL")))


# Whole, and in parts


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


# Moments


class Spoken:
    """A history over three parts, and a plain record of it to hold moments against."""

    def __init__(self, store: Store) -> None:
        chance = random.Random(11)
        self.store = store
        #: (cell, position, recorded_at, number of the command), in order.
        self.said: list[tuple[int, int, datetime, int]] = []
        self.parts: list[Vector] = []
        command = 0
        for run in range(3):
            for _ in range(25):
                store.clock.advance(timedelta(milliseconds=chance.choice([0, 0, 3, 10])))
                command += 1
                cell, count = chance.randrange(3), chance.randrange(1, 5)
                last = int(store.say(cell, *["w"] * count, key=f"{command}").partition("-")[2])
                for position in range(last - count + 1, last + 1):
                    self.said.append((cell, position, store.clock.now(), command))
            store.move_subscriber(0, run + 1)
            store.clock.advance(timedelta(milliseconds=1))
            store.take()
            self.parts.append(dict(store.log.reader.heads()))

    def at_time(self, moment: datetime) -> Vector:
        heads = dict.fromkeys(range(CELLS), 0)
        for cell, position, at, _ in self.said:
            if at <= moment:
                heads[cell] = max(heads[cell], position)
        return heads

    def at_positions(self, named: Vector) -> Vector:
        commands = {
            command: at for cell, position, at, command in self.said if named.get(cell) == position
        }
        heads = self.at_time(max(commands.values())) | dict.fromkeys(named, 0)
        for cell, position, _, command in self.said:
            if cell in named and (position <= named[cell] or command in commands):
                heads[cell] = max(heads[cell], position)
        return heads


@pytest.fixture
def spoken(store: Store) -> Spoken:
    return Spoken(store)


def test_a_time_is_what_was_recorded_by_then(spoken: Spoken) -> None:
    backup = checked(spoken.store.backup, spoken.store.vault)
    for moment in {at for _, _, at, _ in spoken.said}:
        for off in (timedelta(0), timedelta(microseconds=1)):
            assert resolve(backup, moment + off) == spoken.at_time(moment)
        before = spoken.at_time(moment - timedelta(microseconds=1))
        if any(before.values()):
            assert resolve(backup, moment - timedelta(microseconds=1)) == before
    assert resolve(backup, None) == spoken.parts[-1]
    assert resolve(backup, backup.last.taken_at) == spoken.parts[-1]
    with pytest.raises(BackupFault, match="ends at"):
        resolve(backup, backup.last.taken_at + timedelta(microseconds=1))
    with pytest.raises(BackupFault, match="nothing"):
        resolve(backup, NOON - timedelta(seconds=1))


def test_positions_are_the_first_moment_with_all_of_them(spoken: Spoken) -> None:
    backup = checked(spoken.store.backup, spoken.store.vault)
    heads = spoken.parts[-1]
    chance = random.Random(3)
    cut_open = 0
    for cell in range(3):
        for position in range(1, heads[cell] + 1):
            found = resolve(backup, {cell: position})
            assert found == spoken.at_positions({cell: position}), (cell, position)
            cut_open += found[cell] > position
    assert cut_open > 10, "positions in the middle of a command were tried"
    for _ in range(100):
        named = {cell: chance.randrange(1, heads[cell] + 1) for cell in range(3)}
        assert resolve(backup, named) == spoken.at_positions(named), named
    assert resolve(backup, heads) == heads
    assert resolve(backup, {0: 0, 1: 1})[0] == 0
    for beyond in ({0: heads[0] + 1}, {CELLS: 1}, {3: 1}):
        with pytest.raises(BackupFault, match="no event"):
            resolve(backup, beyond)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.99])
def test_a_moment_is_restored_with_its_keys_and_no_others(
    spoken: Spoken, server_url: str, share: float
) -> None:
    moment = spoken.said[int(len(spoken.said) * share)][2]
    with restored(spoken.store, server_url, moment) as (database, vector):
        assert vector == spoken.at_time(moment)
        then = content(database)
        inside = " OR ".join(f"cell = {c} AND position <= {p}" for c, p in vector.items())
        assert then["events"] == content(spoken.store.database, inside)["events"]
        assert {row[0]: row[1] for row in then["log_heads"]} == vector
        for cell, position, at, _ in then["log_heads"]:
            last = [t for c, p, t, _ in spoken.said if (c, p) == (cell, position)]
            assert at == (last[0] if last else datetime(1970, 1, 1, tzinfo=UTC))
        commands = {command for cell, p, _, command in spoken.said if p <= vector[cell]}
        assert {int(row[2]) for row in then["commands"]} == commands
        whole = [part for part in spoken.parts if all(part[c] <= vector[c] for c in part)]
        expected = [(0, "policy/x", len(whole))] if whole else []
        assert then["subscribers"] == expected, "as far as was certain by then"


# What is refused


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


# Keys


@contextmanager
def vault_at(directory: Path) -> Iterator[FileKeyVault]:
    vault = FileKeyVault(directory, ManualClock(NOON))
    try:
        yield vault
    finally:
        vault.close()


def seal(vault: FileKeyVault, subject: UUID, words: str) -> Any:
    return asyncio.run(vault.seal(subject, KeyClass.CONTENT, words))


def test_an_erasure_that_only_the_vault_knows_holds(store: Store) -> None:
    ann, ben = UUID(int=1), UUID(int=2)
    kept, gone = seal(store.vault, ann, "kept"), seal(store.vault, ben, "gone")
    store.take()
    store.vault.destroy(ben, KeyClass.CONTENT)
    reckoning = reckon(Backup(store.backup), store.vault)
    assert (reckoning.erased, reckoning.pending, reckoning.lost) == (1, (), ())
    assert settle(reckoning, store.vault) == 0
    assert store.vault.open(kept) == "kept"
    assert store.vault.open(gone) is None


def test_an_erasure_that_only_the_backup_knows_is_done_again(store: Store, tmp_path: Path) -> None:
    ann, ben, eve = UUID(int=1), UUID(int=2), UUID(int=3)
    kept, gone = seal(store.vault, ann, "kept"), seal(store.vault, ben, "gone")
    store.take()
    older = tmp_path / "older"
    older.mkdir()
    store.vault.copy_to(older / "keys.db")
    (older / "master.key").write_bytes((store.keys / "master.key").read_bytes())
    young = seal(store.vault, eve, "made after the copy of the keys")
    store.vault.destroy(ben, KeyClass.CONTENT)
    store.vault.destroy(eve, KeyClass.CONTENT)
    store.vault.destroy(UUID(int=4), KeyClass.CONTENT)
    store.take()
    with vault_at(older) as vault:
        assert vault.open(gone) == "gone", "it would come back"
        reckoning = reckon(checked(store.backup, vault), vault)
        assert reckoning.lost == ()
        assert {entry.subject.int for entry in reckoning.pending} == {2, 3, 4}
        assert settle(reckoning, vault) == 3
        assert vault.open(gone) is None
        assert vault.open(young) is None
        assert vault.open(kept) == "kept"
        again = reckon(Backup(store.backup), vault)
        assert (again.erased, again.pending, again.lost) == (3, (), ())
    with vault_at(older) as vault:
        assert vault.open(gone) is None, "durably"


def test_keys_that_the_vault_lacks_are_seen_and_can_be_given_up(
    store: Store, tmp_path: Path
) -> None:
    store.take()
    older = tmp_path / "older"
    older.mkdir()
    store.vault.copy_to(older / "keys.db")
    (older / "master.key").write_bytes((store.keys / "master.key").read_bytes())
    words = seal(store.vault, UUID(int=9), "sealed after the copy")
    store.take()
    with vault_at(older) as vault:
        reckoning = reckon(checked(store.backup, vault), vault)
        assert [entry.subject.int for entry in reckoning.lost] == [9]
        with pytest.raises(VaultFault):
            vault.open(words)
        assert settle(reckoning, vault) == 1
        assert vault.open(words) is None
        assert reckon(Backup(store.backup), vault).lost == ()


def test_a_key_list_holds_no_secret(store: Store) -> None:
    sealed = seal(store.vault, UUID(int=1), "words")
    store.take()
    listed = gzip.decompress((store.backup / "00000001.keys.gz").read_bytes())
    (entry,) = [msgspec.json.decode(line) for line in listed.splitlines()]
    assert set(entry) == {"id", "subject", "class", "destroyed"}
    everything = b"".join(path.read_bytes() for path in store.backup.iterdir()) + listed
    assert (store.keys / "master.key").read_bytes() not in everything
    assert b64decode(entry["id"]) == sealed.envelope[1:17]
