"""Answers as they come over a wire: in pieces, in chunks, cut off, or no HTTP at all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from api.simulation.connection import Broken, Connection, Peer, Response

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@asynccontextmanager
async def serving(*answers: Sequence[bytes], hang_up: bool = False) -> AsyncIterator[Peer]:
    """A server that answers one request after the other, each answer in these pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in answers:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        if not hang_up:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Peer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def exchange(*pieces: bytes, hang_up: bool = False, seconds: float = 10) -> Response:
    async with serving(pieces, hang_up=hang_up) as peer:
        connection = await peer.connect()
        try:
            return await connection.exchange(REQUEST, seconds)
        finally:
            connection.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_an_answer_is_read_however_it_is_cut_into_pieces(run: Callable[[Any], Response]) -> None:
    whole = HEAD + b"Content-Length: 5\r\nX-Empty:\r\n\r\nhello"
    for size in (1, 2, 7, len(whole)):
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        response = run(exchange(*pieces))
        assert (response.status, response.body) == (200, b"hello")
        assert response.headers == {
            "content-type": "application/json", "content-length": "5", "x-empty": "",
        }  # fmt: skip


def test_chunks_make_one_body() -> None:
    whole = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    for size in (1, 4, len(whole)):
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        assert asyncio.run(exchange(*pieces)).body == b"hello"


def test_without_a_length_the_body_ends_with_the_connection() -> None:
    assert asyncio.run(exchange(HEAD, b"\r\nhel", b"lo", hang_up=True)).body == b"hello"
    assert asyncio.run(exchange(b"HTTP/1.1 204 No Content\r\n\r\n")).body == b""


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ((), "connection lost"),
        ((HEAD + b"Content-Length: 5\r\n\r\nhel",), "connection lost"),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",), "connection lost"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "no HTTP"),
        ((b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",), "no HTTP"),
        ((HEAD + b"Content-Length: many\r\n\r\n",), "no HTTP"),
        ((b"x" * 100_000,), "no HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_none(pieces: tuple[bytes, ...], why: str) -> None:
    with pytest.raises(Broken, match=why):
        asyncio.run(exchange(*pieces, hang_up=True))


def test_a_server_that_says_nothing_is_not_waited_for_without_end() -> None:
    with pytest.raises(Broken, match="timed out"):
        asyncio.run(exchange(seconds=0.05))


def test_a_connection_is_kept_until_the_server_says_otherwise() -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\n{}"
    last = HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"

    async def go() -> None:
        async with serving([answer], [answer], [last]) as peer:
            connection: Connection = await peer.connect()
            for kept in (True, True, False):
                assert (await connection.exchange(REQUEST, 10)).body == b"{}"
                assert connection.open is kept
            with pytest.raises(Broken):
                await connection.exchange(REQUEST, 10)

    asyncio.run(go())


def test_what_comes_unasked_ends_the_connection() -> None:
    answer = HEAD + b"Content-Length: 2\r\n\r\n{}"

    async def go() -> None:
        async with serving([answer + answer]) as peer:
            connection = await peer.connect()
            await connection.exchange(REQUEST, 10)
            async with asyncio.timeout(10):
                while connection.open:  # noqa: ASYNC110 - the loop tells the connection alone
                    await asyncio.sleep(0.01)

    asyncio.run(go())


def test_an_address_is_http_or_https() -> None:
    for url in ("ftp://h", "nonsense", "http://"):
        with pytest.raises(ValueError, match="no http or https address"):
            Peer(url)
    assert Peer("https://h.example/base/").head("GET", "/x").startswith("GET /base/x HTTP/1.1\r\n")
