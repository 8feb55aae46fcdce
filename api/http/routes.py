"""
Routes as data.

A route is declared once; the handler that aiohttp calls, the validation of what comes in, and the
operation in the OpenAPI document are all made from that one declaration, so none can say what the
others do not. Everything that can be worked out from a declaration is worked out when it is made.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec
from aiohttp import web

from api.http.answers import Answer
from api.http.decode import BODY_BYTES_MAX, body_decoder, query_decoder
from api.http.parameters import Header, Kind, path_kinds

Handler = Callable[[Any], Awaitable[Answer | web.StreamResponse]]
H = TypeVar("H", bound=Handler)

CURSOR_QUERY = "cursor"
#: One character of a path, a line feed that came escaped included.
ANYTHING = r"[\s\S]"


class Looked(msgspec.Struct, frozen=True):
    """At which moment, as it was asked for, and whose screen, by QQ number."""

    as_of: str
    viewer: int | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """
    One operation. ``name`` is its operationId; ``path`` is as in OpenAPI.

    ``answer`` is the Struct of the successful answer, None where there is no body; ``media_type``
    names another type than JSON. ``body_max`` bounds the body in bytes. ``streamed`` is the type of
    a body that the handler itself reads, as it arrives; ``stamp`` goes on every answer. ``roles``
    is None where no token is needed. ``later``: it may answer 202 instead. ``always``: it is
    answered however much else there is to do. ``problems`` are those of its own, besides what its
    declaration implies.
    ``links`` name operations that take the id from its answer.
    """

    method: str
    path: str
    name: str
    handler: Handler
    tag: str
    summary: str
    description: str
    status: int
    body: Any
    query: type[msgspec.Struct] | None
    answer: Any
    media_type: str
    request_media_type: str
    body_max: int
    streamed: str | None
    stamp: Mapping[str, str]
    roles: frozenset[str] | None
    later: bool
    always: bool
    problems: tuple[str, ...]
    write: bool
    fresh: bool
    past: bool
    conditional: bool
    versioned: bool
    headers: tuple[Header, ...]
    links: tuple[str, ...]
    example: Any
    path_kinds: Mapping[str, Kind]
    read_body: Callable[[bytes], Any] | None
    read_query: Callable[[str], Any] | None

    @property
    def pattern(self) -> str:
        """Its path as the router takes it."""
        path = self.path
        for name, kind in self.path_kinds.items():
            if kind.wide:
                path = path.replace(f"{{{name}}}", f"{{{name}:{ANYTHING}+}}")
        return path

    @property
    def is_list(self) -> bool:
        """Whether it answers a page of a list."""
        return self.query is not None and CURSOR_QUERY in self.query.__struct_fields__


class Routes:
    """
    The routes of one part of the API, in the order of their declaration.

    ``post("/v1/notes", …)`` and its siblings declare the function below them; see :meth:`declare`.
    """

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, **declared: Any) -> Callable[[H], H]:
        """A read."""
        return self.declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[H], H]:
        """A write that makes something; 201 unless it says otherwise."""
        return self.declare("POST", path, **{"status": 201, **declared})

    def put(self, path: str, **declared: Any) -> Callable[[H], H]:
        """A write that says how something is to be."""
        return self.declare("PUT", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[H], H]:
        """A write that changes what it names."""
        return self.declare("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[H], H]:
        """A write after which something is gone."""
        return self.declare("DELETE", path, **declared)

    def declare(
        self,
        method: str,
        path: str,
        *,
        tag: str,
        summary: str,
        answer: Any,
        roles: Sequence[str] | None,
        body: Any = None,
        query: type[msgspec.Struct] | None = None,
        status: int = 200,
        media_type: str = "application/json",
        request_media_type: str = "application/json",
        problems: Sequence[str] = (),
        write: bool | None = None,
        fresh: bool | None = None,
        past: bool | None = None,
        conditional: bool = False,
        versioned: bool = False,
        headers: Sequence[Header] = (),
        links: Sequence[str] = (),
        example: Any = None,
        later: bool = False,
        always: bool = False,
        body_max: int = BODY_BYTES_MAX,
        streamed: str | None = None,
        stamp: Mapping[str, str] = MappingProxyType({}),
    ) -> Callable[[H], H]:
        """
        Declare an operation.

        :param path: parameters by kind, ``{post:uuid}``; ``{id}``, ``{qq}``, ``{name}`` are known.
        :param roles: who may; None needs no token, an empty sequence any valid one.
        :param problems: names of problems that its handler may answer with.
        :param write: it answers a position and takes an idempotency key; so do all but GET.
        :param fresh: it takes ``Homezone-At-Least``; so do all GET with a token.
        :param past: it answers of a moment as well, ``as_of``; so do all GET with a token and JSON.
        :param conditional: it takes ``If-Match``.
        :param versioned: it answers an ``ETag``.
        :param links: operations whose one path parameter is the ``id`` of its answer.
        :param example: of the body, as the Struct or as plain data.
        :param body_max: how large its body may be, in bytes.
        :param streamed: media type of a body of any length that the handler reads as it arrives
            (``arriving``); there may be none.
        :param stamp: headers of every answer, refusals as well.
        :param later: while what it asks for is on its way, it answers 202 with the same body.
        :param always: no limit and no crowd keeps it from being answered: what machines ask.
        """
        plain_path, kinds = path_kinds(path)

        def decorate(handler: H) -> H:
            _check_annotation(handler, body, query)
            self._routes.append(
                Route(
                    method=method,
                    path=plain_path,
                    name=handler.__name__,
                    handler=handler,
                    tag=tag,
                    summary=summary,
                    description=_paragraph(handler.__doc__),
                    status=status,
                    body=body,
                    query=query,
                    answer=answer,
                    media_type=media_type,
                    request_media_type=request_media_type,
                    body_max=body_max,
                    streamed=streamed,
                    stamp=stamp,
                    roles=None if roles is None else frozenset(roles),
                    later=later,
                    always=always,
                    problems=tuple(problems),
                    write=method != "GET" if write is None else write,
                    fresh=method == "GET" and roles is not None if fresh is None else fresh,
                    past=_is_read(method, roles, media_type) if past is None else past,
                    conditional=conditional,
                    versioned=versioned,
                    headers=tuple(headers),
                    links=tuple(links),
                    example=example,
                    path_kinds=kinds,
                    read_body=None if body is None else body_decoder(body),
                    read_query=None if query is None else query_decoder(query),
                )
            )
            return handler

        return decorate


def _is_read(method: str, roles: Sequence[str] | None, media_type: str) -> bool:
    return method == "GET" and roles is not None and media_type == "application/json"


def _paragraph(docstring: str | None) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", (docstring or "").strip())


def _check_annotation(handler: Handler, body: Any, query: type[msgspec.Struct] | None) -> None:
    """A handler annotated ``Call[A, V, Body, Query]`` must mean what its route declares."""
    hints = get_type_hints(handler)
    arguments = get_args(hints.get("call"))
    if not arguments:
        return
    none = type(None)
    if arguments[2:] != (none if body is None else body, none if query is None else query):
        name = getattr(handler, "__name__", "handler")
        raise TypeError(f"{name}: its annotation and its route disagree on body or query")
