"""
The rows that some events make, in memory: what the engine would have written.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Table

from domain.event import Recorded
from projections.catalogue import READ_MODELS
from projections.rows import Add, Change, Put, ReadModel, fold

#: All columns of a row, by name.
Row: TypeAlias = dict[str, Any]

TABLES: Mapping[str, tuple[ReadModel, Table]] = {
    table.name: (model, table) for model in READ_MODELS for table in model.tables
}


def rows_of(changes: Iterable[Change]) -> dict[str, list[Row]]:
    """
    The rows of each table, by its name, after some changes to empty tables; in order of each cell.
    """
    return {
        table.name: [row for change in by_key.values() if (row := _row(change)) is not None]
        for table, by_key in fold(changes).items()
    }


def changes_of(model: ReadModel, events: Iterable[Recorded]) -> list[Change]:
    """What events change in a model."""
    return [change for recorded in events for change in model.rows(recorded)]


def _row(change: Change) -> Row | None:
    """The row that a change leaves where there was none; None where it leaves none."""
    match change:
        case Put(table=table, key=key, values=values):
            return {**dict(zip(_key(table), key, strict=True)), **values}
        case Add(table=table, key=key, values=values):
            return {**dict(zip(_key(table), key, strict=True)), **_zeros(table), **values}
        case _:
            return None


@cache
def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


@cache
def _zeros(table: Table) -> Mapping[str, int]:
    return {one.name: 0 for one in table.columns if not one.primary_key and one.server_default}
