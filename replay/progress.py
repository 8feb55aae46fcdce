"""
How far a replay is, and how fast.
"""

import time
from collections.abc import Callable
from threading import Lock

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How a replay goes. ``seconds_left`` assumes that the rest goes as fast."""

    events_done: int
    events_total: int
    events_per_second: float
    seconds_left: float


OnProgress = Callable[[Progress], None]


class Tally:
    """
    Counts what is done, from any thread, and tells of it.

    :param done: of the total, before the clock started.
    """

    def __init__(self, on_progress: OnProgress | None, total: int, done: int = 0) -> None:
        self._on_progress = on_progress
        self._total = total
        self._done = done
        self._began = time.monotonic()
        self._lock = Lock()

    def add(self, events: int) -> None:
        """So many more events are done."""
        with self._lock:
            self._done += events
            if self._on_progress is None:
                return
            rate = self._done / max(1e-9, time.monotonic() - self._began)
            left = max(0, self._total - self._done) / max(1.0, rate)
            self._on_progress(Progress(self._done, self._total, rate, left))
