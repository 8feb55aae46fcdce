"""
The life of a command: load, decide, append; again when the log says that the world moved on.

Every outcome passes the log: a refusal and a no-op too are answered only once what they were
decided from is known to be durable and current, so no answer ever rests on a write that failed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from commands.ports import (
    Append,
    Appended,
    Clock,
    Conflict,
    Entropy,
    EventLog,
    KeyGone,
    KeyVault,
    StaleRules,
)
from commands.screening import Screens
from commands.streams import Streams
from commands.work import RETENTION, Context, Outcome, Work, written_out
from domain.event import Refused
from domain.ids import StreamId, cell_of, mint

C = TypeVar("C")
Handler = Callable[[C, Work], Awaitable[Outcome]]

#: How often a command is decided before its caller hears of the conflict.
ATTEMPTS_MAX = 12
#: How often a decision may stumble before that is a defect.
_STUMBLES_MAX = 3
#: What a decision, or the fold of its events, stumbles over when it is made of states of different
#: moments: an order that was just read, and its buyer's wallet as this process remembers it from
#: before that order's coins.
_STUMBLES = (LookupError, ValueError, AssertionError)


class StoredAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a keyed command's retry gets: status, ids and problem type, never a member's words.

    ``because`` is the position of a no-op, known only after the commit, hence looked up again.
    ``elsewhere`` says that the answer is kept in the cell that the command is decided in, ``there``
    which cell that is. ``event`` is which of the command's events its caller hears the position of;
    without, the last one.
    """

    status: int = 200
    id: UUID | None = None
    state: str | None = None
    because: tuple[StreamId, int] | None = None
    problem: str | None = None
    detail: str = ""
    field: str | None = None
    elsewhere: bool = False
    there: int | None = None
    event: int = -1


class Answer(msgspec.Struct, frozen=True):
    """
    What a caller hears: the thing's id, and the place in the log that made it so. ``written`` are
    the positions of the command's own events.
    """

    id: UUID
    cell: int
    position: int
    state: str | None
    status: int
    replayed: bool
    written: tuple[int, ...] = ()

    @property
    def at(self) -> str:
        """The position as clients see it: ``0-1234``."""
        return f"{self.cell}-{self.position}"


class KeyReused(Exception):
    """The idempotency key was used before, for something else."""


class Contended(Exception):
    """The command was decided over and over, and each time the world had moved on."""


class Executor:
    """Runs handlers against the log."""

    def __init__(
        self,
        log: EventLog,
        vault: KeyVault,
        clock: Clock,
        entropy: Entropy,
        streams: Streams | None = None,
        screens: Screens | None = None,
        retention: timedelta = RETENTION,
    ) -> None:
        self.log = log
        self.vault = vault
        self.clock = clock
        self.entropy = entropy
        self.streams = Streams(log) if streams is None else streams
        self.screens = screens
        self.retention = retention
        self._in_flight: dict[tuple[UUID, str], asyncio.Future[None]] = {}

    def new_id(self, cell: int) -> UUID:
        """An id for a command."""
        milliseconds = int(self.clock.now().timestamp() * 1000)
        return mint(milliseconds, cell, self.entropy.bits(62))

    async def execute(self, handler: Handler[C], command: C, context: Context) -> Answer:
        """
        Run one command.

        :raises Refused: a rule says no, durably so.
        :raises KeyReused: the idempotency key belongs to another request.
        :raises Contended: too many conflicts.
        :raises LogUnavailable: the database cannot be reached.
        """
        if context.key is None:
            return await self._attempt(handler, command, context)
        name = (context.key.actor, context.key.key)
        while (first := self._in_flight.get(name)) is not None:
            await asyncio.shield(first)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight[name] = done
        try:
            return await self._attempt(handler, command, context)
        finally:
            del self._in_flight[name]
            done.set_result(None)

    async def _attempt(self, handler: Handler[C], command: C, context: Context) -> Answer:
        claimed, stumbles, there = False, 0, None
        for _ in range(ATTEMPTS_MAX):
            work = self._work(context)
            try:
                outcome = await handler(command, work)
                work.fold()
                stored, kept = _stored(outcome, work), True
            except (Refused, KeyGone) as no:
                stored, kept = _refusal(no), False
            except _STUMBLES:
                stumbles += 1
                if stumbles == _STUMBLES_MAX:
                    raise
                work.forget()
                continue
            if there is not None and not work.writes:
                # Refused before it came to know in which cell; the key's answer is in that one.
                work.cell = there
            if context.key is not None and work.cell != context.cell and not claimed:
                first = await self._claim(context, work.cell)
                if first is not None:
                    return first
                claimed = True
                continue
            if not work.current:
                continue
            try:
                appended = await self._submit(work, stored, kept=kept)
            except Conflict:
                continue
            if appended.replayed:
                stored = self._first(context, appended)
                if stored.elsewhere:
                    claimed, there = True, stored.there
                    continue
            return await self._answer(stored, appended)
        raise Contended

    def _work(self, context: Context) -> Work:
        return Work(
            self.streams,
            context,
            self.vault,
            self.clock,
            self.entropy,
            self.log.cells,
            self.screens,
            self.retention,
        )

    async def _claim(self, context: Context, there: int) -> Answer | None:
        """
        Take the key in the caller's own cell, for a command that writes to another: a cell knows
        no other's keys, and whatever a key is used for first, it is used for nothing else.

        :returns: the first answer to the key, where that is kept in the caller's cell.
        """
        append = Append(
            cell=context.cell,
            command=context.command,
            actor=context.actor,
            correlation=context.correlation,
            causation=context.causation,
            events=(),
            key=context.key,
            answer=msgspec.json.encode(StoredAnswer(elsewhere=True, there=there)),
        )
        appended = await asyncio.shield(self.log.submit(append).outcome)
        if not appended.replayed:
            return None
        stored = self._first(context, appended)
        return None if stored.elsewhere else await self._answer(stored, appended)

    def _submit(
        self, work: Work, stored: StoredAnswer, *, kept: bool
    ) -> "asyncio.Future[Appended]":
        """Queue what was decided; the outcome, which its caller alone awaits and may cancel."""
        answer = msgspec.json.encode(stored) if work.context.key is not None else b""
        append = work.to_append(answer, keep_events=kept)
        ticket = self.log.submit(append, after=work.tickets)
        if kept:
            work.advance(ticket)
        heard: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

        def settled(outcome: "asyncio.Future[Appended]") -> None:
            if written_out(ticket):
                work.settle(ticket)
            else:
                work.forget(rules=isinstance(_error(outcome), StaleRules))
            # One more future, and not a shield: that takes three turns of the loop to say as much.
            if not heard.done():
                error = outcome.exception()
                if error is None:
                    heard.set_result(outcome.result())
                else:
                    heard.set_exception(error)

        ticket.outcome.add_done_callback(settled)
        return heard

    @staticmethod
    def _first(context: Context, appended: Appended) -> StoredAnswer:
        """The first answer to the command's key, or that it is kept elsewhere."""
        assert context.key is not None
        if appended.digest != context.key.digest:
            raise KeyReused
        return msgspec.json.decode(appended.answer, type=StoredAnswer)

    async def _answer(self, stored: StoredAnswer, appended: Appended) -> Answer:
        if stored.problem is not None:
            refused = Refused(stored.problem, stored.detail, stored.field)
            refused.replayed = appended.replayed
            raise refused
        assert stored.id is not None
        cell, position = appended.cell, 0
        if appended.positions:
            position = appended.positions[stored.event]
        elif stored.because is not None and stored.because[1] > 0:
            stream, version = stored.because
            cell = cell_of(stream)
            position = await self.log.position_of(stream, version)
        return Answer(
            id=stored.id,
            cell=cell,
            position=position,
            state=stored.state,
            status=stored.status,
            replayed=appended.replayed,
            written=tuple(appended.positions),
        )


def _stored(outcome: Outcome, work: Work) -> StoredAnswer:
    if outcome.refused is not None:
        return _refusal(outcome.refused)
    # Of what else a command led to, such as a case that was opened, its caller does not hear.
    event = work.place_of(*outcome.because)
    return StoredAnswer(outcome.status, outcome.id, outcome.state, outcome.because, event=event)


def _refusal(refused: Refused | KeyGone) -> StoredAnswer:
    if isinstance(refused, KeyGone):
        # Nothing can be written about who is gone: for all that is told, they never were.
        return StoredAnswer(problem="not-found")
    return StoredAnswer(problem=refused.problem, detail=refused.detail, field=refused.field)


def _error(outcome: "asyncio.Future[Appended]") -> BaseException | None:
    return None if outcome.cancelled() else outcome.exception()
