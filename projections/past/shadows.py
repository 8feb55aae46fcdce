"""
Statements of the present, over rows handed in.

A statement names its tables by schema. Its shadow has each of them stand before it as a list of
rows of that name and shape, given as JSON: so it runs anywhere the tables' shapes are known, writes
nothing, and needs no right but to read.
"""

import re
from base64 import b16encode
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from projections.past.rows import Row
from projections.reading.statements import Statement

_TABLE = re.compile(r"\bmodels\.(\w+)")
_GIVEN = (
    "{table} AS MATERIALIZED (SELECT * FROM"
    " jsonb_populate_recordset(NULL::models.{table}, :rows_{table}::jsonb))"
)
_WITH = re.compile(r"\s*WITH\s", re.IGNORECASE)


@cache
def tables_of(statement: Statement) -> tuple[str, ...]:
    """The names of the read models' tables that a statement reads."""
    return tuple(dict.fromkeys(_TABLE.findall(statement.sql)))


@cache
def shadow(statement: Statement) -> Statement:
    """
    The same statement over rows given as ``rows_TABLE``, each a JSON array of objects by column.
    """
    given = ", ".join(_GIVEN.format(table=table) for table in tables_of(statement))
    own = _TABLE.sub(r"\1", statement.sql)
    rest = _WITH.sub(", ", own, count=1) if _WITH.match(own) else own
    return Statement(f"past_{statement.name}", f"WITH {given} {rest}")


def encoded(rows: Iterable[Row]) -> str:
    """Rows as a shadow takes them."""
    return msgspec.json.encode([_plain(row) for row in rows]).decode()


def _plain(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return "\\x" + b16encode(value).decode()
        case UUID():
            return str(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(one) for one in value]
        case _:
            return value
