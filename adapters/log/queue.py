"""
What waits for the writer: first in, first out, bounded in number and bytes.

Beyond the bound a caller is turned away at once, which costs it a retry; a queue without one would
cost everybody their answers.
"""

import threading
import time
from collections import deque
from typing import Final

from adapters.log.batch import Submission
from commands.ports import LogOverloaded

BATCH_COUNT_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 8 << 20
QUEUE_COUNT_MAX: Final = 20_000
QUEUE_BYTES_MAX: Final = 64 << 20


class Queue:
    """Filled by any thread, emptied by the writer's."""

    def __init__(self, count_max: int = QUEUE_COUNT_MAX, bytes_max: int = QUEUE_BYTES_MAX) -> None:
        self.count_max = count_max
        self.bytes_max = bytes_max
        #: How many were turned away because the queue was full.
        self.refused = 0
        self._waiting: deque[Submission] = deque()
        self._bytes = 0
        self._closed = False
        self._sleeping = False
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        """How much memory waits, as events will take on the wire."""
        return self._bytes

    def put(self, submission: Submission) -> None:
        """
        Queue one.

        :raises LogOverloaded: the queue is full or closed.
        """
        with self._lock:
            # What is larger than the whole bound may still pass alone.
            if (
                self._closed
                or len(self._waiting) >= self.count_max
                or (self._waiting and self._bytes + submission.size > self.bytes_max)
            ):
                self.refused += 1
                raise LogOverloaded
            submission.queued_at = time.monotonic()
            self._waiting.append(submission)
            self._bytes += submission.size
            if self._sleeping:
                self._filled.notify()

    def take(self) -> list[Submission]:
        """The next batch, once there is one; empty when the queue is closed and drained."""
        with self._lock:
            while not self._waiting:
                if self._closed:
                    return []
                self._sleeping = True
                self._filled.wait()
                self._sleeping = False
            taken = [self._waiting.popleft()]
            size = taken[0].size
            while self._waiting and len(taken) < BATCH_COUNT_MAX:
                size += self._waiting[0].size
                if size > BATCH_BYTES_MAX:
                    break
                taken.append(self._waiting.popleft())
            self._bytes -= sum(each.size for each in taken)
            return taken

    def take_older_than(self, queued_at: float) -> list[Submission]:
        """Those that have waited since before a moment of the monotonic clock."""
        with self._lock:
            taken = []
            while self._waiting and self._waiting[0].queued_at < queued_at:
                taken.append(self._waiting.popleft())
            self._bytes -= sum(each.size for each in taken)
            return taken

    def close(self) -> None:
        """Take no more; what was taken is still to be written."""
        with self._lock:
            self._closed = True
            self._filled.notify_all()
