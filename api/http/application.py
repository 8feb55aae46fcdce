"""
Routes and hooks, put together to an aiohttp application.

It adds what belongs to no single route: the answer to an address or a method that does not exist,
OPTIONS, the OpenAPI document, its page and the pages of the problems. Whole applications of this
kind run in the tests as well as in the product.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from api.http import problems as known
from api.http.correlation import ServerLog, next_request_id, request_id
from api.http.cursors import CursorCodec
from api.http.decode import BODY_BYTES_MAX
from api.http.docs import docs_routes, static_routes
from api.http.door import Door
from api.http.hooks import Hooks
from api.http.openapi import Info, OpenApi
from api.http.problems import Problem, ProblemError, Problems
from api.http.routes import ANYTHING, Route, Routes
from api.http.serving import SERVER, AioHandler, Serving
from api.http.streams import close_streams, open_streams


def application(
    routes: Iterable[Routes],
    app: Any,
    hooks: Hooks,
    *,
    info: Info,
    cursor_secret: bytes,
    problems: Iterable[Problem] = (),
    public: Iterable[tuple[str, str, AioHandler]] = (),
    door: Door | None = None,
    overridden: Collection[str] = (),
) -> web.Application:
    """
    The whole application.

    :param app: the services that handlers reach as ``Call.app``.
    :param cursor_secret: 16 to 64 bytes that outlive restarts.
    :param problems: the application's own.
    :param public: handlers beside the declared routes, as method, path and aiohttp handler: what
        speaks a protocol of its own and is not described by OpenAPI.
    :param door: bounds what is inside at once.
    :param overridden: paths where POST stands for the method that ``X-HTTP-Method-Override`` names,
        for clients whose network lets no other pass.
    """
    table = Problems(problems)
    document = OpenApi(info, table, past=hooks.travel is not None)
    declared = [route for part in routes for route in part]
    declared += docs_routes(document, table)
    document.describe(declared)
    serving = Serving(app, hooks, table, CursorCodec(cursor_secret), door or Door())
    body_max = max((route.body_max for route in declared), default=BODY_BYTES_MAX)
    expect, streams = _expectation(serving, body_max), _expectation(serving, None)
    streamed = {(route.method, route.pattern) for route in declared if route.streamed is not None}
    made = web.Application(client_max_size=body_max, handler_args={"logger": ServerLog()})
    methods: dict[str, set[str]] = defaultdict(set)
    every: list[tuple[str, str, AioHandler]] = [
        (route.method, route.pattern, serving.handler(route)) for route in declared
    ]
    for method, path, handler in (*every, *static_routes(), *public):
        for name in ("GET", "HEAD") if method == "GET" else (method,):
            made.router.add_route(
                name,
                path,
                handler,
                expect_handler=streams if (method, path) in streamed else expect,
            )
            methods[path].add(name)
    elsewhere = _elsewhere(serving, methods)
    for path in overridden:
        stands_for = {method: handler for method, at, handler in every if at == path}
        handler = _override(stands_for, elsewhere)
        made.router.add_route("POST", path, handler, expect_handler=streams)
    made.router.add_route("*", f"/{{tail:{ANYTHING}*}}", elsewhere, expect_handler=expect)
    open_streams(made)
    made.on_shutdown.append(close_streams)
    made[OPENAPI] = document
    made[ROUTES] = tuple(declared)
    return made


_METHOD_OVERRIDE: Final = "X-HTTP-Method-Override"

OPENAPI = web.AppKey("openapi", OpenApi)
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes", tuple)


def _override(stands_for: Mapping[str, AioHandler], elsewhere: AioHandler) -> AioHandler:
    """What POST does where it may stand for another method."""

    async def handle(request: web.Request) -> web.StreamResponse:
        meant = request.headers.get(_METHOD_OVERRIDE, "").upper()
        return await stands_for.get(meant, elsewhere)(request)

    return handle


def _elsewhere(serving: Serving, methods: dict[str, set[str]]) -> AioHandler:
    """What an address without an operation for the method answers."""
    patterns = [(_pattern(path), allowed) for path, allowed in methods.items()]

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id.set(next_request_id())
        allowed: set[str] = set()
        for pattern, names in patterns:
            if pattern.fullmatch(request.path):
                allowed |= names
        # What is allowed and came here nevertheless has a name that nothing can have.
        if not allowed or request.method in allowed:
            return serving.refusal(ProblemError(known.NOT_FOUND), request, "")
        headers = {"Allow": ", ".join(sorted(allowed | {"OPTIONS"})), "Server": SERVER}
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=headers)
        refused = ProblemError(known.METHOD_NOT_ALLOWED, headers=headers)
        return serving.refusal(refused, request, "")

    return handle


def _pattern(path: str) -> re.Pattern[str]:
    wide = re.sub(r"\\\{\w+:.*?\\\}", lambda _: f"{ANYTHING}+", re.escape(path))
    return re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", wide))


def _expectation(serving: Serving, body_max: int | None) -> Any:
    """``Expect: 100-continue`` is where a body that is too large is refused before it is sent."""

    async def answer(request: web.Request) -> web.StreamResponse | None:
        if request.headers[hdrs.EXPECT].lower() != "100-continue":
            return serving.refusal(ProblemError(known.EXPECTATION_FAILED), request, "")
        if body_max is not None and (request.content_length or 0) > body_max:
            return serving.refusal(ProblemError(known.TOO_LARGE), request, "")
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim line is not part of the answer's size.
        request.writer.output_size = 0
        return None

    return answer
