"""
The door below the routes: what is no HTTP is refused as a problem, too, and so is the connection
too many.

Left to itself, aiohttp answers a request that it cannot parse with the very line it stumbled over,
and that line may be the one with the token. And it takes as many connections as there are, with a
parser and a task for each.
"""

import asyncio
import socket
from typing import Any, cast

from aiohttp import web
from aiohttp.web_request import BaseRequest

from api.http import problems as known
from api.http.answers import encode_json
from api.http.door import Door
from api.http.problems import ProblemError, Problems, unavailable
from api.http.serving import SERVER

CONNECTIONS_MAX = 12_000
#: Longer than proxies keep theirs, so that it is the proxy that hangs up; not for ever, for whoever
#: opens a connection and says nothing has one all the same.
KEEPALIVE_SECONDS = 75.0
#: How long a client may leave what it asked for lying in our buffers.
UNREAD_SECONDS_MAX = 30
_FAREWELL_SECONDS = 1.0

_PROBLEMS = Problems()
_UNREADABLE = ProblemError(known.MALFORMED, "This is not HTTP/1.1, or a header cannot be read.")


def _full() -> bytes:
    """What a connection too many is told, whatever it came to say."""
    error = unavailable(detail="There are too many connections at the moment.")
    body = encode_json(_PROBLEMS.document(error))
    head = (
        f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {known.CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: 1\r\nCache-Control: no-store\r\n"
        f"Server: {SERVER}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_FULL = _full()


class Protocol(web.RequestHandler):
    """One connection."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        server = cast(Server, self._manager)
        stream = cast(asyncio.Transport, transport)
        if len(server._connections) >= server.connections_max:
            server.turned_away += 1
            # Nothing it says is read; it has a moment to hear why.
            self._close = True
            stream.write(_FULL)
            self._loop.call_later(_FAREWELL_SECONDS, stream.close)
            return
        ours = stream.get_extra_info("socket")
        if ours is not None and ours.family != socket.AF_UNIX:
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS_MAX * 1_000)
        super().connection_made(transport)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  it quotes what was received
    ) -> web.StreamResponse:
        """The answer to what never became a request, and to a failure beside all handlers."""
        super().handle_error(request, status, exc, "")
        error = _UNREADABLE if status == 400 else ProblemError(known.INTERNAL)
        document = _PROBLEMS.document(error)
        headers = {
            "Content-Type": known.CONTENT_TYPE,
            "Cache-Control": "no-store",
            "Server": SERVER,
        }
        response = web.Response(body=encode_json(document), status=document.status, headers=headers)
        response.force_close()
        return response


class Server(web.Server):
    """Makes connections of the kind above."""

    connections_max = CONNECTIONS_MAX
    turned_away = 0

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """
    Runs an application; nothing leaves it but its own answers and problems.

    :param door: of the application; told when the server is about to stop.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        connections_max: int = CONNECTIONS_MAX,
        shutdown_timeout: float,
        door: Door | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=KEEPALIVE_SECONDS,
            **more,
        )
        self._connections_max = connections_max
        self._door = door or Door()

    @property
    def connections(self) -> int:
        """How many are open."""
        return 0 if self._server is None else len(self._server._connections)

    def drain(self) -> None:
        """From now on whoever is answered is asked to hang up."""
        self._door.draining = True

    def abort(self) -> None:
        """Wait no longer for clients; who was not answered yet is not going to be."""
        if self._server is not None:
            for connection in self._server.connections:
                connection.force_close()
                if connection._task_handler is not None:
                    connection._task_handler.cancel()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # The library has no place to name the class; this one adds nothing to what it holds.
        server.__class__ = Server
        cast(Server, server).connections_max = self._connections_max
        return server
