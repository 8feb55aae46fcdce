"""
A rail over HTTP: ``GET URL/payments?reference=…``.

    200 {"state": "paid" | "pending" | "failed" | "refunded" | "disputed" | "charged_back",
         "amount_fen": 10000}
    404 when it knows no such payment

and with "payer" beside these, where the payment was begun with a member's code, from its first
answer on.

Anything else, and no answer within the time, is no answer at all: nothing is concluded from it.
An answer may come in pieces; it is read to its end, and refused beyond 16 KiB.
"""

import asyncio
from ipaddress import ip_address
from typing import Annotated, Literal

import aiohttp
import msgspec
from yarl import URL

from commands.rails import RailUnavailable, Seen

_ANSWER_BYTES_MAX = 1 << 14


class _Payment(msgspec.Struct, frozen=True):
    state: Literal["paid", "pending", "failed", "refunded", "disputed", "charged_back"]
    amount_fen: Annotated[int, msgspec.Meta(ge=0)]
    payer: str | None = None


class HttpRail:
    """
    A rail at a URL.

    :param url: https, or http on this machine.
    :raises ValueError: the URL would let somebody on the way say what was paid.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 3.0) -> None:
        at = URL(url)
        if at.scheme != "https" and not (at.scheme == "http" and _is_local(at)):
            raise ValueError("a rail's URL must be https")
        self._payments = at / "payments"
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def look_up(self, reference: str, _asked_fen: int, /) -> Seen:
        """
        What the rail says of a reference.

        :raises RailUnavailable: it does not answer, or not sensibly.
        """
        try:
            status, body = await self._get(reference)
            if status == 404:
                return Seen("unknown")
            if status != 200:
                raise RailUnavailable(f"status {status}")
            payment = msgspec.json.decode(body, type=_Payment)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            raise RailUnavailable(type(error).__name__) from None
        return Seen(payment.state, payment.amount_fen, payment.payer)

    async def close(self) -> None:
        """Hang up."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            # Connections of TLS close in the next turns of the loop.
            await asyncio.sleep(0)

    async def _get(self, reference: str) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        url = self._payments.update_query(reference=reference)
        # A redirect could lead to where the URL was checked not to.
        async with self._session.get(url, allow_redirects=False) as response:
            return response.status, await _whole(response.content)


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """
    A body to its end, in however many pieces it comes.

    :raises RailUnavailable: it is longer than any answer of a rail.
    """
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > _ANSWER_BYTES_MAX:
            raise RailUnavailable("an answer without end")
    return bytes(body)


def _is_local(url: URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return ip_address(url.host or "").is_loopback
    except ValueError:
        return False
