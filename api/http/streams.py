"""
Server-sent events (WHATWG HTML, section 9.2).

A stream is a bounded channel to one client. A producer offers events and never waits for a slow
reader: a full channel closes, and the client comes back with ``Last-Event-ID`` and loses nothing.
Heartbeats carry the cursor, so a client that saw nothing for an hour does not replay that hour;
they and a look at the connection find out who has left.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias

from aiohttp import web

from api.http.serving import PRIVATE, SERVER

QUEUE_LENGTH_MAX = 1000
HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS_MAX = 10.0
#: How long a client may have been gone before it is noticed.
_LOOK_SECONDS = 5.0

#: Why a stream ended: it was too slow, its member may see nothing any more, its token has expired;
#: the client has left, or said what nobody asked; or it is over for now, as at a shutdown.
Ending: TypeAlias = Literal["slow", "barred", "expired", "left", "unasked", "over"]
#: How an event looks on the wire, by its kind, its data and its id.
Frame: TypeAlias = Callable[[str, bytes, str | None], bytes]

_STREAMS: web.AppKey["set[Channel]"] = web.AppKey("streams", set)


def event_bytes(event: str, data: bytes, id: str | None = None) -> bytes:
    """
    One event on the wire.

    :param data: JSON without raw line breaks, as every JSON encoder writes it.
    :param id: what ``Last-Event-ID`` will be.
    """
    assert b"\n" not in data
    assert b"\r" not in data
    head = f"event: {event}\n" if id is None else f"id: {id}\nevent: {event}\n"
    return head.encode() + b"data: " + data + b"\n\n"


class Channel:
    """
    Events on their way to one client.

    :param cursor: where the stream stands; kept up to date by :meth:`offer` and :meth:`move`.
    :param frame: how events look on the wire.
    """

    def __init__(
        self,
        cursor: str | None = None,
        length_max: int = QUEUE_LENGTH_MAX,
        frame: Frame = event_bytes,
    ) -> None:
        self.cursor = cursor
        self.closed = False
        #: Why, once it is closed.
        self.ending: Ending = "over"
        self._frame = frame
        self._waiting: deque[bytes] = deque()
        self._length_max = length_max
        self._woken = asyncio.Event()

    def offer(self, event: str, data: bytes, id: str | None = None) -> bool:
        """
        Queue an event without waiting.

        :returns: False when the channel is closed; a full one is closed by this.
        """
        if len(self._waiting) >= self._length_max:
            self.close("slow")
        if self.closed:
            return False
        self._waiting.append(self._frame(event, data, id))
        if id is not None:
            self.cursor = id
        self._woken.set()
        return True

    def move(self, cursor: str) -> None:
        """The stream has come this far without an event for this client."""
        if not self.closed:
            self.cursor = cursor

    def close(self, ending: Ending = "over") -> None:
        """End the stream once what is queued has been written; the first reason counts."""
        if not self.closed:
            self.ending = ending
        self.closed = True
        self._woken.set()

    async def take(self, seconds: float) -> bytes:
        """All that is queued, as one write; empty when nothing came in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


async def serve_events(
    request: web.Request,
    channel: Channel,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    write_seconds_max: float = WRITE_SECONDS_MAX,
    lifetime_seconds: float | None = None,
) -> web.StreamResponse:
    """
    Write a channel's events until it closes, the client leaves or stops reading, or the service
    shuts down. The channel is closed when this returns.

    :param lifetime_seconds: how long the token is still valid.
    """
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": PRIVATE,
            "X-Accel-Buffering": "no",
            "Server": SERVER,
        }
    )
    response.force_close()
    clock = asyncio.get_running_loop().time
    ends_at = None if lifetime_seconds is None else clock() + lifetime_seconds
    with kept(request.app, channel):
        try:
            await response.prepare(request)
            if request.method == "HEAD":
                return response
            await response.write(_heartbeat(channel))
            next_heartbeat = clock() + heartbeat_seconds
            while not _has_left(request):
                ended = channel.closed or (ends_at is not None and clock() >= ends_at)
                wait = 0.0 if ended else max(0.0, min(_LOOK_SECONDS, next_heartbeat - clock()))
                written = await channel.take(wait)
                if not written and not ended and clock() >= next_heartbeat:
                    written = _heartbeat(channel)
                if written:
                    async with asyncio.timeout(write_seconds_max):
                        await response.write(written)
                    next_heartbeat = clock() + heartbeat_seconds
                elif ended:
                    break
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            # The client has left: there is nobody to tell.
            pass
    return response


@contextmanager
def kept(app: web.Application, channel: Channel) -> Iterator[None]:
    """While a channel is served the application can end it; it is closed when that is over."""
    app[_STREAMS].add(channel)
    try:
        yield
    finally:
        channel.close("left")
        app[_STREAMS].discard(channel)


def open_streams(app: web.Application) -> None:
    """Make room for the channels of an application."""
    channels: set[Channel] = set()
    app[_STREAMS] = channels


async def close_streams(app: web.Application) -> None:
    """End every stream, so that a shutdown does not wait for clients."""
    channels = app[_STREAMS]
    for channel in tuple(channels):
        channel.close()


def _heartbeat(channel: Channel) -> bytes:
    return event_bytes("heartbeat", b"{}", channel.cursor)


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
