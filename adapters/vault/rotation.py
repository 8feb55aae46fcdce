"""
Another master key for the same keys.

Every key is wrapped anew in one transaction of ``keys.db``, and no event is touched. The new master
lies beside the old one, durable, before that transaction begins, and takes its name after it: so at
any moment one of the two files opens all of the database, and whoever opens the vault next sees
which, and finishes what a kill left undone. No key is ever wrapped by a master that is gone.

The new master may be wrapped by another key service than the old one, or by none: so a vault moves
to a service and away from it. Of two masters only the one that is right need be within reach.

A vault in use knows one master for as long as it is open, hence the lock: users share it, a
rotation has it alone.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from adapters.vault.database import KeyDatabase
from adapters.vault.key import VaultFault
from adapters.vault.master import Master, make_master, open_master, sync_directory, wrapper_of

#: Called with how many keys were wrapped anew so far.
OnRewrapped = Callable[[int], None]

_MASTER = "master.key"
_NEXT = "master.key.next"
_PROOF = "blind"


def rotate(
    directory: Path, on_rewrapped: OnRewrapped = lambda _: None, *, to: str | None = None
) -> int:
    """
    Replace the master key of the vault in a directory; how many keys that wrapped anew.

    Killed at any point, it leaves a vault that opens; run again, it goes on with the same new key.

    :param to: the key service that is to wrap the new one; None for none.
    :raises VaultFault: there is no vault, it is in use, its master key does not open it, or a key
        service does not wrap or unwrap.
    """
    check_vault(directory)
    lock = hold(directory, alone=True)
    try:
        database = KeyDatabase(directory / "keys.db")
        try:
            finish(directory, database)
            old = open_master(directory / _MASTER, needed=True)
            new = _following(directory, to)
            count = database.rewrap(
                lambda wrapped, place: new.wrap(old.unwrap(wrapped, place), place), on_rewrapped
            )
            finish(directory, database)
            return count
        finally:
            database.close()
    finally:
        os.close(lock)


def check_free(directory: Path) -> None:
    """
    Whether a rotation could begin.

    :raises VaultFault: there is no vault in that directory, or it is in use.
    """
    check_vault(directory)
    os.close(hold(directory, alone=True))


def check_vault(directory: Path) -> None:
    """
    :raises VaultFault: there is no vault in that directory.
    """
    for name in (_MASTER, "keys.db"):
        if not (directory / name).is_file():
            raise VaultFault(f"{directory / name} is missing: there is no master key to replace")


def _following(directory: Path, to: str | None) -> Master:
    """The new master, durable; read back, so that a service that only wraps is not trusted."""
    path = directory / _NEXT
    if path.exists() and wrapper_of(path) != to:
        path.unlink()  # of a rotation that was given up: nothing is wrapped by it
    if not path.exists():
        make_master(path, to)
    return open_master(path, needed=True)


def finish(directory: Path, database: KeyDatabase) -> None:
    """
    Give the new master its name if the keys are wrapped by it already; the lock is held.

    Otherwise nothing was wrapped by it, and the old one is still right.

    :raises VaultFault: neither opens the keys, or not within reach.
    """
    following = directory / _NEXT
    if not following.exists():
        return
    unopened: VaultFault | None = None
    try:
        if _opens(open_master(directory / _MASTER, needed=True), database):
            return
    except VaultFault as fault:
        unopened = fault
    try:
        opens = _opens(open_master(following, needed=True), database)
    except VaultFault:
        if following.exists():
            raise
        return  # another process was first
    if not opens and unopened is not None:
        raise unopened
    if opens:
        try:
            following.replace(directory / _MASTER)
        except FileNotFoundError:
            return  # another process was first
        sync_directory(directory)


def hold(directory: Path, alone: bool) -> int:
    """
    The lock of the vault in a directory, for as long as the answered descriptor is open.

    :param alone: for a rotation; everyone else shares it.
    :raises VaultFault: a rotation is under way; or, for one, the vault is in use.
    """
    lock = os.open(directory / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise VaultFault(
            f"the keys in {directory} are in use: stop the servers and backups that use them"
            if alone
            else f"the master key in {directory} is being replaced: start again after that"
        ) from None
    return lock


def _opens(master: Master, database: KeyDatabase) -> bool:
    wrapped = database.stored_secret(_PROOF)
    if wrapped is None:
        return False
    try:
        master.unwrap(wrapped, _PROOF.encode())
    except VaultFault:
        return False
    return True
