"""
Which keys there were: no secret, and enough to tell two things when a backup is restored.

Whether the vault beside it has every key that the backup needs, and whose keys had been destroyed.
So an erasure survives whichever of the two is lost: one that only the vault knows holds since the
key is gone; one that only the backup knows, because an older vault was put back, is done again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from adapters.backup import files
from adapters.backup.faults import BackupFault
from adapters.backup.files import File, Writing
from adapters.backup.parts import Backup, Part, file_name

#: How far back a list goes beyond the part before, for clocks that were set back meanwhile.
_OVERLAP: Final = timedelta(hours=1)


class Listed(msgspec.Struct, frozen=True):
    """A key: its opaque id, whose it is, what it protects, whether it is gone."""

    id: bytes
    subject: UUID
    key_class: str = msgspec.field(name="class")
    destroyed: bool = False


class Vault(Protocol):
    """What backups need of the key vault."""

    def blind(self, namespace: str, value: str) -> bytes: ...

    def count(self) -> tuple[int, int]:
        """How many keys there ever were, and how many destructions; neither ever falls."""

    def listed(
        self, created_from: datetime | None, destructions: int
    ) -> Iterator[tuple[bytes, UUID, str, bool]]:
        """Keys made since a time or destroyed since so many destructions, in no order."""

    def standing(self, id: bytes) -> bool | None:
        """Whether a key is alive; None when the vault has no such key."""

    def forget(self, id: bytes, subject: UUID, key_class: str) -> None:
        """Destroy a key that the vault may not even have."""


class KeyList(NamedTuple):
    """A list that was written."""

    file: File
    keys: int
    destroyed: int
    entries: bool


class Reckoning(msgspec.Struct, frozen=True):
    """
    A backup's keys against a vault: ``erased`` are gone in the vault, ``pending`` are to be
    destroyed in it again, ``lost`` it does not have although they were never destroyed.
    """

    erased: int
    pending: tuple[Listed, ...]
    lost: tuple[Listed, ...]


def write_list(backup: Backup, vault: Vault, number: int, now: datetime) -> KeyList:
    """The keys made or destroyed since the part before; all, for the first."""
    before: Part | None = backup.parts[-1] if backup.parts else None
    # Counted first: what is listed is at least that.
    keys, destroyed = vault.count()
    since = None if before is None else min(before.taken_at, now) - _OVERLAP
    changed = before is None or (keys, destroyed) != (before.keys, before.destroyed)
    with Writing(backup.directory, file_name(number, "keys")) as file:
        if changed:
            for entry in vault.listed(since, 0 if before is None else before.destroyed):
                file.write(msgspec.json.encode(Listed(*entry)) + b"\n")
        return KeyList(file.finish(), keys, destroyed, changed)


def reckon(backup: Backup, vault: Vault) -> Reckoning:
    """
    Hold the key lists of all parts against a vault, whichever moment is to be restored: who is
    erased stays erased.
    """
    erased: set[bytes] = set()
    pending: dict[bytes, Listed] = {}
    lost: dict[bytes, Listed] = {}
    for entry in _entries(backup):
        alive = vault.standing(entry.id)
        if entry.destroyed:
            lost.pop(entry.id, None)
            if alive is not False:
                pending[entry.id] = entry
        elif alive is None:
            lost[entry.id] = entry
        if alive is False:
            erased.add(entry.id)
    return Reckoning(len(erased), tuple(pending.values()), tuple(lost.values()))


def settle(reckoning: Reckoning, vault: Vault) -> int:
    """
    Apply erasures again, and treat lost keys as erased; how many keys that were.

    Durable when this returns.
    """
    for entry in (*reckoning.pending, *reckoning.lost):
        vault.forget(entry.id, entry.subject, entry.key_class)
    return len(reckoning.pending) + len(reckoning.lost)


def _entries(backup: Backup) -> Iterator[Listed]:
    decode = msgspec.json.Decoder(Listed).decode
    for part in backup.parts:
        rest = b""
        for piece in files.read(backup.directory, part.files["keys"]):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                try:
                    yield decode(line)
                except msgspec.DecodeError:
                    raise BackupFault(f"{part.files['keys'].name} is no list of keys") from None
