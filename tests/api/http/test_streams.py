"""
Server-sent events: nothing lost, nobody waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from api.http.streams import Channel
from tests.api.http.notes import Notes, make
from tests.api.http.test_conventions import ANN, Client


def with_toy(test: Callable[[Client, Notes], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def inner() -> None:
            notes = Notes()
            async with TestClient(TestServer(make(notes))) as client:
                await asyncio.wait_for(test(client, notes), 10)

        asyncio.run(inner())

    run.__name__ = test.__name__
    return run


async def next_event(response: ClientResponse) -> dict[str, str]:
    event = {}
    while line := (await response.content.readline()).decode().rstrip("\n"):
        name, _, value = line.partition(": ")
        event[name] = value
    return event


@with_toy
async def test_events_and_heartbeats_carry_the_cursor(client: Client, notes: Notes) -> None:
    response = await client.get("/v1/stream", headers={**ANN, "Last-Event-ID": "0-7"})
    assert response.content_type == "text/event-stream"
    assert await next_event(response) == {"id": "0-7", "event": "heartbeat", "data": "{}"}
    (channel,) = notes.channels
    assert channel.offer("post.appeared", b'{"id":1}', "0-8")
    assert await next_event(response) == {
        "id": "0-8", "event": "post.appeared", "data": '{"id":1}'
    }  # fmt: skip
    channel.move("0-9")
    assert await next_event(response) == {"id": "0-9", "event": "heartbeat", "data": "{}"}


@with_toy
async def test_a_full_channel_closes_and_keeps_what_it_took(client: Client, notes: Notes) -> None:
    response = await client.get("/v1/stream", headers=ANN)
    await next_event(response)
    (channel,) = notes.channels
    taken = [channel.offer("e", b"{}", f"0-{number}") for number in range(5)]
    assert taken == [True, True, True, False, False]
    channel.move("0-99")
    assert channel.cursor == "0-2"
    assert [(await next_event(response))["id"] for _ in range(3)] == ["0-0", "0-1", "0-2"]
    assert await response.content.read() == b""


@with_toy
async def test_a_client_that_leaves_is_noticed(client: Client, notes: Notes) -> None:
    response = await client.get("/v1/stream", headers=ANN)
    await next_event(response)
    response.close()
    (channel,) = notes.channels
    while not channel.closed:  # noqa: ASYNC110  a channel has one waiter: its stream
        await asyncio.sleep(0.05)


@with_toy
async def test_a_head_of_a_stream_ends(client: Client, notes: Notes) -> None:
    response = await client.head("/v1/stream", headers=ANN)
    assert response.status == 200
    assert notes.channels[0].closed


def test_a_shutdown_ends_every_stream() -> None:
    async def run() -> None:
        notes = Notes()
        server = TestServer(make(notes))
        client = TestClient(server)
        await client.start_server()
        response = await client.get("/v1/stream", headers=ANN)
        await next_event(response)
        assert server.runner is not None
        closing = asyncio.create_task(server.runner.cleanup())
        assert await asyncio.wait_for(response.content.read(), 5) == b""
        await asyncio.wait_for(closing, 5)
        await client.close()

    asyncio.run(run())


def test_a_closed_channel_takes_nothing() -> None:
    async def run() -> None:
        channel = Channel("0-1")
        channel.close()
        assert not channel.offer("e", b"{}", "0-2")
        assert channel.cursor == "0-1"

    asyncio.run(run())
