"""
Requests that ask for a WebSocket.

A browser's ``WebSocket`` can set no headers, so the token may come as a subprotocol, which stands
in no address and in no log.
"""

from typing import Final

from aiohttp import hdrs, web

from api.http.problems import UPGRADE_REQUIRED, ProblemError, bad_parameter

#: The status of a route that is answered by a WebSocket.
UPGRADED: Final = 101
PROTOCOL: Final = "homezone.v1"
TOKEN_PREFIX: Final = "homezone.token."  # noqa: S105 - a name before the token, and none itself


def offered_token(request: web.Request) -> str | None:
    """The token among the subprotocols that a client offers."""
    for name in _offered(request):
        if name.startswith(TOKEN_PREFIX):
            return name.removeprefix(TOKEN_PREFIX)
    return None


def check_upgrade(request: web.Request) -> None:
    """
    See that a request asks for a WebSocket.

    :raises ProblemError: it does not.
    """
    offered = _offered(request)
    # Of offers that nobody takes aiohttp writes a line, with all of them, and the token there.
    if offered and PROTOCOL not in offered:
        raise bad_parameter("Sec-WebSocket-Protocol", f"offer {PROTOCOL} as well")
    try:
        asks = web.WebSocketResponse(protocols=(PROTOCOL,)).can_prepare(request).ok
    except web.HTTPException:
        asks = False
    if not asks:
        raise ProblemError(UPGRADE_REQUIRED, headers={hdrs.UPGRADE: "websocket"})


def _offered(request: web.Request) -> list[str]:
    given = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL)
    return [] if given is None else [one.strip() for one in given.split(",")]
