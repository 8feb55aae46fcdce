"""
Reads on the event loop: a few connections of asyncpg.

Reads are short and many. In threads, each would wait for the interpreter again after every answer
of the database; on the loop, answers are taken as they come, and asyncpg makes ids, times and bytes
of them in C. Reads go by key and are prepared once a connection; the session says so to the
planner, which would else judge freshly filled tables by the statistics of when they were empty. A
connection that was lost is replaced and the read tried once more: reads change nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import asyncpg
from sqlalchemy import URL

from adapters.database import SERVER_ROLE, parse_url
from commands.ports import LogUnavailable

T = TypeVar("T")

_SETTINGS: Final = {
    "role": SERVER_ROLE,
    "timezone": "UTC",
    "statement_timeout": "10s",
    "default_transaction_read_only": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A plan is the better the fewer rows it touches: pages that are supposed to be in memory after
    # the first of many searches would make a search by half a key look cheap.
    "random_page_cost": "0",
    "seq_page_cost": "0",
    # Joins go by key in the order in which they are written.
    "enable_material": "off",
    "enable_memoize": "off",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
    "jit": "off",
    "application_name": "homezone-reads",
}
#: For statements over rows that are handed in, which no index has: joins are by what they cost.
BY_COST: Final[Mapping[str, str]] = {
    **{name: value for name, value in _SETTINGS.items() if not name.startswith("enable_")},
    "plan_cache_mode": "force_custom_plan",
}
#: What a URL may say to libpq and has no meaning here: it is neither the driver's nor a setting.
_LIBPQ_ONLY: Final = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "options",
        "require_auth",
        "tcp_user_timeout",
    }
)
_ATTEMPTS = 2
_CONNECT_SECONDS_MAX = 3.0
#: Longer than a statement may take: what it ends is a connection that has gone quiet.
_SECONDS_MAX = 15.0

#: The connection is lost, or the server cannot do anything now: nothing is wrong with the read.
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.PostgresSystemError,
)


class Numbered(Protocol):
    """A statement whose parameters, ``names``, are ``$1`` and so on in ``numbered``."""

    names: tuple[str, ...]
    numbered: str


class ReadConnection:
    """One connection of the running loop; one statement at a time."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def fetch(self, statement: Numbered, values: Mapping[str, Any]) -> Awaitable[Sequence[Any]]:
        """Run one statement, prepared when it is first seen; its rows."""
        arguments = [values[name] for name in statement.names]
        rows: Awaitable[Sequence[Any]] = self._driver.fetch(statement.numbered, *arguments)
        return rows

    def close(self) -> None:
        """Let go of it, whatever it is doing."""
        self._driver.terminate()


class ReadPool:
    """
    Runs reads on the running loop.

    :param connections: how many reads the database works on at once.
    :param settings: of each session.
    """

    def __init__(
        self, url: str, connections: int = 8, settings: Mapping[str, str] = _SETTINGS
    ) -> None:
        parsed = parse_url(url)
        self._dsn = _dsn(parsed)
        options = parsed.query.get("options")
        self._settings = {**settings, **({"options": _text(options)} if options else {})}
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
                except asyncpg.QueryCanceledError as error:
                    # Too slow to be tried again at once; nothing is wrong with the connection.
                    assert connection is not None
                    self._idle.append(connection)
                    raise LogUnavailable from error
                except _LOST as error:
                    self._discard(connection)
                    if attempt == _ATTEMPTS:
                        raise LogUnavailable from error
                except asyncio.CancelledError:
                    # It may be in the middle of a statement.
                    if connection is not None:
                        connection.close()
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
        driver = await asyncpg.connect(
            self._dsn,
            timeout=_CONNECT_SECONDS_MAX,
            command_timeout=_SECONDS_MAX,
            # Of one read's kinds there are some forty, and they are used for as long as it lives.
            statement_cache_size=200,
            max_cached_statement_lifetime=0,
            server_settings=self._settings,
        )
        return ReadConnection(driver)

    def _discard(self, connection: ReadConnection | None) -> None:
        # What ended one connection most likely ended all: none of the idle ones is trusted.
        self.close()
        if connection is not None:
            connection.close()


def _dsn(url: URL) -> str:
    known = {key: value for key, value in url.query.items() if key not in _LIBPQ_ONLY}
    return url.set(drivername="postgresql", query=known).render_as_string(hide_password=False)


def _text(option: str | tuple[str, ...]) -> str:
    return option if isinstance(option, str) else " ".join(option)
