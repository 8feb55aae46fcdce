"""
The vault's twin without a disk, for tests and simulation.

It passes the same suite as the file vault. Given a source of bytes it makes the same envelopes
again, so that a simulated history can be compared byte for byte.
"""

import os
from collections.abc import Callable, Iterable
from uuid import UUID

from adapters.vault import tree
from adapters.vault.blind import Blinder
from adapters.vault.key import (
    FORMAT,
    ID_BYTES,
    ITEM_FORMAT,
    KEY_BYTES,
    NONCE_BYTES,
    Cipher,
    Key,
    Owner,
    VaultFault,
    head_of,
    key_id_of,
)
from domain.sealed import KeyClass, Sealed


class _Places(dict[bytes, bytes]):
    """What is kept of a tree."""

    put = dict.__setitem__


class MemoryKeyVault:
    """
    Keys in two dicts, and trees in another.

    :param random_bytes: gives as many random bytes as asked for.
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._by_id: dict[bytes, Key] = {}
        self._by_owner: dict[Owner, Key] = {}
        self._trees: dict[bytes, _Places] = {}
        self._blinder = Blinder(random_bytes(KEY_BYTES))
        self._destructions = 0

    async def seal(
        self, subject: UUID, key_class: KeyClass, plain: str, item: UUID | None = None
    ) -> Sealed[str]:
        """Encrypt under the subject's key of that class, or one of its items'; never suspends."""
        key: Cipher = self._key(Owner.of(subject, key_class))
        if item is not None and not key.destroyed:
            head = ITEM_FORMAT + key_id_of(key.head) + tree.leaf_of(item)
            key = Cipher(head, tree.derive(self._tree(key_id_of(head)).get, tree.leaf_of(item)))
        return key.seal(plain, self._random_bytes(NONCE_BYTES))

    async def prepare(self, subject: UUID, classes: Iterable[KeyClass]) -> None:
        """Make a subject's keys before they are needed."""
        for key_class in classes:
            self._key(Owner.of(subject, key_class))

    def open(self, sealed: Sealed[str]) -> str | None:
        """
        The plain text; None when its key was destroyed.

        :raises VaultFault: the envelope is forged, damaged or of another vault.
        """
        head = head_of(sealed.envelope)
        key = self._by_id.get(key_id_of(head))
        if key is None:
            raise VaultFault("the envelope names an unknown key")
        if head[:1] == FORMAT or key.destroyed:
            return key.open(sealed.envelope)
        if key.id not in self._trees:
            raise VaultFault("the envelope is of an item, and its key has none")
        leaf = head[len(key.head) :]
        return Cipher(head, tree.derive(self._trees[key.id].get, leaf)).open(sealed.envelope)

    def destructions(self) -> int:
        """How many keys were destroyed."""
        return self._destructions

    def blind(self, namespace: str, value: str) -> bytes:
        """A keyed digest, 32 bytes."""
        return self._blinder.blind(namespace, value)

    def destroy(self, subject: UUID, key_class: KeyClass) -> bool:
        """Forget a key for ever; False when that was done before."""
        owner = Owner.of(subject, key_class)
        key = self._key(owner)
        if key.destroyed:
            return False
        self._by_id[key.id] = self._by_owner[owner] = Key(key.id, owner, None)
        self._trees.pop(key.id, None)
        self._destructions += 1
        return True

    async def destroy_items(self, subject: UUID, key_class: KeyClass, items: Iterable[UUID]) -> int:
        """Forget the keys of some of a subject's items for ever; how many were not before."""
        key = self._key(Owner.of(subject, key_class))
        if key.destroyed:
            return 0
        nodes = self._tree(key.id)
        gone = sum(tree.puncture(nodes, tree.leaf_of(item)) for item in items)
        self._destructions += gone
        return gone

    def close(self) -> None:
        """Nothing to close."""

    def _tree(self, key_id: bytes) -> "_Places":
        nodes = self._trees.get(key_id)
        if nodes is None:
            nodes = self._trees[key_id] = _Places()
            nodes.put(tree.ROOT, self._random_bytes(tree.NODE_BYTES))
        return nodes

    def _key(self, owner: Owner) -> Key:
        key = self._by_owner.get(owner)
        if key is None:
            key = Key(self._random_bytes(ID_BYTES), owner, self._random_bytes(KEY_BYTES))
            self._by_id[key.id] = self._by_owner[owner] = key
        return key
