"""
The event log on PostgreSQL.

What a caller meets: ``submit`` queues and returns at once; reads are coroutines that share queries.
The work is done by the writer's thread and by a few readers' threads.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from adapters.database import Database, cells_of
from adapters.log import copy
from adapters.log.batch import EpochOf, Submission
from adapters.log.loads import Loads
from adapters.log.notify import Notifier, Wake
from adapters.log.outcome import QueuedTicket, make_outcome
from adapters.log.purge import purge
from adapters.log.queue import QUEUE_BYTES_MAX, QUEUE_COUNT_MAX, Queue
from adapters.log.reader import POLL_SECONDS, Reader
from adapters.log.session import Session
from adapters.log.statistics import Statistics
from adapters.log.transaction import Inline, Setting, is_of_the_server
from adapters.log.writer import PATIENCE_SECONDS, OnCommit, Writer
from commands.ports import Append, Appended, Clock, LogUnavailable, Ticket
from domain.event import Event, Recorded, Registry
from domain.ids import StreamId

T = TypeVar("T")

_READERS = 4


class PostgresLog:
    """
    The log of every cell, in one database.

    :param inline: writes read models inside the append's own transaction.
    :param on_commit: told of what was committed, in the writer's thread.
    :param epoch_of: event types that raise their cell's rules epoch, and how to read it off them.
    :param patience_seconds: how long a caller waits for a database that is away.
    :param notify: tell and hear other processes; without it they find out by polling.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: Clock,
        *,
        inline: Inline | None = None,
        on_commit: OnCommit | None = None,
        epoch_of: Mapping[type[Event], Callable[[Any], int]] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        queue_count_max: int = QUEUE_COUNT_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        notify: bool = True,
    ) -> None:
        engine = database.server
        with engine.connect() as connection:
            self._cells = cells_of(connection)
        self._encode = registry.encode
        self._on_commit = on_commit
        self._engine = engine
        self._wake = Wake()
        self._queue = Queue(queue_count_max, queue_bytes_max)
        setting = Setting(clock, inline, EpochOf(epoch_of) if epoch_of else None)
        self._writer = Writer(
            self._queue, Session(engine), setting, self._committed, patience_seconds
        )
        self._notifier = Notifier(engine, self._wake) if notify else None
        self.reader = Reader(engine, registry, self._wake, poll_seconds)
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="log-reader")
        self._loads = Loads(self.reader.read_streams, self._threads)
        self._writer.start()
        if self._notifier is not None:
            self._notifier.start()

    @property
    def cells(self) -> int:
        """How many cells the store has."""
        return self._cells

    @property
    def statistics(self) -> Statistics:
        """What the writer has done so far."""
        return self._writer.statistics

    @property
    def queue(self) -> Queue:
        """What waits, with its bounds."""
        return self._queue

    def submit(self, append: Append, after: Sequence[Ticket] = ()) -> QueuedTicket:
        """
        Queue an append at once; see the port.

        :raises ValueError: the append is wrong in itself.
        """
        earlier = tuple(cast(QueuedTicket, ticket).submission for ticket in after)
        submission = Submission(append, earlier, self._cells)
        submission.rows = copy.event_rows(append, self._encode)
        submission.size = copy.size_of(submission.rows, append)
        submission.outcome = make_outcome()
        self._queue.put(submission)
        return QueuedTicket(submission)

    def append(self, append: Append) -> Appended:
        """Append from a thread without a loop, and wait."""
        outcome = self.submit(append).submission.outcome
        assert isinstance(outcome, Future), "on a loop's thread, await submit's outcome"
        appended: Appended = outcome.result()
        return appended

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        """A stream's events with ``after < version <= until``, oldest first."""
        with _database_errors_translated():
            return await self._loads.load((stream, after, until))

    async def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> list[Recorded]:
        """
        At most ``limit`` events with ``after < position <= until``, of those types, in order.

        :param bytes_max: stop once so many bytes of events were read; the first is read always.
        """
        read = partial(self.reader.read, bytes_max=bytes_max)
        return await self._in_thread(read, cell, after, limit, until, types)

    async def read_streams(self, streams: Sequence[StreamId]) -> list[list[Recorded]]:
        """Whole streams, each oldest first, in the order asked for; in one query."""
        stretches = [(stream, 0, None) for stream in streams]
        return await self._in_thread(self.reader.read_streams, stretches)

    async def read_at(
        self, places: Collection[tuple[int, int]], types: Collection[type[Event]] | None = None
    ) -> list[Recorded]:
        """The events at some places, a cell and a position each, of those types; in any order."""
        return await self._in_thread(self.reader.read_at, places, types)

    async def position_of(self, stream: StreamId, version: int) -> int:
        """Where a stream's event stands in its cell; LookupError when there is none."""
        return await self._in_thread(self.reader.position_of, stream, version)

    async def rules_epoch(self, cell: int) -> int:
        """The epoch of the rules in force in a cell."""
        return await self._in_thread(self.reader.rules_epoch, cell)

    async def heads(self) -> Mapping[int, int]:
        """The last position of every cell; 0 for an empty one."""
        return await self._in_thread(self.reader.heads)

    async def heads_at(self, moment: datetime) -> Mapping[int, int]:
        """The last position of each cell recorded at or before a moment."""
        return await self._in_thread(self.reader.heads_at, moment)

    def purge(self, now: datetime, limit: int = 1_000) -> int:
        """Forget some expired idempotency keys; how many. Call again until none is left."""
        return purge(self._engine, now, limit)

    def close(self) -> None:
        """Finish what was taken, then stop."""
        self._queue.close()
        self._writer.join()
        if self._notifier is not None:
            self._notifier.close()
        self._threads.shutdown()
        self.reader.close()

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        with _database_errors_translated():
            return await loop.run_in_executor(self._threads, work, *arguments)

    def _committed(self, events: Sequence[Recorded]) -> None:
        self._wake.advance({each.cell: each.position for each in events})
        if self._on_commit is not None:
            self._on_commit(events)
        if self._notifier is not None:
            self._notifier.notify()


@contextmanager
def _database_errors_translated() -> Iterator[None]:
    """Whoever awaits a read knows the port's exceptions, and none of a driver's."""
    try:
        yield
    except Exception as error:
        if is_of_the_server(error):
            raise LogUnavailable from error
        raise
