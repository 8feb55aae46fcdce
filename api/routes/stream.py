"""
The stream of a member, by server-sent events.
"""

import asyncio

from aiohttp import web

from api.http.problems import bad_parameter
from api.http.routes import Routes
from api.http.streams import serve_events
from api.services import MEMBERS, Ask
from api.stream.connection import Connection
from api.stream.cursor import LAST_EVENT_ID, StreamCursor
from api.stream.items import StreamItem
from api.tokens import Principal
from projections.reading.streams import sources

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
    with call.app.hub.places.hold(call.viewer.id):
        return await _listen(call)


async def _listen(call: Ask[None, None]) -> web.StreamResponse:
    services, member = call.app, call.viewer.member
    start = await _start(call)
    found = await services.read(call, sources)
    hub = services.hub
    connection = Connection(hub, member, found, str(start))
    listening = asyncio.create_task(hub.listen(connection, start))
    listening.add_done_callback(lambda done: _end_if_failed(done, connection))
    try:
        return await serve_events(
            call.request,
            connection,
            heartbeat_seconds=hub.heartbeat_seconds,
            lifetime_seconds=_seconds_left(call),
        )
    finally:
        listening.cancel()
        hub.leave(connection)


async def _start(call: Ask[None, None]) -> StreamCursor:
    """Where the stream begins, as a position in every cell."""
    heads = dict(await call.app.log.heads())
    given: StreamCursor | None = call.header(LAST_EVENT_ID)
    if given is None:
        return StreamCursor(heads)
    if any(at > heads.get(cell, -1) for cell, at in given.least.items()):
        raise bad_parameter(LAST_EVENT_ID.name, "is not the id of anything that has happened here")
    return StreamCursor({**dict.fromkeys(heads, 0), **given.vector}, given.cell, given.told)


def _seconds_left(call: Ask[None, None]) -> float:
    principal = call.principal
    assert isinstance(principal, Principal)
    return (principal.expires_at - call.app.clock.now()).total_seconds()


def _end_if_failed(done: "asyncio.Task[None]", connection: Connection) -> None:
    """Without the hub there is no stream: the client comes back, with its cursor."""
    if not done.cancelled() and done.exception() is not None:
        connection.close()
