"""
Engines over one PostgreSQL, and its schema brought up to date.

Two roles: the owner migrates; the server runs as ``homezone_server``, which can add events and
never change or remove one. So a mistake in a query cannot rewrite history. They share a login, or
each has its own: then nobody who takes the server over can become the owner. The driver is always
named: SQLAlchemy 2.1 takes psycopg 3 for a bare ``postgresql://``.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

SERVER_ROLE: Final = "homezone_server"
VERSION_MIN: Final = 150_000
CELLS_DEFAULT: Final = 16

_OWNS = text(
    "SELECT pg_has_role(CURRENT_USER, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'log'"
)

#: A dead server that holds a lock costs the living a retry, not a wait without end.
_SESSION: Final = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "2s",
    "statement_timeout": "60s",
}
_TRANSPORT: Final = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 4,
    "tcp_user_timeout": 8_000,
}
#: What two migrations that start at once on an empty database may trip over (role and schema
#: catalogues know no waiting); each is gone when tried again.
_RACES: Final = {"23505", "42710", "42P06", "42P07", "XX000", "55P03", "40P01"}
_RACE_RETRIES: Final = 50


class DatabaseUnfit(Exception):
    """The database cannot serve as it is; the message says what its operator must do."""


def parse_url(url: str) -> URL:
    """Any form of a PostgreSQL URL, with the driver made explicit."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise DatabaseUnfit("the database URL must start with postgresql://")
    return make_url(f"postgresql+psycopg2://{rest}")


def connect_arguments(url: URL, settings: Mapping[str, str]) -> dict[str, str | int]:
    """What libpq gets beside the URL; settings in the URL's own ``options`` come first."""
    given = url.query.get("options", "")
    own = given if isinstance(given, str) else " ".join(given)
    chosen = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {**_TRANSPORT, "options": f"{own} {chosen}".strip()}


class Database:
    """The engines of one database. Connections are made when first needed."""

    def __init__(self, url: str, application: str = "homezone") -> None:
        self.url = parse_url(url)
        self._application = application
        self.owner = self._engine({}, pool_size=1, max_overflow=4)
        self.server = self._engine({"role": SERVER_ROLE}, pool_size=8, max_overflow=24)

    def _engine(self, settings: Mapping[str, str], pool_size: int, max_overflow: int) -> Engine:
        arguments = connect_arguments(self.url, {**_SESSION, **settings})
        arguments["application_name"] = self._application
        return create_engine(
            self.url.difference_update_query(["options"]),
            connect_args=arguments,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=10,
            pool_use_lifo=True,
            # An error's text must not quote what a statement carried.
            hide_parameters=True,
        )

    def dispose(self) -> None:
        """Close every idle connection."""
        self.owner.dispose()
        self.server.dispose()


def is_lost(error: BaseException) -> bool:
    """
    Whether an error of the driver says that a connection broke, or could not be made.

    Where a connection breaks in the middle of a COPY, libpq has no code for it, and psycopg2 raises
    the mother of its errors instead of an ``OperationalError``.
    """
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return True
    return type(error) is psycopg2.DatabaseError and error.pgcode is None


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


def may_migrate(url: str) -> bool:
    """Whether the URL's login owns the store, or there is none yet."""
    database = Database(url, "homezone-migrate")
    try:
        with database.owner.connect() as connection:
            owns = connection.scalar(_OWNS)
            return owns is None or bool(owns)
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


def cells_of(connection: Connection) -> int:
    """How many cells the store has; 0 before it was migrated with success."""
    return int(connection.scalar(text("SELECT count(*) FROM log.log_heads")) or 0)


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
