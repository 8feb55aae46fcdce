"""
Read models as they stood at a moment, in a schema of their own, to be looked into with psql.

What is made stays until it is dropped; nothing of the product reads it. It is fed like a rebuild,
up to the moment and no further.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.schema import CreateSchema, DropSchema

from commands.ports import Clock
from projections.engine.lease import Lease
from projections.engine.ports import LogReader
from projections.rows import ReadModel
from replay.progress import OnProgress
from replay.rebuild import SCHEMA as REBUILD
from replay.refeed import Refeed
from replay.scratch import LIVE, BusyError, create_tables, drop_keys, finish_tables, tables_of
from replay.together import Open, run_together

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
#: What is somebody else's: the product's own, and PostgreSQL's.
_TAKEN: Final = frozenset({"log", LIVE, REBUILD, "recheck", "public", "information_schema"})


class BadSchema(Exception):
    """No schema of that name can be made; says why."""


class Dated(LogReader, Protocol):
    """A log that knows where it was at a time."""

    def heads_at(self, moment: datetime) -> Mapping[int, int]: ...


class Made(msgspec.Struct, frozen=True):
    """What stands in the schema now, and as of which positions."""

    tables: int
    positions: Mapping[int, int]


def as_of(
    log: Dated,
    engine: Engine,
    models: Iterable[ReadModel],
    moment: datetime | Mapping[int, int],
    schema: str,
    clock: Clock,
    holder: UUID,
    *,
    on_progress: OnProgress | None = None,
    open_: Open | None = None,
    helpers: int = 0,
    lease_seconds: float = 30.0,
) -> Made:
    """
    Make all read models as of a moment.

    :param engine: connects as the tables' owner.
    :param moment: a time, or positions; a cell that is not named stands where it stood then.
    :param schema: is not there yet, or was made by this.
    :raises BadSchema: it is another's.
    :raises ValueError: the moment is none of the past.
    :raises BusyError: the same schema is being made.
    """
    _check(engine, schema)
    models = list(models)
    until = positions_at(log, moment)
    lease = Lease(f"as-of/{schema}", holder, clock, lease_seconds)

    def keep() -> None:
        if lease.due:
            with engine.begin() as connection:
                if not lease.take(connection):
                    raise BusyError(lease.name)

    keep()
    if not lease.held:
        raise BusyError(lease.name)
    with engine.begin() as connection:
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))
        connection.execute(CreateSchema(schema))
        said = f"{_MARK} {','.join(f'{cell}-{at}' for cell, at in sorted(until.items()))}"
        quoted = connection.dialect.identifier_preparer.quote_schema(schema)
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {quoted} IS '{said}'")
        create_tables(connection, schema, models)
        drop_keys(connection, schema, models)
    feed = Refeed(log, engine, schema, models, until, keep, on_progress)
    run_together(feed, {model.name: until for model in models}, open_, helpers)
    finish_tables(engine, schema, models, helpers + 1)
    with engine.begin() as connection:
        lease.release(connection)
    return Made(len(tables_of(models)), until)


def positions_at(log: Dated, moment: datetime | Mapping[int, int]) -> dict[int, int]:
    """
    A moment with every cell: one that is not named stands where it stood at the latest of those
    that are.

    :raises ValueError: a position at which nothing was recorded yet.
    """
    if isinstance(moment, datetime):
        return dict(log.heads_at(moment))
    heads = log.heads()
    if any(position > heads.get(cell, -1) for cell, position in moment.items()):
        raise ValueError("a position at which nothing was recorded yet")
    times = [
        one.recorded_at
        for cell, position in moment.items()
        for one in log.read(cell, position - 1, 1, position)
    ]
    if not times:
        return {**dict.fromkeys(heads, 0), **moment}
    return {**log.heads_at(max(times)), **moment}


_MARK: Final = "homezone read models as of"
_COMMENT = text(
    "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace"
    " WHERE nspname = :name"
)


def check_name(schema: str) -> None:
    """
    Whether a schema may have that name.

    :raises BadSchema: it may not.
    """
    if not _NAME.fullmatch(schema) or schema in _TAKEN or schema.startswith("pg_"):
        raise BadSchema(f"{schema} is no name for it: take small letters, digits and _")


def _check(engine: Engine, schema: str) -> None:
    check_name(schema)
    with engine.connect() as connection:
        comment = connection.scalar(_COMMENT, {"name": schema})
    if comment is not None and not comment.startswith(_MARK):
        raise BadSchema(f"there is a schema {schema} already, of something else")
