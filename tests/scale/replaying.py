"""
A rebuild and a check in a process of their own, whose memory is theirs alone:

    python -m tests.scale.replaying URL

prints how fast the rebuild was in each tenth of the log, in events a second of the clock and
microseconds of this process's time an event; and last the most memory that it ever took, in bytes.
"""

import sys
import time
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.reader import Reader
from api.wiring.models import MODELS
from domain.catalogue import EVENTS
from replay.check import check
from replay.progress import Progress
from replay.rebuild import rebuild


def main(url: str) -> None:
    """Rebuild all, check all."""
    database, clock = Database(url), SystemClock()
    reader = Reader(database.server, EVENTS)
    pace = Pace()
    rebuild(reader, database.owner, MODELS, clock, uuid4(), on_progress=pace.told)
    for checked in check(reader, database.owner, MODELS, clock, uuid4()):
        assert not checked.differing, checked.model
    reader.close()
    database.dispose()
    pace.print()
    print(peak_bytes())


class Pace:
    """How fast a replay goes."""

    def __init__(self) -> None:
        self._marks = [(0, time.monotonic(), time.process_time())]

    def told(self, progress: Progress) -> None:
        """Mark each tenth of the whole."""
        if progress.events_done * 10 >= progress.events_total * len(self._marks):
            self._marks.append((progress.events_done, time.monotonic(), time.process_time()))

    def print(self) -> None:
        """A line a tenth."""
        for (before, began, used), (done, at, uses) in pairwise(self._marks):
            events = done - before
            rate, cost = events / (at - began), 1e6 * (uses - used) / events
            print(f"{done:>12,} {rate:>9,.0f}/s {cost:6.1f} µs")


def peak_bytes() -> int:
    """Of this program alone: ``getrusage`` would count in the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
