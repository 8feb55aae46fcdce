"""
New keys, made durable before anything is sealed with them.

They are made in a thread of their own, everyone's in one transaction: a thousand members who join
at once wait for a handful of syncs and not for a thousand.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from adapters.vault.database import KeyDatabase, KeyRow
from adapters.vault.key import ID_BYTES, KEY_BYTES, Key, Owner
from adapters.vault.master import Master
from adapters.vault.nodes import bound
from adapters.vault.tree import NODE_BYTES, ROOT
from commands.ports import Clock

T = TypeVar("T")

#: Keys read under one hold of the lock, so that a crowd of new members delays no reader.
_READ_AT_ONCE: Final = 64


class _Batch:
    """
    Owners waiting for their keys, some of them ``with_items`` for a tree as well. ``keys`` is
    complete once ``done`` is.
    """

    def __init__(self) -> None:
        self.owners: set[Owner] = set()
        self.with_items: set[Owner] = set()
        self.keys: dict[Owner, Key] = {}
        self.done: Future[None] = Future()
        # Now it cannot be cancelled: one who gives up must not take the others' keys along.
        self.done.set_running_or_notify_cancel()


class KeyMaker:
    """
    Finds or makes keys, in its own thread.

    :param lock: the vault's, held while a key goes from the database to ``hold``.
    """

    def __init__(
        self,
        database: KeyDatabase,
        master: Master,
        clock: Clock,
        lock: threading.Lock,
        hold: Callable[[KeyRow], Key],
    ) -> None:
        self._database = database
        self._master = master
        self._clock = clock
        self._lock = lock
        self._hold = hold
        self._queue = threading.Lock()
        self._batch: _Batch | None = None
        self._thread = ThreadPoolExecutor(1, "key-vault")

    def close(self) -> None:
        """Wait for what is being made."""
        self._thread.shutdown()

    async def do(self, work: Callable[[], T]) -> T:
        """Other work on the database that waits for the disk, between two batches."""
        return await asyncio.wrap_future(self._thread.submit(work))

    async def ready(
        self, owners: Collection[Owner], *, with_items: bool = False
    ) -> dict[Owner, Key]:
        """
        The owners' keys, durable. Whoever asks while a batch is written shares the next.

        :param with_items: their trees are wanted as well.
        """
        with self._queue:
            batch = self._batch
            if batch is None:
                batch = self._batch = _Batch()
                self._thread.submit(self._make, batch)
            batch.owners.update(owners)
            if with_items:
                batch.with_items.update(owners)
        await asyncio.wrap_future(batch.done)
        return batch.keys

    def _make(self, batch: _Batch) -> None:
        """Find or make the keys of a batch; runs in the vault's own thread."""
        with self._queue:
            assert self._batch is batch
            self._batch = None
        try:
            missing = self._find(batch, list(batch.owners))
            rows = {owner: self.new_row(owner) for owner in missing}
            roots = self._new_roots(batch, rows)
            if rows or roots:
                self._database.create(rows.values(), roots, self._clock.now().isoformat())
                # Read back: of two servers that made the same key, one was first.
                lost = self._find(batch, missing)
                assert not lost
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
            batch.done.set_exception(error)
        else:
            batch.done.set_result(None)

    def _find(self, batch: _Batch, owners: list[Owner]) -> list[Owner]:
        missing = []
        for start in range(0, len(owners), _READ_AT_ONCE):
            with self._lock:
                for owner in owners[start : start + _READ_AT_ONCE]:
                    row = self._database.by_owner(owner)
                    if row is None:
                        missing.append(owner)
                    else:
                        batch.keys[owner] = self._hold(row)
        return missing

    def new_row(self, owner: Owner) -> KeyRow:
        """A new key, not stored yet."""
        subject = owner.subject.to_bytes(16, "big")
        row = KeyRow(os.urandom(ID_BYTES), subject, owner.key_class, None)
        return row._replace(wrapped=self._master.wrap(os.urandom(KEY_BYTES), row.place))

    def _new_roots(self, batch: _Batch, rows: Mapping[Owner, KeyRow]) -> list[tuple[bytes, bytes]]:
        """For each key that has no tree and is to have one its id, and a wrapped root."""
        bare = []
        for owner in batch.with_items:
            if owner in rows:
                bare.append(rows[owner].id)
            else:
                key = batch.keys[owner]
                with self._lock:
                    root = self._database.tree(key.id, self._master).get(ROOT)
                if root is None:
                    bare.append(key.id)
        wrap = self._master.wrap
        return [(key, wrap(os.urandom(NODE_BYTES), bound(key, ROOT))) for key in bare]
