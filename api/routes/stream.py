"""
The stream of a member, by server-sent events and by WebSocket.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiohttp import web

from api.http.problems import UPGRADE_REQUIRED, bad_parameter
from api.http.routes import Routes
from api.http.streams import Frame, event_bytes, serve_events
from api.http.upgrades import UPGRADED, check_upgrade
from api.http.websockets import message_bytes, serve_messages
from api.services import MEMBERS, Ask
from api.stream.connection import Connection
from api.stream.cursor import LAST_EVENT_ID, After, StreamCursor, parse_cursor
from api.stream.items import StreamItem
from api.tokens import Principal
from projections.reading.streams import sources
from projections.streams import Kind

ROUTES = Routes()


@ROUTES.get(
    "/v1/stream",
    tag="Stream",
    summary="What happens before your eyes, as it happens",
    answer=StreamItem,
    media_type="text/event-stream",
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
    headers=(LAST_EVENT_ID,),
    fresh=False,
)
async def stream(call: Ask[None, None]) -> web.StreamResponse:
    """
    Server-sent events: what appears to you, changes and is withdrawn, until you hang up, your
    token expires, or you are suspended. It tells of your own posts and those in your feed, of
    comments and likes under your posts and answers to your comments, of friendship, and of authors
    all of whose posts enter your feed or leave it.

    Each event's `event` is the `kind` of its item, its `data` the item as JSON, and its `id` a
    cursor: come back with it as `Last-Event-ID`, and the stream goes on after it without a gap or
    a repeat; what appeared meanwhile and is gone again is left out. Without `Last-Event-ID` it
    begins now. A `heartbeat` comes first and then every 15 seconds without another event; its `id`
    is where the stream stands. A client that does not keep up is disconnected and comes back the
    same way.
    """
    async with _listening(call, call.header(LAST_EVENT_ID), event_bytes) as connection:
        return await serve_events(
            call.request,
            connection,
            heartbeat_seconds=call.app.hub.heartbeat_seconds,
            lifetime_seconds=_seconds_left(call),
        )


class StreamMessage(msgspec.Struct, frozen=True):
    """One message of a stream by WebSocket; a `heartbeat` has no `item`."""

    id: str
    kind: Kind | Literal["heartbeat"]
    item: StreamItem | msgspec.UnsetType = msgspec.UNSET


@ROUTES.get(
    "/v1/stream/ws",
    tag="Stream",
    summary="The same by WebSocket",
    status=UPGRADED,
    query=After,
    answer=StreamMessage,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account", UPGRADE_REQUIRED),
    headers=(LAST_EVENT_ID,),
    fresh=False,
    past=False,
)
async def stream_by_websocket(call: Ask[None, After]) -> web.StreamResponse:
    """
    A WebSocket with the items of `/v1/stream`: each message is a JSON object with the cursor that
    comes with it as `id`, the `kind`, and the `item`. Come back with the last `id` as
    `?last_event_id=`. Send nothing.

    Where you can set no headers, as in a browser, offer two subprotocols: `homezone.v1`, which the
    server takes, and `homezone.token.` with your token after it. It closes with 4001 when the token
    has expired, 4003 when you may see nothing any more, 4008 when you do not keep up, 1001 when it
    is over for now, 1003 when you say something. After 4001, 4008 and 1001 nothing is lost: come
    back with the last `id`.
    """
    check_upgrade(call.request)
    given = call.header(LAST_EVENT_ID)
    if given is None and call.query.last_event_id is not None:
        given = _cursor(call.query.last_event_id)
    async with _listening(call, given, message_bytes) as connection:
        return await serve_messages(
            call.request,
            connection,
            heartbeat_seconds=call.app.hub.heartbeat_seconds,
            lifetime_seconds=_seconds_left(call),
        )


def _cursor(text: str) -> StreamCursor:
    try:
        return parse_cursor(text)
    except ValueError as error:
        raise bad_parameter("last_event_id", str(error)) from None


@asynccontextmanager
async def _listening(
    call: Ask[None, Any], given: StreamCursor | None, frame: Frame
) -> AsyncIterator[Connection]:
    """A connection that is told what there is to tell, while it lasts."""
    services, member, hub = call.app, call.viewer.member, call.app.hub
    with hub.places.hold(call.viewer.id):
        start = await _start(call, given)
        found = await services.read(call, sources)
        connection = Connection(hub, member, found, str(start), frame)
        listening = asyncio.create_task(hub.listen(connection, start))
        listening.add_done_callback(lambda done: _end_if_failed(done, connection))
        try:
            yield connection
        finally:
            listening.cancel()
            hub.leave(connection)


async def _start(call: Ask[None, Any], given: StreamCursor | None) -> StreamCursor:
    """Where the stream begins, as a position in every cell."""
    heads = dict(await call.app.log.heads())
    if given is None:
        return StreamCursor(heads)
    if any(at > heads.get(cell, -1) for cell, at in given.least.items()):
        raise bad_parameter(LAST_EVENT_ID.name, "is not the id of anything that has happened here")
    return StreamCursor({**dict.fromkeys(heads, 0), **given.vector}, given.cell, given.told)


def _seconds_left(call: Ask[None, Any]) -> float:
    principal = call.principal
    assert isinstance(principal, Principal)
    return (principal.expires_at - call.app.clock.now()).total_seconds()


def _end_if_failed(done: "asyncio.Task[None]", connection: Connection) -> None:
    """Without the hub there is no stream: the client comes back, with its cursor."""
    if not done.cancelled() and done.exception() is not None:
        connection.close()
