"""
A body taken apart: pieces of any size come in, sealed parts of 2 MiB go out.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.pictures.frames import TAG_BYTES, Damaged

PART_BYTES: Final = 2 << 20
_NONCE_BYTES: Final = 12
#: How much larger a part is when it is sealed.
SEALING_BYTES: Final = _NONCE_BYTES + TAG_BYTES


class Arrival:
    """
    A body as it arrives. What had come when it broke off, or was given up, is its last part.
    """

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._pieces = aiter(body)
        self._held = bytearray()
        self._over = False
        self._broken: BaseException | None = None
        self._patience: asyncio.Timeout | None = None

    def give_up(self) -> None:
        """Wait for no more of it: whoever sent it has come back on another connection."""
        self._over = True
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def part(self) -> bytearray | None:
        """
        The next part; None at the end.

        :raises BaseException: what it broke off with, once all that came before was handed out.
        """
        if not self._over and len(self._held) < PART_BYTES:
            await self._gather()
        if self._held:
            part = self._held[:PART_BYTES]
            del self._held[:PART_BYTES]
            return part
        if self._broken is not None:
            raise self._broken
        return None

    async def _gather(self) -> None:
        try:
            # Never by itself: it is there for whoever gives up.
            async with asyncio.timeout(None) as self._patience:
                while len(self._held) < PART_BYTES:
                    piece = await anext(self._pieces, None)
                    if piece is None:
                        self._over = True
                        break
                    self._held += piece
        except TimeoutError:
            self._over = True
        except (ConnectionError, EOFError, asyncio.CancelledError) as error:
            self._over, self._broken = True, error
        finally:
            self._patience = None


def _bound_to(id: UUID, offset: int) -> bytes:
    """What a part is authenticated with: it cannot stand in for another one."""
    return id.bytes + offset.to_bytes(8, "big")


def seal_part(
    key: bytes, id: UUID, offset: int, part: bytearray, summed: "hashlib._Hash | None"
) -> bytes:
    """
    A part, sealed under its upload's key for this one place.

    :param summed: is brought up to date.
    """
    if summed is not None:
        summed.update(part)
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, part, _bound_to(id, offset))


def open_part(key: bytes, id: UUID, offset: int, sealed: bytes) -> bytes:
    """
    A part's plain bytes.

    :raises Damaged: it is not what was stored at this place.
    """
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, text, _bound_to(id, offset))
    except InvalidTag:
        raise Damaged from None
