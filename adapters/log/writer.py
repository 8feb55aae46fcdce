"""
The one writer thread of a process.

It takes what is queued, writes it in one transaction, commits, and only then lets anyone know. It
outlives every failure: a batch that met a dead server is tried again on a new connection until its
callers have waited long enough, and a commit whose answer was lost is looked up before anything
else is written.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from adapters.log.batch import Result, State, Submission, settle
from adapters.log.outcome import deliver
from adapters.log.patience import Abandoned, Attempt, Watch
from adapters.log.queue import Queue
from adapters.log.session import Session, landed
from adapters.log.statistics import Statistics
from adapters.log.transaction import Setting, Written, is_of_the_server, sqlstate_of, write
from commands.ports import LogUnavailable, OutcomeUnknown
from domain.event import Recorded

OnCommit = Callable[[Sequence[Recorded]], None]

PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS_MIN: Final = 0.02
_PAUSE_SECONDS_MAX: Final = 0.5

logger = logging.getLogger("homezone.log")


class Writer:
    """Drains a queue until it is closed."""

    def __init__(
        self,
        queue: Queue,
        session: Session,
        setting: Setting,
        on_commit: OnCommit | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.statistics = Statistics()
        self._queue = queue
        self._session = session
        self._setting = setting
        self._on_commit = on_commit
        self._patience = patience_seconds
        self._doubt: Written | None = None
        self._attempt = Attempt()
        self._watch = Watch(self._attempt, queue, self._abandon, patience_seconds)
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        self._watch.start()

    def join(self) -> None:
        """Wait until everything taken has been answered. The queue must have been closed."""
        self._thread.join()
        self._watch.stop()

    def _run(self) -> None:
        while batch := self._queue.take():
            began = time.monotonic()
            self.statistics.taken(batch, began)
            try:
                self._settle(batch)
            except BaseException:
                logger.exception("the log's writer met an error it has no rule for")
                self._session.discard()
                unknown = [each for each in batch if each.state is State.QUEUED]
                self._abandon([(each, OutcomeUnknown()) for each in unknown])
                self._doubt = None
            self.statistics.batch_seconds.observe(time.monotonic() - began)
        self._session.discard()

    def _settle(self, batch: list[Submission]) -> None:
        """Write a batch, however often it takes; every caller of it gets an answer."""
        pause = _PAUSE_SECONDS_MIN
        careful = False
        while batch:
            self._attempt.begin(batch, in_doubt=self._doubt is not None)
            try:
                self._try(batch, careful)
            except Abandoned:
                self._session.discard()
                return
            except Exception as error:
                if not careful and not is_of_the_server(error):
                    # Something that was to be written with the commit cannot be: find out what.
                    careful = True
                    continue
                self._session.discard()
                self.statistics.retries += 1
                logger.warning(
                    "the log cannot write, and tries again",
                    extra={"fields": {"sqlstate": sqlstate_of(error), "commands": len(batch)}},
                    exc_info=error,
                )
            else:
                return
            finally:
                self._attempt.end()
            time.sleep(pause)
            pause = min(pause * 2, _PAUSE_SECONDS_MAX)
            batch = self._give_up_on_the_old(batch)
        self._doubt = None

    def _try(self, batch: list[Submission], careful: bool) -> None:
        session = self._session
        if self._doubt is not None:
            written, found = self._doubt, landed(session.cursor(), self._doubt)
            self._doubt = None
            if found:
                self._conclude(written)
                return
            self._attempt.known_unwritten()
        try:
            written = write(session, batch, self._setting, careful=careful)
        except BaseException:
            session.rollback()
            raise
        self._attempt.before_commit()
        began = time.monotonic()
        try:
            session.run(written.rest, commit=True)
        except BaseException:
            # Even an error that the server sent may have come after the commit took hold.
            self._doubt = written
            session.rollback()
            raise
        self.statistics.commit_seconds.observe(time.monotonic() - began)
        self._conclude(written)

    def _conclude(self, written: Written) -> None:
        """The batch is durable: say so."""
        self._answer(written.plan.results)
        plan = written.plan
        self.statistics.committed(plan.results, len(plan.written), len(written.events))
        if self._on_commit is not None and written.events:
            try:
                self._on_commit(written.events)
            except Exception:
                logger.exception("a listener to commits failed")

    def _answer(self, results: Sequence[tuple[Submission, Result]]) -> None:
        for submission, result in results:
            settle(submission, result)
        deliver(results)

    def _abandon(self, results: Sequence[tuple[Submission, Result]]) -> None:
        """Answer those whose time is over."""
        self.statistics.abandoned(results)
        self._answer(results)

    def _give_up_on_the_old(self, batch: list[Submission]) -> list[Submission]:
        """
        Answer those who have waited too long; the rest of the batch is tried again.

        While its commit is in doubt a batch stands or falls as a whole.
        """
        since = time.monotonic() - self._patience
        old = [each for each in batch if each.queued_at < since]
        if self._doubt is not None:
            if len(old) < len(batch):
                old = []
            self._abandon([(each, OutcomeUnknown()) for each in old])
        else:
            self._abandon([(each, LogUnavailable()) for each in old])
        late = self._queue.take_older_than(since)
        self._abandon([(each, LogUnavailable()) for each in late])
        return [each for each in batch if each.state is State.QUEUED]
