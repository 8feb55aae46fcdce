"""
Bytes that are sealed as they flow, however many.

Each object has a key of its own, which is sealed in turn by the vault, under the key of the photo
that it is of: destroying that, or the member's content key above it, is the end of it, and nothing
here ever holds either. Under the object's key the bytes are AES-256-GCM in frames of 256 KiB, so
that memory stays small and nothing is shown before it was authenticated:

    1 byte format | 2 bytes length of the envelope | envelope of the object's key | frames

A frame's nonce is its number with a last byte that says whether it is the last one, as in the
STREAM construction: frames cannot be reordered, repeated or cut off unnoticed. The header
and whose it is are authenticated with each. An object's key seals one object once, so that nonces
never repeat.
"""

import os
from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.ports import KeyVault
from domain.ids import MemberId, PhotoId
from domain.sealed import KeyClass, Sealed

FRAME_BYTES: Final = 256 << 10
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
_FORMAT: Final = b"\x01"


class Damaged(Exception):
    """These bytes were not sealed by us, or not whole."""


class Gone(Exception):
    """The key was destroyed: nobody reads these bytes any more."""


async def new_key(vault: KeyVault, member: MemberId, photo: PhotoId) -> tuple[bytes, Sealed[str]]:
    """A key for one object, and the same sealed for its member, as of the photo."""
    key = os.urandom(KEY_BYTES)
    return key, await vault.seal(member, KeyClass.CONTENT, key.hex(), photo)


def open_key(vault: KeyVault, sealed: Sealed[str]) -> bytes:
    """
    An object's key.

    :raises Gone: the photo's key was destroyed, or the member's.
    """
    text = vault.open(sealed)
    if text is None:
        raise Gone
    return bytes.fromhex(text)


async def sealed_frames(
    vault: KeyVault, member: MemberId, photo: PhotoId, plain: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """What is stored of plain bytes of a photo that come in pieces of any size."""
    key, sealed = await new_key(vault, member, photo)
    header = _FORMAT + len(sealed.envelope).to_bytes(2, "big") + sealed.envelope
    yield header
    bound = header + member.bytes
    cipher, held, number = AESGCM(key), bytearray(), 0
    async for piece in plain:
        held += piece
        # The last frame is never empty unless all is, so one frame is always held back.
        while len(held) > FRAME_BYTES:
            with memoryview(held) as view:
                frame = cipher.encrypt(_nonce(number, last=False), view[:FRAME_BYTES], bound)
            del held[:FRAME_BYTES]
            number += 1
            yield frame
    yield cipher.encrypt(_nonce(number, last=True), bytes(held), bound)


async def opened_frames(
    vault: KeyVault, member: MemberId, stored: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """
    The plain bytes of what :func:`sealed_frames` made, frame by frame.

    :raises Damaged: it is not whole, not ours, or not this member's.
    :raises Gone: its key was destroyed.
    """
    held = bytearray()
    bound = b""
    cipher: AESGCM | None = None
    number = 0
    sealed_bytes = FRAME_BYTES + TAG_BYTES
    async for piece in stored:
        held += piece
        if cipher is None:
            header = _header_of(held)
            if header is None:
                continue
            cipher = AESGCM(open_key(vault, Sealed(header[3:])))
            bound = header + member.bytes
            del held[: len(header)]
        while len(held) > sealed_bytes:
            yield _opened(cipher, number, bytes(held[:sealed_bytes]), bound, last=False)
            del held[:sealed_bytes]
            number += 1
    if cipher is None:
        raise Damaged
    yield _opened(cipher, number, bytes(held), bound, last=True)


def _header_of(held: bytearray) -> bytes | None:
    """The header at the start of an object, once all of it is there."""
    if len(held) < 3:
        return None
    if held[:1] != _FORMAT:
        raise Damaged
    length = 3 + int.from_bytes(held[1:3], "big")
    return bytes(held[:length]) if len(held) >= length else None


def _opened(cipher: AESGCM, number: int, frame: bytes, bound: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), frame, bound)
    except InvalidTag:
        raise Damaged from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
