"""
Columns of Python values as PostgreSQL array literals.

A batch goes to the server as one array a column, whatever its number of rows. The driver would
adapt every element on its own (``'…'::uuid`` a thousand times); encoding a whole column to one
literal is several times cheaper, and the parse is C on the server's side.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import String, TypeEngine

Encode = Callable[[Iterable[Any]], list[str]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


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
    for kinds, encode in _ENCODERS:
        if isinstance(column.type, kinds):
            return ArrayColumn(name, f"{declared}[]", "", encode)
    return ArrayColumn(name, "text[]", f"::{declared}", _as_text(column.type))


def literal(elements: Iterable[str]) -> str:
    """Encoded elements as one array literal."""
    return "{" + ",".join(elements) + "}"


def _integers(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else str(value) for value in values]


def _uuids(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else f"{value.int:032x}" for value in values]


def _booleans(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else "t" if value else "f" for value in values]


def _moments(values: Iterable[Any]) -> list[str]:
    return ["NULL" if value is None else value.isoformat() for value in values]


def _bytes(values: Iterable[Any]) -> list[str]:
    # The array's parser takes one of the two backslashes, bytea's the other.
    return ["NULL" if value is None else "\\\\x" + value.hex() for value in values]


def _texts(values: Iterable[Any]) -> list[str]:
    return [
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    ]


def _as_text(kind: TypeEngine[Any]) -> Encode:
    process = kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)

    def encode(values: Iterable[Any]) -> list[str]:
        return _texts(
            None if value is None else str(process(value) if process else value) for value in values
        )

    return encode


_ENCODERS: tuple[tuple[tuple[type[TypeEngine[Any]], ...], Encode], ...] = (
    ((Integer,), _integers),
    ((Uuid,), _uuids),
    ((Boolean,), _booleans),
    ((DateTime,), _moments),
    ((LargeBinary,), _bytes),
    ((String, Text), _texts),
)
