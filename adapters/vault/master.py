"""
The master key: the one secret that opens the others.

It is made on the first start of an empty vault, and after that only by a rotation, which wraps the
keys anew: a new one beside existing keys would silently lose every text. It reaches its name
complete and synced, by a hard link, which fails where a rename would overwrite; so of two servers
that start at once, one's key is both's.
A crash leaves at most a stray temporary file, with a key that never wrapped anything.
"""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.vault.key import KEY_BYTES, NONCE_BYTES, VaultFault


class Master:
    """Wraps keys, each bound to the place it is stored in."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def wrap(self, secret: bytes, place: bytes) -> bytes:
        """The secret, encrypted: 12 bytes nonce, ciphertext, 16 bytes tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """
        The secret.

        :raises VaultFault: it was wrapped by another master key, for another place, or altered.
        """
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise VaultFault(
                "master.key does not open keys.db: they belong to different vaults, "
                "or one of them was altered"
            ) from None


def open_master(path: Path, needed: bool) -> Master:
    """
    Read the master key, or make it.

    :param needed: keys wrapped by it exist already, so that a new one would be useless.
    :raises VaultFault: it is missing though needed, or is no master key.
    """
    secret = _read(path)
    if secret is None:
        if needed:
            raise VaultFault(
                f"{path} is missing, and keys.db holds keys that only it opens: "
                "put it back from where it is kept"
            )
        make_master(path)
        secret = _read(path)
    if secret is None or len(secret) != KEY_BYTES:
        raise VaultFault(f"{path} is not a master key ({KEY_BYTES} bytes): it was damaged")
    return Master(secret)


def _read(path: Path) -> bytes | None:
    try:
        path.chmod(0o600)
        return path.read_bytes()
    except FileNotFoundError:
        return None


def make_master(path: Path) -> None:
    """A new master key under that name, complete and durable, unless there is one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another server was first: its key is the vault's
    finally:
        draft.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
