"""
How a command fails: with one clear line.
"""

import os
import traceback


class Failed(Exception):
    """Ends a command. ``status`` is 2 for wrong usage, 1 for a failure."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status


def explain(error: Exception) -> str:
    """
    One line for an error that no command expected. With ``HOMEZONE_DEBUG`` set, its traceback goes
    to stderr first.
    """
    if os.environ.get("HOMEZONE_DEBUG"):
        traceback.print_exception(error)
    line = " ".join(str(error).split())[:300]
    return line or type(error).__name__
