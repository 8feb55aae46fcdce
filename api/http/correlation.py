"""
Which request a log line belongs to, and what a log line may say of one.

The id is set once a request and read by whoever logs; it costs a counter, not entropy. A failure is
logged by the exception's type and where it was raised: messages and values may hold anybody's
words.
"""

import itertools
import secrets
import traceback
from contextvars import ContextVar
from typing import Any

import structlog

log = structlog.stdlib.get_logger("homezone.http")

request_id: ContextVar[str] = ContextVar("request_id", default="")

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
    return fields


def log_failure(error: BaseException, route: str, method: str) -> None:
    """Log an error of ours without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    log.error(
        "request failed",
        request=request_id.get(),
        route=route,
        method=method,
        error=type(error).__qualname__,
        raised_at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
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
