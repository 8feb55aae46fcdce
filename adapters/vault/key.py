"""
One key, and the envelopes made with it.

The envelope is that of ``domain/sealed.py``. Its format byte and key id are authenticated with the
text, so that a ciphertext cannot be moved under another key's name. Nonces are random: a key
protects one class of one subject's texts, far below the 2**32 messages at which they could collide.
"""

import hmac
import os
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.ports import KeyGone
from domain.sealed import KeyClass, Sealed

FORMAT: Final = b"\x01"
KEY_BYTES: Final = 32
ID_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_NONCE_AT: Final = 1 + ID_BYTES
_TEXT_AT: Final = _NONCE_AT + NONCE_BYTES
_ENVELOPE_BYTES_MIN: Final = _TEXT_AT + TAG_BYTES


class VaultFault(Exception):
    """The vault cannot do what was asked. The message never holds a key, a text or an envelope."""


class KeyDestroyed(VaultFault, KeyGone):
    """Nothing more is sealed for this subject and class: erasure is final."""


class Owner(NamedTuple):
    """Whose key it is. Plain values, so that looking it up in a dict never runs Python code."""

    subject: int
    key_class: str

    @classmethod
    def of(cls, subject: UUID, key_class: KeyClass) -> "Owner":
        """The owner of a subject's key of one class."""
        return cls(subject.int, key_class.value)


class Key:
    """
    A key in memory, ready to use from any thread.

    :param secret: 32 bytes; None when the key was destroyed.
    """

    __slots__ = ("_cipher", "_head", "id", "owner", "tag")

    def __init__(self, id: bytes, owner: Owner, secret: bytes | None) -> None:
        assert len(id) == ID_BYTES
        self.id = id
        self.owner = owner
        self._head = FORMAT + id
        self._cipher = None if secret is None else AESGCM(secret)
        #: What stands for the subject in digest records; None once nobody can know it any longer.
        self.tag = None if secret is None else _tag(secret, owner)

    @property
    def destroyed(self) -> bool:
        """Whether it can no longer seal or open anything."""
        return self._cipher is None

    def seal(self, plain: str, nonce: bytes | None = None) -> Sealed[str]:
        """
        Encrypt.

        :param nonce: 12 bytes never used before with this key; random by default.
        :raises KeyDestroyed: the key is gone.
        :raises ValueError: the text holds lone surrogates, which have no bytes.
        """
        if self._cipher is None:
            raise KeyDestroyed("this subject's key was destroyed")
        try:
            data = plain.encode()
        except UnicodeEncodeError:
            raise ValueError("the text cannot be encoded as UTF-8") from None
        if nonce is None:
            nonce = os.urandom(NONCE_BYTES)
        head = self._head
        return Sealed(head + nonce + self._cipher.encrypt(nonce, data, head))

    def open(self, envelope: bytes) -> str | None:
        """
        Decrypt an envelope that names this key; None when the key is gone.

        :raises VaultFault: the envelope was not made with this key, or was altered.
        """
        if self._cipher is None:
            return None
        try:
            nonce = envelope[_NONCE_AT:_TEXT_AT]
            return self._cipher.decrypt(nonce, envelope[_TEXT_AT:], self._head).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise VaultFault("the envelope was forged or damaged") from None


def _tag(secret: bytes, owner: Owner) -> bytes:
    subject = owner.subject.to_bytes(16, "big")
    return hmac.digest(secret, b"homezone digest tag\n" + subject, "sha256")[:TAG_BYTES]


def key_id_of(envelope: bytes) -> bytes:
    """
    The id of the key that an envelope names.

    :raises VaultFault: it is no envelope.
    """
    if len(envelope) < _ENVELOPE_BYTES_MIN:
        raise VaultFault("the envelope is too short")
    if envelope[:1] != FORMAT:
        raise VaultFault("the envelope is of an unknown format")
    return envelope[1:_NONCE_AT]
