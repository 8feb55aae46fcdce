"""
Read models made again from position 0, beside the live ones, then swapped in.

Blue/green: readers and writers go on with the old tables until the new ones have caught up, and the
swap is one transaction: it holds back whoever moves the model (a runner by the model's checkpoints,
appends by the cells' heads), applies the last few events, and puts the new tables in the old ones'
place. A crash at any point leaves the live world as it was.

A swap needs its tables for itself for a moment. Waiting for that lock in the queue would hold up
every reader behind the longest one, so it asks briefly, gives way, and asks again.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import DBAPIError

from commands.ports import Clock
from projections.engine import checkpoints
from projections.engine.feed import PREFIX
from projections.engine.lease import Lease
from projections.engine.ports import LogReader
from projections.engine.tables import checkpoints as checkpoints_table
from projections.engine.tables import log_heads
from projections.rows import ReadModel
from replay.grants import copy_grants
from replay.progress import OnProgress
from replay.refeed import Refeed
from replay.scratch import (
    LIVE,
    create_tables,
    drop_keys,
    finish_tables,
    qualified,
    scratch_schema,
    tables_of,
)
from replay.together import Open, run_together

SCHEMA = "rebuild"
TAIL_EVENTS_MAX = 1_000

#: What may pass if tried again: a lock not to be had in time, a deadlock, a busy moment.
_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"


class SwapError(Exception):
    """The new tables could not be put in place in time; the live ones are as they were."""


class Rebuilt(msgspec.Struct, frozen=True):
    """A model that was swapped in, and where it stood at that moment."""

    model: str
    positions: Mapping[int, int]
    swap_attempts: int


def rebuild(
    log: LogReader,
    engine: Engine,
    models: Iterable[ReadModel],
    clock: Clock,
    holder: UUID,
    *,
    names: Collection[str] | None = None,
    on_progress: OnProgress | None = None,
    open_: Open | None = None,
    helpers: int = 0,
    lock_milliseconds: int = 200,
    patience_seconds: float = 120.0,
    lease_seconds: float = 30.0,
) -> list[Rebuilt]:
    """
    Rebuild the named models (all, by default) from one reading of the log, and swap each in.

    :param engine: connects as the tables' owner.
    :param lock_milliseconds: how long readers may be held up by one attempt at a swap.
    :param patience_seconds: how long to go on attempting one model's swap.
    :param helpers: further processes that may help, each by ``open_``.
    :raises KeyError: there is no model of that name.
    :raises BusyError: another rebuild is under way.
    :raises ReplayError: a model cannot take an event; nothing was swapped.
    :raises SwapError: a swap found no moment; models swapped before it stay swapped.
    """
    chosen = choose(models, names)
    lease = Lease("rebuild", holder, clock, lease_seconds)
    with scratch_schema(engine, SCHEMA, lease) as keep:
        with engine.begin() as connection:
            create_tables(connection, SCHEMA, chosen)
            drop_keys(connection, SCHEMA, chosen)
        heads = log.heads()
        feed = Refeed(log, engine, SCHEMA, chosen, heads, keep, on_progress)
        run_together(feed, {model.name: heads for model in chosen}, open_, helpers)
        finish_tables(engine, SCHEMA, chosen, helpers + 1)
        swaps = _Swaps(log, engine, feed, lock_milliseconds, patience_seconds)
        return [swaps.swap(model) for model in chosen]


def choose(models: Iterable[ReadModel], names: Collection[str] | None) -> list[ReadModel]:
    """
    The models of these names, or all.

    :raises KeyError: there is no model of one of the names.
    """
    known = {model.name: model for model in models}
    return list(known.values()) if names is None else [known[name] for name in names]


class _Swaps:
    def __init__(
        self,
        log: LogReader,
        engine: Engine,
        feed: Refeed,
        lock_milliseconds: int,
        patience_seconds: float,
    ) -> None:
        self._log = log
        self._engine = engine
        self._feed = feed
        self._lock_milliseconds = lock_milliseconds
        self._patience_seconds = patience_seconds

    def swap(self, model: ReadModel) -> Rebuilt:
        """Try until it is in place, catching up in between."""
        give_up_at = time.monotonic() + self._patience_seconds
        attempts = 0
        while True:
            attempts += 1
            self._catch_up(model)
            before = dict(self._feed.positions[model.name])
            try:
                with self._engine.connect() as connection:
                    if self._attempt(connection, model):
                        connection.commit()
                        positions = dict(self._feed.positions[model.name])
                        return Rebuilt(model.name, positions, attempts)
            except DBAPIError as error:
                if getattr(error.orig, "pgcode", None) not in {_LOCK_NOT_AVAILABLE, _DEADLOCK}:
                    raise
            # What this attempt fed was rolled back with it.
            self._feed.positions[model.name] = before
            if time.monotonic() > give_up_at:
                raise SwapError(model.name)
            time.sleep(min(1.0, 0.05 * attempts))

    def _catch_up(self, model: ReadModel) -> None:
        while True:
            heads = self._log.heads()
            if self._feed.left(model, heads) <= TAIL_EVENTS_MAX // 2:
                return
            self._feed.run({model.name: heads})

    def _attempt(self, connection: Connection, model: ReadModel) -> bool:
        """Everything up to the commit; False when too much was written meanwhile."""
        hold = _hold_appends if model.inline else _hold_runner
        hold(connection, model)
        heads = self._log.heads()
        if self._feed.left(model, heads) > TAIL_EVENTS_MAX:
            return False
        self._feed.tail(connection, model, heads)
        if not model.inline:
            _set_checkpoints(connection, model, self._feed.positions[model.name])
        connection.execute(text(f"SET LOCAL lock_timeout = '{self._lock_milliseconds}ms'"))
        for table in tables_of([model]):
            live, fresh = qualified(table, LIVE), qualified(table, self._feed.schema)
            copy_grants(connection, live, fresh)
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {live}")
            connection.exec_driver_sql(f"ALTER TABLE {fresh} SET SCHEMA {LIVE}")
        return True


def _hold_runner(connection: Connection, model: ReadModel) -> None:
    """Lock the model's checkpoints, making those that are missing: no runner can move it now."""
    cells = connection.scalars(select(log_heads.c.cell).order_by(log_heads.c.cell)).all()
    checkpoints.ensure(connection, PREFIX + model.name, dict.fromkeys(cells, 0))
    connection.execute(
        select(checkpoints_table.c.position)
        .where(checkpoints_table.c.subscriber == PREFIX + model.name)
        .order_by(checkpoints_table.c.cell)
        .with_for_update()
    ).all()


def _hold_appends(connection: Connection, _: ReadModel) -> None:
    """Lock every cell's head, in the order in which appends do."""
    connection.execute(select(log_heads.c.cell).order_by(log_heads.c.cell).with_for_update()).all()


def _set_checkpoints(
    connection: Connection, model: ReadModel, positions: Mapping[int, int]
) -> None:
    for cell, position in sorted(positions.items()):
        connection.execute(
            update(checkpoints_table)
            .where(
                checkpoints_table.c.cell == cell,
                checkpoints_table.c.subscriber == PREFIX + model.name,
            )
            .values(position=position)
        )
