"""
Which keys there were: no secret, and enough to tell two things when a backup is restored.

Whether the vault beside it has every key that the backup needs, and whose keys had been destroyed.
So an erasure survives whichever of the two is lost: one that only the vault knows holds since the
key is gone; one that only the backup knows, because an older vault was put back, is done again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
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
    """
    A key: its opaque id, whose it is, what it protects, whether it is gone; or, with ``leaf``, the
    key of one item that is gone.
    """

    id: bytes
    subject: UUID
    key_class: str = msgspec.field(name="class")
    destroyed: bool = False
    leaf: bytes | msgspec.UnsetType = msgspec.UNSET


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

    def items_destroyed(self) -> int:
        """How many keys of items were ever destroyed."""

    def items_listed(self, destructions: int) -> Iterator[tuple[bytes, UUID, str, bytes]]:
        """Key's id, subject, class and leaf of the items destroyed since so many destructions."""

    def item_standing(self, id: bytes, leaf: bytes) -> bool:
        """Whether the key of an item, of a key that the vault has, is alive."""

    def forget_items(self, subject: UUID, key_class: str, leaves: Iterable[bytes]) -> int:
        """Destroy the keys of items, all at once."""


class KeyList(NamedTuple):
    """A list that was written."""

    file: File
    keys: int
    destroyed: int
    items_destroyed: int
    entries: bool


class Reckoning(msgspec.Struct, frozen=True):
    """
    A backup's keys, those of items among them, against a vault: ``erased`` are gone in the vault,
    ``pending`` are to be destroyed in it again, ``lost`` it does not have although they were never
    destroyed.
    """

    erased: int
    pending: tuple[Listed, ...]
    lost: tuple[Listed, ...]


def write_list(backup: Backup, vault: Vault, number: int, now: datetime) -> KeyList:
    """The keys made or destroyed since the part before; all, for the first."""
    before: Part | None = backup.parts[-1] if backup.parts else None
    # Counted first: what is listed is at least that.
    keys, destroyed = vault.count()
    items = vault.items_destroyed()
    since = None if before is None else min(before.taken_at, now) - _OVERLAP
    changed = before is None or (keys, destroyed, items) != (
        before.keys, before.destroyed, before.items_destroyed,
    )  # fmt: skip
    with Writing(backup.directory, file_name(number, "keys")) as file:
        if changed:
            for entry in vault.listed(since, 0 if before is None else before.destroyed):
                file.write(msgspec.json.encode(Listed(*entry)) + b"\n")
            since_then = 0 if before is None else before.items_destroyed
            for key, subject, key_class, leaf in vault.items_listed(since_then):
                gone = Listed(key, subject, key_class, destroyed=True, leaf=leaf)
                file.write(msgspec.json.encode(gone) + b"\n")
        return KeyList(file.finish(), keys, destroyed, items, changed)


def reckon(backup: Backup, vault: Vault) -> Reckoning:
    """
    Hold the key lists of all parts against a vault, whichever moment is to be restored: who is
    erased stays erased.
    """
    erased: set[bytes] = set()
    pending: dict[bytes, Listed] = {}
    lost: dict[bytes, Listed] = {}
    items: dict[tuple[bytes, bytes], Listed] = {}
    for entry in _entries(backup):
        if entry.leaf is not msgspec.UNSET:
            items[entry.id, entry.leaf] = entry
            continue
        alive = vault.standing(entry.id)
        if entry.destroyed:
            lost.pop(entry.id, None)
            if alive is not False:
                pending[entry.id] = entry
        elif alive is None:
            lost[entry.id] = entry
        if alive is False:
            erased.add(entry.id)
    # Those of a key that is gone, or is to go, are gone with it.
    of_living = {name for name in items if vault.standing(name[0]) and name[0] not in pending}
    again = [items[name] for name in sorted(of_living) if vault.item_standing(*name)]
    count = len(erased) + len(of_living) - len(again)
    return Reckoning(count, (*pending.values(), *again), tuple(lost.values()))


def settle(reckoning: Reckoning, vault: Vault) -> int:
    """
    Apply erasures again, and treat lost keys as erased; how many keys that were.

    Durable when this returns.
    """
    items: defaultdict[tuple[UUID, str], list[bytes]] = defaultdict(list)
    for entry in (*reckoning.pending, *reckoning.lost):
        if entry.leaf is msgspec.UNSET:
            vault.forget(entry.id, entry.subject, entry.key_class)
        else:
            items[entry.subject, entry.key_class].append(entry.leaf)
    for (subject, key_class), leaves in items.items():
        vault.forget_items(subject, key_class, leaves)
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
