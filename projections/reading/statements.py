"""
Prepared statements over plain connections.

Reads are few in kind and many in number, and planning one costs more than running it; so each
connection prepares a statement once, and PostgreSQL keeps its plan. (psycopg2 has no prepared
statements of its own: PREPARE and EXECUTE are said in SQL.)
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

_PARAMETER = re.compile(r":(\w+)::(\w+(?:\[\])?)")


class Cursor(Protocol):
    """What is used of a DBAPI cursor."""

    def execute(self, query: str, vars: Sequence[Any] | None = None) -> None: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...

    def close(self) -> None: ...


class Connection(Protocol):
    """What is used of a psycopg2 connection, in autocommit mode."""

    def cursor(self) -> Cursor: ...


class Statement:
    """
    A named statement; its parameters are written ``:name::type`` and given by name.

    :param sql: one statement, without ``%``.
    """

    def __init__(self, name: str, sql: str) -> None:
        found = dict.fromkeys(_PARAMETER.findall(sql))
        self.names = tuple(name for name, _ in found)
        numbers = {name: number for number, name in enumerate(self.names, 1)}
        body = _PARAMETER.sub(lambda match: f"${numbers[match[1]]}", sql)
        types = ", ".join(kind for _, kind in found)
        self.name = name
        self.sql = sql
        self._prepare = f"PREPARE {name} ({types}) AS {body}"
        marks = ", ".join("%s::" + kind for _, kind in found)
        self._execute = f"EXECUTE {name} ({marks})" if found else f"EXECUTE {name}"

    def __call__(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        cursor = connection.cursor()
        try:
            prepared = _PREPARED.setdefault(connection, set())
            if self.name not in prepared:
                cursor.execute(self._prepare)
                prepared.add(self.name)
            cursor.execute(self._execute, [_plain(values[name]) for name in self.names])
            return cursor.fetchall()
        finally:
            cursor.close()

    def explain(self, connection: Connection, **values: Any) -> list[str]:
        """The plan that PostgreSQL keeps for it."""
        self(connection, **values)
        cursor = connection.cursor()
        try:
            arguments = [_plain(values[name]) for name in self.names]
            cursor.execute(f"EXPLAIN {self._execute}", arguments)
            return [str(row[0]) for row in cursor.fetchall()]
        finally:
            cursor.close()


def _plain(value: Any) -> Any:
    """As the driver takes it fastest: ids as text, arrays of ids and numbers as literals."""
    if type(value) is list:
        return "{" + ",".join(map(str, value)) + "}"
    return str(value) if isinstance(value, UUID) else value


_PREPARED: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()
