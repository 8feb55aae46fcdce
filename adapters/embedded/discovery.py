"""
Which PostgreSQL to use: the one that DATABASE_URL names, else the one that we bring.

Both are used alike: started, asked for a URL, watched, stopped. Stopping a server that is not ours
does nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import psycopg2
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from adapters.embedded.errors import DataDirectoryInUse, EmbeddedPostgresError
from adapters.embedded.server import EmbeddedPostgres, Log, running_url

SERVER_VERSION_MIN: Final = 15
_DRIVER: Final = "postgresql+psycopg2"


class Server(Protocol):
    """A PostgreSQL to use, whoever runs it."""

    def start(self) -> str:
        """Make it ready; returns its database's URL."""
        ...

    def restart(self) -> str:
        """Make it ready again, whatever became of it."""
        ...

    def stop(self) -> None:
        """End it, if it is ours."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it runs, as far as we can tell without asking it."""
        ...

    def stuck(self) -> bool:
        """Whether it runs and will never serve again unless it is restarted."""
        ...

    @property
    def embedded(self) -> bool:
        """Whether we run it."""
        ...


class ExternalPostgres:
    """A PostgreSQL that somebody else runs."""

    embedded: Final = False
    alive: Final = True

    def __init__(self, database_url: str) -> None:
        self._url = normalise(database_url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Check that it answers and is recent enough."""
        for_libpq = make_url(self._url).set(drivername="postgresql")
        try:
            connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
        except psycopg2.OperationalError as error:
            reason = " ".join(str(error).split())
            raise EmbeddedPostgresError(f"cannot connect to DATABASE_URL: {reason}") from error
        version = connection.server_version // 10_000
        connection.close()
        if version < SERVER_VERSION_MIN:
            raise EmbeddedPostgresError(
                f"DATABASE_URL names a PostgreSQL {version}; Homezone needs"
                f" {SERVER_VERSION_MIN} or newer"
            )
        return self._url

    def restart(self) -> str:
        """Check it again."""
        return self.start()

    def stuck(self) -> bool:
        """That is for whoever runs it to say."""
        return False

    def stop(self) -> None:
        """Leave it running."""


def discover(database_url: str | None, data_dir: Path, log: Log | None = None) -> Server:
    """
    The server to use, not yet started.

    :param database_url: overrides the environment's DATABASE_URL; an empty one counts as none.
    """
    url = database_url or os.environ.get("DATABASE_URL")
    if url:
        return ExternalPostgres(url)
    return EmbeddedPostgres(data_dir) if log is None else EmbeddedPostgres(data_dir, log)


@contextmanager
def reach(database_url: str | None, data_dir: Path, log: Log | None = None) -> Iterator[str]:
    """
    The URL of a server for one command: the one that runs already, or one started for its sake.
    """
    server = discover(database_url, data_dir, log)
    try:
        url = server.start()
    except DataDirectoryInUse:
        running = running_url(data_dir)
        if running is None:
            raise
        yield running
        return
    try:
        yield url
    finally:
        server.stop()


def normalise(database_url: str) -> str:
    """
    A PostgreSQL URL, however it is spelled, with the driver that we use.

    SQLAlchemy 2.1 takes ``postgresql://`` for another driver.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        # The URL may hold a password: it is not repeated.
        raise EmbeddedPostgresError("DATABASE_URL is not a URL") from None
    if url.drivername not in {"postgres", "postgresql", _DRIVER}:
        raise EmbeddedPostgresError(
            f"DATABASE_URL names the driver {url.drivername!r}; Homezone needs PostgreSQL"
        )
    return url.set(drivername=_DRIVER).render_as_string(hide_password=False)
