"""
Which keys were destroyed, as a bundle states it.
"""

from collections.abc import Sequence

from adapters.vault import FileKeyVault
from domain.evidence.bundles import DestroyedKey
from domain.evidence.records import moment_of
from domain.sealed import KeyClass
from replay.bundles.making import Destroyed


def destroyed_in(vault: FileKeyVault) -> Destroyed:
    """Tells of keys which of them were destroyed, and when."""

    def destroyed(keys: frozenset[str]) -> Sequence[DestroyedKey]:
        return [
            DestroyedKey(KeyClass(key_class), moment_of(at), key_id.hex())
            for key_id, key_class, at in vault.destroyed()
            if key_id.hex() in keys
        ]

    return destroyed
