"""
The timer runner: fires what is due, in the order in which it was due.

Firing issues a command keyed by (deadline, due) that decides as of that moment, so a late or double
run changes nothing. What firing arms may be due already, and before what is next: so after each
firing the runner waits until the deadlines have taken its events in, and looks again. Cells go
side by side, since no order is promised across them and a command's deadlines are its cell's.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Engine, ScalarSelect, func, select

from commands.ports import Clock
from projections.engine.backoff import Retry
from projections.engine.deadlines import deadlines
from projections.engine.lease import LEASE_SECONDS
from projections.engine.leased_loop import LeasedLoop
from projections.engine.ports import LogReader
from projections.engine.positions import Vector
from projections.engine.tables import log_heads
from projections.engine.telling import tell


class Deadline(msgspec.Struct, frozen=True):
    """One that is due."""

    cell: int
    id: UUID
    due: datetime
    kind: str
    subject: UUID


Fire: TypeAlias = Callable[[Deadline], Awaitable[None]]
_Name: TypeAlias = tuple[UUID, datetime]


class Waits(Protocol):
    """The engine, as far as a timer needs it."""

    async def wait_for(
        self, target: Vector, seconds: float, models: Collection[str] | None = None
    ) -> None: ...


class TimerStatus(msgspec.Struct, frozen=True):
    """``due`` counts deadlines whose time has come; ``failing`` those that could not be fired."""

    leading: bool
    trouble: str | None
    due: int
    failing: int


#: Seconds after being woken: a busy log has hundreds of commits a second, and each of them may have
#: armed something that is due before the next poll.
_REST: Final = 0.05


class TimerRunner(LeasedLoop):
    """
    Fires deadlines in the current event loop.

    :param engine: keeps the deadlines up to date, here or by following another process.
    :param fire: issues the command; an exception means that it is to be tried again.
    :param patience_seconds: how long the deadlines may take to learn of what firing did.
    """

    def __init__(
        self,
        log: LogReader,
        database: Engine,
        engine: Waits,
        fire: Fire,
        clock: Clock,
        holder: UUID,
        *,
        poll_seconds: float = 1.0,
        lease_seconds: float = LEASE_SECONDS,
        retry_seconds: float = 0.25,
        patience_seconds: float = 5.0,
        batch_deadlines: int = 100,
    ) -> None:
        super().__init__(
            "timers", database, clock, holder, poll_seconds, lease_seconds, retry_seconds, _REST
        )
        self._log = log
        self._engine = engine
        self._fire = fire
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._batch_deadlines = batch_deadlines
        #: How many were fired here, and how late the last one was.
        self.fired = 0
        self.late_seconds = 0.0
        #: Fired, yet still there: their command had nothing to do. Forgotten with their rows.
        self._fired: dict[int, set[_Name]] = {}
        #: Forgotten likewise: one may be disarmed before it could be fired.
        self._failing: dict[int, dict[_Name, Retry]] = {}

    async def turn(self) -> float:
        """Fire all that is due; seconds until the next one is."""
        heads = await asyncio.to_thread(self._log.heads)
        # Should the deadlines be stuck, what they know is acted on all the same.
        with contextlib.suppress(TimeoutError):
            await self._engine.wait_for(heads, self._patience_seconds, ("deadlines",))
        cells = await asyncio.to_thread(self._cells_due, self._clock.now())
        self._fired = {cell: self._fired[cell] for cell in cells if cell in self._fired}
        self._failing = {cell: self._failing[cell] for cell in cells if cell in self._failing}
        outcomes = await asyncio.gather(
            *(self._run_cell(cell) for cell in cells), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return await asyncio.to_thread(self._seconds_to_next, self._clock.now())

    def status(self) -> TimerStatus:
        """How many are due; asks the database."""
        with self._database.connect() as connection:
            due = connection.scalar(
                select(func.count()).where(deadlines.c.due <= self._clock.now())
            )
        return TimerStatus(self.leading, self.trouble, int(due or 0), self.failing)

    @property
    def failing(self) -> int:
        """How many could not be fired, and are tried again."""
        return sum(map(len, self._failing.values()))

    async def _run_cell(self, cell: int) -> None:
        while await self.lead():
            due = await asyncio.to_thread(self._due, cell, self._clock.now())
            group = [deadline for deadline in due if deadline.due == due[0].due]
            if not group:
                return
            await asyncio.gather(*map(self._fire_one, group))
            head = (await asyncio.to_thread(self._log.heads))[cell]
            await self._engine.wait_for({cell: head}, self._patience_seconds, ("deadlines",))

    async def _fire_one(self, deadline: Deadline) -> None:
        name = (deadline.id, deadline.due)
        try:
            await self._fire(deadline)
        except Exception as error:  # noqa: BLE001 - tried again; the others need not wait for it
            failing = self._failing.setdefault(deadline.cell, {})
            retry = failing.setdefault(name, Retry(self._retry_seconds))
            retry.failed()
            tell("a deadline could not be fired", error, kind=deadline.kind, cell=deadline.cell,
                 deadline=str(deadline.id), attempts=retry.attempts)  # fmt: skip
            return
        self.fired += 1
        self.late_seconds = (self._clock.now() - deadline.due).total_seconds()
        self._failing.get(deadline.cell, {}).pop(name, None)
        self._fired.setdefault(deadline.cell, set()).add(name)

    def _cells_due(self, now: datetime) -> Sequence[int]:
        with self._database.connect() as connection:
            rows = connection.execute(select(log_heads.c.cell, _first_due())).all()
        return [cell for cell, due in rows if due is not None and due <= now]

    def _due(self, cell: int, now: datetime) -> list[Deadline]:
        """The next deadlines of a cell that can be fired now, in due order."""
        fired = self._fired.get(cell, set())
        failing = self._failing.get(cell, {})
        limit = self._batch_deadlines + len(fired) + len(failing)
        due = self._next_due(cell, now, limit)
        if len(due) < limit:
            names = {(deadline.id, deadline.due) for deadline in due}
            fired &= names
            for gone in failing.keys() - names:
                del failing[gone]
        return [
            deadline
            for deadline in due
            if (name := (deadline.id, deadline.due)) not in fired
            and (name not in failing or not failing[name].waits)
        ]

    def _next_due(self, cell: int, now: datetime, limit: int) -> list[Deadline]:
        columns = (deadlines.c[name] for name in Deadline.__struct_fields__)
        with self._database.connect() as connection:
            rows = connection.execute(
                select(*columns)
                .where(deadlines.c.cell == cell, deadlines.c.due <= now)
                .order_by(deadlines.c.due, deadlines.c.id)
                .limit(limit)
            ).all()
        return [Deadline(*row) for row in rows]

    def _seconds_to_next(self, now: datetime) -> float:
        until = [(due - now).total_seconds() for due in self._due_after(now)]
        retries = [retry.waits for failing in self._failing.values() for retry in failing.values()]
        return float(min([self._poll_seconds, *retries, *until]))

    def _due_after(self, now: datetime) -> list[datetime]:
        """The next deadline of every cell that is yet to come."""
        with self._database.connect() as connection:
            found = connection.scalars(
                select(_first_due(deadlines.c.due > now)).select_from(log_heads)
            ).all()
        return [due for due in found if due is not None]


def _first_due(*conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Of each cell of ``log_heads``: one probe of the index, however many deadlines there are."""
    return (
        select(deadlines.c.due)
        .where(deadlines.c.cell == log_heads.c.cell, *conditions)
        .order_by(deadlines.c.due, deadlines.c.id)
        .limit(1)
        .correlate(log_heads)
        .scalar_subquery()
    )
