"""
What the kit asks of an application and tells it: limits, observations, logs.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from api.http import (
    Answer,
    Call,
    Hooks,
    Info,
    Problem,
    Route,
    Routes,
    application,
    found,
    too_many_requests,
    unavailable,
)
from api.http.call import Principal
from api.http.problems import Problems
from commands.ports import Conflict, LogOverloaded, LogUnavailable, OutcomeUnknown
from domain.event import Refused
from tests.api.http.notes import InvalidToken, NewNote, User

routes = Routes()
ANN = {"Authorization": "Bearer ann-secret-token"}
FAILURES: dict[str, Exception] = {
    "unavailable": LogUnavailable(),
    "in-doubt": OutcomeUnknown(),
    "overloaded": LogOverloaded(),
    "conflict": Conflict(),
    "retry": unavailable(7),
    "unknown": Refused("never-declared", "private words"),
    "surprise": ValueError("private words"),
}


@routes.post("/fail/{name}", tag="t", summary="Fails", body=NewNote, answer=None, roles=())
async def fail(call: Call[None, User, NewNote, None]) -> Answer:
    raise FAILURES[call.text()]


@routes.get("/open", tag="t", summary="Works", answer=dict[str, str], roles=None)
async def works(call: Call[None, User, None, None]) -> Answer:
    return found({"a": "b"})


class Toy:
    """An application that notes what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.left = 2

    async def authenticate(self, token: str) -> Principal:
        return User(10001, "member")

    def limit(self, request: web.Request, who: Principal | None, route: Route) -> dict[str, str]:
        self.left -= 1
        headers = {"RateLimit": f'"default";r={max(self.left, 0)};t=9'}
        if self.left < 0:
            raise too_many_requests(9, headers)
        return headers

    def observe(self, route: Route) -> Callable[[int, float], None]:
        def seen(status: int, seconds: float) -> None:
            assert seconds >= 0
            self.seen.append((route.name, status))

        return seen

    def app(self, limited: bool) -> web.Application:
        hooks = Hooks(
            authenticate=self.authenticate,
            refuses=InvalidToken,
            limit=self.limit if limited else None,
            observe=self.observe,
        )
        return application([routes], None, hooks, info=Info("T", "1", ""), cursor_secret=b"s" * 16)


def test_limits() -> None:
    async def run() -> None:
        toy = Toy()
        async with TestClient(TestServer(toy.app(limited=True))) as client:
            answers = [await client.get("/open") for _ in range(3)]
            assert [answer.status for answer in answers] == [200, 200, 429]
            assert answers[0].headers["RateLimit"] == '"default";r=1;t=9'
            assert answers[2].headers["RateLimit"] == '"default";r=0;t=9'
            assert answers[2].headers["Retry-After"] == "9"
        assert toy.seen == [("works", 200), ("works", 200), ("works", 429)]

    asyncio.run(run())


def test_whoever_is_turned_away_is_limited_too() -> None:
    async def run() -> None:
        async with TestClient(TestServer(Toy().app(limited=True))) as client:
            answers = [await client.post("/fail/surprise", json={}) for _ in range(3)]
            assert [answer.status for answer in answers] == [401, 401, 429]
            assert answers[2].headers["Retry-After"] == "9"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "status", "retry_after"),
    [("unavailable", 503, "1"), ("in-doubt", 503, "1"), ("overloaded", 503, "1"),
     ("conflict", 503, "1"), ("retry", 503, "7"), ("unknown", 500, None), ("surprise", 500, None)],
)  # fmt: skip
def test_failures_tell_nothing(name: str, status: int, retry_after: str | None) -> None:
    async def run() -> Any:
        async with TestClient(TestServer(Toy().app(limited=False))) as client:
            response = await client.post(f"/fail/{name}", json={"title": "dear diary"}, headers=ANN)
            return response.status, response.headers.get("Retry-After"), await response.text()

    with capture_logs() as logs:
        said = asyncio.run(run())
    assert said[:2] == (status, retry_after)
    assert "private" not in said[2]
    assert bool(logs) == (status == 500)
    for secret in ("private", "diary", "secret", "10001"):
        assert secret not in str(logs)
    for line in logs:
        assert line["operation"] == "fail"
        assert f"/requests/{line['request']}" in said[2]


@pytest.mark.parametrize("name", ["unavailable", "in-doubt"])
def test_only_what_was_not_done_is_said_not_to_be(name: str) -> None:
    async def run() -> str:
        async with TestClient(TestServer(Toy().app(limited=False))) as client:
            response = await client.post(f"/fail/{name}", json={"title": "x"}, headers=ANN)
            return str((await response.json())["detail"])

    said = asyncio.run(run())
    assert said.startswith("The service") == (name == "unavailable")
    assert ("nobody can tell yet" in said) == (name == "in-doubt")


def test_what_is_no_http_is_logged_without_its_words() -> None:
    async def run() -> bytes:
        async with TestClient(TestServer(Toy().app(limited=False))) as client:
            reader, writer = await asyncio.open_connection(client.host, client.port)
            writer.write(b"GET / HTTP/1.1\r\nAuthorization: secret\x00token\r\n\r\n")
            answer = await reader.readline()
            writer.close()
            return answer

    with capture_logs() as logs:
        assert b" 400 " in asyncio.run(run())
    assert [line["event"] for line in logs] == ["connection failed"]
    assert "secret" not in str(logs)


def test_declarations_that_disagree_are_refused() -> None:
    parts = Routes()
    with pytest.raises(TypeError, match="disagree"):

        @parts.get("/a", tag="t", summary="s", answer=None, roles=None)
        async def wrong(call: Call[None, User, NewNote, None]) -> Answer:
            return found({})

    with pytest.raises(ValueError, match="two problems"):
        Problems((Problem("invalid", 400, "a", "b"),))
