"""
One batch of events into some read models, all of it or nothing.

A model that cannot take an event is found and named here: when computing its rows raises, the batch
tells where; when the database refuses what was computed, the models are tried one at a time and the
culprit's batch is halved until the one event is found. So nobody else loses a batch to it.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from domain.event import Recorded
from projections.engine import apply, checkpoints
from projections.engine.apply import Prepared
from projections.engine.checkpoints import CheckpointMovedError, Move
from projections.rows import Change, ReadModel

PREFIX = "model/"

#: Nobody's fault in particular: the database is away, full or busy. The whole round is tried again.
PASSING = (OperationalError, InterfaceError, CheckpointMovedError)


class Poison(msgspec.Struct, frozen=True):
    """An event that a model cannot take."""

    model: str
    recorded: Recorded
    error: str


class Fed(msgspec.Struct, frozen=True):
    """Where models came to, and which of them stopped there."""

    positions: dict[str, dict[int, int]]
    poisons: tuple[Poison, ...]


class Batch(msgspec.Struct, frozen=True, eq=False):
    """
    Events for some models, computed and not yet written.

    ``statements`` is an exception where what the models asked for cannot even be written down.
    """

    models: Sequence[ReadModel]
    before: Mapping[str, Mapping[int, int]]
    events: Sequence[Recorded]
    after: dict[str, dict[int, int]]
    poisons: tuple[Poison, ...]
    statements: list[Prepared] | Exception


def compute(
    model: ReadModel, batch: Sequence[Recorded], changes: list[Change]
) -> tuple[int, Poison | None]:
    """Append what a batch changes; how many events were taken, and the one that was not."""
    rows = model.rows
    taken, mark = 0, len(changes)
    try:
        for recorded in batch:
            changes.extend(rows(recorded))
            mark = len(changes)
            taken += 1
    except Exception as error:  # noqa: BLE001 - a read model's mistake stops that model alone
        del changes[mark:]
        return taken, Poison(model.name, batch[taken], type(error).__name__)
    return taken, None


def prepare(
    models: Sequence[ReadModel],
    before: Mapping[str, Mapping[int, int]],
    events: Sequence[Recorded],
) -> Batch:
    """
    Compute what events change; no database is needed, so it can be done ahead.

    :param before: the positions of every one of the models, equal in the events' cells.
    :param events: those that follow these positions, in order in each cell.
    """
    changes: list[Change] = []
    after: dict[str, dict[int, int]] = {}
    poisons: list[Poison] = []
    for model in models:
        taken, poison = compute(model, events, changes)
        after[model.name] = {**before[model.name], **_ends(events[:taken])}
        if poison is not None:
            poisons.append(poison)
    try:
        statements: list[Prepared] | Exception = apply.prepare(changes)
    except Exception as error:  # noqa: BLE001 - some model's rows led to it; see write
        statements = error
    return Batch(models, before, events, after, tuple(poisons), statements)


def write(engine: Engine, batch: Batch) -> Fed:
    """
    Write a batch with the models' checkpoints in one transaction.

    :raises CheckpointMovedError: another runner was here.
    :raises sqlalchemy.exc.OperationalError: the database is in trouble; nothing was written.
    """
    try:
        if isinstance(batch.statements, Exception):
            raise batch.statements
        with engine.begin() as connection:
            # First the guard: a second runner waits here, before it has touched any row. The commit
            # is durable, although all could be had again from the log: readers are told how far the
            # models are, and a database that crashed would not be that far any more.
            checkpoints.advance(connection, _moves(batch.before, batch.after))
            apply.execute(connection, batch.statements)
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, some model's rows led to it
        return _isolate(engine, batch, error)
    return Fed(batch.after, batch.poisons)


def _isolate(engine: Engine, batch: Batch, error: Exception) -> Fed:
    models, events = batch.models, batch.events
    after = {name: dict(vector) for name, vector in batch.before.items()}
    if len(models) == 1 and len(events) == 1:
        return Fed(after, (Poison(models[0].name, events[0], type(error).__name__),))
    poisons: list[Poison] = []
    for model in models:
        for part in _parts(events, whole=len(models) > 1):
            fed = write(engine, prepare([model], {model.name: after[model.name]}, part))
            after |= fed.positions
            poisons += fed.poisons
            if fed.poisons:
                break
    return Fed(after, tuple(poisons))


def _parts(batch: Sequence[Recorded], whole: bool) -> tuple[Sequence[Recorded], ...]:
    middle = len(batch) // 2
    return (batch,) if whole else (batch[:middle], batch[middle:])


def _ends(batch: Sequence[Recorded]) -> dict[int, int]:
    return {recorded.cell: recorded.position for recorded in batch}


def _moves(
    before: Mapping[str, Mapping[int, int]], after: Mapping[str, Mapping[int, int]]
) -> list[Move]:
    return [
        Move(PREFIX + name, cell, before[name].get(cell, 0), position)
        for name, vector in after.items()
        for cell, position in vector.items()
        if position != before[name].get(cell, 0)
    ]
