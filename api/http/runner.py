"""
The door below the routes: what is no HTTP is refused as a problem, too.

Left to itself, aiohttp answers a request that it cannot parse with the very line it stumbled over,
and that line may be the one with the token.
"""

from aiohttp import web
from aiohttp.web_request import BaseRequest

from api.http import problems as known
from api.http.answers import encode_json
from api.http.problems import ProblemError, Problems
from api.http.serving import SERVER

_PROBLEMS = Problems()
_UNREADABLE = ProblemError(known.MALFORMED, "This is not HTTP/1.1, or a header cannot be read.")


class Protocol(web.RequestHandler):
    """One connection."""

    __slots__ = ()

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

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application; nothing leaves it but its own answers and problems."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # The library has no place to name the class; this one adds nothing to what it holds.
        server.__class__ = Server
        return server
