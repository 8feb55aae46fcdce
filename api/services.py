"""
What the routes stand on: handlers to issue commands, readers to answer from, and who is calling.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from api.http.call import Call
from api.http.correlation import correlation
from api.http.problems import KEY_REUSED, ProblemError
from api.inquiries import Inquiries
from api.metrics import Metrics
from api.recent import Freshness, RecentWrites
from api.shown import Shown
from commands.accounts import AccountHandlers
from commands.albums import AlbumHandlers
from commands.cases import CaseHandlers
from commands.directory import Directory
from commands.erasures import ErasureHandlers
from commands.executor import Answer, Contended, Executor, Handler, KeyReused
from commands.gifts import GiftHandlers
from commands.guardians import GuardianHandlers
from commands.lists import ListHandlers
from commands.payments import HearOfPayment, PaymentHandlers
from commands.pictures import Pictures, Uploads
from commands.ports import Clock, EventLog, IdempotencyKey, KeyVault, LogUnavailable
from commands.posts import PostHandlers
from commands.rails import Rails
from commands.reports import ReportHandlers
from commands.rules import RuleHandlers
from commands.screening import Screens
from commands.work import Context
from domain.account import DIRECTORY_CELL
from domain.erasure import Terms
from domain.event import Event, Recorded, Refused
from domain.ids import MemberId, cell_of, derive
from domain.sealed import Sealed
from projections.reading import people
from projections.reading.statements import Connection
from projections.recall.answers import may_read
from projections.recall.facts import Facts
from projections.recall.recall import Recall
from replay.published import Published

if TYPE_CHECKING:
    from api.backtests import Backtests
    from api.bundles import Bundles
    from api.stream.hub import Hub

B = TypeVar("B")
C = TypeVar("C")
Q = TypeVar("Q")
P = ParamSpec("P")
T = TypeVar("T")

#: Members' keys live at least 7 days.
KEY_LIFETIME = timedelta(days=8)

#: Events between two wanted ones that cost less to read along than another read.
_GAP_MAX = 16

MEMBERS = ("member",)
OPERATORS = ("operator",)
AUDITORS = ("auditor", "compliance")
MODERATORS = ("moderator",)
REVIEWERS = ("moderator", "compliance")
COMPLIANCE = ("compliance",)


class Caller(msgspec.Struct, frozen=True):
    """
    Who is calling. ``id`` is the member's, or for other roles that of the member of staff.
    """

    qq: int
    role: str
    id: UUID

    @property
    def member(self) -> MemberId:
        """The caller, as a member."""
        return MemberId(self.id)


class Reads(Protocol):
    """Runs reads, each on a connection of its own."""

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T: ...


class Reactions(Protocol):
    """Answers events that were just committed without waiting for the runner."""

    async def react_now(self, recorded: Sequence[Recorded]) -> None: ...


class AuditLog(EventLog, Protocol):
    """The log, as auditors and streams read it."""

    async def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> Sequence[Recorded]: ...

    async def heads_at(self, moment: datetime) -> Mapping[int, int]: ...


class Services:
    """All that a route may use."""

    def __init__(
        self,
        log: AuditLog,
        vault: KeyVault,
        clock: Clock,
        executor: Executor,
        directory: Directory,
        reads: Reads,
        freshness: Freshness,
        recent: RecentWrites,
        metrics: Metrics,
        readiness: Callable[[], Awaitable[Any]],
        screens: Screens,
        recall: Recall | None = None,
        rails: Rails = MappingProxyType({}),
        terms: Terms = Terms(),  # noqa: B008 - immutable
    ) -> None:
        self.log = log
        self.vault = vault
        self.clock = clock
        self.executor = executor
        self.directory = directory
        self.accounts = AccountHandlers(directory)
        self.screens = screens
        self.rules = RuleHandlers(screens)
        self.lists = ListHandlers(directory)
        self.posts = PostHandlers(directory)
        self.albums = AlbumHandlers(directory)
        self.cases = CaseHandlers(directory)
        self.reports = ReportHandlers(directory)
        self.payments = PaymentHandlers(directory, rails)
        self.guardians = GuardianHandlers(directory)
        self.gifts = GiftHandlers(directory)
        self.erasures = ErasureHandlers(terms)
        self.inquiries = Inquiries(self._look_up)
        self.freshness = freshness
        self.metrics = metrics
        self.readiness = readiness
        #: Set once the policies run: they issue commands through these very handlers.
        self.reactions: Reactions | None = None
        #: Set once it can follow the log: it reads through these very services.
        self.hub: Hub
        #: Set by whoever knows where photos are stored.
        self.uploads: Uploads
        self.pictures: Pictures
        #: Set by whoever knows where the database and its keys are.
        self.backtests: Backtests
        #: Set by whoever knows the notary's tables.
        self.evidence: Published
        #: Set by whoever knows where they are to lie.
        self.bundles: Bundles
        #: Set by whoever knows the database: reads of the past, on connections of their own.
        self.past_reads: Reads
        self._reads = reads
        self._recent = recent
        self._recall = recall
        self.shown = Shown(vault)

    async def execute(
        self, call: "Ask[Any, Any]", handler: Handler[C], command: C, *, carried: bool = False
    ) -> Answer:
        """
        Run a command in the caller's name.

        :param carried: answer only once policies have answered it, so that what it does elsewhere
            (in another cell, or to stored bytes) is done at once; they do so in any case.
        """
        caller = call.viewer
        now = self.clock.now()
        command_id = self.executor.new_id(cell_of(caller.id))
        correlation.set(command_id)
        key = None
        if (name := call.idempotency_key) is not None:
            # Keyed, since a digest of a short text or a number alone can be found by guessing.
            digest = self.vault.blind("request", call.digest().hex())
            # The name as well: it is the client's own words.
            blinded = self.vault.blind("idempotency-key", name).hex()
            key = IdempotencyKey(caller.id, blinded, digest, now + KEY_LIFETIME)
        context = Context(
            actor=caller.id,
            cell=cell_of(caller.id),
            command=command_id,
            correlation=command_id,
            effective_at=now,
            key=key,
            # Who is a member, too, decides nothing that is theirs.
            person=await self.directory.find(caller.qq) if caller.role in MODERATORS else None,
        )
        try:
            answer = await self.executor.execute(handler, command, context)
        except KeyReused:
            raise ProblemError(KEY_REUSED) from None
        except Contended:
            raise Refused("conflict") from None
        if answer.written:
            self._recent.note(caller.id, answer.cell, answer.position)
            if carried:
                await self.carry(answer)
        return answer

    async def hear(self, handler: Handler[C], command: C, actor: UUID) -> Answer:
        """
        Run a command on the word of somebody outside who has no token, and is told nothing of it.

        :param actor: in the cell that the command writes to.
        :raises Contended: it was decided over and over.
        """
        command_id = self.executor.new_id(cell_of(actor))
        correlation.set(command_id)
        context = Context(
            actor=actor,
            cell=cell_of(actor),
            command=command_id,
            correlation=command_id,
            effective_at=self.clock.now(),
        )
        return await self.executor.execute(handler, command, context)

    async def _look_up(self, news: HearOfPayment) -> bool:
        """Ask the rail of a payment, if anybody awaits it; whether it was asked."""
        actor = derive(DIRECTORY_CELL, "rail", news.rail.encode())
        return (await self.hear(self.payments.hear, news, actor)).state == "asked"

    async def carry(self, answer: Answer) -> None:
        """Let policies answer a command's events now; if it cannot be now, they do so later."""
        first = answer.written[0] - 1
        try:
            events = await self.log.read(answer.cell, first, len(answer.written))
        except LogUnavailable:
            # The command itself is done, and whoever called must not hear otherwise.
            return
        if self.reactions is not None:
            await self.reactions.react_now(events)

    async def read(
        self,
        call: "Ask[Any, Any]",
        read: Callable[Concatenate[Connection, MemberId, P], Awaitable[T]],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """
        ``read(connection, viewer, ...)`` in the caller's name, at least as fresh as the caller's
        own last writes.

        :raises Refused: the caller is suspended, or has no account.
        """
        member = call.viewer.member
        await self._recent.settle(member, self.freshness)
        if self._recall is not None and await self._recall.answer(may_read, member):
            return await self._reads.run(_apply, read, member, arguments, named)
        return await self._reads.run(_as_member, member, read, arguments, named)

    async def recall(
        self,
        call: "Ask[Any, Any]",
        make: Callable[Concatenate[Facts, MemberId, P], T | None],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T | None:
        """
        ``make(facts, viewer, ...)`` in the caller's name, as fresh as :meth:`read`; None when it
        has to be read.

        :raises Refused: the caller is suspended, or has no account.
        """
        if self._recall is None:
            return None
        member = call.viewer.member
        await self._recent.settle(member, self.freshness)
        return await self._recall.answer(make, member, *arguments, **named)

    async def attend(
        self, call: "Ask[Any, Any]", read: Callable[..., Awaitable[T]], *arguments: Any
    ) -> T:
        """
        ``read(connection, ...)``, at least as fresh as the caller's own last writes, whatever the
        caller's standing: for staff, and for what a member may read while suspended or banned.
        """
        await self._recent.settle(call.viewer.id, self.freshness)
        return await self._reads.run(read, *arguments)

    def at_moment(self, reads: Reads) -> None:
        """Answer from these reads alone: nothing is remembered, and nobody's writes are awaited."""
        self._reads = reads
        self._recall = None
        self._recent = RecentWrites()

    async def look(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """``read(connection, ...)`` in nobody's name."""
        return await self._reads.run(read, *arguments)

    async def events_at(self, cell: int, positions: Sequence[int]) -> list[Recorded]:
        """The events at some positions of a cell, in order; those close together in one read."""
        return await events_at(self.log, cell, positions)

    async def member(self, qq: int) -> MemberId:
        """The member with a QQ number; Refused("not-found") when there is none."""
        return await self.directory.member(qq)

    async def other(self, call: "Ask[Any, Any]", qq: int) -> MemberId:
        """As :meth:`member`, for a member who asks: one who is suspended is told nothing else."""
        found = await self.directory.find(qq)
        if found is None:
            await self.read(call, _nothing)
            raise Refused("not-found")
        return found

    def open(self, envelope: bytes | None) -> str | None:
        """A sealed column's text; None when its key was destroyed, too."""
        return None if envelope is None else self.vault.open(Sealed(bytes(envelope)))

    def staff_id(self, qq: int) -> UUID:
        """The id under which a member of staff acts: theirs alone, and no number."""
        return staff_id(self.vault, self.log.cells, qq)


Ask: TypeAlias = Call[Services, Caller, B, Q]


def staff_id(vault: KeyVault, cells: int, qq: int) -> UUID:
    """The id under which a member of staff acts, in a store of so many cells."""
    blinded = vault.blind("staff", str(qq))
    return derive(int.from_bytes(blinded[:4], "big") % cells, "staff", blinded)


async def events_at(log: AuditLog, cell: int, positions: Sequence[int]) -> list[Recorded]:
    """The events at some positions of a cell, in order; those close together in one read."""
    events: list[Recorded] = []
    for run in _runs(positions):
        wanted = set(run)
        batch = await log.read(cell, run[0] - 1, run[-1] - run[0] + 1, run[-1])
        events += [recorded for recorded in batch if recorded.position in wanted]
    return events


def _runs(positions: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for position in positions:
        if runs and position - runs[-1][-1] <= _GAP_MAX:
            runs[-1].append(position)
        else:
            runs.append([position])
    return runs


async def _as_member(
    connection: Connection,
    member: MemberId,
    read: Callable[..., Awaitable[T]],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> T:
    people.may_act(await people.status(connection, member))
    return await read(connection, member, *arguments, **named)


async def _apply(
    connection: Connection,
    read: Callable[..., Awaitable[T]],
    member: MemberId,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> T:
    return await read(connection, member, *arguments, **named)


async def _nothing(_connection: Connection, _member: MemberId) -> None:
    return None
