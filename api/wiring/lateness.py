"""
How long ago the first event was that somebody has yet to see.

Events behind is what costs work; seconds behind is what people notice, and what an alert should be
about. No database is asked: this server hears of every commit, its own and others', and remembers
when it heard how far the log had come. Of a burst it keeps one moment, and of a long outage
ever coarser ones, so that the memory is bounded and the answer never off by more than a little.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping

Vector = Mapping[int, int]

#: Even, for they are taken in pairs.
_MOMENTS_MAX = 512
#: Commits closer together than this count as one; the error is as small.
_GRAIN_SECONDS = 0.1


class Lateness:
    """Notes heads from any thread, and is asked from any."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        #: When, and how far the log had come by the end of that moment; oldest first.
        self._moments: list[tuple[float, dict[int, int]]] = []

    def note(self, heads: Vector) -> None:
        """The log has come this far, in these cells."""
        with self._lock:
            now = self._now()
            if not self._moments:
                self._moments.append((now, dict(heads)))
                return
            at, last = self._moments[-1]
            if all(position <= last.get(cell, 0) for cell, position in heads.items()):
                return
            if now - at >= _GRAIN_SECONDS:
                last = dict(last)
                self._moments.append((now, last))
                if len(self._moments) > _MOMENTS_MAX:
                    # The end of two moments is the second's; their beginning is the first's.
                    older = self._moments[:-1]
                    pairs = zip(older[::2], older[1::2], strict=True)
                    coarser = [(first[0], second[1]) for first, second in pairs]
                    self._moments = [*coarser, (now, last)]
            for cell, position in heads.items():
                last[cell] = max(position, last.get(cell, 0))

    def seconds(self, positions: Vector) -> float:
        """Since the first event was heard of that is beyond these positions; 0 without one."""

        def beyond(moment: tuple[float, Vector]) -> bool:
            return any(position > positions.get(cell, 0) for cell, position in moment[1].items())

        with self._lock:
            # Heads only grow: from the first moment that is beyond, all later ones are.
            place = bisect_left(self._moments, True, key=beyond)
            if place == len(self._moments):
                return 0.0
            return self._now() - self._moments[place][0]
