"""
The vault's twin without a disk, for tests and simulation.

It passes the same suite as the file vault. Given a source of bytes it makes the same envelopes
again, so that a simulated history can be compared byte for byte.
"""

import os
from collections.abc import Callable, Iterable
from uuid import UUID

from adapters.vault.blind import Blinder
from adapters.vault.key import ID_BYTES, KEY_BYTES, NONCE_BYTES, Key, Owner, VaultFault, key_id_of
from domain.sealed import KeyClass, Sealed


class MemoryKeyVault:
    """
    Keys in two dicts.

    :param random_bytes: gives as many random bytes as asked for.
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._by_id: dict[bytes, Key] = {}
        self._by_owner: dict[Owner, Key] = {}
        self._blinder = Blinder(random_bytes(KEY_BYTES))
        self._destructions = 0

    async def seal(self, subject: UUID, key_class: KeyClass, plain: str) -> Sealed[str]:
        """Encrypt under the subject's key of that class; never suspends."""
        key = self._key(Owner.of(subject, key_class))
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
        key = self._by_id.get(key_id_of(sealed.envelope))
        if key is None:
            raise VaultFault("the envelope names an unknown key")
        return key.open(sealed.envelope)

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
        self._destructions += 1
        return True

    def close(self) -> None:
        """Nothing to close."""

    def _key(self, owner: Owner) -> Key:
        key = self._by_owner.get(owner)
        if key is None:
            key = Key(self._random_bytes(ID_BYTES), owner, self._random_bytes(KEY_BYTES))
            self._by_id[key.id] = self._by_owner[owner] = key
        return key
