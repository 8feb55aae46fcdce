"""
Where a walk through a list goes on.

A cursor carries its place in the list, not a page number, so an item that stays visible appears in
a walk exactly once. It is opaque and cannot be altered: a keyed MAC covers the place together with
what the cursor is for (the list, its filters, the viewer), so that a cursor of another list or of
somebody else is as good as a made-up one.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, TypeVar

import msgspec

from api.http.problems import ProblemError, bad_parameter

T = TypeVar("T")

CURSOR_LENGTH_MAX = 512
_MAC_BYTES = 16


class CursorCodec:
    """
    Writes and reads cursors under one secret of 16 to 64 bytes, which outlives restarts.

    Binding is any bytes that tell one list and viewer from every other.
    """

    def __init__(self, secret: bytes) -> None:
        if not 16 <= len(secret) <= 64:
            raise ValueError("a cursor secret has 16 to 64 bytes")
        self._secret = secret
        self._pack = msgspec.msgpack.Encoder().encode

    def encode(self, place: Any, binding: bytes) -> str:
        """A cursor for a place: a tuple of ints, texts, UUIDs or times."""
        packed = self._pack(place)
        return urlsafe_b64encode(self._mac(packed, binding) + packed).rstrip(b"=").decode()

    def decode(self, cursor: str, kind: type[T], binding: bytes) -> T:
        """
        The place that :meth:`encode` was given.

        :raises ProblemError: altered, made up, or of another list or viewer; names ``cursor``.
        """
        try:
            if len(cursor) > CURSOR_LENGTH_MAX:
                raise ValueError
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            mac, packed = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not compare_digest(mac, self._mac(packed, binding)):
                raise ValueError
            # The spare bits of the last character could be altered unseen.
            if urlsafe_b64encode(raw).rstrip(b"=") != cursor.encode("ascii"):
                raise ValueError
            return msgspec.msgpack.decode(packed, type=kind)
        except (ValueError, NotBase64, msgspec.DecodeError):
            raise _refusal() from None

    def _mac(self, packed: bytes, binding: bytes) -> bytes:
        keyed = blake2b(key=self._secret, digest_size=_MAC_BYTES)
        keyed.update(len(binding).to_bytes(4, "big") + binding + packed)
        return keyed.digest()


def _refusal() -> ProblemError:
    return bad_parameter("cursor", "not a cursor of this list")
