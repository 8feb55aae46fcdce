"""
Callers of the log in one event loop: each appends again as soon as it was answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Protocol

from adapters.log.postgres import PostgresLog
from benchmarks.ours import events
from benchmarks.peers.protocol import Round
from commands.ports import Append, IdempotencyKey, NewEvent, Ticket
from domain.account import account_stream
from domain.ids import MemberId, StreamId
from domain.sealed import KeyClass

#: One caller's next command; returns how many events, or commands, that was.
Step = Callable[[int], Awaitable[int]]


async def closed_loop(step: Step, callers: int, seconds: float, most: int | None = None) -> Round:
    """
    So many tasks, until the time is over or ``most`` steps were begun; what is in flight at the
    end counts, and the clock runs to its last answer.
    """
    left = count()
    done = 0
    began = time.perf_counter()
    end = began + seconds

    async def caller(number: int) -> None:
        nonlocal done
        while most is None or next(left) < most:
            number_done = await step(number)
            done += number_done  # only now: others have counted meanwhile
            if time.perf_counter() >= end:
                break

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return Round(done, time.perf_counter() - began)


class Workload(Protocol):
    """What callers append. One is made for each round."""

    async def step(self, caller: int) -> int: ...


class Bare:
    """Posts, each on a stream of its own at version 1; ``batch`` events of a stream an append."""

    def __init__(self, log: PostgresLog, members: list[MemberId], batch: int) -> None:
        self._log, self._members, self._batch = log, members, batch
        self._next = count()

    def make(self) -> Append:
        """The next append."""
        number = next(self._next)
        cell, member = number % events.CELLS, self._members[number % len(self._members)]
        stream = StreamId(events.new_id(cell))
        new = tuple(
            NewEvent(stream, version, member, events.a_post(member))
            for version in range(1, self._batch + 1)
        )
        return events.append_of(cell, member, new)

    async def step(self, caller: int) -> int:
        """One append, until it is durable."""
        await self._log.submit(self.make()).outcome
        return self._batch


class Whole(Bare):
    """
    What a write over HTTP comes to: a guard on the author's account, an idempotency key with its
    answer, and, in a log that has them, every inline read model.

    :param expires_at: of the keys.
    """

    def __init__(
        self, log: PostgresLog, members: list[MemberId], batch: int, expires_at: Any
    ) -> None:
        super().__init__(log, members, batch)
        self._expires_at = expires_at

    def make(self) -> Append:
        """The next append."""
        bare = super().make()
        key = str(bare.command)
        answer = f'{{"id":"{bare.events[0].stream}","state":"published","status":201}}'
        return Append(
            bare.cell,
            bare.command,
            bare.actor,
            bare.correlation,
            None,
            bare.events,
            guards={account_stream(MemberId(bare.actor)): 1},
            key=IdempotencyKey(bare.actor, key, bare.command.bytes * 2, self._expires_at),
            answer=answer.encode(),
        )


class Hot(Bare):
    """Every append to one stream, through the pipeline: each on the one before."""

    def __init__(self, log: PostgresLog, members: list[MemberId], batch: int) -> None:
        super().__init__(log, members, batch)
        self._stream, self._version = StreamId(events.new_id(0)), 0
        self._before: Ticket | None = None

    async def step(self, caller: int) -> int:
        """The stream's next events, decided on those still queued."""
        member = self._members[0]
        new = tuple(
            NewEvent(self._stream, self._version + offset, member, events.a_post(member))
            for offset in range(1, self._batch + 1)
        )
        self._version += self._batch
        after = () if self._before is None else (self._before,)
        ticket = self._log.submit(events.append_of(0, member, new), after=after)
        self._before = ticket
        await ticket.outcome
        return self._batch


TEXT = "但愿人长久，千里共婵娟。明月几时有，把酒问青天。不知天上宫阙，今夕是何年。"


class Sealing(Bare):
    """Bare appends whose text is sealed first, with the vault's real keys; or was sealed before."""

    def __init__(
        self, log: PostgresLog, members: list[MemberId], vault: Any, *, before: bool
    ) -> None:
        super().__init__(log, members, 1)
        self._vault, self._before = vault, before
        self._sealed: Any = None

    async def prepare(self) -> None:
        """Have every member's key at hand, and one sealed text."""
        for member in self._members:
            self._sealed = await self._vault.seal(member, KeyClass.CONTENT, TEXT)

    async def step(self, caller: int) -> int:
        """Seal, make the event, append."""
        number = next(self._next)
        cell, member = number % events.CELLS, self._members[number % len(self._members)]
        if self._before:
            text = self._sealed
        else:
            text = await self._vault.seal(member, KeyClass.CONTENT, TEXT)
        new = NewEvent(StreamId(events.new_id(cell)), 1, member, events.a_post(member, text))
        await self._log.submit(events.append_of(cell, member, (new,))).outcome
        return 1
