"""
The schema of the log, brought up to date by whoever owns it.

Apart from the engines, because most commands need none of the machinery of migrations.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.database import SERVER_ROLE, Database, DatabaseUnfit, cells_of

VERSION_MIN: Final = 150_000
CELLS_DEFAULT: Final = 16

#: What two migrations that start at once on an empty database may trip over (role and schema
#: catalogues know no waiting); each is gone when tried again.
_RACES: Final = {"23505", "42710", "42P06", "42P07", "XX000", "55P03", "40P01"}
_RACE_RETRIES: Final = 50


def migrate(url: str, cells: int = CELLS_DEFAULT) -> int:
    """
    Bring the schema to its newest revision; safe to run from several servers at once.

    :param cells: of an empty store; a store that has cells keeps its own number.
    :return: the store's number of cells.
    :raises DatabaseUnfit: PostgreSQL is too old, or the login role lacks a right.
    """
    if not 1 <= cells <= 4096:
        raise DatabaseUnfit("a store has between 1 and 4096 cells")
    database = Database(url, "homezone-migrate")
    try:
        for attempt in range(_RACE_RETRIES):
            try:
                return _migrate_once(database.owner, cells)
            except DBAPIError as error:
                state = getattr(error.orig, "pgcode", None)
                if state == "42501":
                    raise _lacks_rights(database, error) from error
                if state not in _RACES or attempt + 1 == _RACE_RETRIES:
                    raise
                time.sleep(0.02 * (attempt + 1))
        raise AssertionError("the last attempt returns or raises")
    finally:
        database.dispose()


def require_migrated(url: str) -> None:
    """
    See that a login which does not own the store can serve it as it is.

    :raises DatabaseUnfit: it may not become the server's role, or the schema is of another release.
    """
    database = Database(url, "homezone-migrate")
    try:
        with database.owner.connect() as connection:
            if not _may_become_server(connection):
                raise _lacks_role(database)
        with database.server.connect() as connection:
            found = connection.scalar(text("SELECT version_num FROM log.alembic_version"))
            if found != ScriptDirectory.from_config(_config()).get_current_head():
                raise DatabaseUnfit(
                    f"the database's schema is of another release ({found}): let its owner run"
                    " homezone migrate"
                )
    finally:
        database.dispose()


def _migrate_once(engine: Engine, cells: int) -> int:
    with migrating(engine) as connection:
        upgrade(connection)
        if cells_of(connection) == 0:
            connection.execute(
                text("INSERT INTO log.log_heads (cell) SELECT generate_series(0, :last)"),
                {"last": cells - 1},
            )
        return cells_of(connection)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction in which the schema may be changed, and no other server does so."""
    with engine.begin() as connection:
        _check_version(connection)
        _make_ground(connection)
    with engine.begin() as connection:
        # The second server waits here until the first is done, then finds nothing left to do.
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("LOCK TABLE log.alembic_version IN ACCESS EXCLUSIVE MODE"))
        yield connection


def upgrade(connection: Connection, revision: str = "head") -> None:
    """
    Bring the schema to a revision.

    :raises alembic.util.CommandError: this release does not know it.
    """
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _check_version(connection: Connection) -> None:
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    if version < VERSION_MIN:
        raise DatabaseUnfit(
            f"PostgreSQL {version // 10_000} is too old: Homezone needs 15 or newer"
        )
    if connection.scalar(text("SHOW server_encoding")) != "UTF8":
        raise DatabaseUnfit("the database's encoding must be UTF8")


def _make_ground(connection: Connection) -> None:
    """The role, the schemas and the table whose lock keeps two migrations apart."""
    exists = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.scalar(exists, {"role": SERVER_ROLE}) is None:
        connection.execute(text(f"CREATE ROLE {SERVER_ROLE} NOLOGIN"))
    if not _may_become_server(connection):
        connection.execute(text(f"GRANT {SERVER_ROLE} TO CURRENT_USER"))
    for schema in ("log", "models"):
        known = text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
        if connection.scalar(known, {"schema": schema}) is None:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS log.alembic_version (version_num varchar(32) PRIMARY KEY)")
    )


def _may_become_server(connection: Connection) -> bool:
    # Since PostgreSQL 16 a member may lack the right to become the role it is a member of.
    new = int(connection.scalar(text("SHOW server_version_num")) or 0) >= 160_000
    right = "SET" if new else "MEMBER"
    question = text(f"SELECT pg_has_role(CURRENT_USER, '{SERVER_ROLE}', '{right}')")
    return bool(connection.scalar(question))


def _lacks_role(database: Database) -> DatabaseUnfit:
    login = database.url.username or "the login role"
    return DatabaseUnfit(
        f"The role {login} may not become {SERVER_ROLE}. Let the owner run, once:\n"
        f'    GRANT {SERVER_ROLE} TO "{login}";'
    )


def _lacks_rights(database: Database, error: DBAPIError) -> DatabaseUnfit:
    login = database.url.username or "the login role"
    name = database.url.database or "the database"
    return DatabaseUnfit(
        f"{str(error.orig).strip()}\n"
        f"The role {login} lacks a right that the migration needs."
        " Let its owner run homezone migrate, or let an administrator run, once:\n"
        f"    CREATE ROLE {SERVER_ROLE} NOLOGIN;\n"
        f'    GRANT {SERVER_ROLE} TO "{login}";\n'
        f'    GRANT CREATE ON DATABASE "{name}" TO "{login}";'
    )
