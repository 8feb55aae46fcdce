"""
The vault's SQLite database: every statement the vault sends, in one place.

SQLite, because the vault must outlive, and never be restored with, the database that holds the
ciphertext. A commit returns only once it is synced (WAL, ``synchronous = FULL``). A destroyed key
keeps its row, so that erasure is final; its wrapped bytes are zeroed in the file
(``secure_delete``) and the journal that still held them is cut off.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from adapters.vault import nodes
from adapters.vault.key import Owner, VaultFault
from adapters.vault.master import Master, sync_directory
from adapters.vault.nodes import StoredNodes
from adapters.vault.tree import ROOT

_BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id BLOB NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL,
    class TEXT NOT NULL,
    wrapped BLOB,
    created_at TEXT NOT NULL,
    destroyed_at TEXT,
    UNIQUE (subject, class),
    CHECK (wrapped IS NULL OR destroyed_at IS NULL)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destructions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
) WITHOUT ROWID;
"""

_BY_ID = "SELECT id, subject, class, wrapped FROM keys WHERE id = ?"
_BY_OWNER = "SELECT id, subject, class, wrapped FROM keys WHERE subject = ? AND class = ?"
_CREATE = """
INSERT INTO keys (id, subject, class, wrapped, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_DESTROY = """
UPDATE keys SET wrapped = NULL, destroyed_at = ?
WHERE subject = ? AND class = ? AND destroyed_at IS NULL
"""
_RECORD_DESTRUCTION = """
INSERT INTO destructions (key) SELECT id FROM keys WHERE subject = ? AND class = ?
"""
_DESTROYED_AFTER = """
SELECT d.sequence, k.id, k.subject, k.class, k.wrapped
FROM destructions d JOIN keys k ON k.id = d.key WHERE d.sequence > ? ORDER BY d.sequence
"""

_COUNT = "SELECT (SELECT count(*) FROM keys), (SELECT coalesce(max(sequence), 0) FROM destructions)"
_LISTED = """
SELECT id, subject, class, wrapped FROM keys
WHERE created_at >= ? OR id IN (SELECT key FROM destructions WHERE sequence > ?)
"""

_DESTROYED = "SELECT id, class, destroyed_at FROM keys WHERE destroyed_at IS NOT NULL"

_STANDING = """
SELECT id, subject, class, wrapped FROM keys
WHERE id > ? AND wrapped IS NOT NULL ORDER BY id LIMIT 1000
"""


class KeyRow(NamedTuple):
    """A key as it is stored; ``wrapped`` is None when it was destroyed."""

    id: bytes
    subject: bytes
    key_class: str
    wrapped: bytes | None

    @property
    def owner(self) -> Owner:
        """Whose key it is."""
        return Owner(int.from_bytes(self.subject, "big"), self.key_class)

    @property
    def place(self) -> bytes:
        """What the wrapped bytes are bound to: this row and no other."""
        return b"key" + self.id + self.subject + self.key_class.encode()


class KeyDatabase:
    """
    One connection to read and one to write, so that readers never wait for a sync.

    Reads are for one thread at a time, under the caller's lock; writes lock by themselves.
    Every method raises :class:`VaultFault` when SQLite fails.
    """

    def __init__(self, path: Path) -> None:
        # Made here rather than by SQLite, so that it is never readable by others, not even briefly;
        # SQLite gives its journal the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        self._path = path
        self._writing = threading.Lock()
        with _faults():
            self._writer = _connect(path)
            self._reader = _connect(path)
            self._writer.executescript(_SCHEMA + nodes.SCHEMA)
        sync_directory(path.parent)

    def close(self) -> None:
        """Close both connections."""
        with self._writing:
            self._reader.close()
            self._writer.close()

    def is_empty(self) -> bool:
        """Whether nothing was ever wrapped here."""
        with _faults():
            found = self._reader.execute(
                "SELECT EXISTS (SELECT 1 FROM secrets) OR EXISTS (SELECT 1 FROM keys)"
            ).fetchone()
        return not found[0]

    def secret(self, name: str, fresh: bytes) -> bytes:
        """The wrapped secret of that name: the stored one, or ``fresh`` if there was none."""
        with _faults(), self._transaction() as writer:
            writer.execute(
                "INSERT INTO secrets (name, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, fresh),
            )
            row = writer.execute("SELECT wrapped FROM secrets WHERE name = ?", (name,)).fetchone()
        return bytes(row[0])

    def stored_secret(self, name: str) -> bytes | None:
        """The wrapped secret of that name, if there is one."""
        with _faults():
            row = self._reader.execute(
                "SELECT wrapped FROM secrets WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def by_id(self, id: bytes) -> KeyRow | None:
        """The key of that id."""
        with _faults():
            row = self._reader.execute(_BY_ID, (id,)).fetchone()
        return None if row is None else KeyRow(*row)

    def by_owner(self, owner: Owner) -> KeyRow | None:
        """The key of that owner."""
        with _faults():
            row = self._reader.execute(_BY_OWNER, _columns(owner)).fetchone()
        return None if row is None else KeyRow(*row)

    def tree(self, key: bytes, master: Master) -> StoredNodes:
        """The tree of a key's items, to be read."""
        return StoredNodes(self._reader, key, master)

    def create(
        self, rows: Iterable[KeyRow], roots: Iterable[tuple[bytes, bytes]], created_at: str
    ) -> None:
        """
        Store new keys durably, and roots of trees, in one transaction; an owner who has a key keeps
        it, and a key its tree.

        :param roots: the ids of keys, and a wrapped root for each.
        """
        values = [(row.id, row.subject, row.key_class, row.wrapped, created_at) for row in rows]
        planted = [{"key": key, "place": ROOT, "wrapped": wrapped} for key, wrapped in roots]
        with _faults(), self._transaction() as writer:
            writer.executemany(_CREATE, values)
            writer.executemany(nodes.PLANT, planted)

    def destroy(self, owner: Owner, id: bytes, destroyed_at: str) -> bool:
        """
        Forget a key for ever; False when that was done before.

        :param id: for the tombstone of an owner who has no key, so that none is ever made.
        """
        columns = _columns(owner)
        with _faults():
            with self._transaction() as writer:
                writer.execute(_CREATE, (id, *columns, None, destroyed_at))
                destroyed = writer.execute(_DESTROY, (destroyed_at, *columns)).rowcount == 1
                if destroyed:
                    writer.execute(_RECORD_DESTRUCTION, columns)
                    writer.execute(nodes.FELL, columns)
            with self._writing:
                # Even when it was destroyed before: the journal may have been in use at that time.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return destroyed

    def destroy_items(
        self, row: KeyRow, leaves: Iterable[bytes], master: Master, destroyed_at: str
    ) -> int:
        """
        Forget the keys of some of an owner's items for ever, all or none; how many were not before.

        :param row: a new key, for an owner who has none.
        """
        columns = (row.subject, row.key_class)
        with _faults():
            with self._transaction() as writer:
                writer.execute(_CREATE, (row.id, *columns, row.wrapped, destroyed_at))
                key = KeyRow(*writer.execute(_BY_OWNER, columns).fetchone())
                gone = 0
                if key.wrapped is not None:
                    gone = StoredNodes(writer, key.id, master).puncture(leaves)
            with self._writing:
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def rewrap(
        self, wrap: Callable[[bytes, bytes], bytes], on_rewrapped: Callable[[int], None]
    ) -> int:
        """
        Wrap every key and secret anew, all or none; how many keys. What was there before is
        overwritten in the file and cut off from the journal.

        :param wrap: from the wrapped bytes and the place they are bound to, to the new ones.
        """
        count, after = 0, b""
        with _faults():
            with self._transaction() as writer:
                for name, wrapped in writer.execute("SELECT name, wrapped FROM secrets").fetchall():
                    writer.execute(
                        "UPDATE secrets SET wrapped = ? WHERE name = ?",
                        (wrap(wrapped, name.encode()), name),
                    )
                while rows := [KeyRow(*row) for row in writer.execute(_STANDING, (after,))]:
                    writer.executemany(
                        "UPDATE keys SET wrapped = ? WHERE id = ?",
                        [(wrap(row.wrapped or b"", row.place), row.id) for row in rows],
                    )
                    after = rows[-1].id
                    count += len(rows)
                    on_rewrapped(count)
                nodes.rewrap(writer, wrap)
            with self._writing:
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return count

    def destroyed_after(self, sequence: int) -> list[tuple[int, KeyRow]]:
        """The keys destroyed since, by any process, oldest first."""
        with _faults():
            rows = self._reader.execute(_DESTROYED_AFTER, (sequence,)).fetchall()
        return [(row[0], KeyRow(*row[1:])) for row in rows]

    def items_destroyed_after(self, sequence: int) -> list[tuple[int, bytes, bytes]]:
        """The items' keys destroyed since, by any process: number, key, leaf, oldest first."""
        with _faults():
            return self._reader.execute(nodes.DESTROYED_AFTER, (sequence,)).fetchall()

    def items_destroyed(self) -> int:
        """How many keys of items were ever destroyed."""
        with _faults():
            count: int = self._reader.execute(nodes.COUNT).fetchone()[0]
        return count

    def count(self) -> tuple[int, int]:
        """How many keys there ever were, and how many destructions."""
        with _faults():
            keys, destructions = self._reader.execute(_COUNT).fetchone()
        return keys, destructions

    def listed(self, created_from: str, destructions: int) -> Iterator[KeyRow]:
        """Keys made since a date or destroyed since, on a connection of its own: it may be long."""
        with _faults(), closing(_connect(self._path)) as connection:
            for row in connection.execute(_LISTED, (created_from, destructions)):
                yield KeyRow(*row)

    def items_listed(self, destructions: int) -> Iterator[tuple[bytes, KeyRow]]:
        """Leaf and key of the items destroyed after so many, on a connection of its own."""
        with _faults(), closing(_connect(self._path)) as connection:
            for leaf, *row in connection.execute(nodes.LISTED, (destructions,)):
                yield leaf, KeyRow(*row)

    def destroyed(self) -> Iterator[tuple[bytes, str, str]]:
        """Id, class and date of every destroyed key, on a connection of its own."""
        with _faults(), closing(_connect(self._path)) as connection:
            yield from connection.execute(_DESTROYED)

    def copy_to(self, path: Path) -> None:
        """All of it as it is at one moment, into a new file, while others read and write."""
        with (
            _faults(),
            closing(_connect(self._path)) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            # IMMEDIATE waits for another process's turn here, and not halfway with a stale view.
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")


def _columns(owner: Owner) -> tuple[bytes, str]:
    return owner.subject.to_bytes(16, "big"), owner.key_class


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise VaultFault(f"keys.db: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    give_up_at = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            break
        except sqlite3.OperationalError:
            # Changing the journal's mode does not wait for another process that does the same.
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    return connection
