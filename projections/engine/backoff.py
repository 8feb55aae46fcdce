"""
How long to wait after the n-th failure in a row: doubling, up to a bound.
"""

import time

RETRY_SECONDS_MIN = 0.25
RETRY_SECONDS_MAX = 30.0


def delay(attempts: int, shortest: float = RETRY_SECONDS_MIN) -> float:
    """Seconds to wait after that many failures in a row, at least one."""
    return float(min(RETRY_SECONDS_MAX, shortest * 2 ** min(attempts - 1, 16)))


class Retry:
    """One thing that fails and is tried again."""

    __slots__ = ("attempts", "retry_at", "shortest")

    def __init__(self, shortest: float = RETRY_SECONDS_MIN) -> None:
        self.attempts = 0
        self.retry_at = 0.0
        self.shortest = shortest

    def failed(self) -> float:
        """Note a failure; the seconds to wait."""
        self.attempts += 1
        seconds = delay(self.attempts, self.shortest)
        self.retry_at = time.monotonic() + seconds
        return seconds

    def succeeded(self) -> None:
        """Note that all is well again."""
        self.attempts = 0
        self.retry_at = 0.0

    @property
    def waits(self) -> float:
        """Seconds until the next try; 0 when it is due."""
        return max(0.0, self.retry_at - time.monotonic())
