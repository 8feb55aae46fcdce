"""
The hub: one follower of the log for everybody who listens in this process.

It reads each new event once, as soon as the read models have it, looks up in memory whom it
reaches, and does nothing for anybody else: ten thousand idle clients cost what one does. What an
event means to those it reaches is asked of history, what they may see of it of the present, just
before it is sent.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from api.http.correlation import log_failure
from api.http.streams import HEARTBEAT_SECONDS, Ending
from api.services import Services
from api.stream.connection import Connection
from api.stream.cursor import StreamCursor
from api.stream.items import Told, compose
from api.stream.places import Places
from api.stream.resume import catch_up, with_cursors
from commands.ports import LogUnavailable
from domain.account_events import AccountBanned, AccountErased, AccountSuspended
from domain.circle import CircleEvent
from domain.event import Recorded
from domain.ids import MemberId
from projections.reach import reach
from projections.reading import people
from projections.reading.moments import judge
from projections.streams import moment_of

#: What an item is read from has to be there before it is sent, and the trail for those who resume.
MODELS = ("posts", "comments", "likes", "trail")
_EVENTS_MAX = 500
#: Of one cell's events at once: a burst of diaries is taken in several steps.
_BYTES_MAX = 1 << 20
_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
#: Viewers looked after at once; the reads' own connections are fewer.
_VIEWERS_AT_ONCE = 8
#: Attempts to catch up with a moving hub before it is made to wait.
_ROUNDS_MAX = 5


class Hub:
    """
    Follows the log in the loop that :meth:`run` runs in.

    ``vector`` is how far it has come, ``text`` the same for clients; each step is a ``round``.
    """

    def __init__(
        self,
        services: Services,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        places: Places | None = None,
    ) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        self.places = places or Places()
        self.vector: dict[int, int] = {}
        self.text = ""
        self.round = 0
        self._services = services
        self._heads: dict[int, int] = {}
        #: How far the round in hand goes; a round that fails is tried again as it was, since some
        #: have been told of it and will not be told again.
        self._target: dict[int, int] = {}
        self._woken = asyncio.Event()
        self._moved = asyncio.Event()
        self._busy = asyncio.Lock()
        self._viewers: dict[UUID, set[Connection]] = {}
        self._followers: dict[UUID, set[Connection]] = {}
        self._loop = asyncio.get_running_loop()

    @property
    def connections(self) -> int:
        """How many streams are open and live."""
        return sum(map(len, self._viewers.values()))

    def wake(self, heads: Mapping[int, int]) -> None:
        """The log has come this far; called from any thread."""
        with contextlib.suppress(RuntimeError):  # its loop was closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._hear, dict(heads))

    # A client's way in and out.

    async def listen(self, connection: Connection, start: StreamCursor) -> None:
        """Tell a client what it missed, then join it; ends when it has, or its stream ended."""
        cursor = start
        for _ in range(_ROUNDS_MAX):
            await self.reach(cursor.least)
            if cursor.vector == self.vector or connection.closed:
                break
            until = dict(self.vector)
            cursor = await catch_up(self._services, connection, cursor, until, patient=True)
        async with self._busy:
            await catch_up(self._services, connection, cursor, self.vector, patient=False)
            # A suspension that came while it caught up is behind it, and nobody tells of it again.
            status = await self._services.look(people.status, connection.member)
            if status != "active":
                connection.close("barred")
            elif not connection.closed:
                self._join(connection)

    async def reach(self, vector: Mapping[int, int]) -> None:
        """Return when the hub has come this far."""
        while not self.vector or any(self.vector[cell] < at for cell, at in vector.items()):
            await self._moved.wait()

    def leave(self, connection: Connection, ending: Ending = "left") -> None:
        """Forget a client."""
        connection.close(ending)
        _discard(self._viewers, connection.member, connection)
        for source in connection.sources:
            _discard(self._followers, source, connection)

    def _join(self, connection: Connection) -> None:
        self._viewers.setdefault(connection.member, set()).add(connection)
        for source in connection.sources:
            self._followers.setdefault(source, set()).add(connection)
        connection.move(self.text)
        connection.join()

    # Following the log.

    async def run(self) -> None:
        """Follow the log until cancelled."""
        while True:
            try:
                moved = await self._advance()
            except (LogUnavailable, TimeoutError, OSError):
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            except Exception as error:  # noqa: BLE001  or every stream would go silent, for good
                log_failure(error, "stream", "GET")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if not moved:
                await self._woken.wait()
                self._woken.clear()

    def _hear(self, heads: Mapping[int, int]) -> None:
        for cell, at in heads.items():
            self._heads[cell] = max(at, self._heads.get(cell, 0))
        self._woken.set()

    async def _advance(self) -> bool:
        if not self.vector:
            self._heads = dict(await self._services.log.heads())
            await self._services.freshness.wait_for(self._heads, _PATIENCE_SECONDS, MODELS)
            self._move(self._heads)
            return True
        target = self._target = self._target or {
            at: to for at, to in self._heads.items() if to > self.vector.get(at, 0)
        }
        if not target:
            return False
        await self._services.freshness.wait_for(target, _PATIENCE_SECONDS, MODELS)
        async with self._busy:
            if self._viewers:
                events, ends = await self._read(target)
                await self._tell(events)
                self._move(ends)
            else:
                self._move(target)
        return True

    async def _read(self, target: Mapping[int, int]) -> tuple[list[Recorded], dict[int, int]]:
        log, ends = self._services.log, dict(target)
        events: list[Recorded] = []
        batches = await asyncio.gather(
            *(
                log.read(cell, self.vector[cell], _EVENTS_MAX, to, bytes_max=_BYTES_MAX)
                for cell, to in target.items()
            )
        )
        for cell, batch in zip(target, batches, strict=True):
            if batch and batch[-1].position < ends[cell]:
                ends[cell] = batch[-1].position
            events += batch
        return sorted(events, key=moment_of), ends

    def _move(self, ends: Mapping[int, int]) -> None:
        self.vector = {**self.vector, **ends}
        self._target = {}
        self.text = str(StreamCursor(self.vector))
        self.round += 1
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _tell(self, events: Sequence[Recorded]) -> None:
        vector = dict(self.vector)
        cases: list[tuple[Recorded, MemberId]] = []
        befores: list[dict[int, int]] = []
        suspended: set[UUID] = set()
        for recorded in events:
            vector[recorded.cell] = recorded.position
            reached = self._reached(recorded)
            if reached:
                before = dict(vector)
                cases += [(recorded, MemberId(member)) for member in reached]
                befores += [before] * len(reached)
            if isinstance(recorded.event, AccountSuspended | AccountBanned | AccountErased):
                suspended.add(recorded.event.member)
        if not cases:
            return
        told: dict[MemberId, list[Told]] = {}
        judged = await self._services.look(judge, cases)
        for (recorded, member), before, transitions in zip(cases, befores, judged, strict=True):
            if member not in suspended:
                told.setdefault(member, []).extend(with_cursors(before, recorded, transitions))
        for ended in suspended:
            self._end(ended)
        viewers = [(member, one) for member, one in told.items() if one]
        for start in range(0, len(viewers), _VIEWERS_AT_ONCE):
            group = viewers[start : start + _VIEWERS_AT_ONCE]
            await asyncio.gather(*(self._send(member, one) for member, one in group))

    def _reached(self, recorded: Recorded) -> set[UUID]:
        """The listening members whom an event reaches; new ties make new sources."""
        event = recorded.event
        whom = reach(event)
        if isinstance(event, CircleEvent):
            for connection in self._viewers.get(event.member, ()):
                connection.sources.add(event.other)
                self._followers.setdefault(event.other, set()).add(connection)
        reached: set[UUID] = {member for member in whom.members if member in self._viewers}
        if whom.source is not None:
            reached |= {one.member for one in self._followers.get(whom.source, ())}
        return reached

    async def _send(self, member: MemberId, told: Sequence[Told]) -> None:
        waiting = self._unserved(member)
        if not waiting:
            return
        sent = await compose(self._services, member, told)
        if sent is None:
            self._end(member)
            return
        for connection in self._unserved(member):
            connection.served = self.round
            if not all(connection.send(one) for one in sent):
                self.leave(connection)

    def _unserved(self, member: MemberId) -> list[Connection]:
        mine: Iterable[Connection] = self._viewers.get(member, ())
        return [one for one in mine if one.served != self.round]

    def _end(self, member: UUID) -> None:
        for connection in tuple(self._viewers.get(member, ())):
            self.leave(connection, "barred")


def _discard(index: dict[UUID, set[Connection]], key: UUID, connection: Connection) -> None:
    held = index.get(key)
    if held is not None:
        held.discard(connection)
        if not held:
            del index[key]
