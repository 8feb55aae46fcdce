"""
Which request a log line belongs to, and what a log line may say of one.

The id is set once a request and read by whoever logs; it costs a counter, not entropy. It is ours,
so nobody can make two requests look like one. What a proxy in front calls the request is logged
beside it, where that cannot be anybody's words: a ``traceparent`` as the W3C has it, an
``X-Request-Id`` of 32 hexadecimal digits or a UUID. The command that a request issues has a
correlation id, which its events and all that follows from them carry; it is set here, too. A
failure is logged by the exception's type and where it was raised: messages and values may hold
anybody's words.
"""

import itertools
import re
import secrets
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import structlog

log = structlog.stdlib.get_logger("homezone.http")

request_id: ContextVar[str] = ContextVar("request_id", default="")
#: Of the command that is being carried out, if any.
correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_REQUEST_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_process = secrets.token_hex(6)
_count = itertools.count(1)
_FRAMES_MAX = 12


def next_request_id() -> str:
    """An id that no other request of any process has."""
    return f"{_process}-{next(_count)}"


def add_request_id(_logger: Any, _method: str, fields: Any) -> Any:
    """A structlog processor that puts the request's id on every line logged while it is served."""
    if known := request_id.get():
        fields.setdefault("request", known)
    if (command := correlation.get()) is not None:
        fields.setdefault("correlation", str(command))
    return fields


def upstream_ids(headers: Mapping[str, str]) -> dict[str, str]:
    """What those in front call a request: ``trace`` and ``upstream``, if they are what they say."""
    found = {}
    trace = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if trace is not None:
        found["trace"] = trace[1]
    upstream = headers.get("X-Request-Id", "").lower()
    if _REQUEST_ID.fullmatch(upstream) is not None:
        found["upstream"] = upstream
    return found


def raised_at(error: BaseException) -> list[str]:
    """The last places that an exception came through: of the code, not of what it worked on."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def log_failure(
    error: BaseException, route: str, method: str, headers: Mapping[str, str] | None = None
) -> None:
    """Log an error of ours without its message."""
    log.error(
        "request failed",
        request=request_id.get(),
        operation=route,
        method=method,
        error=type(error).__qualname__,
        raised_at=raised_at(error),
        **upstream_ids(headers or {}),
    )


class ServerLog:
    """
    What aiohttp logs of its own: connections that speak no HTTP, handlers that are cut off. Its
    messages quote what was received, tokens too; only the kind of error is kept.
    """

    def exception(self, *_message: Any, exc_info: BaseException | None = None) -> None:
        """A connection ended by an error."""
        kind = "" if exc_info is None else type(exc_info).__qualname__
        log.warning("connection failed", error=kind)

    error = warning = exception

    def debug(self, *_message: Any, **_more: Any) -> None:
        """Not kept."""

    info = debug
