"""
The master key: the one secret that opens the others.

It is made on the first start of an empty vault, and after that only by a rotation, which wraps the
keys anew: a new one beside existing keys would silently lose every text. It reaches its name
complete and synced, by a hard link, which fails where a rename would overwrite; so of two servers
that start at once, one's key is both's.
A crash leaves at most a stray temporary file, with a key that never wrapped anything.

Its file holds its 32 bytes or, where a key service wraps it (``service.py``), what only that opens.
"""

import logging
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.vault import service
from adapters.vault.key import KEY_BYTES, NONCE_BYTES, VaultFault
from adapters.vault.service import Wrapped

logger = logging.getLogger("homezone.keys")


class Master:
    """
    Wraps keys, each bound to the place it is stored in.

    :param lent: whether the secret came from a key service, and so may be handed to our children,
        who would have to ask for it again.
    """

    def __init__(self, secret: bytes, *, lent: bool = False) -> None:
        self._cipher = AESGCM(secret)
        self.lent = secret if lent else None

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


def open_master(path: Path, needed: bool, url: str | None = None) -> Master:
    """
    Read the master key, or make it. Asks the key service that wraps it, if one does.

    :param needed: keys wrapped by it exist already, so that a new one would be useless.
    :param url: the key service that is to wrap it, if that is said.
    :raises VaultFault: it is missing though needed, is no master key, is wrapped by another than is
        said, or the service does not unwrap it.
    """
    raw = _read(path)
    if raw is None:
        if needed:
            raise VaultFault(
                f"{path} is missing, and keys.db holds keys that only it opens: "
                "put it back from where it is kept"
            )
        make_master(path, url)
        raw = _read(path)
    wrapped = None if raw is None else Wrapped.parse(raw)
    by = None if wrapped is None else wrapped.service
    if url is not None and by != url:
        raise VaultFault(
            f"{path} is {'wrapped by ' + by if by else 'not wrapped'}, and should be by {url}: "
            f"homezone keys rotate --to {url}"
        )
    if wrapped is not None:
        secret = service.unwrap(wrapped)
        logger.info("the master key was unwrapped", extra={"fields": {"by": wrapped.key}})
        return Master(secret, lent=True)
    if raw is None or len(raw) != KEY_BYTES:
        raise VaultFault(f"{path} is not a master key ({KEY_BYTES} bytes): it was damaged")
    return Master(raw)


def wrapper_of(path: Path) -> str | None:
    """
    The key service that wraps the master key in a file; None where none does. Asks nobody.

    :raises FileNotFoundError: there is no such file.
    """
    wrapped = Wrapped.parse(path.read_bytes())
    return None if wrapped is None else wrapped.service


def _read(path: Path) -> bytes | None:
    try:
        path.chmod(0o600)
        return path.read_bytes()
    except FileNotFoundError:
        return None


def make_master(path: Path, url: str | None) -> None:
    """
    A new master key under that name, complete and durable, unless there is one.

    :param url: the key service that wraps it before it meets the disk; None for none.
    :raises VaultFault: the service does not.
    """
    secret = os.urandom(KEY_BYTES)
    if url is not None:
        wrapped = service.wrap(secret, url)
        logger.info("a new master key was wrapped", extra={"fields": {"by": wrapped.key}})
        secret = wrapped.text
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
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
