"""
Data that is encrypted before it is stored.

A field typed ``Sealed[str]`` holds ciphertext from its first event on: the envelope names an opaque
key, the key lives in a database of its own, and only the edge that presents an answer opens it. The
domain can carry, compare and drop a sealed value, never read it.
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class KeyClass(StrEnum):
    """What a key protects: each class has its own retention and can be destroyed alone."""

    CONTENT = "content"
    IDENTITY = "identity"
    MODERATION = "moderation"
    BILLING = "billing"


class Sealed(msgspec.Struct, Generic[T], frozen=True):
    """
    One sealed value. ``envelope`` is

        1 byte format | 16 bytes key id | 12 bytes nonce | ciphertext and 16 bytes tag (AES-256-GCM)

    in format 1. In format 2, of what belongs to one item, 7 bytes that name the item's own key
    stand after the key id.
    """

    envelope: bytes = msgspec.field(name="sealed")
