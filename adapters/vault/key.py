"""
One key, and the envelopes made with it.

The envelopes are those of ``domain/sealed.py``. What one begins with, its head, says which key it
was made with, and is authenticated with the text, so that a ciphertext cannot be moved under
another key's name. Nonces are random: a key protects one class of one subject's texts, or those of
one item, far below the 2**32 messages at which they could collide.
"""

import hmac
import os
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.vault.tree import LEAF_BYTES
from commands.ports import KeyGone
from domain.sealed import KeyClass, Sealed

FORMAT: Final = b"\x01"
#: Of what was sealed with the key of one item, which is named by its leaf.
ITEM_FORMAT: Final = b"\x02"
KEY_BYTES: Final = 32
ID_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_HEAD_BYTES: Final = {FORMAT: 1 + ID_BYTES, ITEM_FORMAT: 1 + ID_BYTES + LEAF_BYTES}


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


class Cipher:
    """
    What seals and opens envelopes of one head, from any thread.

    :param secret: 32 bytes; None when the key was destroyed.
    """

    __slots__ = ("_cipher", "_text_at", "head")

    def __init__(self, head: bytes, secret: bytes | None) -> None:
        self.head = head
        self._text_at = len(head) + NONCE_BYTES
        self._cipher = None if secret is None else AESGCM(secret)

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
            raise KeyDestroyed("this key was destroyed")
        try:
            data = plain.encode()
        except UnicodeEncodeError:
            raise ValueError("the text cannot be encoded as UTF-8") from None
        if nonce is None:
            nonce = os.urandom(NONCE_BYTES)
        head = self.head
        return Sealed(head + nonce + self._cipher.encrypt(nonce, data, head))

    def open(self, envelope: bytes) -> str | None:
        """
        Decrypt an envelope that names this key; None when the key is gone.

        :raises VaultFault: the envelope was not made with this key, or was altered.
        """
        if self._cipher is None:
            return None
        head, text_at = self.head, self._text_at
        try:
            nonce = envelope[len(head) : text_at]
            return self._cipher.decrypt(nonce, envelope[text_at:], head).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise VaultFault("the envelope was forged or damaged") from None


class Key(Cipher):
    """
    A subject's key of one class, in memory.

    :param secret: 32 bytes; None when the key was destroyed.
    """

    __slots__ = ("id", "owner", "tag")

    def __init__(self, id: bytes, owner: Owner, secret: bytes | None) -> None:
        assert len(id) == ID_BYTES
        super().__init__(FORMAT + id, secret)
        self.id = id
        self.owner = owner
        #: What stands for the subject in digest records; None once nobody can know it any longer.
        self.tag = None if secret is None else _tag(secret, owner)


def _tag(secret: bytes, owner: Owner) -> bytes:
    subject = owner.subject.to_bytes(16, "big")
    return hmac.digest(secret, b"homezone digest tag\n" + subject, "sha256")[:TAG_BYTES]


def head_of(envelope: bytes) -> bytes:
    """
    What an envelope begins with: format, id of the key and, where it is an item's, its leaf.

    :raises VaultFault: it is no envelope.
    """
    length = _HEAD_BYTES.get(envelope[:1])
    if length is None:
        raise VaultFault("the envelope is of an unknown format")
    if len(envelope) < length + NONCE_BYTES + TAG_BYTES:
        raise VaultFault("the envelope is too short")
    return envelope[:length]


def key_id_of(head: bytes) -> bytes:
    """The id of the key that an envelope with this head names."""
    return head[1 : 1 + ID_BYTES]
