"""
New rows by COPY, for whoever writes many at a time: a replay. A row costs PostgreSQL half of what
it does from arrays, and the journey that a COPY takes is nothing beside a thousand of them.

A line of JSON, less its brackets, is one of CSV, as long as no text needs an escape; and JSON is
written in C, at a third of the cost of joining fields. Where a text needs one, or a column is of a
type that JSON writes otherwise than PostgreSQL reads it, lines are of COPY's own text format.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BytesIO
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Boolean, Connection, Date, DateTime, Integer, String, Table, Uuid

from projections.engine.arrays import Encode, array_column, field_encoder
from projections.rows import Key, Put

#: Types whose values PostgreSQL reads from CSV as they stand in JSON.
_ALIKE: Final = (Boolean, Date, DateTime, Integer, String, Uuid)
_JSON: Final = msgspec.json.Encoder()


#: Rows of a table that are encoded together: while they are in the processor's cache, for which a
#: replay's batch is too large (it then takes half as long again).
ROWS_AT_ONCE: Final = 512


class _Columns(NamedTuple):
    names: str
    values: tuple[str, ...]
    get: Callable[[Mapping[str, Any]], Key]
    encode: tuple[Encode, ...]
    alike: bool


class Copies:
    """COPY commands and what each is fed, for one transaction."""

    def __init__(self) -> None:
        self._lines: dict[str, list[bytes]] = {}

    def add(self, name: str, table: Table, puts: Sequence[Put]) -> None:
        """
        Take rows of a table that holds none of them.

        :param name: the table's, with its schema.
        :raises ValueError: a Put names other columns than its table has.
        """
        columns = _columns(table)
        width, get = len(columns.values), columns.get
        if any(len(put.values) != width for put in puts):
            raise ValueError(f"columns other than {columns.values}")
        try:
            rows = [put.key + get(put.values) for put in puts]
        except KeyError as missing:
            raise ValueError(f"columns other than {columns.values}") from missing
        form, lines = _encoded(columns, rows)
        self._lines.setdefault(f"COPY {name} ({columns.names}) FROM STDIN {form}", []).append(lines)

    def send(self, connection: Connection) -> None:
        """Run them, inside the caller's transaction."""
        cursor = connection.connection.cursor()
        try:
            for sql, parts in self._lines.items():
                # In one piece: between two, another thread may have the interpreter for long.
                lines = b"\n".join(parts)
                cursor.copy_expert(sql, BytesIO(lines), size=len(lines) + 1)
        finally:
            cursor.close()


def _encoded(columns: _Columns, rows: list[Key]) -> tuple[str, bytes]:
    """COPY's options and lines of rows."""
    if columns.alike:
        lines = _JSON.encode_lines(rows)
        if b"\\" not in lines:
            return "(FORMAT csv, NULL 'null')", _bare(lines)
    fields = [
        one(values) for one, values in zip(columns.encode, zip(*rows, strict=True), strict=True)
    ]
    return "", "\n".join(map("\t".join, zip(*fields, strict=True))).encode()


def _bare(lines: bytes) -> bytes:
    """Without the brackets of each; no text of JSON has a line break in it."""
    return lines[1:-2].replace(b"]\n[", b"\n")


@cache
def _columns(table: Table) -> _Columns:
    """Key and other columns, each in the table's own order."""
    key = [column for column in table.columns if column.primary_key]
    values = [column for column in table.columns if not column.primary_key]
    both = (*key, *values)
    return _Columns(
        ", ".join(array_column(column).name for column in both),
        tuple(column.name for column in values),
        _getter([column.name for column in values]),
        tuple(field_encoder(column) for column in both),
        all(isinstance(column.type, _ALIKE) for column in both),
    )


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Key]:
    """Values of these names, as a tuple however many there are."""
    match names:
        case []:
            return lambda _: ()
        case [name]:
            return lambda values: (values[name],)
        case _:
            return itemgetter(*names)
