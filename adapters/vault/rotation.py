"""
Another master key for the same keys.

Every key is wrapped anew in one transaction of ``keys.db``, and no event is touched. The new master
lies beside the old one, durable, before that transaction begins, and takes its name after it: so at
any moment one of the two files opens all of the database, and whoever opens the vault next sees
which, and finishes what a kill left undone. No key is ever wrapped by a master that is gone.

A vault in use knows one master for as long as it is open, hence the lock: users share it, a
rotation has it alone.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from adapters.vault.database import KeyDatabase
from adapters.vault.key import VaultFault
from adapters.vault.master import Master, make_master, open_master, sync_directory

#: Called with how many keys were wrapped anew so far.
OnRewrapped = Callable[[int], None]

_MASTER = "master.key"
_NEXT = "master.key.next"
_PROOF = "blind"


def rotate(directory: Path, on_rewrapped: OnRewrapped = lambda _: None) -> int:
    """
    Replace the master key of the vault in a directory; how many keys that wrapped anew.

    Killed at any point, it leaves a vault that opens; run again, it goes on with the same new key.

    :raises VaultFault: there is no vault, it is in use, or its master key does not open it.
    """
    for name in (_MASTER, "keys.db"):
        if not (directory / name).is_file():
            raise VaultFault(f"{directory / name} is missing: there is no master key to replace")
    lock = hold(directory, alone=True)
    try:
        database = KeyDatabase(directory / "keys.db")
        try:
            finish(directory, database)
            old = open_master(directory / _MASTER, needed=True)
            make_master(directory / _NEXT)
            new = open_master(directory / _NEXT, needed=True)
            count = database.rewrap(
                lambda wrapped, place: new.wrap(old.unwrap(wrapped, place), place), on_rewrapped
            )
            finish(directory, database)
            return count
        finally:
            database.close()
    finally:
        os.close(lock)


def finish(directory: Path, database: KeyDatabase) -> None:
    """
    Give the new master its name if the keys are wrapped by it already; the lock is held.

    Otherwise nothing was wrapped by it, and the old one is still right.
    """
    following = directory / _NEXT
    try:
        opens = _opens(open_master(following, needed=True), database)
    except VaultFault:
        if following.exists():
            raise
        return
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
