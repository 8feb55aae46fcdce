"""
The trees of items' keys in the vault's database: every statement about them.

What lies at a place of a tree is wrapped by the master key and bound to that place, like a key to
its row. A place is only ever overwritten by what has less in it, so whoever reads several while
somebody punctures finds each leaf as it was before or as it is after.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable

from adapters.vault import tree
from adapters.vault.master import Master

SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (
    key BLOB NOT NULL,
    place BLOB NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (key, place)
);
CREATE TABLE IF NOT EXISTS item_destructions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL,
    leaf BLOB NOT NULL,
    UNIQUE (key, leaf)
);
"""

#: A node of a key that is there, where nothing lies yet.
PLANT = """
INSERT INTO nodes (key, place, wrapped)
SELECT id, :place, :wrapped FROM keys WHERE id = :key AND wrapped IS NOT NULL
ON CONFLICT DO NOTHING
"""
FELL = "DELETE FROM nodes WHERE key IN (SELECT id FROM keys WHERE subject = ? AND class = ?)"
RECORD = "INSERT INTO item_destructions (key, leaf) VALUES (?, ?) ON CONFLICT DO NOTHING"
DESTROYED_AFTER = """
SELECT sequence, key, leaf FROM item_destructions WHERE sequence > ? ORDER BY sequence
"""
COUNT = "SELECT coalesce(max(sequence), 0) FROM item_destructions"
LISTED = """
SELECT d.leaf, k.id, k.subject, k.class, k.wrapped
FROM item_destructions d JOIN keys k ON k.id = d.key WHERE d.sequence > ? ORDER BY d.sequence
"""

_GET = "SELECT wrapped FROM nodes WHERE key = ? AND place = ?"
_PUT = "INSERT OR REPLACE INTO nodes (key, place, wrapped) VALUES (?, ?, ?)"
_ALL = "SELECT rowid, key, place, wrapped FROM nodes WHERE rowid > ? ORDER BY rowid LIMIT 1000"
#: Changed places held back before they are written: about 4 MB.
_HELD_MAX = 2_000


def bound(key: bytes, place: bytes) -> bytes:
    """What a wrapped node is bound to: this place of this key's tree and no other."""
    return b"node" + key + place


class StoredNodes:
    """
    One key's tree in the database.

    What is put is written by :meth:`flush`, or earlier where it is much: a transaction that
    punctures many leaves wraps what they share once.
    """

    def __init__(self, connection: sqlite3.Connection, key: bytes, master: Master) -> None:
        self._connection = connection
        self._key = key
        self._master = master
        self._held: dict[bytes, bytes] = {}

    def get(self, place: bytes) -> bytes | None:
        """What lies at a place."""
        held = self._held.get(place)
        if held is not None:
            return held
        row = self._connection.execute(_GET, (self._key, place)).fetchone()
        return None if row is None else self._master.unwrap(row[0], bound(self._key, place))

    def put(self, place: bytes, kept: bytes) -> None:
        """Keep something at a place."""
        self._held[place] = kept
        if len(self._held) >= _HELD_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what was put."""
        wrap = self._master.wrap
        self._connection.executemany(
            _PUT,
            [
                (self._key, place, wrap(kept, bound(self._key, place)))
                for place, kept in self._held.items()
            ],
        )
        self._held.clear()

    def puncture(self, leaves: Iterable[bytes]) -> int:
        """Puncture leaves, of a tree that is planted first if there is none; how many are new."""
        if self.get(tree.ROOT) is None:
            self.put(tree.ROOT, os.urandom(tree.NODE_BYTES))
        gone = [leaf for leaf in leaves if tree.puncture(self, leaf)]
        self.flush()
        self._connection.executemany(RECORD, [(self._key, leaf) for leaf in gone])
        return len(gone)


def rewrap(connection: sqlite3.Connection, wrap: Callable[[bytes, bytes], bytes]) -> None:
    """Wrap all of every tree anew, from the wrapped bytes and what they are bound to."""
    after = 0
    while rows := connection.execute(_ALL, (after,)).fetchall():
        connection.executemany(
            "UPDATE nodes SET wrapped = ? WHERE rowid = ?",
            [(wrap(wrapped, bound(key, place)), row) for row, key, place, wrapped in rows],
        )
        after = rows[-1][0]
