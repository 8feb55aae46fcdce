"""
What the writer has done, in plain numbers that cost it next to nothing.

Metrics libraries take a lock for each observation, which a thread that writes tens of thousands of
appends a second would feel. Here the one thread that writes fills lists of integers, once a batch;
whoever collects the metrics adds them up when asked. A reader may meet a batch half counted: its
figures are then a batch old, never wrong.
"""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from adapters.log.batch import Result, Submission
from commands.ports import Conflict, OutcomeUnknown, StaleRules, Superseded

#: Batches are at most a thousand commands.
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
#: From a commit on a fast disk to the longest that a caller is made to wait.
SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


class Histogram:
    """
    Observations in buckets, filled by one thread.

    ``counts`` has one more place than there are bounds: what is above all of them.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_waits(self, waiting: Sequence[Submission], now: float) -> None:
        """Count how long each has waited; the first one longest, as a queue gives them."""
        count, start = len(waiting), 0
        self.sum += now * count - sum([each.queued_at for each in waiting])
        place = bisect_left(self.bounds, now - waiting[0].queued_at)
        while place and start < count:
            since = now - self.bounds[place - 1]
            end = bisect_left(waiting, since, start, count, key=_queued_at)
            self.counts[place] += end - start
            start, place = end, place - 1
        self.counts[place] += count - start

    @property
    def cumulative(self) -> list[tuple[float, int]]:
        """For each bound how many are at or below it, and in the end all, at infinity."""
        total, found = 0, []
        for bound, count in zip((*self.bounds, float("inf")), tuple(self.counts), strict=True):
            total += count
            found.append((bound, total))
        return found


class Statistics:
    """
    Figures since the start, written by the writer's thread alone, but for ``given_up``.

    ``written`` and ``replayed`` count commands that came through, ``lost`` those that did not, by
    reason; ``events`` those committed; ``retries`` attempts that met a database in trouble.
    """

    __slots__ = (
        "_lock", "batch_commands", "batch_seconds", "commit_seconds", "events", "given_up", "lost",
        "queue_seconds", "replayed", "retries", "written",
    )  # fmt: skip

    def __init__(self) -> None:
        self.written = 0
        self.replayed = 0
        self.events = 0
        self.retries = 0
        self.lost = dict.fromkeys(("moved", "superseded", "stale_rules", "fault"), 0)
        self.given_up = dict.fromkeys(("unavailable", "unknown"), 0)
        self.queue_seconds = Histogram(SECONDS)
        self.batch_commands = Histogram(SIZES)
        self.batch_seconds = Histogram(SECONDS)
        self.commit_seconds = Histogram(SECONDS)
        self._lock = threading.Lock()

    @property
    def batches(self) -> int:
        """Batches that left the queue."""
        return sum(self.batch_commands.counts)

    @property
    def conflicts(self) -> int:
        """Commands that were decided again because the log had moved on."""
        return sum(self.lost.values()) - self.lost["fault"]

    def taken(self, batch: Sequence[Submission], now: float) -> None:
        """A batch left the queue, at this moment of the monotonic clock."""
        self.batch_commands.observe(len(batch))
        self.queue_seconds.observe_waits(batch, now)

    def committed(
        self, results: Sequence[tuple[Submission, Result]], written: int, events: int
    ) -> None:
        """A batch is durable: ``written`` of its commands, with so many events."""
        self.written += written
        self.events += events
        if written < len(results):
            for _, result in results:
                if isinstance(result, BaseException):
                    self.lost[_reason(result)] += 1
                elif result.replayed:
                    self.replayed += 1

    def abandoned(self, results: Sequence[tuple[Submission, Result]]) -> None:
        """Callers were told that the database is away; by any thread, and rarely."""
        with self._lock:
            for _, result in results:
                kind = "unknown" if isinstance(result, OutcomeUnknown) else "unavailable"
                self.given_up[kind] += 1


def _queued_at(submission: Submission) -> float:
    return submission.queued_at


def _reason(result: BaseException) -> str:
    match result:
        case Superseded():
            return "superseded"
        case StaleRules():
            return "stale_rules"
        case Conflict():
            return "moved"
        case _:
            return "fault"
