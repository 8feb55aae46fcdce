"""
The read models' tables in memory: what the database holds beside the log.

Rows are written from the very ``rows(event)`` that the product has, folded by its own ``fold``.
They stand by key, and by the key without its last part, which is how most statements look for them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from sqlalchemy import Table

from domain.event import Recorded
from projections.arming import ARMING
from projections.catalogue import READ_MODELS
from projections.engine.deadlines import Deadlines
from projections.rows import Add, Change, Drop, Key, Patch, Put, ReadModel, fold

MODELS: tuple[ReadModel, ...] = (*READ_MODELS, Deadlines(ARMING))
INLINE = tuple(model for model in MODELS if model.inline)
FED = tuple(model for model in MODELS if not model.inline)

Row: TypeAlias = dict[str, Any]


class Tables:
    """All tables of all read models."""

    def __init__(self) -> None:
        tables = [table for model in MODELS for table in model.tables]
        self._rows: dict[Table, dict[Key, Row]] = {table: {} for table in tables}
        self._under: dict[Table, dict[Key, dict[Key, Row]]] = {table: {} for table in tables}
        self._zeros = {
            table: {
                one.name: 0 for one in table.columns if not one.primary_key and one.server_default
            }
            for table in tables
        }

    def __iter__(self) -> Iterator[Table]:
        return iter(self._rows)

    def get(self, table: Table, *key: Any) -> Row | None:
        """The columns outside the key of one row."""
        return self._rows[table].get(key)

    def under(self, table: Table, *prefix: Any) -> Mapping[Key, Row]:
        """The rows of all keys that differ in their last part alone."""
        return self._under[table].get(prefix, {})

    def every(self, table: Table) -> Mapping[Key, Row]:
        """All rows of a table."""
        return self._rows[table]

    def write(self, changes: Iterable[Change]) -> None:
        """What a transaction writes."""
        for table, by_key in fold(changes).items():
            for key, change in by_key.items():
                self._write(table, key, change)

    def _write(self, table: Table, key: Key, change: Change) -> None:
        rows = self._rows[table]
        match change:
            case Put(values=values):
                assert not (table.info.get("append_only") and key in rows), "history is added to"
                self._put(table, key, dict(values))
            case Patch(values=values):
                if key in rows:
                    rows[key].update(values)
            case Add(values=values):
                if key not in rows:
                    self._put(table, key, dict(self._zeros[table]))
                for column, amount in values.items():
                    rows[key][column] += amount
            case Drop():
                if rows.pop(key, None) is not None:
                    del self._under[table][key[:-1]][key]

    def _put(self, table: Table, key: Key, row: Row) -> None:
        self._rows[table][key] = row
        self._under[table].setdefault(key[:-1], {})[key] = row


def changes_of(models: Iterable[ReadModel], events: Iterable[Recorded]) -> list[Change]:
    """What events change in some models."""
    models = tuple(models)
    return [change for event in events for model in models for change in model.rows(event)]
