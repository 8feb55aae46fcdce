"""
The door: so many are inside and no more, so many bytes and no more, and nobody stays counted.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from api.http import Answer, Call, Hooks, Info, Routes, application, found
from api.http import serving as serving_module
from api.http.call import Principal
from api.http.door import Door
from tests.api.http.notes import InvalidToken, NewNote, User

ANN = {"Authorization": "Bearer ann"}


class Toy:
    """An application whose answers can be held back."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.go_on = asyncio.Event()
        self.fresh = asyncio.Event()
        routes = Routes()

        @routes.get("/slow", tag="t", summary="Slow", answer=dict[str, str], roles=None)
        async def slow(call: Call[None, User, None, None]) -> Answer:
            await self.go_on.wait()
            return found({})

        @routes.post("/notes", tag="t", summary="Takes a note", body=NewNote, answer=None, roles=())
        async def take(call: Call[None, User, NewNote, None]) -> Answer:
            await self.go_on.wait()
            return found({})

        @routes.get("/fresh", tag="t", summary="Fresh", answer=dict[str, str], roles=())
        async def fresh(call: Call[None, User, None, None]) -> Answer:
            return found({})

        @routes.get(
            "/always", tag="t", summary="Always", answer=dict[str, str], roles=None, always=True
        )
        async def always(call: Call[None, User, None, None]) -> Answer:
            return found({})

        async def authenticate(token: str) -> Principal:
            return User(10001, "member")

        async def at_least(vector: Any) -> None:
            await self.fresh.wait()

        hooks = Hooks(authenticate=authenticate, refuses=InvalidToken, at_least=at_least)
        self.app: web.Application = application(
            [routes], None, hooks, info=Info("T", "1", ""), cursor_secret=b"s" * 16, door=door
        )


@asynccontextmanager
async def toy(door: Door) -> AsyncIterator[tuple[Toy, "TestClient[Any, Any]"]]:
    made = Toy(door)
    async with TestClient(TestServer(made.app)) as client:
        yield made, client


async def turned_away(asked: Awaitable[ClientResponse]) -> None:
    response = await asked
    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert (await response.json())["type"] == "/problems/unavailable"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_so_many_are_inside_and_the_machines_always_get_in() -> None:
    async def run() -> None:
        async with toy(Door(requests_max=3)) as (made, client):
            inside = [asyncio.create_task(client.get("/slow")) for _ in range(3)]
            await until(lambda: made.door.inside == 3)
            await turned_away(client.get("/slow"))
            await turned_away(client.post("/notes", json={"title": "x"}, headers=ANN))
            assert (await client.get("/always")).status == 200
            assert (made.door.inside, made.door.refused) == (3, 2)
            made.go_on.set()
            assert [(await one).status for one in inside] == [200] * 3
            assert made.door.inside == 0
            assert (await client.get("/slow")).status == 200

    asyncio.run(run())


def test_whatever_ends_a_request_it_has_left() -> None:
    async def run() -> None:
        async with toy(Door()) as (made, client):
            made.go_on.set()
            for body, headers in (
                (b'{"title": "x"}', ANN),
                (b'{"title": "x"', ANN),
                (b'{"title": 7}', ANN),
                (b'{"title": "x"}', {}),
                (b"x" * (5 << 20), ANN),
            ):
                sent = {"Content-Type": "application/json", **headers}
                await client.post("/notes", data=body, headers=sent)
                assert (made.door.inside, made.door.bytes) == (0, 0)

    asyncio.run(run())


def test_bodies_take_so_many_bytes_and_no_more() -> None:
    note = json.dumps({"title": "x", "text": " " * 999, "images": []}).encode()
    large = note + b" " * (60_000 - len(note))

    async def run() -> None:
        async with toy(Door(bytes_max=130_000)) as (made, client):
            sent = {"Content-Type": "application/json", **ANN}

            async def post(body: Any) -> ClientResponse:
                return await client.post("/notes", data=body, headers=sent)

            async def in_pieces() -> AsyncIterator[bytes]:
                yield large[:100]
                await asyncio.sleep(0.05)
                yield large[100:]

            inside = [asyncio.create_task(post(large)) for _ in range(2)]
            await until(lambda: made.door.bytes == 120_000)
            await turned_away(post(large))
            await turned_away(post(in_pieces()))
            small = asyncio.create_task(post(note))
            await until(lambda: made.door.inside == 3)
            assert made.door.bytes == 120_000, "small ones are counted, not added up"
            made.go_on.set()
            assert [(await one).status for one in (*inside, small)] == [201] * 3
            assert made.door.bytes == 0

    asyncio.run(run())


def test_a_body_of_unknown_size_is_counted_as_the_largest_until_it_is_there() -> None:
    async def run() -> None:
        async with toy(Door()) as (made, client):
            more = asyncio.Event()

            async def pieces() -> AsyncIterator[bytes]:
                yield b'{"title": "x",'
                await more.wait()
                yield b'"text": "' + b" " * 900 + b'"}' + b" " * 9_000

            sent = {"Content-Type": "application/json", **ANN}
            asked = asyncio.create_task(client.post("/notes", data=pieces(), headers=sent))
            await until(lambda: made.door.bytes == 4 << 20)
            more.set()
            await until(lambda: 9_000 < made.door.bytes < 11_000)
            made.go_on.set()
            assert (await asked).status == 201
            assert made.door.bytes == 0

    asyncio.run(run())


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_module, "BODY_SECONDS_MAX", 0.05)

    async def run() -> None:
        async with toy(Door()) as (made, client):
            more = asyncio.Event()

            async def pieces() -> AsyncIterator[bytes]:
                yield b"{"
                await more.wait()

            sent = {"Content-Type": "application/json", **ANN}
            response = await client.post("/notes", data=pieces(), headers=sent)
            assert response.status == 400
            assert (await response.json())["type"] == "/problems/malformed"
            assert (made.door.inside, made.door.bytes) == (0, 0)
            more.set()

    asyncio.run(run())


def test_who_waits_for_what_is_to_come_does_not_fill_the_place() -> None:
    async def run() -> None:
        async with toy(Door(requests_max=8)) as (made, client):
            asked = {**ANN, "Homezone-At-Least": "0-999999"}
            waiting = [asyncio.create_task(client.get("/fresh", headers=asked)) for _ in range(2)]
            await until(lambda: made.door.waiting == 2)
            await turned_away(client.get("/fresh", headers=asked))
            assert (await client.get("/fresh", headers=ANN)).status == 200
            made.fresh.set()
            assert [(await one).status for one in waiting] == [200] * 2
            assert (made.door.inside, made.door.waiting) == (0, 0)

    asyncio.run(run())


def test_a_server_that_is_about_to_stop_asks_to_hang_up() -> None:
    async def run() -> None:
        async with toy(Door()) as (made, client):
            made.go_on.set()
            for draining, expected in ((False, None), (True, "close")):
                made.door.draining = draining
                for path in ("/slow", "/nowhere-to-be-found-in-notes"):
                    response = await client.get(path)
                    if response.status == 200:
                        assert response.headers.get("Connection") == expected

    asyncio.run(run())
