"""
The notary's key: a file of its own beside the others, or wherever the operator says.

It is written as ``signed-note`` tools write private keys, name included, since a key without its
name signs for nobody. Made once, 0600, and replaced by an operator alone: another server may be
starting, too.
Beside it stands what was signed last, so that a database that was set back is not signed anew.
"""

import base64
import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.vault.master import sync_directory
from domain.evidence.notes import SIGNATURE, BadNote, Checkpoint, Verifier

_MARK: Final = "PRIVATE+KEY+"


class NotaryFault(Exception):
    """The notary cannot go on; the message says what its operator has to look at."""


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether it is that Ed25519 key's signature of that message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class NotaryKey:
    """A name and an Ed25519 key that signs for it."""

    def __init__(self, name: str, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = Verifier(name, SIGNATURE, public)
        self._secret = secret

    @classmethod
    def new(cls, name: str) -> "NotaryKey":
        """A key that nobody has."""
        return cls(name, os.urandom(32))

    @property
    def name(self) -> str:
        """Of the log: the origin of its checkpoints."""
        return self.verifier.name

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    @property
    def text(self) -> str:
        """As it is kept."""
        key = base64.b64encode(bytes([SIGNATURE]) + self._secret).decode()
        return f"{_MARK}{self.name}+{self.verifier.key_id.hex()}+{key}\n"

    @classmethod
    def parse(cls, text: str) -> "NotaryKey":
        """
        From what is kept.

        :raises NotaryFault: it is no such key.
        """
        name, _, rest = text.strip().removeprefix(_MARK).partition("+")
        id_, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
            if not text.startswith(_MARK) or len(raw) != 33 or raw[0] != SIGNATURE:
                raise ValueError
            key = cls(name, raw[1:])
            Verifier.parse(key.verifier.vkey)
        except (ValueError, BadNote):
            raise NotaryFault("the notary's key file is not a key") from None
        if key.verifier.key_id.hex() != id_:
            raise NotaryFault("the notary's key file names another key than it holds")
        return key


class KeyFile:
    """
    The file of a log's keys, one a line, the newest first: as a rule one, and more while an old one
    signs beside it. Read again whenever it was replaced.

    :param name: of the log; by default that of the file, and for a new one one that no other has.
    :raises NotaryFault: from every method, when it holds no keys, or those of another log.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self._name = name
        self._read_at: tuple[int, int] | None = None
        self._keys: tuple[NotaryKey, ...] = ()
        if not path.exists():
            fresh = name or f"homezone.local/{secrets.token_hex(8)}"
            _create(path, NotaryKey.new(fresh).text)

    @property
    def keys(self) -> tuple[NotaryKey, ...]:
        """The newest first."""
        stat = self.path.stat()
        read_at = (stat.st_ino, stat.st_mtime_ns)
        if read_at != self._read_at:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            self._keys = tuple(map(NotaryKey.parse, lines))
            self._read_at = read_at
        names = {key.name for key in self._keys}
        if len(names) != 1:
            raise NotaryFault("the notary's key file is not a key")
        if self._name is not None and names != {self._name}:
            raise NotaryFault(f"{self.path} is the key of {names.pop()}, not of {self._name}")
        return self._keys

    def write(self, keys: Sequence[NotaryKey]) -> None:
        """Have it hold these from now on, the newest first; durably."""
        _draft(self.path, "".join(key.text for key in keys)).replace(self.path)
        sync_directory(self.path.parent)


class SignedLast:
    """The tree that was signed last, in a file beside the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Checkpoint | None:
        """
        That tree; None before the first.

        :raises NotaryFault: the file says something else.
        """
        try:
            return Checkpoint.parse(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (BadNote, ValueError):
            raise NotaryFault(f"{self._path} is damaged") from None

    def write(self, checkpoint: Checkpoint) -> None:
        """Remember, durably."""
        draft = _draft(self._path, checkpoint.text)
        draft.replace(self._path)


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _draft(path, text)
    try:
        with contextlib.suppress(FileExistsError):  # another server was first: its key it is
            os.link(draft, path)
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft
