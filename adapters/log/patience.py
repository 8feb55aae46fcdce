"""
Callers of a writer that is stuck: a stopped backend, a network that swallows bytes.

No timeout of the database reaches a client whose server does not answer at all. So somebody else
watches: what has waited too long in the queue was never tried and is answered so; what is being
written may no longer be committed, unless the commit was sent already and nobody can say.
"""

import threading
import time
from collections.abc import Callable, Sequence

from adapters.log.batch import Result, Submission
from adapters.log.queue import Queue
from commands.ports import LogUnavailable, OutcomeUnknown

Answer = Callable[[Sequence[tuple[Submission, Result]]], None]


class Abandoned(Exception):
    """The batch's callers have been told that it was not written, so it must not be."""


class Attempt:
    """The one attempt that is under way, as the writer and the watch share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch: Sequence[Submission] = ()
        self._since = 0.0
        self._in_doubt = False
        self._given_up = False

    def begin(self, batch: Sequence[Submission], *, in_doubt: bool) -> None:
        """The writer turns to a batch; ``in_doubt``: whose commit was sent before."""
        with self._lock:
            self._batch = batch
            self._since = time.monotonic()
            self._in_doubt = in_doubt
            self._given_up = False

    def known_unwritten(self) -> None:
        """The doubt was cleared up: the earlier commit did not take hold."""
        with self._lock:
            self._in_doubt = False

    def before_commit(self) -> None:
        """
        From here on nobody can tell without asking the log.

        :raises Abandoned: the callers were answered in the meantime.
        """
        with self._lock:
            if self._given_up:
                raise Abandoned
            self._in_doubt = True

    def end(self) -> None:
        """The attempt is over, either way."""
        with self._lock:
            self._batch = ()

    def give_up(self, since: float) -> list[tuple[Submission, Result]] | None:
        """
        Answers for an attempt that began before a moment of the monotonic clock.

        :return: None when no attempt is that old.
        """
        with self._lock:
            if not self._batch or self._since >= since:
                return None
            if self._given_up:
                return []
            self._given_up = True
            return [
                (each, OutcomeUnknown() if self._in_doubt else LogUnavailable())
                for each in self._batch
            ]


class Watch:
    """A thread that looks at the clock while the writer cannot."""

    def __init__(
        self, attempt: Attempt, queue: Queue, answer: Answer, patience_seconds: float
    ) -> None:
        self._attempt = attempt
        self._queue = queue
        self._answer = answer
        self._patience = patience_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._patience / 4):
            since = time.monotonic() - self._patience
            given_up = self._attempt.give_up(since)
            if given_up is not None:
                late = self._queue.take_older_than(since)
                self._answer(given_up + [(each, LogUnavailable()) for each in late])
