"""
The channels of :mod:`api.http.streams` over WebSocket (RFC 6455), for clients that would rather
not read server-sent events.

Every message is one JSON object, ``{"id": CURSOR, "kind": …, "item": {…}}``; nothing is to be
sent.
"""

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import web

from api.http.streams import HEARTBEAT_SECONDS, WRITE_SECONDS_MAX, Channel, Ending, kept
from api.http.upgrades import PROTOCOL

#: What says why a stream ended: 4000 to 4999 are for applications to define.
CODES: Final[dict[Ending, int]] = {"over": 1001, "expired": 4001, "barred": 4003, "slow": 4008}
_UNASKED: Final = 1003
_MESSAGE_BYTES_MAX: Final = 1 << 10
_CLOSE_SECONDS: Final = 2.0


def message_bytes(event: str, data: bytes, id: str | None = None) -> bytes:
    """
    One message, and a line break that parts it from the next.

    :param data: the item as JSON without raw line breaks; ``{}`` is none.
    """
    assert b"\n" not in data
    item = b"" if data == b"{}" else b',"item":%b' % data
    return b'{"id":"%b","kind":"%b"%b}\n' % ((id or "").encode(), event.encode(), item)


async def serve_messages(
    request: web.Request,
    channel: Channel,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    write_seconds_max: float = WRITE_SECONDS_MAX,
    lifetime_seconds: float,
) -> web.WebSocketResponse:
    """
    Write a channel's messages until it closes, the client leaves, stops reading or says something,
    or the service shuts down. The channel, made with :func:`message_bytes`, is closed when this
    returns.

    :param lifetime_seconds: how long the token is still valid.
    """
    # Compression would take more memory for each idle client than all the rest.
    socket = web.WebSocketResponse(
        timeout=_CLOSE_SECONDS,
        protocols=(PROTOCOL,),
        compress=False,
        max_msg_size=_MESSAGE_BYTES_MAX,
    )
    clock = asyncio.get_running_loop().time
    ends_at = clock() + lifetime_seconds
    with kept(request.app, channel):
        await socket.prepare(request)
        listening = asyncio.create_task(_listen(socket, channel))
        try:
            next_heartbeat = clock()
            while not socket.closed:
                if clock() >= ends_at:
                    channel.close("expired")
                ended = channel.closed
                wait = 0.0 if ended else max(0.0, min(next_heartbeat, ends_at) - clock())
                written = await channel.take(wait)
                if not written and not ended and clock() >= next_heartbeat:
                    written = message_bytes("heartbeat", b"{}", channel.cursor)
                if written:
                    async with asyncio.timeout(write_seconds_max):
                        for message in written.splitlines():
                            await socket.send_str(message.decode())
                    next_heartbeat = clock() + heartbeat_seconds
                elif ended:
                    break
            await _close(socket, channel)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            # The client has left: there is nobody to tell.
            pass
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
    return socket


async def _listen(socket: web.WebSocketResponse, channel: Channel) -> None:
    """Answer pings, and end the channel when the client leaves or says anything."""
    message = await socket.receive()
    if message.type.name in ("TEXT", "BINARY"):
        channel.close("unasked")
    else:
        channel.close("left")


async def _close(socket: web.WebSocketResponse, channel: Channel) -> None:
    """Say why it ends; whoever has left is told nothing."""
    ending = channel.ending
    if ending != "left":
        code = _UNASKED if ending == "unasked" else CODES[ending]
        with suppress(ConnectionError):
            await socket.close(code=code, message=ending.encode())
