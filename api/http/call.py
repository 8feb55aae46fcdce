"""
One request, as a handler sees it: read, validated, and known by whom.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from aiohttp import hdrs, web
from multidict import istr

from api.http import parameters
from api.http.answers import Answer, Page, encode_json, page_link
from api.http.conditions import IfMatch, check_version
from api.http.cursors import CursorCodec
from api.http.positions import Vector
from api.http.routes import CURSOR_QUERY, Looked, Route

A = TypeVar("A")
V = TypeVar("V")
B = TypeVar("B")
Q = TypeVar("Q")
T = TypeVar("T")

_AT_LEAST = istr(parameters.AT_LEAST.name)


class Principal(Protocol):
    """Who a token says is calling."""

    @property
    def qq(self) -> int: ...

    @property
    def role(self) -> str: ...


class Call(Generic[A, V, B, Q]):
    """
    A request to a handler. The parameters are the application's services, its notion of a viewer
    (what the ``admit`` hook returns), the body and the query; an application names the first two
    once: ``Ask = Call[Services, Viewer, B, Q]``.

    ``app``, ``body``, ``query`` and ``path`` are what they say; ``raw`` is the body as it came;
    ``idempotency_key`` is the caller's name for a write; ``looked`` the moment that a read is
    of, if not the present. ``inside`` and ``reserved`` say what the door is to be given back.
    """

    __slots__ = (
        "_cursors",
        "_viewer",
        "app",
        "body",
        "idempotency_key",
        "inside",
        "looked",
        "path",
        "principal",
        "query",
        "raw",
        "request",
        "reserved",
        "route",
    )  # fmt: skip

    app: A
    body: B
    query: Q

    def __init__(self, app: A, route: Route, request: web.Request, cursors: CursorCodec) -> None:
        self.app = app
        self.route = route
        self.request = request
        self._cursors = cursors
        self.principal: Principal | None = None
        self._viewer: V | None = None
        self.idempotency_key: str | None = None
        self.path: dict[str, Any] = {}
        self.raw = b""
        self.looked: Looked | None = None
        self.inside = False
        self.reserved = 0

    @property
    def viewer(self) -> V:
        """Who is calling, as the application knows them; only where a token is needed."""
        return cast(V, self._viewer)

    def look_as(self, viewer: V) -> None:
        """Answer as to somebody else."""
        self._viewer = viewer

    @property
    def role(self) -> str:
        """The role that the token gives; empty without one."""
        return self.principal.role if self.principal is not None else ""

    def uuid(self, name: str = "id") -> UUID:
        """A path parameter of kind uuid."""
        return cast(UUID, self.path[name])

    def qq(self, name: str = "qq") -> int:
        """A path parameter of kind qq."""
        return cast(int, self.path[name])

    def text(self, name: str = "name") -> str:
        """A path parameter of kind name or position."""
        return cast(str, self.path[name])

    def header(self, header: parameters.Header) -> Any:
        """
        A header, read; None when it is absent.

        :raises ProblemError: 400 when it is malformed.
        """
        text = self.request.headers.get(header.name)
        return None if text is None else header.parse(text)

    @property
    def purpose(self) -> str | None:
        """Why staff open what is sealed."""
        return cast("str | None", self.header(parameters.PURPOSE))

    @property
    def at_least(self) -> Vector | None:
        """How fresh the read models must be."""
        text = self.request.headers.get(_AT_LEAST)
        return None if text is None else cast(Vector, parameters.AT_LEAST.parse(text))

    def digest(self) -> bytes:
        """What an idempotency key stands for: sha256 over method, path and body."""
        request = self.request
        hashed = sha256(f"{request.method} {request.path}\n".encode())
        hashed.update(self.raw)
        return hashed.digest()

    @property
    def if_match(self) -> IfMatch | None:
        """The versions on which this change is conditional."""
        text = self.request.headers.getall(hdrs.IF_MATCH, None)
        return None if text is None else IfMatch(",".join(text))

    @property
    def admits(self) -> Callable[[int], bool] | None:
        """Whether a version is one of these; None where the change is not conditional."""
        condition = self.if_match
        return None if condition is None else condition.admits

    def check_version(self, version: int | str) -> None:
        """
        Refuse a change that is conditional on another version than the current.

        :raises ProblemError: 412.
        """
        check_version(self.if_match, version)

    def after(self, kind: type[T]) -> T | None:
        """
        The place from which this page goes on; None on the first.

        :param kind: of the place, a tuple type.
        :raises ProblemError: 400 when the cursor is not one of this list and viewer.
        """
        cursor = getattr(self.query, CURSOR_QUERY)
        if cursor is None:
            return None
        return self._cursors.decode(cursor, kind, self._binding())

    def page(self, items: list[Any], place: Any = None) -> Answer:
        """
        A page of a list.

        :param place: of the last item, as :meth:`after` is to give it back for the page after this
            one; None when there is nothing after it.
        """
        if place is None:
            return Answer(encode_json(Page(items, None)))
        cursor = self._cursors.encode(place, self._binding())
        link = page_link(self.request.path, {**self.request.query, CURSOR_QUERY: cursor})
        return Answer(encode_json(Page(items, cursor)), headers={"Link": link})

    def _binding(self) -> bytes:
        """The list, its filters and the viewer."""
        query: Any = self.query
        filters = [
            f"{name}={getattr(query, name)!r}"
            for name in query.__struct_fields__
            if name not in (CURSOR_QUERY, "limit")
        ]
        who = 0 if self.principal is None else self.principal.qq
        if self.looked is not None:
            filters += [self.looked.as_of, str(self.looked.viewer)]
        return "\n".join((self.route.name, self.request.path, str(who), *filters)).encode()
