"""
Row changes, written in as few statements as there are kinds of change.

A batch of a thousand events touches some thousand rows of a dozen tables; one statement a table and
kind, fed by ``unnest`` over one array a column, is what lets a batch cost little more than its rows
(the arrays' idea is TimescaleDB's bulk-insert advice). Rows go in the order of their keys: counters
are the one thing that writers of different cells share, and in one order they cannot deadlock. All
else is written under its cell's head (inline models) or behind its model's checkpoint.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Integer, Table
from sqlalchemy.dialects.postgresql import psycopg2

from domain.event import Recorded
from projections.engine.arrays import ArrayColumn, array_column, literal
from projections.engine.copying import ROWS_AT_ONCE, Copies
from projections.rows import Add, Change, Drop, Key, Patch, Put, ReadModel, fold

_PREPARER = psycopg2.dialect().identifier_preparer  # type: ignore[no-untyped-call]


Schemas: TypeAlias = Mapping[str | None, str | None]

#: SQL and one array a column.
Prepared: TypeAlias = tuple[str, tuple[str, ...]]


class _Statement(NamedTuple):
    sql: str
    key: tuple[ArrayColumn, ...]
    values: tuple[ArrayColumn, ...]
    names: tuple[str, ...]


def apply(connection: Connection, changes: Iterable[Change]) -> None:
    """
    Fold the changes and write them, inside the caller's transaction.

    The connection's ``schema_translate_map`` tells where the tables live, as in any SQLAlchemy
    statement. ``table.info["append_only"]`` promises that every Put is a new row and that
    there is no other change.

    :raises ValueError: a Put, Patch or Add names other columns than its table has.
    """
    schemas = connection.get_execution_options().get("schema_translate_map") or {}
    execute(connection, prepare(changes, schemas))


def prepare(
    changes: Iterable[Change], schemas: Schemas | None = None, copies: Copies | None = None
) -> list[Prepared]:
    """
    Fold the changes to statements: the part of ``apply`` that needs no connection.

    :param schemas: as in ``schema_translate_map``.
    :param copies: takes new rows, for a caller who copies them; else they are statements, too.
    :raises ValueError: a Put, Patch or Add names other columns than its table has.
    """

    def schema(table: Table) -> str | None:
        return schemas.get(table.schema, table.schema) if schemas else table.schema

    new = _NewRows(schema, copies)
    folded = fold(new.others(changes))
    statements: list[Prepared] = []
    for table in sorted({*folded, *new.rows}, key=_name):
        statements += _statements(table, schema(table), folded.get(table, {}))
        if puts := new.rows.get(table):
            keys, rows = [one.key for one in puts], [one.values for one in puts]
            statements.append(_bind(_put(table, schema(table)), keys, rows))
    return statements


def execute(connection: Connection, statements: Sequence[Prepared]) -> None:
    """Run what was prepared, inside the caller's transaction, in one journey to the server."""
    if statements:
        connection.exec_driver_sql(
            ";".join(sql for sql, _ in statements),
            tuple(array for _, arrays in statements for array in arrays),
        )


class InlineModels:
    """The read models that an append's own transaction writes."""

    def __init__(self, models: Iterable[ReadModel]) -> None:
        self.models = tuple(model for model in models if model.inline)
        self._rows = tuple(model.rows for model in self.models)

    def statements(self, recorded: Sequence[Recorded]) -> list[Prepared]:
        """What writes all that these events change. The caller holds the heads of their cells."""
        return prepare(c for event in recorded for rows in self._rows for c in rows(event))


def _name(table: Table) -> str:
    return table.name


class _NewRows:
    """Puts of rows known to be new: with nothing to fold, no key need be hashed."""

    def __init__(self, schema: Callable[[Table], str | None], copies: Copies | None) -> None:
        self.rows: dict[Table, list[Put]] = {}
        self._schema = schema
        self._copies = copies

    def others(self, changes: Iterable[Change]) -> Iterator[Change]:
        """All other changes; while these are taken, new rows are put aside."""
        for change in changes:
            if type(change) is not Put or not change.table.info.get("append_only"):
                yield change
                continue
            puts = self.rows.setdefault(change.table, [])
            puts.append(change)
            if self._copies is not None and len(puts) == ROWS_AT_ONCE:
                self._copy(change.table, puts)
        if self._copies is not None:
            for table, puts in self.rows.items():
                self._copy(table, puts)

    def _copy(self, table: Table, puts: list[Put]) -> None:
        if puts and self._copies is not None:
            self._copies.add(_qualified(table, self._schema(table)), table, puts)
            puts.clear()


def _statements(table: Table, schema: str | None, changes: dict[Key, Change]) -> Iterator[Prepared]:
    drops: list[Key] = []
    puts: dict[Key, Mapping[str, Any]] = {}
    adds: dict[Key, Mapping[str, Any]] = {}
    patches: dict[tuple[str, ...], dict[Key, Mapping[str, Any]]] = {}
    for key, change in changes.items():
        match change:
            case Put():
                puts[key] = change.values
            case Add():
                adds[key] = change.values
            case Patch():
                if change.values:
                    patches.setdefault(tuple(sorted(change.values)), {})[key] = change.values
            case Drop():
                drops.append(key)
    if drops:
        yield _bind(_drop(table, schema), drops, ())
    if puts:
        yield _bind(_put(table, schema), list(puts), list(puts.values()))
    for columns, rows in sorted(patches.items()):
        yield _bind(_patch(table, schema, columns), list(rows), list(rows.values()))
    if adds:
        counters = _add(table, schema)
        zeros = dict.fromkeys(counters.names, 0)
        yield _bind(counters, list(adds), [{**zeros, **row} for row in adds.values()])


def _bind(statement: _Statement, keys: list[Key], rows: Sequence[Mapping[str, Any]]) -> Prepared:
    width = len(statement.names)
    if any(len(row) != width for row in rows):
        raise ValueError(f"columns other than {statement.names}")
    encoded = list(
        zip(
            *(
                column.encode(values)
                for column, values in zip(statement.key, zip(*keys, strict=True), strict=True)
            ),
            strict=True,
        )
    )
    # Any one order serves, so the encoded strings are compared: in C, where ids would be in Python.
    order = sorted(range(len(keys)), key=encoded.__getitem__)
    arrays = [literal(values) for values in zip(*[encoded[index] for index in order], strict=True)]
    ordered = [rows[index] for index in order] if rows else []
    try:
        arrays += [
            literal(column.encode([row[name] for row in ordered]))
            for name, column in zip(statement.names, statement.values, strict=True)
        ]
    except KeyError as missing:
        raise ValueError(f"columns other than {statement.names}") from missing
    return statement.sql, tuple(arrays)


@cache
def _put(table: Table, schema: str | None) -> _Statement:
    key, values = _columns(table)
    names = tuple(column.name for column in table.columns if not column.primary_key)
    insert = _insert(_qualified(table, schema), (*key, *values))
    if table.info.get("append_only"):
        return _Statement(insert, key, values, names)
    update = ", ".join(f"{c.name} = excluded.{c.name}" for c in values)
    return _Statement(insert + _on_conflict(key, update), key, values, names)


@cache
def _add(table: Table, schema: str | None) -> _Statement:
    key, _ = _columns(table)
    counters = [
        column
        for column in table.columns
        if not column.primary_key and isinstance(column.type, Integer)
    ]
    values = tuple(map(array_column, counters))
    update = ", ".join(f"{c.name} = old.{c.name} + excluded.{c.name}" for c in values)
    insert = _insert(f"{_qualified(table, schema)} AS old", (*key, *values))
    names = tuple(column.name for column in counters)
    return _Statement(insert + _on_conflict(key, update), key, values, names)


@cache
def _patch(table: Table, schema: str | None, names: tuple[str, ...]) -> _Statement:
    key, _ = _columns(table)
    unknown = [name for name in names if name not in table.columns]
    if unknown or any(table.columns[name].primary_key for name in names):
        raise ValueError(f"columns of {table.name} that cannot be patched: {names}")
    values = tuple(array_column(table.columns[name]) for name in names)
    update = ", ".join(f"{c.name} = new.{c.name}{c.cast}" for c in values)
    sql = (  # names come from Table objects, never from data
        f"UPDATE {_qualified(table, schema)} AS old SET {update} FROM {_unnest((*key, *values))}"  # noqa: S608
        f" WHERE {_same_row(key)}"
    )
    return _Statement(sql, key, values, names)


@cache
def _drop(table: Table, schema: str | None) -> _Statement:
    key, _ = _columns(table)
    target = _qualified(table, schema)
    sql = f"DELETE FROM {target} AS old USING {_unnest(key)} WHERE {_same_row(key)}"  # noqa: S608
    return _Statement(sql, key, (), ())


@cache
def _columns(table: Table) -> tuple[tuple[ArrayColumn, ...], tuple[ArrayColumn, ...]]:
    """Key and other columns, each in the table's own order."""
    key = tuple(array_column(column) for column in table.columns if column.primary_key)
    values = tuple(array_column(column) for column in table.columns if not column.primary_key)
    return key, values


def _qualified(table: Table, schema: str | None) -> str:
    name = _PREPARER.quote(table.name)
    return f"{_PREPARER.quote_schema(schema)}.{name}" if schema else name


def _insert(target: str, columns: tuple[ArrayColumn, ...]) -> str:
    names = ", ".join(column.name for column in columns)
    selected = ", ".join(f"new.{column.name}{column.cast}" for column in columns)
    return f"INSERT INTO {target} ({names}) SELECT {selected} FROM {_unnest(columns)}"  # noqa: S608


def _on_conflict(key: tuple[ArrayColumn, ...], update: str) -> str:
    names = ", ".join(column.name for column in key)
    return f" ON CONFLICT ({names}) DO " + (f"UPDATE SET {update}" if update else "NOTHING")


def _unnest(columns: tuple[ArrayColumn, ...]) -> str:
    arrays = ", ".join(f"%s::{column.array_type}" for column in columns)
    names = ", ".join(column.name for column in columns)
    return f"unnest({arrays}) AS new({names})"


def _same_row(key: tuple[ArrayColumn, ...]) -> str:
    return " AND ".join(f"old.{column.name} = new.{column.name}{column.cast}" for column in key)
