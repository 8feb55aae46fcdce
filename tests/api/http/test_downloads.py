"""
Files that are made while they are sent: whole, or seen to be broken off.
"""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer

from api.http.downloads import serve_download

Client = TestClient[web.Request, web.Application]
Pieces = Callable[[], AsyncIterator[bytes]]


async def served(
    pieces: Pieces, test: Callable[[Client], Awaitable[None]], write_seconds_max: float = 30
) -> list[BaseException]:
    """Run a test against a server of one file; the errors that its handler met."""
    errors: list[BaseException] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await serve_download(
                request, "text/plain", pieces(), filename="f.txt",
                write_seconds_max=write_seconds_max,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001  as the kit does
            errors.append(error)
            return web.Response(status=500)

    app = web.Application()
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client:
        await asyncio.wait_for(test(client), 20)
    return errors


def test_a_file_arrives_whole_and_is_named() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"", b"one\n", b"", b"two\n"):
            yield piece

    async def test(client: Client) -> None:
        answer = await client.get("/")
        assert (answer.status, await answer.text()) == (200, "one\ntwo\n")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="f.txt"'
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert (await client.head("/")).status == 200

    assert not asyncio.run(served(pieces, test))


def test_what_fails_at_once_is_an_answer_like_any_other() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for fine in (False, True):
            if not fine:
                raise RuntimeError
            yield b""

    async def test(client: Client) -> None:
        assert (await client.get("/")).status == 500

    assert [type(one) for one in asyncio.run(served(pieces, test))] == [RuntimeError]


def test_what_fails_half_way_is_not_taken_for_the_whole() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one\n"
        await asyncio.sleep(0)
        raise RuntimeError

    async def test(client: Client) -> None:
        with pytest.raises(ClientError):
            await (await client.get("/")).read()

    assert [type(one) for one in asyncio.run(served(pieces, test))] == [RuntimeError]


def test_who_stops_reading_is_let_go_and_is_nobodys_failure() -> None:
    gone = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * (1 << 20)
        finally:
            gone.set()

    async def test(client: Client) -> None:
        answer = await client.get("/")
        await gone.wait()
        answer.close()

    assert not asyncio.run(served(pieces, test, write_seconds_max=0.2))


def test_a_long_file_is_never_in_memory() -> None:
    size = 64 << 20

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * (size // 64)

    async def test(client: Client) -> None:
        answer = await client.get("/")
        received = 0
        tracemalloc.start()
        async for piece in answer.content.iter_chunked(1 << 16):
            received += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert received == size
        assert peak < size // 4

    assert not asyncio.run(served(pieces, test))
