"""
Columns of Python values as PostgreSQL array literals, and as fields of COPY's text format.

A batch goes to the server as one array a column, whatever its number of rows. The driver would
adapt every element on its own (``'…'::uuid`` a thousand times); encoding a whole column to one
literal is several times cheaper, and the parse is C on the server's side.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, JSON, Boolean, Column, DateTime, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.types import String, TypeEngine

Encode = Callable[[Iterable[Any]], list[str]]

_DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call]


class Format(NamedTuple):
    """How what is no value is written, and a text."""

    null: str
    text: Callable[[str], str]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)


#: An element of an array literal, and a field of COPY's text format.
ELEMENT: Final = Format("NULL", _quoted)
FIELD: Final = Format("\\N", _escaped)


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
    common, encode = _travels(column.type, ELEMENT)
    if common:
        return ArrayColumn(name, f"{declared}[]", "", encode)
    return ArrayColumn(name, "text[]", f"::{declared}", encode)


@cache
def field_encoder(column: "Column[Any]") -> Encode:
    """The encoding of a column as fields of COPY's text format."""
    return _travels(column.type, FIELD)[1]


def literal(elements: Iterable[str]) -> str:
    """Encoded elements as one array literal."""
    return "{" + ",".join(elements) + "}"


def _travels(kind: TypeEngine[Any], format_: Format) -> tuple[bool, Encode]:
    """Whether a type is one of the common ones, and how its values are written."""
    for kinds, encode in _ENCODERS:
        if isinstance(kind, kinds):
            return True, partial(encode, format_)
    return False, _as_text(kind, format_)


def _integers(format_: Format, values: Iterable[Any]) -> list[str]:
    null = format_.null
    return [null if value is None else str(value) for value in values]


def _uuids(format_: Format, values: Iterable[Any]) -> list[str]:
    null = format_.null
    return [null if value is None else f"{value.int:032x}" for value in values]


def _booleans(format_: Format, values: Iterable[Any]) -> list[str]:
    null = format_.null
    return [null if value is None else "t" if value else "f" for value in values]


class _Said(dict[Any, str]):
    """A batch says few things again and again, moments and words: each is written down once."""

    def __init__(self, null: str, write: Callable[[Any], str]) -> None:
        super().__init__({None: null})
        self._write = write

    def __missing__(self, value: Any) -> str:
        written = self[value] = self._write(value)
        return written


def _moments(format_: Format, values: Iterable[Any]) -> list[str]:
    said = _Said(format_.null, lambda value: str(value.isoformat()))
    return list(map(said.__getitem__, values))


def _bytes(format_: Format, values: Iterable[Any]) -> list[str]:
    # Whatever parses the format takes one of the two backslashes, bytea's parser the other.
    null = format_.null
    return [null if value is None else "\\\\x" + value.hex() for value in values]


def _texts(format_: Format, values: Iterable[Any]) -> list[str]:
    return list(map(_Said(format_.null, format_.text).__getitem__, values))


def _as_text(kind: TypeEngine[Any], format_: Format) -> Encode:
    write: Callable[[Any], str] = str
    if isinstance(kind, JSON):
        write = json.dumps
    elif isinstance(kind, ARRAY):
        _, elements = _travels(kind.item_type, ELEMENT)

        def write(value: Any) -> str:
            return literal(elements(value))

    def encode(values: Iterable[Any]) -> list[str]:
        return _texts(format_, (None if value is None else write(value) for value in values))

    return encode


_ENCODERS: tuple[tuple[tuple[type[TypeEngine[Any]], ...], Callable[..., list[str]]], ...] = (
    ((Integer,), _integers),
    ((Uuid,), _uuids),
    ((Boolean,), _booleans),
    ((DateTime,), _moments),
    ((LargeBinary,), _bytes),
    ((String, Text), _texts),
)
