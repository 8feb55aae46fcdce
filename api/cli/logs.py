"""
Log lines: one JSON object each, on stderr, with their request's id and nothing of anybody's.
"""

import logging
import sys
from typing import Any, TextIO, cast

import structlog

from api.http.correlation import add_request_id


def configure(stream: TextIO = sys.stderr) -> None:
    """Set up structlog, and let the few lines of libraries through as it formats them."""
    structlog.configure(
        processors=[
            add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Handler()], force=True)


class _Handler(logging.Handler):
    """Warnings of libraries: where they come from and their kind, never their message."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it in our format."""
        fields: dict[str, Any] = {
            "logger": record.name,
            "where": f"{record.module}:{record.lineno}",
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = record.exc_info[0].__qualname__
        log = cast(Any, structlog.get_logger())
        log.log(record.levelno, "library warning", **fields)
