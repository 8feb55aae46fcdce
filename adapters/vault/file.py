"""
The vault in a directory: ``master.key`` beside ``keys.db``.

Sealing and opening are on the path of every write and every read, so a key in memory costs neither
a lock nor a suspension. New keys are made in a thread of their own, everyone's in one transaction:
a thousand members who join at once wait for a handful of syncs and not for a thousand.

Several servers may share one directory. Whatever one destroys, the others stop opening within
``recheck_seconds``: they ask for new destructions, an indexed read of a few microseconds, and
nothing is trusted longer than that.
"""

import asyncio
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import UUID

from adapters.entropy import EntropyPool
from adapters.vault.blind import Blinder
from adapters.vault.database import KeyDatabase, KeyRow
from adapters.vault.key import ID_BYTES, KEY_BYTES, NONCE_BYTES, Key, Owner, VaultFault, key_id_of
from adapters.vault.keyring import Keyring
from adapters.vault.master import Master, open_master
from adapters.vault.rotation import finish, hold
from commands.ports import Clock
from domain.sealed import KeyClass, Sealed

#: Keys read under one hold of the lock, so that a crowd of new members delays no reader.
_READ_AT_ONCE = 64


class _Batch:
    """Owners waiting for their keys. ``keys`` is complete once ``done`` is."""

    def __init__(self) -> None:
        self.owners: set[Owner] = set()
        self.keys: dict[Owner, Key] = {}
        self.done: Future[None] = Future()
        # Now it cannot be cancelled: one who gives up must not take the others' keys along.
        self.done.set_running_or_notify_cancel()


class FileKeyVault:
    """
    Satisfies the ``KeyVault`` port; safe from any thread and any event loop.

    :param directory: made if missing, 0700; its files are 0600.
    :param clock: for the dates of keys.
    :param cache_size: keys kept in memory, about 0.7 kB each.
    :param recheck_seconds: how long another process's destruction may go unnoticed.
    :param service: the key service that wraps the master key, or is to wrap a new one; by default,
        whichever does, and for a new one none.
    :param lent: the master key that another vault in this directory has lent (``lent``).
    :raises VaultFault: the master key is missing, damaged or another vault's, or its key service
        does not unwrap it.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        cache_size: int = 100_000,
        recheck_seconds: float = 1.0,
        *,
        service: str | None = None,
        lent: bytes | None = None,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        self._clock = clock
        self._recheck_seconds = recheck_seconds
        self._recheck_at = 0.0
        self._destructions_seen = 0
        self._ring = Keyring(cache_size)
        self._nonces = EntropyPool()
        #: Held while a key goes from the database to the ring, or out of it: so a key that was
        #: read before its destruction cannot be put there after it.
        self._lock = threading.Lock()
        self._queue = threading.Lock()
        self._batch: _Batch | None = None
        self._in_use: int | None = hold(directory, alone=False)
        try:
            self._database = KeyDatabase(directory / "keys.db")
        except BaseException:
            os.close(self._in_use)
            raise
        try:
            if lent is None:
                finish(directory, self._database)
                # Asked before the master is looked for: keys are only ever stored after it.
                stored = not self._database.is_empty()
                self._master = open_master(directory / "master.key", stored, service)
            else:
                self._master = Master(lent, lent=True)
            self._blinder = Blinder(self._blind_secret(self._master))
            self._catch_up()
        except BaseException:
            self._database.close()
            os.close(self._in_use)
            raise
        self._maker = ThreadPoolExecutor(1, "key-vault")

    @property
    def lent(self) -> bytes | None:
        """
        The master key, for a process of ours that would have to ask a key service for it again;
        None where it can be read. It is the right one for as long as this vault is open.
        """
        return self._master.lent

    @property
    def keys_in_memory(self) -> int:
        """How many keys need no reading."""
        return len(self._ring)

    def close(self) -> None:
        """Wait for keys being made, and close the database."""
        self._maker.shutdown()
        with self._lock:
            self._database.close()
            if self._in_use is not None:
                os.close(self._in_use)
                self._in_use = None

    async def seal(self, subject: UUID, key_class: KeyClass, plain: str) -> Sealed[str]:
        """
        Encrypt under the subject's key of that class, which is made durable first if it is new.
        Suspends only when the key is not in memory.

        :raises KeyDestroyed: the key was destroyed; erasure is final.
        :raises VaultFault: the database failed.
        """
        if monotonic() >= self._recheck_at:
            self._catch_up()
        key = self._ring.owned((subject.int, key_class._value_))
        if key is None:
            owner = Owner.of(subject, key_class)
            key = (await self._ready((owner,)))[owner]
        return key.seal(plain, self._nonces.take(NONCE_BYTES))

    async def prepare(self, subject: UUID, classes: Iterable[KeyClass]) -> None:
        """Make a subject's keys at once, before they are needed."""
        owners = [Owner.of(subject, key_class) for key_class in classes]
        missing = [owner for owner in owners if self._ring.owned(owner) is None]
        if missing:
            await self._ready(missing)

    def open(self, sealed: Sealed[str]) -> str | None:
        """
        The plain text; None when its key was destroyed. Reads one row if the key is not in memory.

        :raises VaultFault: the envelope is forged, damaged or of another vault.
        """
        if monotonic() >= self._recheck_at:
            self._catch_up()
        key_id = key_id_of(sealed.envelope)
        key = self._ring.named(key_id)
        if key is None:
            with self._lock:
                row = self._database.by_id(key_id)
                if row is None:
                    raise VaultFault("the envelope names an unknown key")
                key = self._hold(row)
        return key.open(sealed.envelope)

    def tag(self, subject: UUID) -> bytes | None:
        """
        What stands for a member in digest records, 16 bytes: made with the key of their identity,
        and gone with it. None for whoever has no such key, or has none any longer.
        """
        if monotonic() >= self._recheck_at:
            self._catch_up()
        key = self._ring.owned((subject.int, KeyClass.IDENTITY.value))
        if key is None:
            with self._lock:
                row = self._database.by_owner(Owner.of(subject, KeyClass.IDENTITY))
                if row is None:
                    return None
                key = self._hold(row)
        return key.tag

    def destructions(self) -> int:
        """Another number once a key was destroyed, by any process, as soon as it is known here."""
        if monotonic() >= self._recheck_at:
            self._catch_up()
        return self._destructions_seen

    def blind(self, namespace: str, value: str) -> bytes:
        """A keyed digest, 32 bytes: always the same for the same value in a namespace."""
        return self._blinder.blind(namespace, value)

    def destroy(self, subject: UUID, key_class: KeyClass) -> bool:
        """
        Forget a key for ever, durably; False when that was done before. Waits for the disk.

        A subject who has no key of that class never gets one.
        """
        at = self._clock.now().isoformat()
        owner = Owner.of(subject, key_class)
        destroyed = self._database.destroy(owner, os.urandom(ID_BYTES), at)
        self._catch_up()
        return destroyed

    def forget(self, id: bytes, subject: UUID, key_class: str) -> None:
        """
        Destroy a key by its id, durably, whether it is here or not: what names it opens to nothing.
        """
        at = self._clock.now().isoformat()
        self._database.destroy(Owner(subject.int, key_class), id, at)
        self._catch_up()

    def standing(self, id: bytes) -> bool | None:
        """Whether a key is alive; None when there is none of that id."""
        with self._lock:
            row = self._database.by_id(id)
        return None if row is None else row.wrapped is not None

    def count(self) -> tuple[int, int]:
        """How many keys there ever were, and how many destructions; neither ever falls."""
        with self._lock:
            return self._database.count()

    def listed(
        self, created_from: datetime | None, destructions: int
    ) -> Iterator[tuple[bytes, UUID, str, bool]]:
        """
        Id, subject, class and whether it is destroyed, of every key made since a time or destroyed
        after so many destructions; of every key at all, without a time. In no order.
        """
        since = "" if created_from is None else created_from.isoformat()
        for row in self._database.listed(since, destructions):
            yield row.id, UUID(bytes=row.subject), row.key_class, row.wrapped is None

    def copy_to(self, path: Path) -> None:
        """The keys, still wrapped, as they are at one moment, into a new file."""
        self._database.copy_to(path)

    def _blind_secret(self, master: Master) -> bytes:
        fresh = master.wrap(os.urandom(KEY_BYTES), b"blind")
        return master.unwrap(self._database.secret("blind", fresh), b"blind")

    def _hold(self, row: KeyRow) -> Key:
        secret = None if row.wrapped is None else self._master.unwrap(row.wrapped, row.place)
        key = Key(row.id, row.owner, secret)
        self._ring.hold(key)
        return key

    def _catch_up(self) -> None:
        """Drop what any process destroyed since the last time."""
        with self._lock:
            asked_at = monotonic()
            for sequence, row in self._database.destroyed_after(self._destructions_seen):
                self._hold(row)
                self._destructions_seen = sequence
            # Last: while the database does not answer, no key is trusted.
            self._recheck_at = asked_at + self._recheck_seconds

    async def _ready(self, owners: Iterable[Owner]) -> dict[Owner, Key]:
        """The owners' keys, durable. Whoever asks while a batch is written shares the next."""
        with self._queue:
            batch = self._batch
            if batch is None:
                batch = self._batch = _Batch()
                self._maker.submit(self._make, batch)
            batch.owners.update(owners)
        await asyncio.wrap_future(batch.done)
        return batch.keys

    def _make(self, batch: _Batch) -> None:
        """Find or make the keys of a batch; runs in the vault's own thread."""
        with self._queue:
            assert self._batch is batch
            self._batch = None
        try:
            missing = self._find(batch, list(batch.owners))
            if missing:
                rows = [self._new_row(owner) for owner in missing]
                self._database.create(rows, self._clock.now().isoformat())
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

    def _new_row(self, owner: Owner) -> KeyRow:
        subject = owner.subject.to_bytes(16, "big")
        row = KeyRow(os.urandom(ID_BYTES), subject, owner.key_class, None)
        return row._replace(wrapped=self._master.wrap(os.urandom(KEY_BYTES), row.place))
