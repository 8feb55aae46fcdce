"""
The engine that feeds every asynchronous read model of a process.

All models that are at the same place are fed from one reading of the log, a thousand events a
transaction: one commit an event, as the library's ProjectionRunner does, is thirty times slower.
Models that are behind (new, rebuilt, repaired) catch up in turns between the live ones' batches, so
that nobody waits for them; a model that cannot take an event stops alone and is tried again.

Polling is the truth: a wake-up may be lost or doubled and costs time, nothing else.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from commands.ports import Clock
from domain.event import Recorded
from projections.engine import checkpoints
from projections.engine.backoff import Retry
from projections.engine.checkpoints import CheckpointMovedError
from projections.engine.feed import PREFIX, Batch, Fed, Poison, prepare, write
from projections.engine.lease import LEASE_SECONDS, Lease
from projections.engine.ports import LogReader
from projections.engine.positions import PositionBoard, Vector
from projections.engine.status import EngineStatus, Failure, Report, engine_status, lag_of
from projections.engine.telling import tell
from projections.rows import ReadModel

EVENTS_PER_BATCH = 1_000

#: A thousand of the longest diaries would be more than a server's memory.
BYTES_PER_BATCH = 8 << 20

#: A round takes no more often than this: under load more events share its work, and an idle engine
#: takes what comes at once.
_ROUND_SECONDS_MIN = 0.008

#: The most that live models take before those behind have their turn and the lease is looked at.
BATCHES_AT_ONCE = 20

_Vectors: TypeAlias = dict[str, dict[int, int]]


class ProjectionEngine:
    """
    Feeds read models in a thread of its own. Inline models among ``models`` are left out.

    :param database: an engine whose role may write the models and the checkpoints.
    :param holder: this process, in the lease.
    :param poll_seconds: how long an idle engine trusts that nothing happened.
    :param on_change: told of what was committed, and of how the engine stands when that changed.
    """

    def __init__(
        self,
        log: LogReader,
        database: Engine,
        models: Iterable[ReadModel],
        clock: Clock,
        holder: UUID,
        *,
        batch_events: int = EVENTS_PER_BATCH,
        poll_seconds: float = 0.25,
        lease_seconds: float = LEASE_SECONDS,
        retry_seconds: float = 0.25,
        on_change: Callable[[Report], None] | None = None,
    ) -> None:
        self._log = log
        self._database = database
        self._models = {model.name: model for model in models if not model.inline}
        self._lease = Lease("models", holder, clock, lease_seconds)
        self._batch_events = batch_events
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._on_change = on_change
        self._reported: Report | None = None
        self._expected_until = float("-inf")
        self._board = PositionBoard(self._models)
        self._positions: _Vectors = {}
        self._heads: dict[int, int] = {}
        self._hints: dict[int, int] = {}
        self._failures: dict[str, tuple[Poison, Retry]] = {}
        self._trouble: str | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="projections-writer")
        self._turn = 0
        self._asked_at = float("-inf")
        self._woken = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    # What others ask of it, from any thread.

    def start(self) -> None:
        """Run until stopped."""
        assert self._thread is None
        self._thread = threading.Thread(target=self._run, name="projections", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand and let another process lead."""
        with self._woken:
            self._stopping = True
            self._woken.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self, heads: Mapping[int, int] | None = None) -> None:
        """Something was committed; ``heads``, when known, saves asking for them."""
        with self._woken:
            for cell, position in (heads or {-1: 0}).items():
                self._hints[cell] = max(self._hints.get(cell, 0), position)
            self._woken.notify_all()

    async def wait_for(
        self, target: Vector, seconds: float, models: Collection[str] | None = None
    ) -> None:
        """
        Return when those models (all asynchronous ones, by default) have reached the target.

        :raises TimeoutError: they had not within that many seconds.
        """
        await self._board.wait_for(target, seconds, models)

    def positions(self) -> dict[str, dict[int, int]]:
        """The committed position of every asynchronous model in every cell."""
        return self._board.read()

    def lag(self) -> dict[str, int]:
        """How many events each model has yet to see."""
        heads = dict(self._heads)
        return {name: lag_of(heads, vector) for name, vector in self._board.read().items()}

    def expect(self, seconds: float) -> None:
        """Somebody elsewhere waits: look often, even while another process leads."""
        with self._woken:
            self._expected_until = max(self._expected_until, time.monotonic() + seconds)
            self._hints.setdefault(-1, 0)
            self._woken.notify_all()

    def status(self) -> EngineStatus:
        """How it and each of its models are doing."""
        return engine_status(
            self._report({}), self._board.read(), dict(self._heads), self._batch_events
        )

    # The loop, in one thread.

    def catch_up(self) -> None:
        """
        Feed all that is in the log now, in the caller's thread; for tools and tests.

        :raises sqlalchemy.exc.SQLAlchemyError: the database is in trouble.
        """
        self._heads = dict(self._log.heads())
        while self.step():
            pass

    def step(self) -> bool:
        """One round: a batch for the live models, one for those behind; whether there was any."""
        if not self._lead():
            self._follow()
            return False
        try:
            if not self._positions:
                self._load()
            return self._feed_all()
        except CheckpointMovedError:
            # A rebuild was swapped in, or there are two of us: look again where the models are.
            self._positions = {}
            return True

    def _run(self) -> None:
        retry = Retry(self._retry_seconds)
        while not self._stopping:
            began = time.monotonic()
            try:
                self._look()
                busy = self.step()
                retry.succeeded()
                self._trouble = None
                self._tell()
                if not busy:
                    self._pause(self._poll_seconds)
                else:
                    self._pause(began + _ROUND_SECONDS_MIN - time.monotonic(), deaf=True)
            except Exception as error:  # noqa: BLE001 - the database comes back, and so must we
                if self._trouble is None:
                    tell("the read models wait for the database", error)
                self._trouble = type(error).__name__
                self._positions = {}
                self._tell()
                self._pause(min(retry.failed(), 5.0), deaf=True)
        try:
            with self._database.begin() as connection:
                self._lease.release(connection)
        except SQLAlchemyError:
            self._lease.held = False  # it will run out

    def _look(self) -> None:
        """Where the log ends: as told, else as asked."""
        with self._woken:
            hints, self._hints = self._hints, {}
        now = time.monotonic()
        if not hints or -1 in hints or now - self._asked_at >= self._poll_seconds:
            self._heads = dict(self._log.heads())
            self._asked_at = now
        for cell, position in hints.items():
            if cell >= 0 and position > self._heads.get(cell, 0):
                self._heads[cell] = position

    def _pause(self, seconds: float, deaf: bool = False) -> None:
        due = [retry.waits for _, retry in self._failures.values()]
        waited_for = self._board.waited_for or time.monotonic() < self._expected_until
        if not self._lease.held and waited_for:
            seconds = min(seconds, 0.02)  # nobody tells a follower: its readers' wait is polled
        seconds = max(0.001, min([seconds, *due]))
        with self._woken:
            if not self._stopping and (deaf or not self._hints):
                self._woken.wait_for(lambda: self._stopping or (self._hints and not deaf), seconds)

    def _lead(self) -> bool:
        if self._lease.due:
            held = self._lease.held
            with self._database.begin() as connection:
                self._lease.take(connection)
            if self._lease.held and not held:
                self._positions = {}
        return self._lease.held

    def _follow(self) -> None:
        with self._database.connect() as connection:
            found = checkpoints.load(connection, [PREFIX + name for name in self._models])
        self._publish({name.removeprefix(PREFIX): at for name, at in found.items()})

    def _load(self) -> None:
        names = [PREFIX + name for name in self._models]
        with self._database.begin() as connection:
            found = checkpoints.load(connection, names)
            for name in names:
                if missing := {cell: 0 for cell in self._heads if cell not in found[name]}:
                    checkpoints.ensure(connection, name, missing)
        self._positions = {
            name: {**dict.fromkeys(self._heads, 0), **found[PREFIX + name]} for name in self._models
        }
        self._publish(self._positions)

    def _feed_all(self) -> bool:
        live, behind = _groups(self._positions, self._resting())
        busy = self._feed_group(live, self._heads, BATCHES_AT_ONCE) if live else False
        for group in behind:
            # Not past the live ones, so that the two meet and go on together.
            busy |= self._feed_group(group, self._positions[live[0]], 1)
        return busy

    def _resting(self) -> set[str]:
        """Models that failed; those whose time has come are tried on their own first."""
        for name, (poison, retry) in list(self._failures.items()):
            if self._positions[name][poison.recorded.cell] >= poison.recorded.position:
                del self._failures[name]  # a rebuild took it past
            elif not retry.waits:
                self._feed_group([name], self._heads, 1)
        return set(self._failures)

    def _feed_group(self, names: Sequence[str], until: Vector, batches: int) -> bool:
        """Up to so many batches, each computed while the database takes the one before."""
        batch = self._prepare(names, self._positions, until)
        busy = batch is not None
        while batch is not None:
            batches -= 1
            ahead = None
            more = batches and not self._stopping and lag_of(until, batch.after[names[0]])
            if more and not batch.poisons:
                writing = self._writer.submit(write, self._database, batch)
                try:
                    ahead = self._prepare(names, batch.after, until)
                finally:
                    wait([writing])
                fed = writing.result()
            else:
                fed = write(self._database, batch)
            self._take_over(names, fed)
            # What was computed ahead supposes that every model came to the batch's end.
            batch = ahead if fed.positions == batch.after and not fed.poisons else None
        return busy

    def _prepare(
        self, names: Sequence[str], positions: Mapping[str, Vector], until: Vector
    ) -> Batch | None:
        before = {name: positions[name] for name in names}
        events = self._read(before[names[0]], until)
        return prepare([self._models[name] for name in names], before, events) if events else None

    def _take_over(self, names: Sequence[str], fed: Fed) -> None:
        self._positions |= fed.positions
        poisoned = {poison.model: poison for poison in fed.poisons}
        for name in names:
            if name in poisoned:
                self._fail(poisoned[name])
            else:
                self._failures.pop(name, None)
        self._publish(fed.positions)

    def _publish(self, positions: Mapping[str, Vector]) -> None:
        self._board.publish(positions)
        if self._on_change is not None:
            self._on_change(self._report(positions))

    def _tell(self) -> None:
        """Report how the engine stands, if that changed."""
        report = self._report({})
        if self._on_change is not None and report != self._reported:
            self._on_change(report)
        self._reported = report

    def _report(self, positions: Mapping[str, Vector]) -> Report:
        failures = {name: _failure(*failed) for name, failed in dict(self._failures).items()}
        return Report(positions, self._lease.held, self._trouble, failures)

    def _fail(self, poison: Poison) -> None:
        retry = Retry(self._retry_seconds)
        match self._failures.get(poison.model):
            case (before, known) if before.recorded.at == poison.recorded.at:
                retry = known
        retry.failed()
        self._failures[poison.model] = (poison, retry)
        recorded = poison.recorded
        tell("a read model cannot take an event", poison.error, model=poison.model,
             position=str(recorded.at), correlation=str(recorded.correlation),
             attempts=retry.attempts)  # fmt: skip

    def _read(self, positions: Vector, until: Vector) -> list[Recorded]:
        """The next batch, taking the cells in turns so that a busy one does not starve the rest."""
        batch: list[Recorded] = []
        cells = sorted(until)
        self._turn += 1
        for offset in range(len(cells)):
            cell = cells[(self._turn + offset) % len(cells)]
            at, room = positions.get(cell, 0), self._batch_events - len(batch)
            if at < until[cell] and room > 0:
                read = self._log.read(cell, at, room, until[cell], bytes_max=BYTES_PER_BATCH)
                batch += read
                if len(read) < room and read and read[-1].position < until[cell]:
                    break  # as many bytes as one batch may have
        return batch


def _groups(positions: _Vectors, resting: set[str]) -> tuple[list[str], list[list[str]]]:
    """The models that are furthest, and the others by where they are."""
    groups: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, vector in positions.items():
        if name not in resting:
            groups.setdefault(tuple(sorted(vector.items())), []).append(name)
    ordered = sorted(groups.items(), key=lambda item: sum(at for _, at in item[0]), reverse=True)
    names = [group for _, group in ordered]
    return (names[0], names[1:]) if names else ([], [])


def _failure(poison: Poison, retry: Retry) -> Failure:
    recorded = poison.recorded
    return Failure(recorded.cell, recorded.position, poison.error, retry.attempts, retry.waits)
