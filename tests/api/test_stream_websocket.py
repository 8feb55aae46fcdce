"""
Streams by WebSocket: the same items over the same cursors, whoever reads them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from api.http.upgrades import PROTOCOL, TOKEN_PREFIX
from tests.support.homezone import SECONDS_MAX, Client, RunningHomezone
from tests.support.listening import beyond, vector
from tests.support.waiting import eventually

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture(autouse=True)
def often(homezone: RunningHomezone) -> Iterator[None]:
    """Heartbeats often: they tell a test how far a stream has come."""
    hub = homezone.homezone.hub
    usual, hub.heartbeat_seconds = hub.heartbeat_seconds, 0.05
    yield
    hub.heartbeat_seconds = usual


def connected(
    homezone: RunningHomezone,
    member: Client,
    work: Callable[[Socket], Awaitable[None]],
    *,
    after: str | None = None,
    token: str | None = None,
) -> None:
    """Do something with an open WebSocket, opened as a browser does."""

    async def whole() -> None:
        offered = (PROTOCOL, TOKEN_PREFIX + (token or member.token or ""))
        query = "" if after is None else f"?last_event_id={after.replace('+', '%2B')}"
        address = f"{homezone.url}/v1/stream/ws{query}"
        async with (
            asyncio.timeout(SECONDS_MAX),
            aiohttp.ClientSession() as session,
            session.ws_connect(address, protocols=offered) as socket,
        ):
            assert socket.protocol == PROTOCOL
            await work(socket)

    asyncio.run(whole())


async def until(socket: Socket, positions: str) -> list[Any]:
    """The messages up to the first one that is that far, heartbeats aside."""
    messages: list[Any] = []
    while True:
        message = json.loads(await socket.receive_str())
        if message["kind"] != "heartbeat":
            assert message["kind"] == message["item"]["kind"]
            messages.append(message)
        if "+" not in message["id"] and beyond(message["id"], vector(positions)):
            return messages


def test_a_post_appears_and_coming_back_misses_nothing(homezone: RunningHomezone) -> None:
    author, friend = homezone.members(2)
    author.befriend(friend)
    told: list[Any] = []

    async def stay(socket: Socket) -> None:
        first = json.loads(await socket.receive_str())
        assert first["kind"] == "heartbeat"
        for text in ("一", "二", "三"):
            await asyncio.to_thread(author.publish, text)
        told.extend(await until(socket, homezone.everything()))

    connected(homezone, friend, stay)
    assert [one["item"]["post"]["text"] for one in told] == ["一", "二", "三"]
    again: list[Any] = []

    async def come_back(socket: Socket) -> None:
        again.extend(await until(socket, homezone.everything()))

    connected(homezone, friend, come_back, after=told[0]["id"])
    assert [one["item"] for one in again] == [one["item"] for one in told[1:]]


def closing(
    homezone: RunningHomezone, member: Client, provoke: Callable[[], object], **options: Any
) -> tuple[int | None, str]:
    """With what code and why the server closes a stream."""
    said: list[str] = []
    codes: list[int | None] = []

    async def work(socket: Socket) -> None:
        await socket.receive_str()
        await asyncio.to_thread(provoke)
        while (message := await socket.receive()).type == aiohttp.WSMsgType.TEXT:
            pass
        codes.append(message.data)
        said.append(str(message.extra or ""))

    connected(homezone, member, work, **options)
    return codes[0], said[0]


def test_a_suspension_closes_it(homezone: RunningHomezone) -> None:
    member = homezone.member()
    path = f"/v1/accounts/{member.qq}/suspension"
    body = {"reason": "stolen"}
    ended = closing(homezone, member, lambda: homezone.operator.put(path, body).ok(200))
    assert ended == (4003, "barred")


def test_it_ends_with_its_token(homezone: RunningHomezone) -> None:
    member = homezone.member()
    token = homezone.token(member.qq, ttl=timedelta(seconds=2))
    assert closing(homezone, member, lambda: None, token=token) == (4001, "expired")


def test_nothing_is_to_be_said(homezone: RunningHomezone) -> None:
    member = homezone.member()
    codes: list[int | None] = []

    async def work(socket: Socket) -> None:
        await socket.send_str("hello")
        while (message := await socket.receive()).type == aiohttp.WSMsgType.TEXT:
            pass
        codes.append(message.data)

    connected(homezone, member, work)
    assert codes == [1003]


def test_whoever_does_not_keep_up_is_told_so(homezone: RunningHomezone) -> None:
    member = homezone.member()
    hub, me = homezone.homezone.hub, UUID(member.get("/v1/me").json["id"])

    def overfill() -> None:
        eventually(lambda: me in hub._viewers)

        async def fill() -> None:
            (connection,) = hub._viewers[me]
            while connection.offer("post.appeared", b'{"kind":"post.appeared"}', connection.cursor):
                pass

        asyncio.run_coroutine_threadsafe(fill(), homezone.loop).result(SECONDS_MAX)

    assert closing(homezone, member, overfill) == (4008, "slow")


def test_who_may_not_listen_is_told_as_anywhere(homezone: RunningHomezone) -> None:
    member = homezone.member()
    homezone.with_token(None).get("/v1/stream/ws").refused(401, "unauthenticated")
    refused = member.get("/v1/stream/ws").refused(426, "upgrade-required")
    assert refused.headers["upgrade"] == "websocket"
    member.get("/v1/stream/ws", last_event_id="99-").refused(400, "invalid")
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        connected(homezone, member, lambda _: asyncio.sleep(0), token="x.y.z")
    assert caught.value.status == 401


def test_a_token_stands_in_no_log(
    homezone: RunningHomezone, caplog: pytest.LogCaptureFixture
) -> None:
    """aiohttp writes down what subprotocols nobody takes, with the token among them."""
    caplog.set_level("DEBUG")
    member = homezone.member()

    async def work(socket: Socket) -> None:
        await socket.receive_str()

    connected(homezone, member, work)
    for offered in (f"{TOKEN_PREFIX}{member.token}", f"soap, {TOKEN_PREFIX}{member.token}"):
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": offered,
            "Authorization": "",
        }
        member.request("GET", "/v1/stream/ws", headers=upgrade).refused(400, "invalid")
    assert member.token is not None
    assert member.token not in caplog.text


def test_a_hung_up_client_frees_its_place(homezone: RunningHomezone) -> None:
    member, places = homezone.member(), homezone.homezone.hub.places
    before = places.open

    async def work(socket: Socket) -> None:
        await socket.receive_str()
        assert places.open == before + 1

    connected(homezone, member, work)

    eventually(lambda: places.open == before)
