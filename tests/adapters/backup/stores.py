"""
A store with a clock of the test's, its backup, and what it is restored to.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from adapters.backup import (
    Backup,
    Vector,
    When,
    Work,
    load,
    resolve,
    take,
    writing_to,
)
from adapters.backup.parts import Part
from adapters.clock import ManualClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.schema import migrate
from adapters.vault import FileKeyVault
from commands.ports import Append, IdempotencyKey, NewEvent
from domain.event import Event, Registry
from domain.ids import MemberId, StreamId, mint
from domain.sealed import KeyClass
from tests.support.database import fresh_database

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


@contextmanager
def vault_at(directory: Path) -> Iterator[FileKeyVault]:
    vault = FileKeyVault(directory, ManualClock(NOON))
    try:
        yield vault
    finally:
        vault.close()


def seal(vault: FileKeyVault, subject: UUID, words: str, item: UUID | None = None) -> Any:
    return asyncio.run(vault.seal(subject, KeyClass.CONTENT, words, item))
