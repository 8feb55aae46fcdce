"""
One thread that hears of commits, here and in other processes, and wakes whoever works on them.

Each of the runners polls on its own all the same; this one only makes them prompt. What is
committed while it pauses shares one wake-up: a busy log has hundreds of commits a second.
"""

import threading
from collections.abc import Callable, Iterable, Mapping

from projections.engine.backoff import Retry
from projections.engine.ports import WatchedLog

Wake = Callable[[Mapping[int, int]], None]


class Watch:
    """Calls every ``wake`` with the new heads, in its own thread, until stopped."""

    def __init__(
        self,
        log: WatchedLog,
        wakes: Iterable[Wake],
        poll_seconds: float = 0.5,
        pause_seconds: float = 0.01,
    ) -> None:
        self._log = log
        self._wakes = tuple(wakes)
        self._poll_seconds = poll_seconds
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at the latest after one poll."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        known: Mapping[int, int] = {}
        retry = Retry()
        while not self._stopping.is_set():
            try:
                heads = self._log.wait_for_change(known, self._poll_seconds)
                retry.succeeded()
            except Exception:  # noqa: BLE001 - the database comes back; until then nothing is new
                self._stopping.wait(min(retry.failed(), 2.0))
                continue
            if heads != known:
                known = dict(heads)
                for wake in self._wakes:
                    wake(known)
                self._stopping.wait(self._pause_seconds)
