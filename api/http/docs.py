"""
What the API says of itself: ``/openapi.json``, ``/docs`` and ``/problems/NAME``.

The page is three small files of our own, read once at import; a strict Content-Security-Policy
makes sure that it fetches nothing from another host and runs nothing but its own script.
"""

from importlib.resources import files
from typing import Any

from aiohttp import web

from api.http.answers import Answer
from api.http.openapi import OpenApi
from api.http.problems import NOT_FOUND, Problems, not_found
from api.http.routes import Routes
from api.http.serving import SERVER, AioHandler

POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_static = files("api.http") / "static"
_PAGE = (_static / "docs.html").read_bytes()
_ASSETS = {
    "docs.css": ("text/css", (_static / "docs.css").read_bytes()),
    "docs.js": ("text/javascript", (_static / "docs.js").read_bytes()),
}
TAG = "Operations"


def docs_routes(document: OpenApi, problems: Problems) -> Routes:
    """The documents of an application, as routes of its own."""
    routes = Routes()

    @routes.get(
        "/openapi.json",
        tag=TAG,
        summary="This API, in OpenAPI 3.1",
        answer=dict[str, Any],
        roles=None,
        versioned=True,
    )
    async def read_openapi(_call: Any) -> Answer:
        return Answer(document.raw, etag=document.etag, headers={"Cache-Control": "no-cache"})

    @routes.get(
        "/docs",
        tag=TAG,
        summary="This API, for people",
        answer=str,
        roles=None,
        media_type="text/html",
    )
    async def read_docs(_call: Any) -> Answer:
        return Answer(_PAGE, content_type="text/html; charset=utf-8", headers=_SECURITY)

    @routes.get(
        "/problems/{name}",
        tag=TAG,
        summary="What a problem means",
        answer=str,
        roles=None,
        media_type="text/html",
        problems=(NOT_FOUND,),
    )
    async def read_problem(call: Any) -> Answer:
        if call.text() not in problems.by_name:
            raise not_found()
        page = problems.page(call.text()).encode()
        return Answer(page, content_type="text/html; charset=utf-8", headers=_SECURITY)

    return routes


def static_routes() -> list[tuple[str, str, AioHandler]]:
    """The files that the pages load."""
    return [("GET", f"/docs/{name}", _serve(*asset)) for name, asset in _ASSETS.items()]


def _serve(kind: str, body: bytes) -> AioHandler:
    headers = {"Content-Type": f"{kind}; charset=utf-8", "Server": SERVER, **_SECURITY}

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers=headers)

    return handle
