"""
The plans that PostgreSQL really ran, and what is wrong with them.

``auto_explain`` writes down the plan of every statement that any session runs, as it was run: with
that session's settings, prepared or not, by whichever driver. So nothing that a server does is left
out for want of a list, and nothing is explained that never runs.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, text

#: Tables whose rows are counted in cells, jobs, read models and accounts of the ledger, however
#: long the log becomes.
NEVER_GROW = frozenset(
    {"log_heads", "checkpoints", "leases", "alembic_version", "breaches", "ledger_accounts"}
)

_INDEX_SCANS = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "auto_explain.log_timing": "off",
}

_INDEXES = text(
    """
    SELECT class.relname, array_agg(attribute.attname::text ORDER BY key.place),
           array_agg(attribute.atttypid::regtype::text ORDER BY key.place)
      FROM pg_index AS index
      JOIN pg_class AS class ON class.oid = index.indexrelid
      JOIN pg_namespace AS space ON space.oid = class.relnamespace
     CROSS JOIN LATERAL unnest(index.indkey::smallint[]) WITH ORDINALITY AS key (number, place)
      JOIN pg_attribute AS attribute
        ON attribute.attrelid = index.indrelid AND attribute.attnum = key.number
     WHERE space.nspname IN ('log', 'models')
     GROUP BY class.relname
    """
)


class Ran(msgspec.Struct, frozen=True):
    """A statement that was run, and its plan."""

    query: str
    plan: Mapping[str, Any]


class PlanLog:
    """
    What ``auto_explain`` wrote since the last look.

    :param path: the server's log file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_to = 0

    def skip(self) -> None:
        """Leave out what was written so far."""
        self._read_to = self._path.stat().st_size

    def take(self) -> list[Ran]:
        """All since then, in order."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            written = file.read()
        self._read_to += len(written)
        return list(_parse(written.decode()))


def explain_everything(connection: Connection, database: str) -> None:
    """Let every new session of a database write down its plans; takes a superuser."""
    for name, value in _SETTINGS.items():
        connection.exec_driver_sql(f'ALTER DATABASE "{database}" SET {name} = {value}')


def selective_prefixes(connection: Connection) -> dict[str, tuple[str, ...]]:
    """
    Of every index the leading columns that a search must bind: the small numbers in front (a cell,
    a facet), which thousands of rows share, and the first column after them.
    """
    prefixes: dict[str, tuple[str, ...]] = {}
    for name, columns, types in connection.execute(_INDEXES):
        wide = [number for number, kind in enumerate(types) if kind != "smallint"]
        prefixes[name] = tuple(columns[: wide[0] + 1 if wide else len(columns)])
    return prefixes


def faults(plan: Mapping[str, Any], prefixes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What in a plan would cost more the longer the log is."""
    node, table, index = plan["Node Type"], plan.get("Relation Name"), str(plan.get("Index Name"))
    if node.endswith("Seq Scan") and not _bounded(table):
        yield f"reads all of {table}"
    if plan.get("Disabled") and not _bounded(table):
        yield f"has nothing better for {table} than a plan that was forbidden"
    if node in _INDEX_SCANS and index in prefixes and not _bounded(table):
        condition = plan.get("Index Cond", "")
        unbound = [name for name in prefixes[index] if not _binds(condition, name)]
        if unbound:
            yield f"searches {index} without {', '.join(unbound)}"
    for child in plan.get("Plans", ()):
        if not (node == "Limit" and _anything(child)):
            yield from faults(child, prefixes)


def _anything(plan: Mapping[str, Any]) -> bool:
    """Under a limit: the first rows that come, whichever they are, or the first of an order."""
    return plan["Node Type"] in ("Seq Scan", *_INDEX_SCANS) and "Filter" not in plan


def _bounded(table: str | None) -> bool:
    return table in NEVER_GROW or (table is not None and table.startswith("pg_"))


def _binds(condition: str, column: str) -> bool:
    """An index's own columns stand in its condition without a table's name before them."""
    return re.search(rf"(?<![\w.]){column}(?!\w)", condition) is not None


def _parse(written: str) -> Iterator[Ran]:
    for entry in re.findall(r"ms  plan:\n((?:\t.*\n)+)", written):
        found = json.loads(entry)
        yield Ran(found["Query Text"], found["Plan"])
