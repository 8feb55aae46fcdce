"""
Named statements, and what runs them.

Reads are few in kind and many in number, and planning one costs more than running it; so each is a
statement with a name, which a connection prepares once. A name and its values are also all that a
twin without a database needs.
"""

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

_PARAMETER = re.compile(r"(?<!:):(\w+)::(\w+(?:\[\])?)")

#: As many values as the statement selects, in its order.
Row: TypeAlias = Sequence[Any]


class Connection(Protocol):
    """A connection for reads, one statement at a time."""

    def fetch(self, statement: "Statement", values: Mapping[str, Any]) -> Awaitable[list[Row]]:
        """Run one statement with its parameters by name; its rows."""


class Statement:
    """
    A named statement; its parameters are written ``:name::type`` and given by name.

    ``names`` are the parameters in the order of ``numbered``, which is the same text with ``$1``.

    :param name: no other statement's.
    """

    def __init__(self, name: str, sql: str) -> None:
        found = dict.fromkeys(_PARAMETER.findall(sql))
        self.names = tuple(name for name, _ in found)
        numbers = {name: number for number, name in enumerate(self.names, 1)}
        self.name = name
        self.sql = sql
        self.numbered = _PARAMETER.sub(lambda match: f"${numbers[match[1]]}::{match[2]}", sql)

    def __call__(self, connection: Connection, **values: Any) -> Awaitable[list[Row]]:
        """All rows."""
        return connection.fetch(self, values)

    async def explain(self, connection: Connection, **values: Any) -> list[str]:
        """The plan that PostgreSQL makes for it."""
        explained = Statement(f"explain_{self.name}", f"EXPLAIN {self.sql}")
        return [str(row[0]) for row in await explained(connection, **values)]
