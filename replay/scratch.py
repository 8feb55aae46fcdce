"""
A schema beside the live one, in which read models are made again.

The tables are made from the models' own definitions, not copied from the live ones: a rebuild is
also how a model gets a new shape. Secondary indexes come when the rows are there. One job of a kind
at a time has its scratch schema, by lease; what a crash left behind, the next run removes.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData, Table, text
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable, DropSchema

from projections.engine.lease import Lease
from projections.rows import ReadModel

LIVE = "models"

_PREPARER = psycopg2.dialect().identifier_preparer  # type: ignore[no-untyped-call]


class BusyError(Exception):
    """Another process does the same work now."""


@contextmanager
def scratch_schema(engine: Engine, name: str, lease: Lease) -> Iterator[Callable[[], None]]:
    """
    An empty schema of that name for as long as the block lasts; removed at the end.

    The block calls what it is given now and then, to keep the lease.

    :raises BusyError: the lease is another's, at the start or later on.
    """

    def keep() -> None:
        if lease.due:
            with engine.begin() as connection:
                if not lease.take(connection):
                    raise BusyError(lease.name)

    keep()
    if not lease.held:
        raise BusyError(lease.name)
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(DropSchema(name, cascade=True, if_exists=True))
            connection.execute(CreateSchema(name))
        yield keep
    finally:
        # Whether or not this succeeds (the database may be gone), the next run cleans up.
        with engine.begin() as connection:
            connection.execute(DropSchema(name, cascade=True, if_exists=True))
            lease.release(connection)


def create_tables(connection: Connection, schema: str, models: Iterable[ReadModel]) -> None:
    """The models' tables with their primary keys, empty."""
    metadata = MetaData()
    for table in tables_of(models):
        connection.execute(CreateTable(table.to_metadata(metadata, schema=schema)))


def drop_keys(connection: Connection, schema: str, models: Iterable[ReadModel]) -> None:
    """
    Drop the primary keys of tables that are only added to: nothing looks for their rows before all
    are there, and an index is made in a fraction of the time that it takes to grow.
    """
    for table in _added_to(models):
        key = _PREPARER.quote(f"{table.name}_pkey")
        connection.exec_driver_sql(f"ALTER TABLE {qualified(table, schema)} DROP CONSTRAINT {key}")


def finish_tables(engine: Engine, schema: str, models: Iterable[ReadModel], at_once: int) -> None:
    """
    Make what waits for the rows to be there: the primary keys that were dropped, under the names
    that they had, secondary indexes, and statistics for the planner.

    :param at_once: how many tables to work on at a time, each in a transaction of its own.
    """
    models = list(models)
    keyless, metadata = set(_added_to(models)), MetaData()
    copied = [(one, one.to_metadata(metadata, schema=schema)) for one in tables_of(models)]

    def finish(table: Table, made: Table) -> None:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            if table in keyless:
                _create_key(connection, table, schema)
            for index in sorted(made.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index))
            connection.exec_driver_sql(f"ANALYZE {qualified(table, schema)}")

    with ThreadPoolExecutor(at_once, thread_name_prefix="replay-tables") as threads:
        for done in [threads.submit(finish, *tables) for tables in copied]:
            done.result()


def _create_key(connection: Connection, table: Table, schema: str) -> None:
    key = _PREPARER.quote(f"{table.name}_pkey")
    columns = ", ".join(_PREPARER.quote(one.name) for one in table.primary_key)
    connection.exec_driver_sql(
        f"ALTER TABLE {qualified(table, schema)} ADD CONSTRAINT {key} PRIMARY KEY ({columns})"
    )


def _added_to(models: Iterable[ReadModel]) -> list[Table]:
    return [table for table in tables_of(models) if table.info.get("append_only")]


def tables_of(models: Iterable[ReadModel]) -> list[Table]:
    """All tables of some models, by name."""
    return sorted((table for model in models for table in model.tables), key=lambda t: t.name)


def qualified(table: Table, schema: str) -> str:
    """The table's quoted name in a schema."""
    return f"{_PREPARER.quote_schema(schema)}.{_PREPARER.quote(table.name)}"
