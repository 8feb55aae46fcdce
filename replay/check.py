"""
Whether the read models are what the events say.

Every model is made again in a scratch schema, to exactly its own checkpoint, and compared with the
live one row by row. Live rows and checkpoints come from ONE snapshot, held from the first read to
the last, so the server may write as it likes meanwhile. Both sides are read in key order as streams
and merged, so that memory does not grow with the tables.

What is reported is data: table, key, and the names of the columns that differ. Never what they
hold: that is ciphertext at best.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import Column, Connection, Engine, Select, Table, collate, select, text
from sqlalchemy.types import String

from adapters.vault.key import head_of, key_id_of
from commands.ports import Clock
from projections.engine import checkpoints
from projections.engine.feed import PREFIX
from projections.engine.lease import Lease
from projections.engine.ports import LogReader
from projections.engine.tables import log_heads
from projections.rows import ReadModel
from replay.progress import OnProgress
from replay.rebuild import choose
from replay.refeed import Refeed
from replay.scratch import LIVE, create_tables, qualified, scratch_schema, tables_of
from replay.together import Open, run_together

SCHEMA = "recheck"
DIFFERENCES_MAX = 1_000
_ROWS_AT_ONCE = 2_000

_Row: TypeAlias = tuple[Any, ...]


class How(StrEnum):
    """In which way a live row is not what the events say."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERS = "differs"


class Difference(msgspec.Struct, frozen=True):
    """One row; ``columns`` names what differs in it."""

    table: str
    key: tuple[str, ...]
    how: How
    columns: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True):
    """
    One model, as of ``positions``. ``differing`` counts all differing rows; ``differences`` holds
    the first of them. ``erased`` counts sealed values of live rows whose key was destroyed: they
    are compared to the byte like all others, and say nothing to anybody any more.
    """

    model: str
    positions: Mapping[int, int]
    rows: int
    differing: int
    differences: tuple[Difference, ...]
    erased: int = 0


def check(
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
    lease_seconds: float = 30.0,
    differences_max: int = DIFFERENCES_MAX,
    destroyed: Collection[bytes] = frozenset(),
) -> list[Checked]:
    """
    Compare the named models (all, by default) with a rebuild of each.

    :param engine: connects as the tables' owner.
    :param differences_max: how many differing rows of a model to describe.
    :param helpers: further processes that may help, each by ``open_``.
    :param destroyed: ids of keys that are no more, an item's followed by its leaf.
    :raises KeyError: there is no model of that name.
    :raises BusyError: another check is under way.
    :raises ReplayError: a model cannot take an event that it once took.
    """
    chosen = choose(models, names)
    lease = Lease("check", holder, clock, lease_seconds)
    with (
        scratch_schema(engine, SCHEMA, lease) as keep,
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as snapshot,
    ):
        targets = _begin(snapshot, chosen)
        with engine.begin() as connection:
            create_tables(connection, SCHEMA, chosen)
        cells = {cell for vector in targets.values() for cell in vector}
        feed = Refeed(log, engine, SCHEMA, chosen, cells, keep, on_progress)
        run_together(feed, targets, open_, helpers)
        with engine.connect() as scratch:
            scratch.execution_options(schema_translate_map={LIVE: SCHEMA})
            scratch.execute(text("SET LOCAL statement_timeout = 0"))
            return [
                _compare(
                    snapshot, scratch, model, targets[model.name], keep, differences_max, destroyed
                )
                for model in chosen
            ]


def _begin(snapshot: Connection, models: Collection[ReadModel]) -> dict[str, Mapping[int, int]]:
    """Take the snapshot; where each model stands in it."""
    snapshot.execute(text("SET LOCAL statement_timeout = 0"))
    # Locking comes before the snapshot: a table swapped in between the two would look empty.
    for table in tables_of(models):
        snapshot.exec_driver_sql(f"LOCK TABLE {qualified(table, LIVE)} IN ACCESS SHARE MODE")
    known = select(log_heads.c.cell, log_heads.c.position)
    heads = {row.cell: row.position for row in snapshot.execute(known)}
    found = checkpoints.load(snapshot, [PREFIX + model.name for model in models])
    return {
        model.name: heads if model.inline else dict.fromkeys(heads, 0) | found[PREFIX + model.name]
        for model in models
    }


def _compare(
    snapshot: Connection,
    scratch: Connection,
    model: ReadModel,
    positions: Mapping[int, int],
    keep: Callable[[], None],
    differences_max: int,
    destroyed: Collection[bytes],
) -> Checked:
    rows = differing = erased = 0
    differences: list[Difference] = []
    for table in tables_of([model]):
        width = len(table.primary_key.columns)
        sealed = [at for at, column in enumerate(_key_first(table)) if column.info.get("sealed")]
        for live, fresh in _merge(_rows(snapshot, table), _rows(scratch, table), width):
            rows += live is not None
            if rows % _ROWS_AT_ONCE == 0:
                keep()
            if live is not None and destroyed:
                erased += sum(_erased(live[at], destroyed) for at in sealed)
            if live != fresh:
                differing += 1
                if len(differences) < differences_max:
                    differences.append(_difference(table, live, fresh))
    return Checked(model.name, dict(positions), rows, differing, tuple(differences), erased)


def _rows(connection: Connection, table: Table) -> Iterator[_Row]:
    """All rows, key first, in an order that Python agrees with."""
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(_in_order(table))
    for row in result:
        yield tuple(row)


def _in_order(table: Table) -> Select[Any]:
    # Only "C" orders texts by code point, whatever the database's own language.
    key = table.primary_key.columns
    order = [collate(c, "C") if isinstance(c.type, String) else c for c in key]
    return select(*_key_first(table)).order_by(*order)


def _key_first(table: Table) -> list[Column[Any]]:
    others = [column for column in table.columns if not column.primary_key]
    return [*table.primary_key.columns, *others]


def _erased(value: Any, destroyed: Collection[bytes]) -> int:
    """How many of a sealed column's envelopes, none, one or several, no key opens any more."""
    envelopes = [] if value is None else value if isinstance(value, list) else [value]
    heads = (head_of(bytes(one)) for one in envelopes)
    return sum(key_id_of(head) in destroyed or head[1:] in destroyed for head in heads)


def _merge(
    live: Iterator[_Row], fresh: Iterator[_Row], width: int
) -> Iterator[tuple[_Row | None, _Row | None]]:
    """Two ordered streams side by side, by their first ``width`` columns."""
    left, right = next(live, None), next(fresh, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:width] < right[:width]):
            yield left, None
            left = next(live, None)
        elif left is None or left[:width] > right[:width]:
            yield None, right
            right = next(fresh, None)
        else:
            yield left, right
            left, right = next(live, None), next(fresh, None)


def _difference(table: Table, live: _Row | None, fresh: _Row | None) -> Difference:
    row = live if live is not None else fresh
    assert row is not None
    names = [column.name for column in _key_first(table)]
    key = tuple(str(value) for value in row[: len(table.primary_key.columns)])
    if live is None:
        return Difference(table.name, key, How.MISSING)
    if fresh is None:
        return Difference(table.name, key, How.EXTRA)
    columns = [name for name, a, b in zip(names, live, fresh, strict=True) if a != b]
    return Difference(table.name, key, How.DIFFERS, tuple(columns))
