"""
HTTP/1.1 as the simulator speaks it: one request at a time over a kept connection.

Why it exists: whoever measures a server on the machine that it runs on takes the processor away
from it. A general client made of sessions, URLs and streams costs more than the server's answer to
a write, so it is the server that seems slow. Here a request is one write and an answer one parse,
a fifth of the cost; what comes back is read strictly all the same.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec

_HEAD_BYTES_MAX: Final = 64 << 10
_WITHOUT_BODY: Final = (204, 304)


class Broken(Exception):
    """No answer came, or what came is no HTTP; the message says what happened."""


class Response(msgspec.Struct, frozen=True):
    """An answer; the names of its headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Peer:
    """
    A server's address, and what every request to it begins with.

    :raises ValueError: it is no such address.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no http or https address")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")
        self._host_line = f"Host: {parts.netloc.rpartition('@')[2]}\r\n"

    def head(self, method: str, path: str) -> str:
        """The request line and the Host."""
        return f"{method} {self._path}{path} HTTP/1.1\r\n{self._host_line}"

    async def connect(self) -> "Connection":
        """
        A new connection.

        :raises Broken: nobody listens.
        """
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_connection(
                Connection, self._host, self._port, ssl=self._tls
            )
        except OSError as error:
            raise Broken(str(error)) from error
        return made


class Connection(asyncio.Protocol):
    """One connection of the running loop."""

    def __init__(self) -> None:
        self.open = False
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._received = bytearray()
        self._began: tuple[int, Mapping[str, str], int] | None = None

    async def exchange(self, request: bytes, seconds_max: float) -> Response:
        """
        Send a whole request and read its answer; after a failure the connection is closed.

        :raises Broken: the connection was lost, or too long nothing came.
        """
        if not self.open or self._waiting is not None or self._transport is None:
            raise Broken("the connection is not free")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Response] = loop.create_future()
        self._waiting = waiting
        timer = loop.call_later(seconds_max, self._fail, "timed out")
        self._transport.write(request)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        """Hang up."""
        self.open = False
        if self._transport is not None:
            self._transport.close()

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by descent.
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._waiting is None:
            self._fail("an answer to nothing")
            return
        try:
            self._parse(ended=False)
        except ValueError:
            self._fail("no HTTP")

    def eof_received(self) -> None:
        self.open = False

    def connection_lost(self, _: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            try:
                self._parse(ended=True)
            except ValueError:
                self._fail("no HTTP")
            self._fail("connection lost")

    def _fail(self, why: str) -> None:
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken(why))

    def _parse(self, *, ended: bool) -> None:
        """Answer whoever waits, once all of an answer is there."""
        if self._began is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > _HEAD_BYTES_MAX:
                    raise ValueError
                return
            self._began = (*_head(self._received[:end].decode("latin-1")), end + 4)
        status, headers, start = self._began
        if status in _WITHOUT_BODY:
            end = start
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            unchunked = _unchunked(self._received, start)
            if unchunked is None:
                return
            body, end = unchunked
            self._done(Response(status, headers, body), end)
            return
        elif (length := headers.get("content-length")) is not None:
            end = start + int(length)
        elif ended:
            end = len(self._received)
        else:
            return
        if len(self._received) >= end:
            self._done(Response(status, headers, bytes(self._received[start:end])), end)

    def _done(self, response: Response, end: int) -> None:
        left = len(self._received) - end
        self._received.clear()
        self._began = None
        if left or response.headers.get("connection", "").lower() == "close":
            self.close()
        assert self._waiting is not None
        if not self._waiting.done():
            self._waiting.set_result(response)


def _head(text: str) -> tuple[int, Mapping[str, str]]:
    """
    Status and headers.

    :raises ValueError: no head of an answer.
    """
    first, *lines = text.split("\r\n")
    version, status, *_ = first.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError
        headers[name.lower()] = value.strip()
    return int(status), headers


def _unchunked(received: bytearray, start: int) -> tuple[bytes, int] | None:
    """
    A body that came in chunks, and where it ends; None while some of it is missing.

    :raises ValueError: no chunks.
    """
    body = bytearray()
    while (end := received.find(b"\r\n", start)) >= 0:
        size = int(received[start:end].split(b";")[0], 16)
        begin = end + 2
        start = begin + size + 2
        if len(received) < start:
            return None
        if size == 0:
            # Trailers are never sent to whoever did not ask for them.
            return bytes(body), start
        body += received[begin : begin + size]
    return None
