"""
The policy runner: what the system does in answer to events.

A policy answers an event with a command whose id derives from that event, so that answering twice
does nothing. That is what lets the runner be simple: it moves a policy's checkpoint only after all
reactions of a batch are durable, and does a batch again whenever it cannot know. A policy never
runs in a replay; a new one starts at the log's head unless told otherwise.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from commands.ports import Clock
from domain.event import Event, Recorded
from projections.engine import checkpoints
from projections.engine.backoff import Retry
from projections.engine.checkpoints import Move
from projections.engine.lease import LEASE_SECONDS
from projections.engine.leased_loop import LeasedLoop
from projections.engine.ports import LogReader
from projections.engine.status import (
    Condition,
    EngineStatus,
    Failure,
    SubscriberStatus,
    lag_of,
)
from projections.engine.telling import tell

PREFIX = "policy/"

#: A policy's checkpoint may trail behind events that do not concern it; reading past them again
#: costs one filtered query, writing them down would cost a commit each.
UNWRITTEN_MAX = 10_000


class Policy(Protocol):
    """
    Answers events of some types. A refusal by the domain is its own business; any other exception
    means that the reaction is to be tried again.
    """

    @property
    def name(self) -> str: ...

    @property
    def types(self) -> frozenset[type[Event]]: ...

    async def react(self, recorded: Recorded) -> None: ...

    def forget(self) -> None:
        """Others may have answered events since the last one: nothing follows from it."""


class _Place(msgspec.Struct):
    """Where a policy is in one cell: as read, and as written down."""

    read: int
    written: int
    #: Positions answered out of turn, by ``react_now``.
    answered: set[int] = msgspec.field(default_factory=set)


class _Stuck(msgspec.Struct):
    recorded: Recorded
    error: str
    retry: Retry


class PolicyRunner(LeasedLoop):
    """
    Runs policies in the current event loop; reads and checkpoints through threads.

    :param from_start: names of policies that, when new, begin with the first event ever.
    :param concurrency: reactions in flight, at most; within a cell a policy reacts in order.
    """

    def __init__(
        self,
        log: LogReader,
        database: Engine,
        policies: Iterable[Policy],
        clock: Clock,
        holder: UUID,
        *,
        from_start: Collection[str] = (),
        concurrency: int = 16,
        batch_events: int = 500,
        poll_seconds: float = 0.25,
        lease_seconds: float = LEASE_SECONDS,
        retry_seconds: float = 0.25,
    ) -> None:
        super().__init__(
            "policies", database, clock, holder, poll_seconds, lease_seconds, retry_seconds
        )
        self._log = log
        self._policies = {policy.name: policy for policy in policies}
        self._from_start = frozenset(from_start)
        self._batch_events = batch_events
        self._slots = asyncio.Semaphore(concurrency)
        self._places: dict[str, dict[int, _Place]] = {}
        self._stuck: dict[tuple[str, int], _Stuck] = {}
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        self._passes: dict[str, asyncio.Task[bool]] = {}
        self._heads: Mapping[int, int] = {}

    async def react_now(self, recorded: Sequence[Recorded]) -> None:
        """
        Answer events that were just committed here without waiting for the runner to read them.

        Only a shortcut: a reaction that fails is left to the runner, with all later ones of its
        cell, and what is answered here is answered again by whoever cannot know that it was.
        """
        for policy in self._policies.values():
            for one in recorded:
                if type(one.event) in policy.types:
                    await self._answer_now(policy, one)

    async def catch_up(self) -> None:
        """Answer all that is in the log now and can be answered; for tests and tools."""
        while await self.lead() and await self._all_passes():
            pass

    async def turn(self) -> float:
        """Start a pass of every policy that is not still at its last one."""
        await self._begin_passes()
        return self._poll_seconds

    async def stop(self) -> None:
        """Stop where it is: unfinished reactions are done again by the next runner."""
        await super().stop()
        # Only now: the loop that was stopped begins no new ones.
        for task in self._passes.values():
            task.cancel()
        await asyncio.gather(*self._passes.values(), return_exceptions=True)
        self._passes.clear()

    def forget(self) -> None:
        """Look again where the policies are."""
        self._places = {}
        self._stuck = {}
        for policy in self._policies.values():
            policy.forget()

    def status(self) -> EngineStatus:
        """How each policy is doing."""
        subscribers = []
        for name in sorted(self._policies):
            positions = {cell: place.read for cell, place in self._places.get(name, {}).items()}
            lag = lag_of(self._heads, positions) if positions else 0
            stuck = [stuck for (policy, _), stuck in self._stuck.items() if policy == name]
            condition = Condition.BEHIND if lag > self._batch_events else Condition.LIVE
            subscribers.append(
                SubscriberStatus(
                    name,
                    Condition.FAILED if stuck else condition,
                    positions,
                    lag,
                    _failure(stuck[0]) if stuck else None,
                )
            )
        return EngineStatus(self.leading, self.trouble, tuple(subscribers))

    async def _begin_passes(self) -> None:
        self._heads = await asyncio.to_thread(self._log.heads)
        if not self._places:
            self._places = await asyncio.to_thread(self._load, self._heads)
        for name, policy in self._policies.items():
            task = self._passes.get(name)
            if task is None or task.done():
                self._passes[name] = asyncio.create_task(self._pass(policy), name=PREFIX + name)

    async def _all_passes(self) -> bool:
        await self._begin_passes()
        return any(await asyncio.gather(*self._passes.values()))

    async def _pass(self, policy: Policy) -> bool:
        """Answer all that is in every cell; whether there was anything."""
        places, heads = self._places.get(policy.name, {}), self._heads
        cells = [
            cell
            for cell, head in heads.items()
            if cell in places and places[cell].read < head and not self._rests(policy, cell)
        ]
        outcomes = await asyncio.gather(
            *(self._pass_cell(policy, cell, places[cell], heads[cell]) for cell in cells),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self.trouble = type(outcome).__name__
                self.forget()
                return False
        return any(outcomes)

    async def _pass_cell(self, policy: Policy, cell: int, place: _Place, head: int) -> bool:
        busy = False
        while place.read < head and self.leading:
            batch = await asyncio.to_thread(
                self._log.read, cell, place.read, self._batch_events, head, policy.types
            )
            for recorded in batch:
                if not await self._answer(policy, recorded, place):
                    await self._advance(policy, cell, place, place.read, reacted=True)
                    return False
                place.read = recorded.position
            end = place.read if len(batch) == self._batch_events else head
            await self._advance(policy, cell, place, end, reacted=bool(batch))
            busy |= bool(batch)
        return busy

    async def _answer(self, policy: Policy, recorded: Recorded, place: _Place) -> bool:
        async with self._lock(policy, recorded.cell), self._slots:
            if recorded.position in place.answered:
                return True
            try:
                await policy.react(recorded)
            except Exception as error:  # noqa: BLE001 - told in the status, and tried again
                self._stick(policy, recorded, error)
                return False
            self._stuck.pop((policy.name, recorded.cell), None)
            return True

    async def _answer_now(self, policy: Policy, recorded: Recorded) -> None:
        async with self._lock(policy, recorded.cell), self._slots:
            if (policy.name, recorded.cell) in self._stuck:
                return
            place = self._places.get(policy.name, {}).get(recorded.cell)
            if place is not None and recorded.position <= place.read:
                return
            try:
                await policy.react(recorded)
            except Exception as error:  # noqa: BLE001 - the runner tries again, here or elsewhere
                if place is not None:
                    self._stick(policy, recorded, error)
                return
            if place is not None:
                place.answered.add(recorded.position)

    def _stick(self, policy: Policy, recorded: Recorded, error: Exception) -> None:
        at = (policy.name, recorded.cell)
        known = self._stuck.get(at)
        retry = known.retry if known else Retry(self._retry_seconds)
        retry.failed()
        self._stuck[at] = _Stuck(recorded, type(error).__name__, retry)
        tell("a policy cannot answer an event yet", error, policy=policy.name,
             position=str(recorded.at), correlation=str(recorded.correlation),
             attempts=retry.attempts)  # fmt: skip

    async def _advance(
        self, policy: Policy, cell: int, place: _Place, end: int, reacted: bool
    ) -> None:
        """Note how far a cell was read; write it down when something was answered."""
        place.read = max(place.read, end)
        place.answered = {position for position in place.answered if position > place.read}
        if place.read > place.written and (reacted or place.read - place.written >= UNWRITTEN_MAX):
            move = Move(PREFIX + policy.name, cell, place.written, place.read)
            await asyncio.to_thread(self._write, move)
            place.written = move.new

    def _write(self, move: Move) -> None:
        with self._database.begin() as connection:
            checkpoints.advance(connection, [move])

    def _load(self, heads: Mapping[int, int]) -> dict[str, dict[int, _Place]]:
        names = [PREFIX + name for name in self._policies]
        with self._database.begin() as connection:
            known = checkpoints.load(connection, names)
            for name in self._policies:
                found = known[PREFIX + name]
                # A policy that is new begins now; a cell that is new to it, with its first event.
                begins = dict(heads) if not found else dict.fromkeys(heads, 0)
                if name in self._from_start:
                    begins = dict.fromkeys(heads, 0)
                if missing := {cell: at for cell, at in begins.items() if cell not in found}:
                    checkpoints.ensure(connection, PREFIX + name, missing)
            known = checkpoints.load(connection, names)
        return {
            name: {cell: _Place(at, at) for cell, at in known[PREFIX + name].items()}
            for name in self._policies
        }

    def _lock(self, policy: Policy, cell: int) -> asyncio.Lock:
        return self._locks.setdefault((policy.name, cell), asyncio.Lock())

    def _rests(self, policy: Policy, cell: int) -> bool:
        stuck = self._stuck.get((policy.name, cell))
        return stuck is not None and stuck.retry.waits > 0


def _failure(stuck: _Stuck) -> Failure:
    recorded, retry = stuck.recorded, stuck.retry
    return Failure(recorded.cell, recorded.position, stuck.error, retry.attempts, retry.waits)
