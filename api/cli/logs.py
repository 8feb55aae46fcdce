"""
Log lines: one JSON object each, on stderr, with the ids to find what belongs together and nothing
of anybody's.

Our own loggers say a constant message and put what differs into fields, each of them chosen where
the line is written. Of everybody else's lines only the kind is kept, for a library's message may
quote whatever it was given. The same goes for exceptions: type and place, never the text.
"""

import logging
import sys
from typing import Any, TextIO, cast

import structlog

from api.http.correlation import add_request_id, raised_at

_OURS = "homezone"


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
    # Each use of a key service is told; there are few.
    logging.getLogger("homezone.keys").setLevel(logging.INFO)


class _Handler(logging.Handler):
    """What is logged through the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it in our format."""
        ours = record.name.partition(".")[0] == _OURS
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            fields["error"] = type(error).__qualname__
            if ours:
                fields["raised_at"] = raised_at(error)
        if ours:
            fields |= getattr(record, "fields", {})
        else:
            fields["where"] = f"{record.module}:{record.lineno}"
        # Without its arguments: a message of ours has none, and one that has is not kept.
        message = record.msg if ours and not record.args else "library warning"
        log = cast(Any, structlog.get_logger())
        log.log(record.levelno, str(message), **fields)
