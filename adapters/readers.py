"""
Reads, off the event loop: a few threads, each with a connection of its own.

Reads go by key and are prepared once a connection; the session says so to the planner, which would
else judge freshly filled tables by statistics of when they were empty. A connection that was lost
is replaced and the read tried once more: reads change nothing.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID, SafeUUID

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from commands.ports import LogUnavailable

T = TypeVar("T")

_SETTINGS = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;
"""


def _uuid(text: Any, _: Any) -> UUID | None:
    """
    What ``UUID(text)`` makes, in a third of the time: PostgreSQL's text needs no checking, and a
    page of posts has a hundred ids.
    """
    if text is None:
        return None
    made = _new(UUID)
    _set(made, "int", int(text.replace("-", ""), 16))
    _set(made, "is_safe", SafeUUID.unknown)
    return made


_new = UUID.__new__
_set = object.__setattr__
_UUIDS = extensions.new_type((2950,), "UUID", _uuid)


class ReadPool:
    """
    Runs reads in threads.

    :param threads: how many at once; on two cores more only wait for each other.
    """

    def __init__(self, engine: Engine, threads: int = 4) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._local = threading.local()
        self._opened: list[Any] = []

    async def run(self, read: Callable[..., T], *arguments: Any) -> T:
        """
        ``read(connection, *arguments)``, in a thread.

        :raises LogUnavailable: the database cannot be reached.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, read, arguments)

    def close(self) -> None:
        """Finish what runs, then close the connections."""
        self._threads.shutdown()
        for connection in self._opened:
            with contextlib.suppress(psycopg2.Error):
                connection.close()

    def _run(self, read: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        for attempt in (1, 2):
            try:
                return read(self._connection(), *arguments)
            except (psycopg2.OperationalError, psycopg2.InterfaceError, DBAPIError) as error:
                self._discard()
                if attempt == 2:
                    raise LogUnavailable from error
        raise AssertionError("the second attempt returns or raises")

    def _connection(self) -> Any:
        held = getattr(self._local, "connection", None)
        if held is None:
            fairy = self._engine.raw_connection()
            connection: Any = fairy.driver_connection
            # It is this thread's for good: the pool shall not count it.
            fairy.detach()
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(_SETTINGS)
            extensions.register_type(_UUIDS, connection)
            self._local.connection = connection
            self._opened.append(connection)
            return connection
        return held

    def _discard(self) -> None:
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            self._opened.remove(connection)
            with contextlib.suppress(psycopg2.Error):
                connection.close()
