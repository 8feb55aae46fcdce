"""
The vault in a directory: ``master.key`` beside ``keys.db``.

Sealing and opening are on the path of every write and every read, so a key in memory costs neither
a lock nor a suspension. The keys of items follow from their member's tree (``tree.py``), in
microseconds and without a look at the disk.

Several servers may share one directory. Whatever one destroys, the others stop opening within
``recheck_seconds``: they ask for new destructions, an indexed read of a few microseconds, and
nothing is trusted longer than that.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from uuid import UUID

from adapters.entropy import EntropyPool
from adapters.vault.blind import Blinder
from adapters.vault.database import KeyDatabase, KeyRow
from adapters.vault.items import ItemKeys
from adapters.vault.key import (
    FORMAT,
    ID_BYTES,
    ITEM_FORMAT,
    KEY_BYTES,
    NONCE_BYTES,
    Cipher,
    Key,
    KeyDestroyed,
    Owner,
    VaultFault,
    head_of,
    key_id_of,
)
from adapters.vault.keyring import Keyring
from adapters.vault.making import KeyMaker
from adapters.vault.master import Master, open_master
from adapters.vault.rotation import finish, hold
from adapters.vault.tree import leaf_of
from commands.ports import Clock
from domain.sealed import KeyClass, Sealed


class FileKeyVault:
    """
    Satisfies the ``KeyVault`` port; safe from any thread and any event loop.

    :param directory: made if missing, 0700; its files are 0600.
    :param clock: for the dates of keys.
    :param cache_size: keys kept in memory, about 0.7 kB each, and as many of items.
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
        self._items_seen = 0
        self._ring = Keyring(cache_size)
        self._items = ItemKeys(cache_size)
        self._nonces = EntropyPool()
        #: Held while a key goes from the database to the ring, or out of it: so a key that was
        #: read before its destruction cannot be put there after it.
        self._lock = threading.Lock()
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
            self._items_seen = self._database.items_destroyed()
            self._catch_up()
        except BaseException:
            self._database.close()
            os.close(self._in_use)
            raise
        self._maker = KeyMaker(self._database, self._master, clock, self._lock, self._hold)

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
        self._maker.close()
        with self._lock:
            self._database.close()
            if self._in_use is not None:
                os.close(self._in_use)
                self._in_use = None

    async def seal(
        self, subject: UUID, key_class: KeyClass, plain: str, item: UUID | None = None
    ) -> Sealed[str]:
        """
        Encrypt under the subject's key of that class, which is made durable first if it is new; or
        under that of one of its items. Suspends only when the subject's key is not in memory, or
        has no items yet.

        :raises KeyDestroyed: the key was destroyed; erasure is final.
        :raises VaultFault: the database failed.
        """
        if monotonic() >= self._recheck_at:
            self._catch_up()
        key = self._ring.owned((subject.int, key_class._value_))
        if key is None:
            owner = Owner.of(subject, key_class)
            key = (await self._maker.ready((owner,), with_items=item is not None))[owner]
        if item is None or key.destroyed:
            return key.seal(plain, self._nonces.take(NONCE_BYTES))
        head = ITEM_FORMAT + key.id + leaf_of(item)
        cipher = self._items.named(head) or self._derived(head)
        if cipher is None:
            await self._maker.ready((key.owner,), with_items=True)
            cipher = self._derived(head)
            if cipher is None:
                raise KeyDestroyed("this key was destroyed")
        return cipher.seal(plain, self._nonces.take(NONCE_BYTES))

    async def prepare(self, subject: UUID, classes: Iterable[KeyClass]) -> None:
        """Make a subject's keys at once, before they are needed; that of content with its tree."""
        for with_items in (False, True):
            owners = [
                Owner.of(subject, key_class)
                for key_class in classes
                if (key_class is KeyClass.CONTENT) is with_items
            ]
            missing = [owner for owner in owners if self._ring.owned(owner) is None]
            if missing:
                await self._maker.ready(missing, with_items=with_items)

    def open(self, sealed: Sealed[str]) -> str | None:
        """
        The plain text; None when its key was destroyed. Reads a few rows if that is not in memory.

        :raises VaultFault: the envelope is forged, damaged or of another vault.
        """
        if monotonic() >= self._recheck_at:
            self._catch_up()
        envelope = sealed.envelope
        head = head_of(envelope)
        cipher = self._items.named(head)
        if cipher is None:
            cipher = self._read(head)
        return cipher.open(envelope)

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
        return self._destructions_seen + self._items_seen

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

    async def destroy_items(self, subject: UUID, key_class: KeyClass, items: Iterable[UUID]) -> int:
        """
        Forget the keys of some of a subject's items for ever, durably and all at once; how many
        were not forgotten before. What else the key protects stays readable.
        """
        leaves = [leaf_of(item) for item in items]
        return await self._maker.do(partial(self.forget_items, subject, key_class.value, leaves))

    def forget_items(self, subject: UUID, key_class: str, leaves: Iterable[bytes]) -> int:
        """The same, by the leaves of the items. Waits for the disk."""
        at, row = self._clock.now().isoformat(), self._maker.new_row(Owner(subject.int, key_class))
        gone = self._database.destroy_items(row, leaves, self._master, at)
        self._catch_up()
        return gone

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

    def item_standing(self, id: bytes, leaf: bytes) -> bool:
        """Whether the key of an item, of a key that is there, is alive or might come to be."""
        cipher = self._derived(ITEM_FORMAT + id + leaf)
        return bool(self.standing(id)) and (cipher is None or not cipher.destroyed)

    def items_destroyed(self) -> int:
        """How many keys of items were ever destroyed."""
        with self._lock:
            return self._database.items_destroyed()

    def items_listed(self, destructions: int) -> Iterator[tuple[bytes, UUID, str, bytes]]:
        """Key's id, subject, class and leaf of the items destroyed after so many."""
        for leaf, row in self._database.items_listed(destructions):
            yield row.id, UUID(bytes=row.subject), row.key_class, leaf

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

    def destroyed(self) -> Iterator[tuple[bytes, str, datetime]]:
        """Id, class and when, of every key that was destroyed. In no order."""
        for key_id, key_class, at in self._database.destroyed():
            yield key_id, key_class, datetime.fromisoformat(at)

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

    def _named(self, key_id: bytes) -> Key:
        """
        The key of that id.

        :raises VaultFault: there is none.
        """
        key = self._ring.named(key_id)
        if key is None:
            with self._lock:
                row = self._database.by_id(key_id)
                if row is None:
                    raise VaultFault("the envelope names an unknown key")
                key = self._hold(row)
        return key

    def _read(self, head: bytes) -> Cipher:
        """What opens envelopes of a head, where it is no item's whose key is in memory."""
        key = self._named(key_id_of(head))
        if head[:1] == FORMAT or key.destroyed:
            return key
        cipher = self._derived(head)
        if cipher is not None:
            return cipher
        raise VaultFault("the envelope is of an item, and its key has none")

    def _derived(self, head: bytes) -> Cipher | None:
        """The key of an item; None when there are none of its subject's key."""
        with self._lock:
            stored = self._database.tree(key_id_of(head), self._master)
            return self._items.derive(head, stored)

    def _catch_up(self) -> None:
        """Drop what any process destroyed since the last time."""
        with self._lock:
            asked_at = monotonic()
            for sequence, row in self._database.destroyed_after(self._destructions_seen):
                self._hold(row)
                self._items.clear()
                self._destructions_seen = sequence
            for sequence, key, leaf in self._database.items_destroyed_after(self._items_seen):
                self._items.drop(key, leaf)
                self._items_seen = sequence
            # Last: while the database does not answer, no key is trusted.
            self._recheck_at = asked_at + self._recheck_seconds
