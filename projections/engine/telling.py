"""
Log lines of those who follow the log: what happened, where in the log, and what is to be found by
its correlation id; never what an event says, nor an error's message, which may quote that.
"""

import logging

logger = logging.getLogger("homezone.projections")


def tell(message: str, error: BaseException | str, **fields: str | int) -> None:
    """A warning. The message is a constant: what differs goes into fields."""
    kind = error if isinstance(error, str) else type(error).__name__
    logger.warning(message, extra={"fields": {"error": kind, **fields}})
