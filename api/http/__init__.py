"""
The HTTP kit: routes as data.

It knows the conventions of the API and nothing of what Homezone does: a part of the API declares
:class:`Routes`, and :func:`application` makes of them what aiohttp serves, the validation, and the
OpenAPI document. It stands on aiohttp and msgspec alone, because no kept library joins the two and
a write has to cost little more than a health check.
"""

from api.http.answers import Answer, Page, Written, found, nothing, written
from api.http.application import OPENAPI, ROUTES, application
from api.http.call import Call, Principal
from api.http.conditions import IfMatch
from api.http.correlation import add_request_id
from api.http.cursors import CursorCodec
from api.http.hooks import Hooks
from api.http.openapi import Info
from api.http.parameters import LAST_EVENT_ID, PURPOSE, Header
from api.http.positions import Vector, format_positions, parse_moment, parse_positions
from api.http.problems import (
    FieldError,
    Problem,
    ProblemError,
    bad_field,
    bad_parameter,
    not_found,
    too_many_requests,
    unavailable,
)
from api.http.queries import Cursor, Limit, Paging
from api.http.routes import Route, Routes
from api.http.streams import Channel, serve_events

__all__ = [
    "LAST_EVENT_ID",
    "OPENAPI",
    "PURPOSE",
    "ROUTES",
    "Answer",
    "Call",
    "Channel",
    "Cursor",
    "CursorCodec",
    "FieldError",
    "Header",
    "Hooks",
    "IfMatch",
    "Info",
    "Limit",
    "Page",
    "Paging",
    "Principal",
    "Problem",
    "ProblemError",
    "Route",
    "Routes",
    "Vector",
    "Written",
    "add_request_id",
    "application",
    "bad_field",
    "bad_parameter",
    "format_positions",
    "found",
    "not_found",
    "nothing",
    "parse_moment",
    "parse_positions",
    "serve_events",
    "too_many_requests",
    "unavailable",
    "written",
]
