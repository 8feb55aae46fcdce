"""
Which read models this release has, and how a store comes to have them.

The log is migrated; read models never are. One that is missing, or has another shape than this
release gives it, is rebuilt from the log before anyone reads it.
"""

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

from adapters.database import Database, DatabaseUnfit, may_migrate
from adapters.log.postgres import PostgresLog
from adapters.schema import migrate, require_migrated
from commands.ports import Clock
from domain.catalogue import EVENTS
from projections.arming import ARMING
from projections.catalogue import READ_MODELS
from projections.engine.deadlines import Deadlines
from projections.rows import ReadModel
from projections.tables import SCHEMA
from replay.rebuild import rebuild

MODELS: tuple[ReadModel, ...] = (*READ_MODELS, Deadlines(ARMING))

_COLUMNS = text(
    "SELECT table_name, column_name,"
    " CASE data_type WHEN 'ARRAY' THEN CAST(CAST(udt_name AS regtype) AS text) ELSE data_type END,"
    " is_nullable = 'YES'"
    " FROM information_schema.columns WHERE table_schema = :schema ORDER BY ordinal_position"
)
_INDEXES = text("SELECT tablename, indexname FROM pg_indexes WHERE schemaname = :schema")

#: A table's columns (name, type, nullable) in their order, and the names of its indexes.
_Shape = tuple[list[tuple[str, str, bool]], set[str]]


def prepare_store(
    url: str,
    cells: int,
    clock: Clock,
    say: Callable[[str], None] | None = None,
    *,
    migration_url: str | None = None,
) -> None:
    """
    Bring a database to what this release needs; safe from several servers at once.

    :param cells: of an empty store.
    :param say: tells the operator what takes a while.
    :param migration_url: the same database by the login that owns it, if ``url`` is not that.
    :raises DatabaseUnfit: no login at hand may do so, and it is needed.
    """
    if migration_url is not None or may_migrate(url):
        _bring_up_to_date(migration_url or url, cells, clock, say)
    if migration_url is not None or not may_migrate(url):
        _require_up_to_date(url)


def _require_up_to_date(url: str) -> None:
    require_migrated(url)
    database = Database(url, "homezone-prepare")
    try:
        if changed := outdated(database):
            raise DatabaseUnfit(
                f"the read models {', '.join(changed)} are of another release: let the"
                " database's owner run homezone migrate"
            )
    finally:
        database.dispose()


def _bring_up_to_date(
    url: str, cells: int, clock: Clock, say: Callable[[str], None] | None
) -> None:
    migrate(url, cells)
    database = Database(url, "homezone-prepare")
    try:
        changed = outdated(database)
        if changed:
            log = PostgresLog(database, EVENTS, clock, notify=False)
            try:
                if say is not None and any(log.reader.heads().values()):
                    say(f"rebuilding from the log: {', '.join(changed)}")
                rebuild(log.reader, database.owner, MODELS, clock, uuid4(), names=changed)
            finally:
                log.close()
    finally:
        database.dispose()


def outdated(database: Database) -> list[str]:
    """The read models that are missing, or not of this release's shape."""
    with database.server.connect() as connection:
        return [model.name for model in MODELS if not _fits(connection, model)]


def _fits(connection: Connection, model: ReadModel) -> bool:
    found = _shapes(connection)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in model.tables:
        columns = [
            (one.name, one.type.compile(dialect).lower(), bool(one.nullable))
            for one in table.columns
        ]
        indexes = {str(index.name) for index in table.indexes}
        known, known_indexes = found.get(table.name, ([], set()))
        if columns != known or not indexes <= known_indexes:
            return False
    return True


def _shapes(connection: Connection) -> dict[str, _Shape]:
    shapes: dict[str, _Shape] = {}
    for table, *column in connection.execute(_COLUMNS, {"schema": SCHEMA}):
        shapes.setdefault(table, ([], set()))[0].append(tuple(column))
    for table, index in connection.execute(_INDEXES, {"schema": SCHEMA}):
        shapes.setdefault(table, ([], set()))[1].add(index)
    return shapes
