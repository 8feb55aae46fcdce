"""
The log's twin in memory: the same rules, the same answers, no database.

It passes the same tests, so the simulator may run thousands of histories on it an hour. Everything
happens on the caller's thread: in a loop, on one of its next turns.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec

from adapters.log.batch import (
    Answer,
    EpochOf,
    Facts,
    Plan,
    Submission,
    plan,
    recorded,
    settle,
)
from adapters.log.copy import size_of
from adapters.log.memory_store import MemoryReader, MemoryStore, Row
from adapters.log.outcome import QueuedTicket, deliver, make_outcome, resolve
from adapters.log.queue import QUEUE_BYTES_MAX, QUEUE_COUNT_MAX, Queue
from commands.ports import Append, Appended, Clock, LogFault, Ticket
from domain.event import Event, Recorded, Registry, type_of
from domain.ids import StreamId, cell_of

__all__ = ["MemoryLog", "MemoryReader", "MemoryStore"]


class MemoryLog:
    """
    The log of every cell, in a store in memory.

    :param inline: called before the events are there; it raises before it changes anything.
    :param delay_seconds: how long a batch takes, drawn anew for each; in a loop only.
    """

    def __init__(
        self,
        store: MemoryStore,
        registry: Registry,
        clock: Clock,
        *,
        inline: Callable[[Sequence[Recorded]], None] | None = None,
        on_commit: Callable[[Sequence[Recorded]], None] | None = None,
        epoch_of: Mapping[type[Event], Callable[[Any], int]] | None = None,
        delay_seconds: Callable[[], float] | None = None,
        queue_count_max: int = QUEUE_COUNT_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._inline = inline
        self._on_commit = on_commit
        self._epoch_of = EpochOf(epoch_of) if epoch_of else None
        self._delay = delay_seconds
        self._queue = Queue(queue_count_max, queue_bytes_max)
        self._due = False
        self.reader = MemoryReader(store, registry)

    @property
    def cells(self) -> int:
        """How many cells the store has."""
        return len(self._store.heads)

    @property
    def queued(self) -> int:
        """How many appends wait."""
        return len(self._queue)

    def submit(self, append: Append, after: Sequence[Ticket] = ()) -> QueuedTicket:
        """
        Queue an append; see the port.

        :raises ValueError: the append is wrong in itself.
        """
        earlier = tuple(cast(QueuedTicket, ticket).submission for ticket in after)
        submission = Submission(append, earlier, self.cells)
        submission.rows = [self._registry.encode(new.event) for new in append.events]
        submission.size = size_of(submission.rows, append)
        submission.outcome = make_outcome()
        self._queue.put(submission)
        self._soon()
        return QueuedTicket(submission)

    def append(self, append: Append) -> Appended:
        """Append from a thread without a loop."""
        appended: Appended = self.submit(append).submission.outcome.result()
        return appended

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        """A stream's events with ``after < version <= until``, oldest first."""
        await asyncio.sleep(0)
        return self.reader.read_stream(stream, after, until)

    async def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
    ) -> list[Recorded]:
        """At most ``limit`` events with ``after < position <= until``, of those types, in order."""
        return self.reader.read(cell, after, limit, until, types)

    async def position_of(self, stream: StreamId, version: int) -> int:
        """Where a stream's event stands in its cell; LookupError when there is none."""
        return self.reader.position_of(stream, version)

    async def rules_epoch(self, cell: int) -> int:
        """The epoch of the rules in force in a cell."""
        return self.reader.rules_epoch(cell)

    async def heads(self) -> Mapping[int, int]:
        """The last position of every cell; 0 for an empty one."""
        return self.reader.heads()

    async def heads_at(self, moment: datetime) -> Mapping[int, int]:
        """The last position of each cell recorded at or before a moment."""
        return self.reader.heads_at(moment)

    def purge(self, now: datetime, limit: int = 1_000) -> int:
        """Forget some expired idempotency keys; how many."""
        with self._store.lock:
            held = self._store.answers.items()
            old = [at for at, (_, expires) in held if expires is not None and expires <= now]
            for at in old[:limit]:
                del self._store.answers[at]
            return len(old[:limit])

    def close(self) -> None:
        """Finish what was taken."""
        self._queue.close()
        while len(self._queue):
            self._flush()

    def _soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        if not self._due:
            self._due = True
            if self._delay is None:
                loop.call_soon(self._flush)
            else:
                loop.call_later(self._delay(), self._flush)

    def _flush(self) -> None:
        self._due = False
        with self._store.lock:
            batch = self._queue.take() if len(self._queue) else []
            if not batch:
                return
            facts = self._facts(batch)
            done = plan(batch, facts, self._epoch_of)
            try:
                events = self._write(done, facts)
            except Exception:  # noqa: BLE001 - one command's fault; which, the retry tells
                done, events = self._one_by_one(batch)
            for submission, result in done.results:
                settle(submission, result)
        self._tell(done)
        if self._on_commit is not None and events:
            self._on_commit(events)
        if len(self._queue):
            self._soon()

    def _facts(self, batch: Sequence[Submission]) -> Facts:
        store = self._store
        now = self._clock.now()
        guards = {pair for each in batch for pair in each.append.guards.items()}
        streams = {new.stream for each in batch for new in each.append.events}
        return Facts(
            heads=dict(store.heads),
            recorded_at={cell: max(now, head.recorded_at) for cell, head in store.heads.items()},
            stale=frozenset(
                (stream, seen) for stream, seen in guards if _moved(store, stream, seen)
            ),
            versions={stream: store.version(stream) for stream in streams},
            answers={
                at: store.answers[at][0]
                for each in batch
                if (at := each.key_at) is not None and at in store.answers
            },
        )

    def _write(self, done: Plan, facts: Facts) -> list[Recorded]:
        events = recorded(done, facts)
        if self._inline is not None and events:
            self._inline(events)
        store = self._store
        for submission, first in done.written:
            append = submission.append
            at = facts.recorded_at[append.cell]
            store.add(append.cell, _rows(submission, first, at))
            if append.key is not None and (key_at := submission.key_at) is not None:
                answer = Answer(
                    append.cell, append.key.digest, append.answer, first, len(append.events)
                )
                store.answers[key_at] = (answer, append.key.expires_at)
        for cell, epoch in done.epochs.items():
            store.heads[cell] = msgspec.structs.replace(store.heads[cell], rules_epoch=epoch)
        return events

    def _one_by_one(self, batch: Sequence[Submission]) -> tuple[Plan, list[Recorded]]:
        whole, events, lost = Plan(), list[Recorded](), set[Submission]()
        for each in batch:
            facts = self._facts([each])
            alone = plan([each], facts, self._epoch_of, lost)
            try:
                events += self._write(alone, facts)
            except Exception as error:  # noqa: BLE001 - it fails alone
                fault = LogFault(type(error).__name__)
                fault.__cause__ = error
                alone = Plan()
                alone.results.append((each, fault))
                lost.add(each)
            whole.absorb(alone)
        return whole, events

    def _tell(self, done: Plan) -> None:
        """Callers on this loop hear at once: a turn saved is a history sooner done."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            deliver(done.results)
            return
        here, elsewhere = [], []
        for submission, result in done.results:
            outcome = submission.outcome
            if isinstance(outcome, asyncio.Future) and outcome.get_loop() is loop:
                here.append((outcome, result))
            else:
                elsewhere.append((submission, result))
        resolve(here)
        deliver(elsewhere)


def _moved(store: MemoryStore, stream: StreamId, seen: int) -> bool:
    return seen + 1 in store.streams.get((cell_of(stream), stream), {})


def _rows(submission: Submission, first: int, at: datetime) -> list[Row]:
    append = submission.append
    return [
        Row(
            position,
            new.stream,
            new.version,
            type_of(new.event),
            data,
            at,
            new.owner,
            append.actor,
            append.command,
            append.correlation,
            append.causation,
        )
        for position, (new, data) in enumerate(
            zip(append.events, submission.rows, strict=True), first
        )
    ]
