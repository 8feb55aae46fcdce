"""
More than it can do: whoever is too many hears so at once, memory stays where it is, the machines'
questions are answered throughout, and afterwards all is as before without anybody's help.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import psycopg2
import pytest
from sqlalchemy import make_url

from tests.acceptance.processes import ServeProcess, serving
from tests.support.database import enterable_directory, fresh_database, remove_data

_ACCOUNT = {"nickname": "李白", "real_name": "李太白", "birth_date": "2001-02-03"}
REQUESTS_MAX = 200
#: Many times what may be inside, each of whom asks again and again.
CALLERS = 800
STORM_SECONDS = 6.0
#: What a refusal may take the server; what it takes until a client hears is this machine's affair.
QUICK = "0.1"
MEMORY_GROWTH_MAX = 100 << 20


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


@contextmanager
def stuck(url: str, table: str) -> Iterator[None]:
    """A database in which nothing of a table can be had, as under a migration gone wrong."""
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


Figures = dict[str, float]


class Crowd:
    """Everybody at once, and what they heard."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    async def storm(
        self, session: aiohttp.ClientSession, method: str, path: str, **more: Any
    ) -> None:
        """Everybody asks again and again."""
        ends_at = time.monotonic() + STORM_SECONDS

        async def one() -> None:
            while time.monotonic() < ends_at:
                await self._ask(session, method, path, **more)

        await asyncio.gather(*(one() for _ in range(CALLERS)))

    def check(self, operation: str, before: Figures, after: Figures) -> None:
        """All were refused: most of them at once, the few who were inside after one patience."""
        assert set(self.statuses) == {503}
        assert len(self.seconds) > 10 * REQUESTS_MAX
        assert max(self.seconds) < 60
        name = f'homezone_http_request_duration_seconds_bucket{{le="%s",operation="{operation}"}}'
        quick, all_ = (
            after[name % bound] - before.get(name % bound, 0) for bound in (QUICK, "+Inf")
        )
        assert all_ - quick <= 3 * REQUESTS_MAX

    async def _ask(
        self, session: aiohttp.ClientSession, method: str, path: str, **more: Any
    ) -> None:
        began = time.monotonic()
        async with session.request(method, path, **more) as answer:
            body = await answer.read()
        self.statuses[answer.status] += 1
        if answer.status >= 500:
            assert answer.status in (503, 504), body
            assert answer.headers["Content-Type"] == "application/problem+json"
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) >= 1
                assert json.loads(body)["type"] == "/problems/unavailable"
                self.seconds.append(time.monotonic() - began)


@asynccontextmanager
async def watched(server: ServeProcess) -> AsyncIterator[list[int]]:
    """The process's memory, sampled, while its health is asked for, again and again."""
    process = psutil.Process(server.process.pid)
    memory = [process.memory_info().rss]
    ended = asyncio.Event()

    async def watch() -> None:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            while not ended.is_set():
                async with session.get("/healthz", timeout=aiohttp.ClientTimeout(10)) as answer:
                    assert answer.status == 200
                memory.append(process.memory_info().rss)
                await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    try:
        yield memory
    finally:
        ended.set()
        await watching


def headers_of(server: ServeProcess, qq: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.client(qq).token}"}


async def figures(session: aiohttp.ClientSession) -> Figures:
    async with session.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {
        name: float(value)
        for line in lines
        if not line.startswith("#")
        for name, _, value in [line.rpartition(" ")]
    }


async def recovered(session: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    """Until a write and a read are answered again, without anybody's help."""
    async with asyncio.timeout(60):
        for method, path, body in (("POST", "/v1/posts", POST), ("GET", "/v1/feed", None)):
            while True:
                async with session.request(method, path, json=body, headers=headers) as answer:
                    await answer.read()
                if answer.status < 300:
                    break
                assert answer.status == 503
                await asyncio.sleep(0.1)
        while True:
            async with session.get("/readyz") as answer:
                await answer.read()
            if answer.status == 200:
                break
            await asyncio.sleep(0.1)


POST = {"kind": "shuoshuo", "text": "x" * 2_000, "audience": {"to": "public"}}


def test_a_crowd_in_front_of_a_stuck_database(ground: Path, server_url: str) -> None:
    bounds = ("--limits", "off", "--requests-max", str(REQUESTS_MAX))
    with (
        fresh_database(server_url) as url,
        serving(ground / "crowd", "--database-url", url, *bounds) as server,
    ):
        operator = server.client(10_000, "operator")
        operator.post("/v1/accounts", {"qq": 10_001, **_ACCOUNT}).ok(201)
        server.client(10_001).publish()
        headers = headers_of(server, 10_001)

        async def storm() -> None:
            connector = aiohttp.TCPConnector(limit=0)
            address = f"http://127.0.0.1:{server.port}"
            async with aiohttp.ClientSession(address, connector=connector) as session:
                await write_storm(server, url, session, headers)
                await read_storm(server, url, session, headers)
                seen = await figures(session)
                assert seen["homezone_http_requests_in_flight"] == 0
                assert seen["homezone_http_body_bytes"] == 0
                assert seen["homezone_reads_running"] == 0
                assert seen["homezone_reads_waiting"] == 0
                assert seen["homezone_log_queue_appends"] == 0

        asyncio.run(storm())
        assert server.process.poll() is None
        lines = server.said.count('"message": "request"')
        assert lines < 1_000, "a storm of failures is no storm of lines"
        assert "Traceback" not in server.said


async def write_storm(
    server: ServeProcess, url: str, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    crowd, before = Crowd(), await figures(session)
    async with watched(server) as memory:
        with stuck(url, "log.log_heads"):
            await crowd.storm(session, "POST", "/v1/posts", json=POST, headers=headers)
        crowd.check("publish_post", before, await figures(session))
        await recovered(session, headers)
    assert max(memory) - memory[0] < MEMORY_GROWTH_MAX
    seen = await figures(session)
    assert seen["homezone_http_turned_away_total"] > 7 * REQUESTS_MAX
    assert seen['homezone_log_given_up_total{outcome="unavailable"}'] >= 100


async def read_storm(
    server: ServeProcess, url: str, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    crowd, before = Crowd(), await figures(session)
    async with watched(server) as memory:
        # Friends are read, where a feed is mostly remembered.
        with stuck(url, "models.friendships"):
            friends = crowd.storm(session, "GET", "/v1/me/friends", headers=headers)
            storm = asyncio.create_task(friends)
            await asyncio.sleep(STORM_SECONDS / 2)
            seen = await figures(session)
            assert 0 < seen["homezone_http_requests_in_flight"] <= REQUESTS_MAX
            assert 0 < seen["homezone_reads_running"] <= seen["homezone_reads_running_max"]
            await storm
        crowd.check("list_friends", before, await figures(session))
        await recovered(session, headers)
    assert max(memory) - memory[0] < MEMORY_GROWTH_MAX


def test_connections_and_streams_too_many(ground: Path, server_url: str) -> None:
    bounds = (
        "--limits", "off", "--connections-max", "50", "--streams-max", "12",
        "--streams-of-member-max", "5",
    )  # fmt: skip
    with (
        fresh_database(server_url) as url,
        serving(ground / "many", "--database-url", url, *bounds) as server,
    ):
        operator = server.client(10_000, "operator")
        for qq in (10_001, 10_002, 10_003):
            operator.post("/v1/accounts", {"qq": qq, **_ACCOUNT}).ok(201)
        everybody = [headers_of(server, qq) for qq in (10_001, 10_002, 10_003)]

        async def run() -> None:
            address = f"http://127.0.0.1:{server.port}"
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(address, connector=connector) as session:
                await streams_too_many(session, everybody)
            await connections_too_many(server.port)

        asyncio.run(run())


async def streams_too_many(session: aiohttp.ClientSession, everybody: list[dict[str, str]]) -> None:
    opened, refused = [], Counter[int]()
    for headers in everybody:
        for _ in range(6):
            answer = await session.get("/v1/stream", headers=headers)
            if answer.status == 200:
                opened.append(answer)
                continue
            refused[answer.status] += 1
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Content-Type"] == "application/problem+json"
    # Five and five and two; each member's sixth is their own doing, the others' is everybody's.
    assert len(opened) == 12
    assert refused == {429: 2, 503: 4}
    for answer in opened:
        answer.close()
    async with asyncio.timeout(30):
        while (await figures(session))["homezone_streams_open"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (answer,) = [await session.get("/v1/stream", headers=everybody[2])]
    assert answer.status == 200
    answer.close()


async def connections_too_many(port: int) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
    full = 0
    for reader, writer in idle[-10:]:
        head = await asyncio.wait_for(reader.readline(), 10)
        assert head.startswith(b"HTTP/1.1 503 ")
        rest = await asyncio.wait_for(reader.read(), 10)
        assert b"Retry-After: 1\r\n" in rest
        assert b"/problems/unavailable" in rest
        full += 1
        writer.close()
    assert full == 10
    first_reader, first_writer = idle[0]
    first_writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(first_reader.readline(), 10)).startswith(b"HTTP/1.1 200 ")
    for _, writer in idle[:50]:
        writer.close()
