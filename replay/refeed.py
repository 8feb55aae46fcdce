"""
The events once more, into a scratch schema.

The same ``rows``, folded and written by the same code as live: there is no second code path. Read
by position, a thousand or a few megabytes at a time, so memory does not grow with the log. A
transaction a batch, which need not reach the disk on its own: an interrupted replay starts afresh.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

from sqlalchemy import Connection, Engine, text

from domain.event import Recorded
from projections.engine import apply
from projections.engine.apply import Prepared
from projections.engine.copying import Copies
from projections.engine.feed import compute
from projections.engine.ports import LogReader
from projections.engine.runner import BYTES_PER_BATCH, EVENTS_PER_BATCH
from projections.rows import ReadModel, types_of
from replay.ahead import Stretch, read_ahead
from replay.progress import OnProgress, Tally
from replay.scratch import LIVE

Positions = dict[int, int]

#: How many times as wide a stretch is read of which only some types are wanted.
_SPARSE = 4


class ReplayError(Exception):
    """A model cannot take an event; says which, and never what the event holds."""

    def __init__(self, model: str, at: str, error: str) -> None:
        super().__init__(f"{model} cannot take the event at {at}: {error}")
        self.model = model
        self.at = at
        self.error = error

    def __reduce__(self) -> tuple[type["ReplayError"], tuple[str, str, str]]:
        """It travels from one process to another."""
        return type(self), (self.model, self.at, self.error)


class Refeed:
    """
    Some models in a scratch schema, each at its own positions.

    :param keep: called before every batch; keeps the lease.
    """

    def __init__(
        self,
        log: LogReader,
        engine: Engine,
        schema: str,
        models: Iterable[ReadModel],
        cells: Iterable[int],
        keep: Callable[[], None],
        on_progress: OnProgress | None = None,
        batch_events: int = EVENTS_PER_BATCH,
    ) -> None:
        self.models = tuple(models)
        self.schema = schema
        self.positions: dict[str, Positions] = {
            model.name: dict.fromkeys(cells, 0) for model in self.models
        }
        self._log = log
        self._engine = engine
        self.keep = keep
        self._on_progress = on_progress
        self._batch_events = batch_events

    def run(
        self,
        until: Mapping[str, Mapping[int, int]],
        cells: Iterable[int] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """
        Feed every model to its own positions, all of them from one reading.

        :param cells: the only ones to read, taken one by one as they are come to; all, by default.
        :raises ReplayError: a model cannot take an event.
        """
        if cells is None:
            cells = cells_of(until)
        if tally is None:
            tally = self.tally(until)
        with ThreadPoolExecutor(1, thread_name_prefix="replay-writer") as writer:
            writing: Future[None] | None = None
            for events, batch, ends in self._batches(until, cells):
                self.keep()
                if not batch:
                    continue
                # Computed while the database takes the batch before.
                copies = Copies()
                statements = self._prepare(batch, ends, copies)
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._commit, statements, copies)
                tally.add(events)
            if writing is not None:
                writing.result()
        for name, vector in until.items():
            positions = self.positions[name]
            for cell, end in vector.items():
                positions[cell] = max(positions[cell], end)

    def tally(self, until: Mapping[str, Mapping[int, int]]) -> Tally:
        """A count of the events that are read to feed the models so far, from where they are."""
        stretches = [self.stretch(until, cell) for cell in cells_of(until)]
        total, done = sum(one.until for one in stretches), sum(one.after for one in stretches)
        return Tally(self._on_progress, total, done)

    def tail(self, connection: Connection, model: ReadModel, until: Mapping[int, int]) -> None:
        """Feed one model the little that is left, in the caller's transaction."""
        for cell, end in sorted(until.items()):
            while batch := self._read(cell, self.positions[model.name][cell], end):
                apply.execute(connection, self._prepare(batch, {model.name: end}))

    def left(self, model: ReadModel, until: Mapping[int, int]) -> int:
        """How many events a model has yet to be fed."""
        at = self.positions[model.name]
        return sum(max(0, end - at[cell]) for cell, end in until.items())

    def _read(self, cell: int, after: int, until: int) -> Sequence[Recorded]:
        if after >= until:
            return ()
        return self._log.read(cell, after, self._batch_events, until, bytes_max=BYTES_PER_BATCH)

    def _batches(
        self, until: Mapping[str, Mapping[int, int]], cells: Iterable[int]
    ) -> Iterator[tuple[int, Sequence[Recorded], dict[str, int]]]:
        """How many events further a batch goes, the batch, and where each model ends."""
        types = types_of(model for model in self.models if model.name in until)
        width = self._batch_events if types is None else _SPARSE * self._batch_events
        at: dict[int, int] = {}

        def stretches() -> Iterator[Stretch]:
            for cell in cells:
                stretch = self.stretch(until, cell)
                at[cell] = stretch.after
                yield stretch

        for batch in read_ahead(self._log, stretches(), width, BYTES_PER_BATCH, types):
            if batch:
                cell, position = batch[0].cell, batch[-1].position
                ends = {name: vector.get(cell, 0) for name, vector in until.items()}
                further, at[cell] = position - at[cell], position
                yield further, batch, ends
            else:
                yield 0, batch, {}

    def stretch(self, until: Mapping[str, Mapping[int, int]], cell: int) -> Stretch:
        """What is to be read of a cell, for whichever model is to go furthest."""
        after = min(self.positions[name][cell] for name in until)
        return Stretch(cell, after, max(vector.get(cell, 0) for vector in until.values()))

    def _prepare(
        self,
        batch: Sequence[Recorded],
        ends: Mapping[str, int],
        copies: Copies | None = None,
    ) -> list[Prepared]:
        """What a batch changes in the models that have not come to their ends."""
        cell, parts = batch[0].cell, list[tuple[ReadModel, Sequence[Recorded]]]()
        for model in self.models:
            at, end = self.positions[model.name][cell], ends.get(model.name, 0)
            parts.append((model, [one for one in batch if at < one.position <= end]))
        taken = chain.from_iterable(map(model.rows, part) for model, part in parts)
        try:
            prepared = apply.prepare(chain.from_iterable(taken), {LIVE: self.schema}, copies)
        except Exception:
            for model, part in parts:
                _, poison = compute(model, part, [])
                if poison is not None:
                    raise ReplayError(model.name, poison.recorded.at, poison.error) from None
            raise
        for name, end in ends.items():
            vector = self.positions[name]
            vector[cell] = max(vector[cell], min(end, batch[-1].position))
        return prepared

    def _commit(self, statements: list[Prepared], copies: Copies) -> None:
        with self._engine.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            apply.execute(connection, statements)
            copies.send(connection)


def cells_of(until: Mapping[str, Mapping[int, int]]) -> list[int]:
    """All cells that are named, in order."""
    return sorted({cell for vector in until.values() for cell in vector})
