"""
The keys of a data directory, for servers and for backups.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.vault import FileKeyVault, VaultFault, check_free, check_service, rotate
from adapters.vault import wrapper_of as _wrapper_of
from adapters.vault.database import KeyDatabase
from domain.sealed import Sealed

__all__ = [
    "VaultFault",
    "check_free",
    "check_keys",
    "check_service",
    "destroyed_keys",
    "existing_vault",
    "rotate",
    "wrapper_of",
]

_ANY_SEALED = text("SELECT nickname FROM models.members LIMIT 1")


def check_keys(database: Database, vault: FileKeyVault, directory: Path) -> None:
    """
    Refuse a database that was filled under other keys: its members could not be read, and their
    numbers, which only the keys can find, would be given away again.

    :param directory: where the keys are, for the message.
    """
    with database.server.connect() as connection:
        sealed = connection.execute(_ANY_SEALED).scalar()
    try:
        if sealed is not None:
            vault.open(Sealed(bytes(sealed)))
    except VaultFault:
        raise VaultFault(
            f"the keys in {directory} are not those of this database;"
            " serve it from the data directory that it was filled from"
        ) from None


def wrapper_of(directory: Path) -> str | None:
    """The key service that wraps the master key in a directory; None for none, or for no key."""
    try:
        return _wrapper_of(directory / "master.key")
    except FileNotFoundError:
        return None


@contextmanager
def existing_vault(directory: Path) -> Iterator[FileKeyVault]:
    """
    The vault in a directory; none is made.

    :raises VaultFault: there is none.
    """
    for name in ("master.key", "keys.db"):
        if not (directory / name).is_file():
            raise VaultFault(f"{directory / name} is missing: keys are no part of a backup")
    vault = FileKeyVault(directory, SystemClock())
    try:
        yield vault
    finally:
        vault.close()


def destroyed_keys(directory: Path) -> frozenset[bytes]:
    """
    The ids of all keys that were destroyed, an item's followed by its leaf; none where no keys are.
    Takes no master key.
    """
    path = directory / "keys.db"
    if not path.is_file():
        return frozenset()
    database = KeyDatabase(path)
    try:
        items = database.items_destroyed_after(0)
        whole = (row.id for _, row in database.destroyed_after(0))
        return frozenset(whole).union(key + leaf for _, key, leaf in items)
    finally:
        database.close()
