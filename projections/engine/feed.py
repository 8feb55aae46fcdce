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
from projections.engine import checkpoints
from projections.engine.apply import apply
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


def feed(
    engine: Engine,
    models: Sequence[ReadModel],
    positions: Mapping[str, Mapping[int, int]],
    batch: Sequence[Recorded],
) -> Fed:
    """
    Write what a batch changes in these models, with their checkpoints, in one transaction.

    :param positions: of every one of the models, equal in the batch's cells.
    :param batch: events that follow those positions, in order in each cell.
    :raises CheckpointMovedError: another runner was here.
    :raises sqlalchemy.exc.OperationalError: the database is in trouble; nothing was written.
    """
    changes: list[Change] = []
    after: dict[str, dict[int, int]] = {}
    poisons: list[Poison] = []
    for model in models:
        taken, poison = compute(model, batch, changes)
        after[model.name] = {**positions[model.name], **_ends(batch[:taken])}
        if poison is not None:
            poisons.append(poison)
    try:
        _write(engine, changes, _moves(positions, after))
    except PASSING:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, some model's rows led to it
        return _isolate(engine, models, positions, batch, error)
    return Fed(after, tuple(poisons))


def _write(engine: Engine, changes: Sequence[Change], moves: Sequence[Move]) -> None:
    with engine.begin() as connection:
        # First the guard: a second runner waits here, before it has touched any row.
        checkpoints.advance(connection, moves)
        apply(connection, changes)


def _isolate(
    engine: Engine,
    models: Sequence[ReadModel],
    positions: Mapping[str, Mapping[int, int]],
    batch: Sequence[Recorded],
    error: Exception,
) -> Fed:
    if len(models) == 1 and len(batch) == 1:
        name = models[0].name
        unmoved = {name: dict(positions[name])}
        return Fed(unmoved, (Poison(name, batch[0], type(error).__name__),))
    after = {name: dict(vector) for name, vector in positions.items()}
    poisons: list[Poison] = []
    for model in models:
        for part in _parts(batch, whole=len(models) > 1):
            fed = feed(engine, [model], {model.name: after[model.name]}, part)
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
