"""
Engines over one PostgreSQL.

Two roles: the owner migrates; the server runs as ``homezone_server``, which can add events and
never change or remove one. So a mistake in a query cannot rewrite history. They share a login, or
each has its own: then nobody who takes the server over can become the owner. The driver is always
named: SQLAlchemy 2.1 takes psycopg 3 for a bare ``postgresql://``.
"""

from collections.abc import Mapping
from typing import Final

import psycopg2
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text

SERVER_ROLE: Final = "homezone_server"

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


def may_migrate(url: str) -> bool:
    """Whether the URL's login owns the store, or there is none yet."""
    database = Database(url, "homezone-migrate")
    try:
        with database.owner.connect() as connection:
            owns = connection.scalar(_OWNS)
            return owns is None or bool(owns)
    finally:
        database.dispose()


def cells_of(connection: Connection) -> int:
    """How many cells the store has; 0 before it was migrated with success."""
    return int(connection.scalar(text("SELECT count(*) FROM log.log_heads")) or 0)
