"""
What the kit asks of the application around every handler.

The kit knows HTTP; who a token belongs to, whether a member may act, how fresh the read models are
and how many requests are too many it asks through these.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from api.http.call import Principal
from api.http.positions import Vector
from api.http.routes import Looked, Route

Headers = Mapping[str, str]


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """
    The application's answers.

    :param authenticate: from a token to who it is for; it raises ``refuses``. Called for every
        request, so it rarely waits.
    :param refuses: the exception that says that a token is not valid.
    :param admit: from a principal to the application's viewer, ``Call.viewer``; it may refuse with
        a problem. None: the viewer is the principal.
    :param at_least: returns when the read models have reached a vector; the kit bounds the wait.
    :param limit: the ``RateLimit`` headers of an answer; it may refuse with ``too_many_requests``.
        The principal is None where no token is needed.
    :param observe: for each operation, what is called with the status and seconds of its answers.
    :param refused: called with the operation and the name of each problem answered; the operation
        is empty where the address has none.
    :param note: called with each answer of 500 and above or of at least ``note_seconds``: the
        operation, the request, the status and the seconds.
    :param travel: has a call answered as of a moment; for those of the role ``travels``.
    """

    authenticate: Callable[[str], Awaitable[Principal]]
    refuses: type[Exception]
    admit: Callable[[Principal, Route], Awaitable[Any]] | None = None
    at_least: Callable[[Vector], Awaitable[None]] | None = None
    limit: Callable[[web.Request, Principal | None, Route], Headers | None] | None = None
    observe: Callable[[Route], Callable[[int, float], None]] | None = None
    refused: Callable[[str, str], None] | None = None
    note: Callable[[Route, web.Request, int, float], None] | None = None
    note_seconds: float = 1.0
    travel: Callable[[Any, Looked], Awaitable[None]] | None = None
    travels: str = ""
