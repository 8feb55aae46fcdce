"""
New rows by COPY, for whoever writes many at a time: a replay. A row costs PostgreSQL half of what
it does from arrays, and the journey that a COPY takes is nothing beside a thousand of them.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from io import StringIO
from typing import NamedTuple

from sqlalchemy import Connection, Table

from projections.engine.arrays import Encode, array_column, field_encoder
from projections.rows import Put


class Copied(NamedTuple):
    """A COPY and what it is fed."""

    sql: str
    lines: str


class _Columns(NamedTuple):
    names: str
    key: tuple[Encode, ...]
    values: tuple[tuple[str, Encode], ...]


def copied(name: str, table: Table, puts: Sequence[Put]) -> Copied:
    """
    Rows of a table that holds none of them.

    :param name: the table's, with its schema.
    :raises ValueError: a Put names other columns than its table has.
    """
    columns = _columns(table)
    keys, rows = zip(*[one.key for one in puts], strict=True), [one.values for one in puts]
    width = len(columns.values)
    if any(len(row) != width for row in rows):
        raise ValueError(f"columns other than {[name for name, _ in columns.values]}")
    fields = [encode(values) for encode, values in zip(columns.key, keys, strict=True)]
    try:
        fields += [encode([row[name] for row in rows]) for name, encode in columns.values]
    except KeyError as missing:
        raise ValueError(f"columns other than {[name for name, _ in columns.values]}") from missing
    lines = "\n".join(map("\t".join, zip(*fields, strict=True)))
    return Copied(f"COPY {name} ({columns.names}) FROM STDIN", lines)


def send(connection: Connection, copies: Iterable[Copied]) -> None:
    """Run them, inside the caller's transaction."""
    cursor = connection.connection.cursor()
    try:
        for sql, lines in copies:
            # In one piece: between two, another thread may have the interpreter for milliseconds.
            cursor.copy_expert(sql, StringIO(lines), size=len(lines) + 1)
    finally:
        cursor.close()


@cache
def _columns(table: Table) -> _Columns:
    """Key and other columns, each in the table's own order."""
    key = [column for column in table.columns if column.primary_key]
    values = [column for column in table.columns if not column.primary_key]
    return _Columns(
        ", ".join(array_column(column).name for column in (*key, *values)),
        tuple(field_encoder(column) for column in key),
        tuple((column.name, field_encoder(column)) for column in values),
    )
