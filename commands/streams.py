"""
The states of streams in memory, ahead of the log.

A stream's state moves on when its events are queued, so that the next command on it decides at once
instead of waiting for a disk. Each state names the queued append that made it (its ticket); who
reads it depends on that ticket, and when the ticket fails the state is forgotten.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from commands.ports import EventLog, Ticket
from domain.catalogue import AGGREGATES_BY_TYPE
from domain.event import Aggregate, Event
from domain.ids import StreamId

S = TypeVar("S")

#: What a state takes before what it holds: itself, its ids, its place in the cache.
STATE_BYTES = 1_000

#: How many states are looked at when one is added, so that no caller pays for all.
_EVICTIONS_MAX = 8


class StreamState:
    """
    One stream in memory. ``ticket`` is the queued append that last moved it, if any; ``kind`` the
    aggregate that its events fold to.
    """

    __slots__ = ("kind", "state", "ticket", "version", "weight")

    def __init__(
        self, kind: Aggregate[Any], state: Any, version: int, ticket: Ticket | None = None
    ) -> None:
        self.kind = kind
        self.state = state
        self.version = version
        self.ticket = ticket
        self.weight = STATE_BYTES + kind.weigh(state)

    def as_kind(self, wanted: Aggregate[Any]) -> "StreamState":
        """Itself; to whoever takes it for another kind of thing, such a thing is not there."""
        if self.kind is wanted:
            return self
        return StreamState(wanted, wanted.initial, self.version, self.ticket)

    def after(self, aggregate: Aggregate[S], events: Sequence[Event]) -> "StreamState":
        """The state after more events, without a ticket as yet."""
        state = aggregate.fold(events, cast(S, self.state), self.version)
        return StreamState(aggregate, state, self.version + len(events))


class Streams:
    """
    A bounded cache of stream states; what it evicts changes nothing but speed.

    :param capacity: how many states are kept; ``bytes_max``, about how much memory they take.
        Those with an unsettled ticket are kept beyond both.
    """

    def __init__(self, log: EventLog, capacity: int = 20_000, bytes_max: int = 64 << 20) -> None:
        self._log = log
        self._capacity = capacity
        self._bytes_max = bytes_max
        self.bytes = 0
        self._states: OrderedDict[StreamId, StreamState] = OrderedDict()
        self._loading: dict[StreamId, asyncio.Future[StreamState]] = {}
        self._unsettled: dict[StreamId, Ticket] = {}
        self.hits = 0
        self.misses = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._states)

    def current(self, stream: StreamId) -> StreamState | None:
        """The state in memory, if it is there."""
        return self._states.get(stream)

    async def load(self, aggregate: Aggregate[S], stream: StreamId) -> StreamState:
        """A stream's state, from memory or else from the log; concurrent loads share one read."""
        found = self._states.get(stream)
        if found is not None:
            self._states.move_to_end(stream)
            self.hits += 1
            return found.as_kind(aggregate)
        loading = self._loading.get(stream)
        if loading is None:
            self.misses += 1
            loading = asyncio.ensure_future(self._read(aggregate, stream))
            self._loading[stream] = loading
            loading.add_done_callback(lambda read: self._loaded(stream, read))
        return (await asyncio.shield(loading)).as_kind(aggregate)

    def _loaded(self, stream: StreamId, read: "asyncio.Future[StreamState]") -> None:
        del self._loading[stream]
        if not read.cancelled():
            # Callers may have gone; a failure that nobody fetches is no error.
            read.exception()

    async def _read(self, aggregate: Aggregate[S], stream: StreamId) -> StreamState:
        while (ticket := self._unsettled.get(stream)) is not None:
            await asyncio.wait([ticket.outcome])
        history = await self._log.read_stream(stream)
        found = self._states.get(stream)
        if found is not None:
            return found
        # An id may name another kind of thing than its caller believes.
        kind = AGGREGATES_BY_TYPE.get(type(history[0].event), aggregate) if history else aggregate
        state = kind.fold((recorded.event for recorded in history), kind.initial)
        loaded = StreamState(kind, state, history[-1].version if history else 0)
        self._keep(stream, loaded)
        return loaded

    def advance(self, stream: StreamId, state: StreamState, ticket: Ticket) -> None:
        """Move a stream on to what events that were just queued, by ``ticket``, make of it."""
        state.ticket = ticket
        self._keep(stream, state)

    def settle(self, stream: StreamId, ticket: Ticket) -> None:
        """The log bears out what ``ticket`` did; the state stands by itself from now on."""
        held = self._states.get(stream)
        if held is not None and held.ticket is ticket:
            held.ticket = None

    def forget(self, stream: StreamId) -> None:
        """Drop a state that the log does not bear out; the next load waits for what is queued."""
        dropped = self._drop(stream)
        if dropped is not None and dropped.ticket is not None and not dropped.ticket.outcome.done():
            ticket = self._unsettled[stream] = dropped.ticket
            ticket.outcome.add_done_callback(lambda _: self._settled(stream, ticket))

    def _settled(self, stream: StreamId, ticket: Ticket) -> None:
        if self._unsettled.get(stream) is ticket:
            del self._unsettled[stream]

    def _keep(self, stream: StreamId, state: StreamState) -> None:
        replaced = self._states.pop(stream, None)
        self._states[stream] = state
        self.bytes += state.weight - (replaced.weight if replaced is not None else 0)
        for _ in range(_EVICTIONS_MAX):
            if len(self._states) <= self._capacity and self.bytes <= self._bytes_max:
                return
            oldest, held = next(iter(self._states.items()))
            if held.ticket is not None and not held.ticket.outcome.done():
                self._states.move_to_end(oldest)
            else:
                self._drop(oldest)
                self.evictions += 1

    def _drop(self, stream: StreamId) -> StreamState | None:
        dropped = self._states.pop(stream, None)
        if dropped is not None:
            self.bytes -= dropped.weight
        return dropped
