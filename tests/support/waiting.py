"""
Waiting for what must come by itself.
"""

import time
from collections.abc import Callable

from tests.support.homezone import SECONDS_MAX


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what must come by itself: what policies do follows no position that a client has."""
    until = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)
