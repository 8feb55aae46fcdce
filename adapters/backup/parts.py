"""
What a backup directory holds: parts, one a run.

The first part is the base, each later one the log's tail since. A part is its files and, written
last, ``NUMBER.json``, which names them with their digests and says where the log stood: the
checkpoint. It is sealed by the key vault, which nobody else can do, and names the part before it by
digest: so nothing in a backup can be altered, exchanged or taken from its middle unnoticed.
"""

import fcntl
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from adapters.backup import files
from adapters.backup.faults import BackupFault
from adapters.backup.files import File
from adapters.backup.photos import PHOTOS

FORMAT: Final = 1
_NAMESPACE: Final = "backup"


class Sealer(Protocol):
    """What a backup needs of the key vault for its seal."""

    def blind(self, namespace: str, value: str) -> bytes: ...


class Mark(msgspec.Struct, frozen=True):
    """
    How a cell stood: its last position, when that was recorded, the epoch of its rules, and the
    digest of its events (``rows.py``) there and one event before.
    """

    position: int
    recorded_at: datetime
    rules_epoch: int
    sha256: str
    before: str


class TreeKey(msgspec.Struct, frozen=True):
    """A key that signed the tree, since and until which size."""

    vkey: str
    since: int | None
    until: int | None


class TreeMark(msgspec.Struct, frozen=True):
    """
    How the notary's tree stood: its log, the keys that signed it, the newest first, its size and
    root, and the size that was signed last. ``first`` is the leaf with which the part begins: 0
    where it has the whole tree. ``signed_before`` is what the part before had as ``signed``.
    """

    origin: str
    keys: tuple[TreeKey, ...]
    first: int
    size: int
    root: str
    signed: int
    signed_before: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """
    One run. ``cells`` is the checkpoint; ``subscribers`` says how far policies were; ``keys``,
    ``destroyed`` and ``items_destroyed`` count what the vault had; ``events`` counts what this part
    adds; ``tree`` is the notary's, where it had begun.
    """

    format: int = FORMAT
    number: int
    previous: str | None
    taken_at: datetime
    release: str
    revision: str
    vault: str
    events: int
    cells: dict[int, Mark]
    subscribers: dict[str, dict[int, int]]
    keys: int
    destroyed: int
    files: dict[str, File]
    tree: TreeMark | None = None
    items_destroyed: int = 0

    @property
    def heads(self) -> dict[int, int]:
        """The last position of every cell."""
        return {cell: mark.position for cell, mark in self.cells.items()}


class _Sealed(msgspec.Struct):
    seal: str
    part: msgspec.Raw


class Backup:
    """The parts in a directory, none of them believed before :meth:`check_seals`."""

    def __init__(self, directory: Path) -> None:
        """
        :raises BackupFault: what is there is not a backup, or not a whole one.
        """
        self.directory = directory
        self.parts: list[Part] = []
        self._raw: list[bytes] = []
        self._seals: list[str] = []
        for number in range(1, _last_number(directory) + 1):
            self._read(number)

    @property
    def last(self) -> Part:
        """
        The newest part.

        :raises BackupFault: there is none.
        """
        if not self.parts:
            raise BackupFault(f"there is no backup in {self.directory}")
        return self.parts[-1]

    @property
    def events(self) -> int:
        """How many events it holds."""
        return sum(part.events for part in self.parts)

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        return sum(file.bytes for part in self.parts for file in part.files.values())

    def check_seals(self, vault: Sealer) -> None:
        """
        Hold every part against the vault's seal.

        :raises BackupFault: another vault made it, or a part is not as it was made.
        """
        identity = identity_of(vault)
        previous: str | None = None
        for part, raw, seal in zip(self.parts, self._raw, self._seals, strict=True):
            path = self.directory / _name(part.number)
            if part.vault != identity:
                raise BackupFault("the backup was taken with another key vault than this one")
            if not hmac.compare_digest(seal, _seal(vault, raw)):
                raise BackupFault(f"{path} is damaged: its seal does not fit")
            if part.previous != previous:
                raise BackupFault(f"{path} does not follow the part before it")
            previous = hashlib.sha256(raw).hexdigest()

    def check_files(self, told: Callable[[int], None]) -> None:
        """
        Hold every file against its digest.

        :param told: hears how many bytes were read.
        :raises BackupFault: one is missing, damaged or altered.
        """
        for part in self.parts:
            for file in part.files.values():
                files.check(self.directory, file, told)

    def next(self) -> tuple[int, str | None]:
        """The number of the part to come, and the digest of the one before it."""
        previous = hashlib.sha256(self._raw[-1]).hexdigest() if self._raw else None
        return len(self.parts) + 1, previous

    def add(self, part: Part, vault: Sealer) -> None:
        """Make a part whose files are in place a part of the backup, durably."""
        raw = msgspec.json.encode(part)
        seal = _seal(vault, raw)
        data = msgspec.json.encode(_Sealed(seal, msgspec.Raw(raw)))
        files.write_text(self.directory, _name(part.number), data)
        self.parts.append(part)
        self._raw.append(raw)
        self._seals.append(seal)

    def _read(self, number: int) -> None:
        path = self.directory / _name(number)
        try:
            sealed = msgspec.json.decode(path.read_bytes(), type=_Sealed)
            part = msgspec.json.decode(sealed.part, type=Part)
        except FileNotFoundError:
            raise BackupFault(f"{path} is missing") from None
        except OSError as error:
            raise BackupFault(f"cannot read {path}: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BackupFault(f"{path} is damaged: it does not describe a part") from None
        if part.format != FORMAT:
            raise BackupFault(f"{path} was made by a newer release of Homezone")
        if part.number != number:
            raise BackupFault(f"{path} is damaged: it describes part {part.number}")
        self.parts.append(part)
        self._raw.append(bytes(sealed.part))
        self._seals.append(sealed.seal)


def identity_of(vault: Sealer) -> str:
    """By what a vault is known: the same for ever, and telling nothing of it."""
    return vault.blind(_NAMESPACE, "vault").hex()


def file_name(number: int, what: str) -> str:
    """What a part's file is called."""
    return f"{number:08}.{what}.gz"


@contextmanager
def writing_to(directory: Path) -> Iterator[None]:
    """
    A directory for a backup, made if it is not there, ours alone until the block ends.

    :raises BackupFault: somebody else writes to it, or it holds other things.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BackupFault(f"cannot make {directory}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFault(f"another backup into {directory} is under way") from None
        yield
    finally:
        os.close(descriptor)


def _last_number(directory: Path) -> int:
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise BackupFault(f"cannot read {directory}: {error.strerror}") from error
    ours = [name for name in names if name[:8].isdecimal() and name[8:9] == "."]
    others = [name for name in names if name not in ours and not name.endswith(".unfinished")]
    if others := sorted({*others} - {"lost+found", PHOTOS}):
        raise BackupFault(f"{directory} holds other things than a backup, such as {others[0]}")
    return max((int(name[:8]) for name in ours if name[8:] == ".json"), default=0)


def _name(number: int) -> str:
    return f"{number:08}.json"


def _seal(vault: Sealer, raw: bytes) -> str:
    return vault.blind(_NAMESPACE, hashlib.sha256(raw).hexdigest()).hex()
