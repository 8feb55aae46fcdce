"""
Reads keep going while the database does, and say so when it does not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psycopg2
import pytest
from sqlalchemy import make_url

from adapters import readers
from adapters.database import SERVER_ROLE
from adapters.readers import ReadPool
from adapters.schema import migrate
from commands.ports import LogUnavailable
from projections.reading.statements import Connection, Row, Statement
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]

_WHO = Statement("who", "SELECT current_user::text, pg_backend_pid(), :given::int")
_SETTING = Statement("setting", "SELECT current_setting(:name::text)")
_SLEEP = Statement("sleep", "SELECT pg_sleep(:seconds::float8)")
_WRITE = Statement("write", "CREATE TEMP TABLE t (a int)")


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url)
    return database_url


def with_pool(url: str, story: Callable[[ReadPool], Awaitable[None]], connections: int = 1) -> None:
    async def run() -> None:
        pool = ReadPool(url, connections)
        try:
            await story(pool)
        finally:
            pool.close()

    asyncio.run(run())


async def who(connection: Connection) -> Row:
    return (await _WHO(connection, given=7))[0]


def end(url: str, function: str, pid: int) -> None:
    """Another session's power over a backend."""
    plain = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(plain.render_as_string(hide_password=False))
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", (pid,))
        connection.commit()
    finally:
        connection.close()


def test_a_session_is_the_servers_and_for_reads_alone(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        assert (await pool.run(who))[0] == SERVER_ROLE
        for name, value in (
            ("TimeZone", "UTC"),
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("statement_timeout", "10s"),
            ("application_name", "homezone-reads"),
        ):
            rows = await pool.run(_setting, name)
            assert rows[0][0] == value
        with pytest.raises(Exception, match="read-only transaction"):
            await pool.run(_WRITE)
        assert (await pool.run(who))[2] == 7

    async def _setting(connection: Connection, name: str) -> list[Row]:
        return await _SETTING(connection, name=name)

    with_pool(url, story)


def test_what_a_url_says_to_libpq_alone_is_let_be_and_its_settings_hold(url: str) -> None:
    said = make_url(url).update_query_dict(
        {
            "connect_timeout": "3",
            "keepalives": "1",
            "options": "-c work_mem=3MB -c search_path=log",
        }
    )

    async def story(pool: ReadPool) -> None:
        for name, value in (("work_mem", "3MB"), ("search_path", "log")):
            rows = await pool.run(lambda one, name=name: _SETTING(one, name=name))
            assert rows[0][0] == value
        assert (await pool.run(who))[0] == SERVER_ROLE

    with_pool(said.render_as_string(hide_password=False), story)


def test_a_connection_that_was_lost_is_replaced_unseen(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        first = (await pool.run(who))[1]
        await asyncio.to_thread(end, url, "pg_terminate_backend", first)
        second = (await pool.run(who))[1]
        assert second != first

    with_pool(url, story)


def test_a_connection_that_is_lost_in_the_middle_of_a_read_is_replaced(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        pids: list[int] = []

        async def slow(connection: Connection) -> None:
            pids.append((await who(connection))[1])
            if len(pids) == 1:
                await _SLEEP(connection, seconds=30.0)

        reading = asyncio.create_task(pool.run(slow))
        while not pids:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(end, url, "pg_terminate_backend", pids[0])
        await reading
        assert len(set(pids)) == 2

    with_pool(url, story)


def test_a_read_that_takes_too_long_is_given_up_and_its_connection_is_not(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        first = (await pool.run(who))[1]
        reading = asyncio.create_task(pool.run(lambda one: _SLEEP(one, seconds=30.0)))
        while not reading.done():
            await asyncio.to_thread(end, url, "pg_cancel_backend", first)
            await asyncio.sleep(0.01)
        with pytest.raises(LogUnavailable):
            await reading
        assert (await pool.run(who))[1] == first

    with_pool(url, story)


def test_a_database_that_has_gone_quiet_is_not_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_SECONDS_MAX", 0.2)

    async def story(pool: ReadPool) -> None:
        with pytest.raises(LogUnavailable):
            await pool.run(lambda one: _SLEEP(one, seconds=30.0))
        assert (await pool.run(who))[0] == SERVER_ROLE

    with_pool(url, story)


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    async def story(pool: ReadPool) -> None:
        with pytest.raises(LogUnavailable):
            await pool.run(who)

    with_pool(f"postgresql://nobody@/nothing?host={tmp_path}", story)


def test_a_reader_who_goes_away_leaves_nothing_half_done(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        reading = asyncio.create_task(pool.run(lambda one: _SLEEP(one, seconds=30.0)))
        await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert (await pool.run(who))[2] == 7

    with_pool(url, story)


def test_a_mistake_is_not_taken_for_an_outage(url: str) -> None:
    async def story(pool: ReadPool) -> None:
        calls: list[Any] = []

        async def wrong(connection: Connection) -> None:
            calls.append(await _WHO(connection, given="no number"))

        with pytest.raises(asyncpg.DataError, match="no number"):
            await pool.run(wrong)
        with pytest.raises(ZeroDivisionError):
            await pool.run(_raise)
        assert (await pool.run(who))[2] == 7

    async def _raise(_: Connection) -> None:
        raise ZeroDivisionError

    with_pool(url, story)
