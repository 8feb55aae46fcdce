"""
A real PostgreSQL for tests: one server a session, an empty database a test.

A database costs some 30 ms, a server a second. The server is our own embedded one, or that of
TEST_DATABASE_URL. Load the fixtures with ``pytest_plugins = ["tests.support.database"]``.
"""

import atexit
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2
import pytest
from sqlalchemy import make_url

from adapters.embedded import EmbeddedPostgres, normalise

#: Whole Homezones of several modules stay connected to it at once.
_LOCAL_CONF: Final = "max_connections = '400'\n"


@functools.cache
def shared_server() -> str:
    """The URL of a server that lives as long as this process; started at the first call."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return normalise(given)
    directory = enterable_directory()
    server = EmbeddedPostgres(directory / "data")
    atexit.register(remove_data, directory)
    atexit.register(server.stop)
    url = server.start()
    local = server.log_path.with_name("local.conf")
    local.write_text(_LOCAL_CONF, encoding="utf-8")
    local.chmod(0o644)
    server.restart()
    return url


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """An empty database on a server, dropped at the end with whoever is still connected to it."""
    name = f"test_{secrets.token_hex(8)}"
    _administer(url, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def server_url() -> str:
    """The session's server; its own database is nobody's."""
    return shared_server()


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """An empty database for one test."""
    with fresh_database(server_url) as url:
        yield url


def enterable_directory() -> Path:
    """A temporary directory that the account which runs root's PostgreSQL can pass through."""
    directory = Path(tempfile.mkdtemp(prefix="homezone-test-"))
    directory.chmod(0o711)
    return directory


def remove_data(directory: Path) -> None:
    """Remove a directory of data directories, with the clusters that they keep elsewhere."""
    for pointer in directory.rglob("postgres/location"):
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def _administer(url: str, statement: str) -> None:
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
