"""
A whole house of commands over the log's twin in memory: manual clock, seeded entropy, and policies
that answer when they are told to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

from adapters.clock import ManualClock, SeededEntropy
from adapters.log.memory import MemoryLog, MemoryStore
from adapters.rails import DemoRail
from adapters.screening import RuleMatcher
from adapters.vault.memory import MemoryKeyVault
from adapters.working_days import ChineseCalendar
from commands import circles, comments
from commands.accounts import AccountHandlers, RegisterAccount
from commands.circles import ChangeTie, Move
from commands.directory import Directory
from commands.erasures import ErasureHandlers
from commands.executor import Answer, Executor, Handler
from commands.gifts import GiftHandlers
from commands.lists import ListHandlers
from commands.payments import PaymentHandlers
from commands.policies import policies
from commands.ports import IdempotencyKey
from commands.posts import PostHandlers, PublishShuoshuo
from commands.rails import PaymentRail
from commands.rules import RuleHandlers
from commands.screening import EPOCHS, Screens
from commands.streams import Streams
from commands.timers import Timers
from commands.types import AudienceChoice, ToPublic
from commands.work import Context, Outcome, Work
from domain.catalogue import EVENTS
from domain.erasure import Terms
from domain.event import Event, Recorded, Refused
from domain.ids import MemberId, PostId, cell_of, mint

C = TypeVar("C")
T = TypeVar("T")

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STAFF = mint(0, 4, 1)


def live(history: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Live a history in an event loop of its own."""
    return asyncio.run(history())


class House:
    """
    One server on a store; several may stand on one store, as several servers on one database.

    :param capacity: how many states of streams are kept in memory.
    :param delay_seconds: how long a batch takes to become durable.
    """

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        seed: int = 1,
        capacity: int = 1_000,
        cells: int = 8,
        delay_seconds: float | None = None,
        vault: MemoryKeyVault | None = None,
    ) -> None:
        self.store = store or MemoryStore(cells)
        self.clock = ManualClock(NOON)
        self.entropy = SeededEntropy(seed)
        self.vault = vault or MemoryKeyVault(
            lambda count: self.entropy.bits(8 * count).to_bytes(count, "big")
        )
        #: How many batches were written so far; counted where they take their time.
        self.batches = 0

        def delay() -> float:
            self.batches += 1
            return delay_seconds or 0.0

        #: What was committed on this server, in order.
        self.committed: list[Recorded] = []
        self.log = MemoryLog(
            self.store,
            EVENTS,
            self.clock,
            epoch_of=EPOCHS,
            on_commit=self.committed.extend,
            delay_seconds=None if delay_seconds is None else delay,
        )
        self.streams = Streams(self.log, capacity)
        self.screens = Screens(self.log, RuleMatcher(), ChineseCalendar())
        self.executor = Executor(
            self.log, self.vault, self.clock, self.entropy, self.streams, self.screens
        )
        self.directory = Directory(self.log, self.vault)
        self.accounts = AccountHandlers(self.directory)
        self.lists = ListHandlers(self.directory)
        self.posts = PostHandlers(self.directory)
        self.rules = RuleHandlers(self.screens)
        self.policies = policies(self.executor, self.accounts, self.rules, self.log.cells)
        self.rails: dict[str, PaymentRail] = {"demo": DemoRail()}
        self.gifts = GiftHandlers(self.directory)
        self.payments = PaymentHandlers(self.directory, self.rails)
        self.timers = Timers(
            self.executor, self.accounts, self.rules, self.payments, ErasureHandlers(Terms())
        )
        #: The members that members of staff are, too.
        self.persons: dict[UUID, MemberId] = {}
        self._heard = dict.fromkeys(range(len(self.store.heads)), 0)

    def beside(self, **options: Any) -> "House":
        """Another server on the same store."""
        return House(self.store, vault=self.vault, **{"seed": 2, **options})

    def context(self, actor: UUID, key: str | None = None, digest: bytes = b"body") -> Context:
        """In the name of ``actor``, under a key if one is given."""
        command = self.executor.new_id(cell_of(actor))
        named = None if key is None else IdempotencyKey(actor, key, digest, None)
        cell = cell_of(actor)
        person = self.persons.get(actor)
        return Context(actor, cell, command, command, self.clock.now(), key=named, person=person)

    async def run(
        self,
        handler: Handler[C],
        command: C,
        actor: UUID,
        key: str | None = None,
        digest: bytes = b"body",
    ) -> Answer:
        """Run a command."""
        return await self.executor.execute(handler, command, self.context(actor, key, digest))

    async def refusal(
        self, handler: Handler[C], command: C, actor: UUID, key: str | None = None
    ) -> tuple[str, str | None]:
        """Run a command that is refused; the problem, and the field at fault."""
        try:
            answer = await self.run(handler, command, actor, key)
        except Refused as no:
            return no.problem, no.field
        raise AssertionError(f"not refused: {answer}")

    def events(self, actor: UUID | None = None) -> list[Recorded]:
        """All that is in the log, or what one actor did, cell by cell."""
        reader = self.log.reader
        every = [one for cell in self.store.heads for one in reader.read(cell, 0, 1_000_000)]
        return [one for one in every if actor is None or one.actor == actor]

    def last(self, actor: UUID) -> Event:
        """The last event that an actor made on this server."""
        return next(one.event for one in reversed(self.committed) if one.actor == actor)

    async def settle(self) -> None:
        """Policies answer all there is to answer, in order, until nothing is left."""
        while pending := [
            one
            for cell, after in self._heard.items()
            for one in self.log.reader.read(cell, after, 1_000_000)
        ]:
            for recorded in pending:
                self._heard[recorded.cell] = max(self._heard[recorded.cell], recorded.position)
                for policy in self.policies:
                    if type(recorded.event) in policy.types:
                        await policy.react(recorded)

    # What most histories begin with

    async def join(self, qq: int, nickname: str = "安") -> MemberId:
        """A new member, whose account is open."""
        registering = RegisterAccount(qq, nickname, "王", date(2001, 2, 3))
        member = MemberId((await self.run(self.accounts.register, registering, STAFF)).id)
        await self.settle()
        return member

    async def tie(self, member: MemberId, other: MemberId, move: Move) -> Answer:
        """A member's move towards another."""
        return await self.run(circles.change_tie, ChangeTie(other, move), member)

    async def befriend(self, one: MemberId, other: MemberId) -> None:
        """Two become friends."""
        await self.tie(one, other, "befriend")
        await self.tie(other, one, "befriend")
        await self.settle()

    async def publish(
        self, author: MemberId, audience: AudienceChoice | None = None, text: str = "好"
    ) -> PostId:
        """A shuoshuo, public unless said otherwise."""
        publishing = PublishShuoshuo(text, audience or ToPublic())
        return PostId((await self.run(self.posts.publish, publishing, author)).id)

    async def like(self, member: MemberId, post: PostId) -> Answer:
        """A member likes a post."""
        return await self.run(on(comments.like, post), None, member)


def on(
    handler: Callable[[Any, Work], Awaitable[Outcome]], subject: UUID
) -> Callable[[None, Work], Awaitable[Outcome]]:
    """A handler of a thing, without a body."""

    async def handle(_: None, work: Work) -> Outcome:
        return await handler(subject, work)

    return handle


def to(
    handler: Callable[[Any, C, Work], Awaitable[Outcome]], subject: UUID
) -> Callable[[C, Work], Awaitable[Outcome]]:
    """A handler of a thing, with a body."""

    async def handle(command: C, work: Work) -> Outcome:
        return await handler(subject, command, work)

    return handle
