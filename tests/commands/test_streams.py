"""
States in memory: ahead of the log while appends are on their way, never behind it for long.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from commands.ports import Append, Appended, Conflict, Ticket
from commands.streams import STATE_BYTES, Streams
from domain.event import Aggregate, Recorded
from domain.ids import StreamId, derive
from domain.like import LIKE, Like, LikeGiven, LikeWithdrawn
from tests.commands.house import NOON, live
from tests.domain.people import ANNA, BELA, BY_ANNA

STREAM = StreamId(derive(2, "like", BELA, BY_ANNA))
GIVEN = LikeGiven(BELA, BY_ANNA, ANNA)
WITHDRAWN = LikeWithdrawn(BELA, BY_ANNA, ANNA)


class FakeTicket:
    """An append that a test settles."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

    @property
    def append(self) -> Append:
        """Nobody asks."""
        raise NotImplementedError

    def settle(self, *, written: bool) -> None:
        """It is in the log, or lost."""
        if written:
            self.outcome.set_result(Appended(2, (1,), NOON))
        else:
            self.outcome.set_exception(Conflict())
            self.outcome.exception()


class FakeLog:
    """A log whose reads take until a test lets them pass."""

    def __init__(self) -> None:
        self.written: list[LikeGiven | LikeWithdrawn] = []
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        """What was written when the read began."""
        self.reads += 1
        found = [
            Recorded(2, version, stream, version, NOON, BELA, BELA, BELA, BELA, None, event)
            for version, event in enumerate(self.written, 1)
        ]
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return found

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"streams do not ask for {name}")


def other(number: int) -> StreamId:
    """Another stream."""
    return StreamId(derive(2, "like", BELA, bytes([number])))


def test_a_state_is_read_once_and_then_remembered() -> None:
    async def history() -> None:
        log = FakeLog()
        log.written = [GIVEN, WITHDRAWN, GIVEN]
        streams = Streams(log)
        loaded = await asyncio.gather(*(streams.load(LIKE, STREAM) for _ in range(10)))
        assert {id(state) for state in loaded} == {id(await streams.load(LIKE, STREAM))}
        assert (loaded[0].state, loaded[0].version) == (Like(True, 3), 3)
        assert (log.reads, streams.misses, streams.hits) == (1, 1, 1)

    live(history)


def test_a_state_moves_on_before_the_log_does_and_names_its_ticket() -> None:
    async def history() -> None:
        streams = Streams(FakeLog())
        before = await streams.load(LIKE, STREAM)
        ticket: Ticket = FakeTicket()
        streams.advance(STREAM, before.after(LIKE, (GIVEN,)), ticket)
        after = await streams.load(LIKE, STREAM)
        assert (after.state, after.version, after.ticket) == (Like(True, 1), 1, ticket)
        assert (before.state, before.version) == (Like(), 0), (
            "who read it before keeps what it read"
        )

    live(history)


def test_a_load_after_forgetting_waits_for_what_is_on_its_way() -> None:
    """Else it would read a stream that is about to move, and be turned back again."""

    async def history() -> None:
        log = FakeLog()
        streams = Streams(log)
        ticket = FakeTicket()
        before = await streams.load(LIKE, STREAM)
        streams.advance(STREAM, before.after(LIKE, (GIVEN,)), ticket)
        streams.forget(STREAM)
        loading = asyncio.ensure_future(streams.load(LIKE, STREAM))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not loading.done()
        log.written.append(GIVEN)
        ticket.settle(written=True)
        assert (await loading).version == 1
        assert not streams._unsettled

    live(history)


def test_what_was_forgotten_and_never_read_again_leaves_nothing() -> None:
    async def history() -> None:
        streams = Streams(FakeLog())
        ticket = FakeTicket()
        before = await streams.load(LIKE, STREAM)
        streams.advance(STREAM, before.after(LIKE, (GIVEN,)), ticket)
        streams.forget(STREAM)
        ticket.settle(written=False)
        await asyncio.sleep(0)
        assert not streams._unsettled
        assert not len(streams)

    live(history)


def test_a_slow_read_does_not_put_back_what_moved_on_meanwhile() -> None:
    async def history() -> None:
        log = FakeLog()
        streams = Streams(log)
        before = await streams.load(LIKE, STREAM)
        streams.forget(STREAM)
        log.gate.clear()
        loading = asyncio.ensure_future(streams.load(LIKE, STREAM))
        await asyncio.sleep(0)
        streams.advance(STREAM, before.after(LIKE, (GIVEN,)), FakeTicket())
        log.gate.set()
        assert (await loading).version == 1
        moved = streams.current(STREAM)
        assert moved is not None
        assert moved.version == 1

    live(history)


def test_beyond_the_capacity_the_longest_unused_goes_but_none_on_its_way() -> None:
    async def history() -> None:
        streams = Streams(FakeLog(), capacity=2)
        ticket = FakeTicket()
        before = await streams.load(LIKE, STREAM)
        streams.advance(STREAM, before.after(LIKE, (GIVEN,)), ticket)
        for number in (1, 2, 1, 3):
            await streams.load(LIKE, other(number))
        kept = [at for at in (STREAM, *map(other, (1, 2, 3))) if streams.current(at)]
        assert kept[0] == STREAM, "its append is on its way"
        assert len(kept) == 2
        assert other(3) in kept
        ticket.settle(written=True)
        streams.settle(STREAM, ticket)
        for number in (4, 5):
            await streams.load(LIKE, other(number))
        assert streams.current(STREAM) is None

    live(history)


def test_heavy_states_leave_room_for_few() -> None:
    """Memory is bounded in bytes as well; what is dropped or replaced no longer counts."""

    async def history() -> None:
        heavy = Aggregate("heavy", Like(), LIKE.evolve, lambda _: 9 * STATE_BYTES)
        streams = Streams(FakeLog(), bytes_max=30 * STATE_BYTES)
        for number in range(10):
            await streams.load(heavy, other(number))
        assert (len(streams), streams.bytes) == (3, 30 * STATE_BYTES)
        ticket = FakeTicket()
        held = await streams.load(heavy, other(9))
        streams.advance(other(9), held.after(heavy, (GIVEN,)), ticket)
        assert streams.bytes == 30 * STATE_BYTES
        for number in (7, 8, 9):
            streams.forget(other(number))
        assert (len(streams), streams.bytes) == (0, 0)

    live(history)


def test_a_settled_ticket_is_let_go_of_unless_a_later_one_moved_the_state() -> None:
    async def history() -> None:
        streams = Streams(FakeLog())
        first, second = FakeTicket(), FakeTicket()
        for event, ticket in ((GIVEN, first), (WITHDRAWN, second)):
            held = await streams.load(LIKE, STREAM)
            streams.advance(STREAM, held.after(LIKE, (event,)), ticket)
        streams.settle(STREAM, first)
        assert (await streams.load(LIKE, STREAM)).ticket is second
        streams.settle(STREAM, second)
        assert (await streams.load(LIKE, STREAM)).ticket is None

    live(history)


def test_a_caller_who_goes_does_not_take_the_read_along() -> None:
    async def history() -> None:
        log = FakeLog()
        log.gate.clear()
        streams = Streams(log)
        going, staying = (asyncio.ensure_future(streams.load(LIKE, STREAM)) for _ in range(2))
        await asyncio.sleep(0)
        going.cancel()
        await asyncio.sleep(0)
        log.gate.set()
        assert (await staying).version == 0
        assert log.reads == 1

    live(history)


def test_a_read_that_fails_fails_for_all_and_is_tried_anew() -> None:
    async def history() -> None:
        log = FakeLog()
        log.failure = OSError("away")
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        streams = Streams(log)
        loads = [asyncio.ensure_future(streams.load(LIKE, STREAM)) for _ in range(3)]
        outcomes = await asyncio.gather(*loads, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OSError] * 3
        log.failure = None
        assert (await streams.load(LIKE, STREAM)).version == 0

        # Nobody is left to hear of the failure: nobody is told.
        log.failure = OSError("away")
        log.gate.clear()
        gone = asyncio.ensure_future(streams.load(LIKE, other(1)))
        await asyncio.sleep(0)
        gone.cancel()
        log.gate.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert complaints == []

    live(history)
