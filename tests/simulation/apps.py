"""
An app that read the feed once and applies what its stream tells it: it holds the feed.

Its connection breaks whenever its server does; then it comes back with the last id that it read,
to any server. What was on its way is lost, as on a real network.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from api.services import Services
from api.stream.connection import Connection
from api.stream.cursor import StreamCursor, parse_cursor
from api.stream.items import Sent, Told, compose
from commands.ports import LogUnavailable
from domain.event import Refused
from domain.ids import MemberId
from projections.reading.streams import sources
from tests.simulation.network import Ask, Lost, call_of, send
from tests.simulation.server import Server
from tests.simulation.world import Difference, Person

if TYPE_CHECKING:
    from tests.simulation.history import History

_HEARTBEAT_SECONDS = 0.3

Compose: TypeAlias = Callable[[Services, MemberId, Sequence[Told]], Awaitable[list[Sent] | None]]


class Line:
    """One connection: what has arrived, and whether more will."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, str, bytes]] = []
        self.ended = False
        self.changed = asyncio.Event()

    def deliver(self, data: bytes) -> None:
        """Bytes come in, whole events at a time."""
        for block in data.decode().split("\n\n"):
            if block:
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                self.arrived.append((fields["event"], fields["id"], fields["data"].encode()))
        self.changed.set()

    def end(self) -> None:
        """No more will come."""
        self.ended = True
        self.changed.set()


class App:
    """
    An app of one member. ``posts`` are the texts of all posts it holds, by id, with their authors.
    """

    def __init__(self, history: "History", viewer: Person) -> None:
        self.history = history
        self.viewer = viewer
        self.cursor: str | None = None
        self.posts: dict[str, tuple[int, str]] = {}
        self._busy = False
        self._whole = False
        # A moment is a time: where clocks disagree, history is not what it was when it was lived.
        self._exact = history.plan.temper.skew_seconds == 0
        #: Every post that its member could ever see.
        self._seen: set[str] = set()
        self.see()

    def see(self) -> None:
        """Take in what its member can see now."""
        world, viewer = self.history.world, self.viewer.id
        self._seen |= {str(one.id) for one in world.pieces.values() if world.sees(viewer, one)}

    def caught_up(self, heads: Mapping[int, int]) -> bool:
        """Whether it has heard of everything; one who is barred hears nothing."""
        if self.viewer.barred is not None:
            return True
        return self._whole and not self._busy and _vector(self.cursor) == heads

    def check(self) -> None:
        """
        Hold what it has against what it should have, when all is at rest.

        :raises Difference: it has lost a post, or kept one.
        """
        if self.viewer.barred is not None or not self._exact:
            return
        world, viewer = self.history.world, self.viewer.id
        pieces = [*world.feed(viewer), *world.by(viewer, viewer)]
        wanted = {str(one.id): (world.people[one.author].qq, one.text) for one in pieces}
        if self.posts != wanted:
            more = {
                one: self.posts[one] for one in self.posts if wanted.get(one) != self.posts[one]
            }
            less = {one: wanted[one] for one in wanted if self.posts.get(one) != wanted[one]}
            raise Difference(f"the app of {self.viewer.qq} holds {more} instead of {less}")

    async def run(self) -> None:
        """Listen for ever, on one server after the other."""
        while True:
            server = self.history.chance_of_apps.choice(self.history.servers)
            line = Line()
            if server.process.alive:
                serving = _serve(server, self.viewer.qq, self.cursor, line)
                self.history.loop.spawn(server.process, serving)
                await self._follow(server, line)
            await asyncio.sleep(self.history.chance_of_apps.random() * 0.2)

    async def _follow(self, server: Server, line: Line) -> None:
        loop = self.history.loop
        while True:
            if not line.arrived:
                if line.ended:
                    return
                line.changed.clear()
                try:
                    async with asyncio.timeout(5 * _HEARTBEAT_SECONDS):
                        await line.changed.wait()
                except TimeoutError:
                    # A server that says nothing for so long is given up, whatever became of it.
                    return
                continue
            if not server.process.alive and self.history.chance_of_apps.random() < 0.3:
                return
            self._busy = True
            try:
                kind, cursor, data = line.arrived.pop(0)
                if not self._whole:
                    await self._read_all(cursor)
                await self._apply(kind, cursor, msgspec.json.decode(data))
                self.cursor = cursor
                self.history.heard(self.viewer, kind, cursor, data)
            except Lost:
                # It has not been applied: it comes again.
                return
            finally:
                self._busy = False
            if loop.failure is not None:
                return

    async def _read_all(self, cursor: str) -> None:
        self.posts = await self._feed(cursor)
        self._whole = True

    async def _apply(self, kind: str, cursor: str, item: Any) -> None:
        match kind:
            case "post.appeared" | "post.changed":
                self.posts[item["id"]] = (item["author"]["qq"], item["post"]["text"])
            case "post.withdrawn":
                if self._exact and item["id"] not in self._seen:
                    raise Difference(f"{self.viewer.qq} is told of a post that was never theirs")
                self.posts.pop(item["id"], None)
            case "author.withdrawn" if "author" not in item:
                # Somebody is forgotten; who it was is not told.
                self.posts = await self._feed(cursor)
            case "author.withdrawn" | "author.appeared":
                author = item["author"]["qq"]
                now = await self._feed(cursor) if kind == "author.appeared" else {}
                kept = {post: one for post, one in self.posts.items() if one[0] != author}
                self.posts = kept | {post: one for post, one in now.items() if one[0] == author}
            case _:
                pass

    async def _feed(self, cursor: str) -> dict[str, tuple[int, str]]:
        """All posts that belong in the app, at least as of what the stream has told."""
        found: dict[str, tuple[int, str]] = {}
        for operation, path in (
            ("read_feed", {}),
            ("list_space_posts", {"qq": self.viewer.qq}),
        ):
            after: str | None = None
            while True:
                query: dict[str, Any] = {"limit": 100}
                if after is not None:
                    query["cursor"] = after
                least = dict(parse_cursor(cursor).least)
                ask = Ask(operation, self.viewer.qq, path=path, query=query, at_least=least)
                reply = await send(self.history.chance_of_apps.choice(self.history.servers), ask)
                if not reply.ok:
                    raise Lost
                body = reply.json
                found |= {
                    item["id"]: (item["author"]["qq"], item["text"]) for item in body["items"]
                }
                after = body["next"]
                if after is None:
                    break
        return found


def watched(history: "History") -> Compose:
    """What streams compose their items with; each is held against what its viewer may see."""

    async def composed(
        services: Services, viewer: MemberId, told: Sequence[Told]
    ) -> list[Sent] | None:
        glance = history.glance(viewer)
        try:
            sent = await compose(services, viewer, told)
            for item in sent or ():
                glance.check(item.data, "the stream")
        except Difference as error:
            history.loop.fail(error)
            raise
        finally:
            history.glances.discard(glance)
        return sent

    return composed


async def _serve(server: Server, qq: int, last: str | None, line: Line) -> None:
    """What the stream's route does, without HTTP."""
    services, hub = server.services, server.services.hub
    try:
        call = await call_of(server, Ask("read_feed", qq))
        heads = dict(await services.log.heads())
        start = StreamCursor(heads)
        if last is not None:
            given = parse_cursor(last)
            start = StreamCursor(
                {**dict.fromkeys(heads, 0), **given.vector}, given.cell, given.told
            )
        member = MemberId(call.viewer.id)
        found = await services.read(call, sources)
        connection = Connection(hub, member, found, str(start))
        listening = asyncio.create_task(hub.listen(connection, start))
        listening.add_done_callback(lambda done: _end_if_failed(done, connection))
        try:
            await _write(connection, line)
        finally:
            listening.cancel()
            hub.leave(connection)
    except (Refused, TimeoutError, LogUnavailable):
        pass
    except Exception as error:  # noqa: BLE001 - a defect: it ends the history
        server.ground.loop.fail(error)
    line.end()


async def _write(connection: Connection, line: Line) -> None:
    """As the kit's ``serve_events`` writes a channel."""
    clock = asyncio.get_running_loop().time
    line.deliver(_heartbeat(connection))
    next_heartbeat = clock() + _HEARTBEAT_SECONDS
    while True:
        ended = connection.closed
        written = await connection.take(0.0 if ended else max(0.0, next_heartbeat - clock()))
        if not written and not ended and clock() >= next_heartbeat:
            written = _heartbeat(connection)
        if written:
            line.deliver(written)
            next_heartbeat = clock() + _HEARTBEAT_SECONDS
        elif ended:
            return


def _end_if_failed(done: "asyncio.Task[None]", connection: Connection) -> None:
    if not done.cancelled() and done.exception() is not None:
        connection.close()


def _heartbeat(connection: Connection) -> bytes:
    return f"id: {connection.cursor}\nevent: heartbeat\ndata: {{}}\n\n".encode()


def _vector(cursor: str | None) -> Mapping[int, int] | None:
    if cursor is None or "+" in cursor:
        return None
    return parse_cursor(cursor).vector
