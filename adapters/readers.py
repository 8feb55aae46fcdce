"""
Reads on the event loop: a few connections of psycopg2 in its asynchronous mode.

Reads are short and many. In threads, each would wait for the interpreter again after every answer
of the database; on the loop, answers are taken as they come. Reads go by key and are prepared once
a connection; the session says so to the planner, which would else judge freshly filled tables by
the statistics of when they were empty. A connection that was lost is replaced and the read tried
once more: reads change nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID, SafeUUID

import psycopg2
from psycopg2 import errors, extensions

from adapters.database import SERVER_ROLE, connect_arguments, parse_url
from commands.ports import LogUnavailable

T = TypeVar("T")

_SETTINGS = {
    "role": SERVER_ROLE,
    "timezone": "UTC",
    "statement_timeout": "10s",
    "default_transaction_read_only": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_ATTEMPTS = 2
_SECONDS_MAX = 15.0


def _uuid(text: Any, _: Any) -> UUID | None:
    """
    What ``UUID(text)`` makes, in a third of the time: PostgreSQL's text needs no checking, and a
    page of posts has a hundred ids.
    """
    if text is None:
        return None
    made = _new(UUID)
    _set(made, "int", int(text.replace("-", ""), 16))
    _set(made, "is_safe", _UNKNOWN)
    return made


_UNKNOWN = SafeUUID.unknown
_new = UUID.__new__
_set = object.__setattr__
_UUIDS = extensions.new_type((2950,), "UUID", _uuid)


class ReadConnection:
    """One connection of the running loop; one statement at a time."""

    def __init__(self, driver: Any) -> None:
        self.prepared: set[str] = set()
        self._driver = driver
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._descriptor: int | None = None

    @classmethod
    async def open(cls, dsn: dict[str, Any]) -> "ReadConnection":
        """Connect, and make the session one for reads."""
        opened = cls(psycopg2.connect(**dsn, async_=True))
        try:
            await opened._until_idle()
            extensions.register_type(_UUIDS, opened._driver)
        except BaseException:
            opened.close()
            raise
        return opened

    async def fetch(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it is one that has any."""
        cursor = self._driver.cursor()
        try:
            cursor.execute(sql, arguments)
            await self._until_idle()
            return cursor.fetchall() if cursor.description is not None else []
        finally:
            cursor.close()

    def close(self) -> None:
        """Let go of it, whatever it is doing."""
        self._listen(None)
        with contextlib.suppress(psycopg2.Error):
            self._driver.close()

    async def _until_idle(self) -> None:
        waits = self._loop.create_future()
        self._waiting = waits
        self._poll()
        try:
            await asyncio.wait_for(waits, _SECONDS_MAX)
        finally:
            self._waiting = None

    def _poll(self) -> None:
        """Go on with what the connection is doing, as far as it goes without waiting."""
        waits = self._waiting
        try:
            state = self._driver.poll()
        except psycopg2.Error as error:
            self._listen(None)
            if waits is not None and not waits.done():
                waits.set_exception(error)
            return
        self._listen(self._driver.fileno())
        if state == extensions.POLL_WRITE:
            self._loop.add_writer(self._driver.fileno(), self._written)
        elif state == extensions.POLL_OK and waits is not None and not waits.done():
            waits.set_result(None)

    def _written(self) -> None:
        self._loop.remove_writer(self._driver.fileno())
        self._poll()

    def _listen(self, descriptor: int | None) -> None:
        if descriptor == self._descriptor:
            return
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._poll)
        self._descriptor = descriptor


class ReadPool:
    """
    Runs reads on the running loop.

    :param connections: how many reads the database works on at once.
    """

    def __init__(self, url: str, connections: int = 8) -> None:
        parsed = parse_url(url)
        query = {key: value for key, value in parsed.query.items() if key != "options"}
        self._dsn: dict[str, Any] = {
            "host": parsed.host,
            "port": parsed.port,
            "user": parsed.username,
            "password": parsed.password,
            "dbname": parsed.database,
            **query,
            **connect_arguments(parsed, _SETTINGS),
            "application_name": "homezone-reads",
        }
        self._idle: list[ReadConnection] = []
        self._places = asyncio.Semaphore(connections)

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """
        ``await read(connection, *arguments)``.

        :raises LogUnavailable: the database cannot be reached.
        """
        async with self._places:
            for attempt in range(1, _ATTEMPTS + 1):
                connection = None
                try:
                    connection = self._idle.pop() if self._idle else await self._open()
                    result = await read(connection, *arguments)
                except errors.QueryCanceled as error:
                    # Too slow to be tried again at once; nothing is wrong with the connection.
                    self._idle.append(cast(ReadConnection, connection))
                    raise LogUnavailable from error
                except (psycopg2.OperationalError, psycopg2.InterfaceError, TimeoutError) as error:
                    self._discard(connection)
                    if attempt == _ATTEMPTS:
                        raise LogUnavailable from error
                except asyncio.CancelledError:
                    # It may be in the middle of a statement.
                    self._discard(connection)
                    raise
                except BaseException:
                    if connection is not None:
                        self._idle.append(connection)
                    raise
                else:
                    self._idle.append(connection)
                    return result
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Let go of every idle connection."""
        while self._idle:
            self._idle.pop().close()

    async def _open(self) -> ReadConnection:
        return await ReadConnection.open(self._dsn)

    def _discard(self, connection: ReadConnection | None) -> None:
        # What ended one connection most likely ended all: none of the idle ones is trusted.
        self.close()
        if connection is not None:
            connection.close()
