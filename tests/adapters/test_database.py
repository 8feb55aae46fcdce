"""
Which of the driver's errors mean that a connection is gone, rather than that a statement is wrong.
"""

import threading
import time
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from adapters.database import Database, is_lost
from adapters.log.reader import Reader
from adapters.log.transaction import is_of_the_server
from adapters.schema import migrate
from tests.adapters.log.events import REGISTRY
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]


def test_a_connection_that_breaks_in_a_copy_is_lost(database_url: str) -> None:
    plain = Database(database_url)
    pooled = plain.owner.raw_connection()
    connection: Any = pooled.driver_connection
    pid = connection.info.backend_pid

    class Pipe:
        """Takes the first rows, and then waits for the backend's end."""

        def write(self, data: bytes) -> None:
            with plain.owner.connect() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")

    endless = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT"
    with pytest.raises(psycopg2.Error) as caught:
        connection.cursor().copy_expert(endless, Pipe())
    assert is_lost(caught.value), repr(caught.value)
    assert is_of_the_server(caught.value)
    pooled.invalidate()
    plain.dispose()


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (psycopg2.OperationalError(), True),
        (psycopg2.InterfaceError(), True),
        (psycopg2.DatabaseError(), True),
        (psycopg2.InternalError(), False),
        (errors.DataError(), False),
        (errors.UniqueViolation(), False),
        (ValueError(), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_a_broken_connection_is_lost(error: Exception, lost: bool) -> None:
    assert is_lost(error) is lost


def test_readers_outlive_backends_that_die_under_them(database_url: str) -> None:
    migrate(database_url, 1)
    database = Database(database_url)
    reader = Reader(database.server, REGISTRY)
    done = threading.Event()

    def kill() -> None:
        with database.owner.connect() as connection:
            while not done.wait(0.01):
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                connection.commit()

    killer = threading.Thread(target=kill)
    killer.start()
    until = time.monotonic() + 1
    try:
        while time.monotonic() < until:
            try:
                assert reader.read(0, 0, 1) == []
            except psycopg2.Error as error:
                if not is_lost(error):
                    raise
    finally:
        done.set()
        killer.join()
        reader.close()
        database.dispose()
