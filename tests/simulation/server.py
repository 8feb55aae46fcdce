"""
A server on the twin: what ``api/wiring`` puts together, over a shared store in memory.

Everything of it runs in one process of the loop, so that killing the process leaves nothing behind
but what is in the store. Requests come in and answers go out through the world, and both take time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec

from adapters.clock import SeededEntropy
from adapters.log.batch import Plan as BatchPlan
from adapters.log.memory import MemoryLog, MemoryStore
from adapters.screening import RuleMatcher
from adapters.vault.memory import MemoryKeyVault
from adapters.working_days import ChineseCalendar
from api.badges import badges_policy
from api.clearing import ClearPhotos
from api.forgetting import ForgetMembers
from api.item_keys import DestroyItemKeys
from api.recent import READ_BY_CLIENTS, RecentWrites
from api.services import Caller, Services
from api.stream import Hub
from commands.directory import Directory
from commands.executor import Executor
from commands.policies import policies
from commands.ports import Conflict, LogUnavailable
from commands.screening import EPOCHS, Screens
from commands.streams import Streams
from commands.timers import Timers
from domain.catalogue import EVENTS
from domain.erasure import Terms
from domain.event import Event, Recorded, Refused
from domain.ids import StreamId
from domain.sealed import KeyClass, Sealed
from projections.arming import ARMING
from projections.engine.policies import PolicyRunner
from projections.engine.timers import Deadline
from projections.reading.statements import Statement
from projections.recall.recall import Recall
from tests.simulation.books import Books
from tests.simulation.darkroom import Darkroom
from tests.simulation.followers import BookTimers, Engine, lease_from_books
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.rail import NAME, SimulatedRail
from tests.simulation.statements import TWINS

T = TypeVar("T")

BEGINNING = datetime.fromisoformat("2026-11-22T12:00:00+00:00")


class Temper(msgspec.Struct, frozen=True):
    """
    What the world of a seed is like: how long things take, how often they go wrong.

    :param seconds: the longest that anything takes between two servers, a server and its database.
    :param stall: how likely one step of a read or a load takes its time at all.
    :param capacity: how many streams a server keeps in memory.
    :param rail_lost: how likely a rail cannot be asked, or its answer goes astray.
    :param recalls: whether reads are answered from memory.
    :param behind_seconds: how long read models that are fed fall behind now and then, at most.
    :param skew_seconds: how far the servers' clocks are apart, at most.
    """

    seconds: float = 0.02
    stall: float = 0.3
    capacity: int = 1_000
    skew_seconds: float = 0.0
    wakes_lost: float = 0.1
    reads_lost: float = 0.0
    answers_lost: float = 0.0
    rail_lost: float = 0.0
    lease_seconds: float = 0.6
    shuffled: bool = True
    recalls: bool = True
    behind_seconds: float = 0.0


class LoopClock:
    """
    A server's clock: the loop's time, all that was leapt over, and an error of its own.

    A day in which nothing happens is leapt over: every clock is a day further at once, and what has
    become due meanwhile is late.
    """

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.skew = timedelta()
        self.leapt = timedelta()

    def now(self) -> datetime:
        """UTC, timezone-aware."""
        return BEGINNING + timedelta(seconds=self._loop.time()) + self.leapt + self.skew


class SlowLog(MemoryLog):
    """A log whose answers were true when they were read, and may come later."""

    pause: Callable[[], Awaitable[None]]
    #: How many appends lost to another.
    conflicts = 0

    def _tell(self, done: BatchPlan) -> None:
        self.conflicts += sum(isinstance(result, Conflict) for _, result in done.results)
        super()._tell(done)

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        await self.pause()
        found = self.reader.read_stream(stream, after, until)
        await self.pause()
        return found

    async def read(self, *arguments: Any, **named: Any) -> list[Recorded]:
        await self.pause()
        found = self.reader.read(*arguments, **named)
        await self.pause()
        return found

    async def position_of(self, stream: StreamId, version: int) -> int:
        await self.pause()
        return self.reader.position_of(stream, version)

    async def heads(self) -> Mapping[int, int]:
        await self.pause()
        return self.reader.heads()


#: All is destroyed a little after it was asked for.
TERMS = Terms(timedelta(seconds=1), *[timedelta(0)] * 4)


class SlowVault:
    """The store's keys, which outlive servers; a key that is not at hand takes a while."""

    def __init__(self, vault: MemoryKeyVault, pause: Callable[[], Awaitable[None]]) -> None:
        self._vault = vault
        self._pause = pause
        self.open = vault.open
        self.blind = vault.blind
        self.destructions = vault.destructions
        self.destroy = vault.destroy

    async def seal(
        self, subject: UUID, key_class: KeyClass, plain: str, item: UUID | None = None
    ) -> Sealed[str]:
        """Encrypt."""
        await self._pause()
        return await self._vault.seal(subject, key_class, plain, item)

    async def destroy_items(self, subject: UUID, key_class: KeyClass, items: Iterable[UUID]) -> int:
        """Forget items."""
        await self._pause()
        return await self._vault.destroy_items(subject, key_class, items)


class TwinConnection:
    """Answers named statements from the tables, each as of one moment."""

    def __init__(self, world: "Ground", pause: Callable[[], Awaitable[None]]) -> None:
        self._world = world
        self._pause = pause

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        """One statement's rows."""
        await self._pause()
        world = self._world
        if world.loses(world.temper.reads_lost):
            raise LogUnavailable
        if statement.name == "heads_and_fed":
            rows = world.heads_and_fed()
        else:
            rows = TWINS[statement.name](world.books.tables, values)
            if world.asked is not None:
                world.asked(statement, values)
        await self._pause()
        return rows


class TwinReads:
    """Runs reads, each on a connection of its own."""

    def __init__(self, world: "Ground", pause: Callable[[], Awaitable[None]]) -> None:
        self._world = world
        self._pause = pause

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """``await read(connection, *arguments)``."""
        return await read(TwinConnection(self._world, self._pause), *arguments)


class Ground:
    """What all servers of a history stand on: one store, one set of keys, one chance."""

    def __init__(self, loop: SimulatedLoop, seed: object, temper: Temper, cells: int) -> None:
        self.loop = loop
        self.temper = temper
        self.chance = random.Random(f"{seed}/world")
        self.store = MemoryStore(cells)
        self.books = Books()
        self.entropy = SeededEntropy(random.Random(f"{seed}/entropy").getrandbits(64))
        self.vault = MemoryKeyVault(lambda n: self.entropy.bits(8 * n).to_bytes(n, "big"))
        #: Short, so that what was deleted early is destroyed while others still look.
        self.retention = timedelta(seconds=self.chance.choice((0.0, 0.5, 5.0)))
        self.darkroom = Darkroom()
        self.words = RuleMatcher()
        self.calendar = ChineseCalendar()
        #: The rail's own clock is right.
        self.rail_clock = LoopClock(loop)
        self.rail = SimulatedRail(
            self.rail_clock.now, self.pause, lambda: self.loses(temper.rail_lost)
        )
        #: Whether nothing is lost just now.
        self.calm = True
        #: Hears of every commit, as it happens.
        self.committed: Callable[[Sequence[Recorded]], None] = lambda _: None
        #: Hears of every statement, if anybody wants to know.
        self.asked: Callable[[Statement, Mapping[str, Any]], None] | None = None

    def store_heads(self) -> dict[int, int]:
        """The last position of every cell."""
        return {cell: head.position for cell, head in self.store.heads.items()}

    def heads_and_fed(self) -> list[tuple[Any, ...]]:
        """How far the log is, and two fed models: the one statement that asks of no model."""
        fed = self.books.checkpoints
        return [
            (
                cell,
                head,
                fed.get(("model/posts", cell), 0),
                fed.get(("model/likes", cell), 0),
                None if cell else [1],
            )
            for cell, head in self.store_heads().items()
        ]

    def seconds(self) -> float:
        """How long something takes: mostly hardly any time, sometimes long."""
        chance, temper = self.chance, self.temper
        if chance.random() >= temper.stall:
            return 0.0
        return temper.seconds * chance.random() ** 2

    def feeding_seconds(self) -> float:
        """How long a batch of a read model takes: as long as anything, sometimes far longer."""
        behind = self.temper.behind_seconds
        if behind and self.chance.random() < 0.03:
            return behind * self.chance.random()
        return self.seconds()

    def loses(self, how_often: float) -> bool:
        """Whether something goes astray that does so that often."""
        return not self.calm and self.chance.random() < how_often

    async def aside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """What another thread would do, in its time."""
        await self.pause()
        done = work(*arguments)
        await self.pause()
        return done

    async def pause(self) -> None:
        """Let something take its time."""
        if self.chance.random() < self.temper.stall:
            await asyncio.sleep(self.seconds())

    def write_inline(self, events: Sequence[Recorded]) -> None:
        """The inline models, in the append's own transaction; then the witness."""
        self.books.write_inline(events)
        self.committed(events)


class Server:
    """
    One server, in the process that it was started in.

    :param name: of its place; who starts there again is a new process.
    """

    def __init__(self, ground: Ground, name: str, clock: LoopClock, process: Process) -> None:
        temper, chance = ground.temper, ground.chance
        self.ground = ground
        self.clock = clock
        self.process = process
        holder = UUID(int=ground.entropy.bits(128))
        self.log = SlowLog(
            ground.store,
            EVENTS,
            clock,
            inline=ground.write_inline,
            epoch_of=EPOCHS,
            on_commit=self._committed,
            delay_seconds=ground.seconds,
        )
        self.log.pause = ground.pause
        vault = SlowVault(ground.vault, ground.pause)
        self.engine = Engine(
            self.log.reader,
            ground.books,
            clock,
            holder,
            chance,
            ground.feeding_seconds,
            lease_seconds=temper.lease_seconds,
        )
        self.screens = Screens(self.log, ground.words, ground.calendar, ground.aside)
        self.executor = Executor(
            self.log,
            vault,
            clock,
            ground.entropy,
            Streams(self.log, temper.capacity),
            self.screens,
            retention=ground.retention,
        )
        reads = TwinReads(ground, ground.pause)
        self.recall = Recall(reads, reads, self.log)
        self.services = Services(
            log=self.log,
            vault=vault,
            clock=clock,
            executor=self.executor,
            directory=Directory(self.log, vault),
            reads=reads,
            freshness=self.engine,
            recent=RecentWrites(),
            metrics=cast(Any, None),
            readiness=cast(Any, None),
            screens=self.screens,
            recall=self.recall if temper.recalls else None,
            rails={NAME: ground.rail},
            terms=TERMS,
        )
        every = (
            *policies(self.executor, self.services.accounts, self.services.rules, self.log.cells),
            badges_policy(self.services),
            ClearPhotos(self.services),
            DestroyItemKeys(self.services),
            ForgetMembers(self.services),
        )
        self._answered = frozenset().union(
            *(policy.types for policy in every if not policy.patient)
        )
        database: Any = ground.books
        self.policies = PolicyRunner(
            self.log.reader,
            database,
            every,
            clock,
            holder,
            from_start=[policy.name for policy in every],
            batch_events=7,
            concurrency=4,
        )
        lease_from_books(self.policies, "policies", holder, clock, temper.lease_seconds)
        self.services.reactions = self.policies
        services = self.services
        timers = Timers(
            self.executor,
            services.accounts,
            services.rules,
            services.payments,
            services.erasures,
        )

        async def fire(deadline: Deadline) -> None:
            await timers.fire(deadline.kind, deadline.id, deadline.subject, deadline.due)

        self.timers = BookTimers(self.log.reader, database, self.engine, fire, clock, holder)
        lease_from_books(self.timers, "timers", holder, clock, temper.lease_seconds)
        self.services.pictures = ground.darkroom.served(ground.pause)
        self.services.hub = self.hub = Hub(self.services)
        self._written: dict[int, int] = {}

    def start(self) -> None:
        """Begin to follow the log."""
        self.policies.start()
        self.timers.start()
        for work in (self.engine.run(), self.hub.run(), self._watch()):
            self.ground.loop.spawn(self.process, work)

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        heads = {one.cell: one.position for one in recorded}
        self._written.update(heads)
        types: set[type[Event]] = {type(one.event) for one in recorded}
        self.recall.note(recorded)
        self._hint(partial(self.engine.wake, heads))
        if types & ARMING.keys():
            self._hint(self.timers.wake)
        if types & self._answered:
            self._hint(self.policies.wake)

    def _hint(self, wake: Callable[[], None]) -> None:
        """A wake-up may be lost, late, or come twice: it is a hint."""
        chance = self.ground.chance
        if chance.random() < self.ground.temper.wakes_lost:
            return
        for _ in range(1 if chance.random() < 0.9 else 2):
            self.ground.loop.call_later(self.ground.seconds(), wake)

    async def _watch(self) -> None:
        """What the log's watch does in its thread."""
        known: Mapping[int, int] = {}
        while True:
            await asyncio.sleep(self.ground.chance.choice([0.005, 0.02, 0.3]))
            heads = self.log.reader.heads()
            if heads == known:
                continue
            known = heads
            self._hint(partial(self.engine.wake, known))
            if any(at > self._written.get(cell, 0) for cell, at in known.items()):
                self._written.update(known)
                self._hint(self.policies.wake)
            self.hub.wake(known)

    async def admit(self, qq: int, role: str) -> Caller:
        """Who a token says is calling."""
        if role != "member":
            return Caller(qq, role, self.services.staff_id(qq))
        member = await self.services.directory.find(qq)
        if member is None:
            raise Refused("no-account")
        return Caller(qq, role, member)

    async def at_least(self, vector: Mapping[int, int]) -> None:
        """What ``Homezone-At-Least`` asks for."""
        await self.engine.wait_for(dict(vector), 5.0, READ_BY_CLIENTS)
