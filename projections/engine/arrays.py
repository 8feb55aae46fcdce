"""
Columns of Python values as PostgreSQL array literals.

A batch goes to the server as one array a column, whatever its number of rows. The driver would
adapt every element on its own (``'…'::uuid`` a thousand times); encoding a whole column to one
literal is several times cheaper, and the parse is C on the server's side.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, JSON, Boolean, Column, DateTime, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.types import String, TypeEngine

Encode = Callable[[Iterable[Any]], list[str]]

_DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call]


class ArrayColumn(NamedTuple):
    """How one table column travels: its quoted name, types, and its elements' encoding."""

    name: str
    array_type: str
    cast: str
    encode: Encode


@cache
def array_column(column: "Column[Any]") -> ArrayColumn:
    """
    The encoding of a column.

    Types outside the common ones (JSON, ranges, arrays) travel as text and are cast by the server.
    """
    name = _DIALECT.identifier_preparer.quote(column.name)
    declared = column.type.compile(dialect=_DIALECT)
    common, encode = _travels(column.type)
    if common:
        return ArrayColumn(name, f"{declared}[]", "", encode)
    return ArrayColumn(name, "text[]", f"::{declared}", encode)


def literal(elements: Iterable[str]) -> str:
    """Encoded elements as one array literal."""
    return "{" + ",".join(elements) + "}"


def _travels(kind: TypeEngine[Any]) -> tuple[bool, Encode]:
    """Whether a type is one of the common ones, and how its values are written."""
    for kinds, encode in _ENCODERS:
        if isinstance(kind, kinds):
            return True, encode
    return False, _as_text(kind)


def _integers(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else str(value) for value in values]


def _uuids(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else f"{value.int:032x}" for value in values]


def _booleans(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else "t" if value else "f" for value in values]


class _Moments(dict[Any, str]):
    """One event's rows bear one moment: it is written down once a column."""

    def __missing__(self, value: Any) -> str:
        written = self[value] = "NULL" if value is None else value.isoformat()
        return written


class _Texts(dict[Any, str]):
    """A batch says few words again and again: kinds, accounts, states."""

    def __missing__(self, value: Any) -> str:
        quoted = "NULL"
        if value is not None:
            quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        self[value] = quoted
        return quoted


def _moments(values: Iterable[Any]) -> list[str]:
    return list(map(_Moments().__getitem__, values))


def _bytes(values: Iterable[Any]) -> list[str]:
    # The array's parser takes one of the two backslashes, bytea's the other.
    return ["NULL" if value is None else "\\\\x" + value.hex() for value in values]


def _texts(values: Iterable[Any]) -> list[str]:
    return list(map(_Texts().__getitem__, values))


def _as_text(kind: TypeEngine[Any]) -> Encode:
    write: Callable[[Any], str] = str
    if isinstance(kind, JSON):
        write = json.dumps
    elif isinstance(kind, ARRAY):
        _, elements = _travels(kind.item_type)

        def write(value: Any) -> str:
            return literal(elements(value))

    def encode(values: Iterable[Any]) -> list[str]:
        return _texts(None if value is None else write(value) for value in values)

    return encode


_ENCODERS: tuple[tuple[tuple[type[TypeEngine[Any]], ...], Encode], ...] = (
    ((Integer,), _integers),
    ((Uuid,), _uuids),
    ((Boolean,), _booleans),
    ((DateTime,), _moments),
    ((LargeBinary,), _bytes),
    ((String, Text), _texts),
)
