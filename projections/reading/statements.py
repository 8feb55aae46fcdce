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

_PARAMETER = re.compile(r":(\w+)::(\w+(?:\[\])?)")


class Connection(Protocol):
    """A connection for reads, one statement at a time."""

    @property
    def prepared(self) -> set[str]:
        """The names of the statements that it has prepared."""

    async def fetch(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows."""


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

    async def __call__(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        if self.name not in connection.prepared:
            await connection.fetch(self._prepare)
            connection.prepared.add(self.name)
        return await connection.fetch(self._execute, [_plain(values[name]) for name in self.names])

    async def explain(self, connection: Connection, **values: Any) -> list[str]:
        """The plan that PostgreSQL keeps for it."""
        await self(connection, **values)
        arguments = [_plain(values[name]) for name in self.names]
        return [
            str(row[0]) for row in await connection.fetch(f"EXPLAIN {self._execute}", arguments)
        ]


def _plain(value: Any) -> Any:
    """As the driver takes it fastest: ids as text, arrays of ids and numbers as literals."""
    if type(value) is list:
        return "{" + ",".join(map(str, value)) + "}"
    return str(value) if isinstance(value, UUID) else value
