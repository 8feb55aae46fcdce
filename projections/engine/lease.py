"""
One runner for each job, elected by a row.

A lease only saves work: what makes a second runner harmless is the checkpoint guard. So a lease
may be judged by clocks that are wrong. One that says it ends in three days, left by a process whose
clock had jumped, is taken over like any other when its holder has not renewed it for as long as a
lease lasts, measured by watching.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from commands.ports import Clock
from projections.engine.tables import leases

#: Short, for a server that was killed and starts again waits for its own old lease; taking one over
#: from a holder that was merely slow does no harm.
LEASE_SECONDS = 3.0


class Lease:
    """This process's claim to one job; used from one thread at a time."""

    def __init__(
        self,
        name: str,
        holder: UUID,
        clock: Clock,
        seconds: float = LEASE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.holder = holder
        self.held = False
        self._clock = clock
        self._lasts = timedelta(seconds=seconds)
        self._seconds = seconds
        self._monotonic = monotonic
        self._asked_at = float("-inf")
        self._seen: tuple[UUID, datetime] | None = None
        self._seen_since = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to ask the database again."""
        return self._monotonic() - self._asked_at >= self._seconds / (3 if self.held else 10)

    def take(self, connection: Connection) -> bool:
        """Renew the lease, or take it when it is free, expired or abandoned; whether it is held."""
        asked_at = self._monotonic()
        found = self._read(connection)
        now = self._clock.now()
        free = found is None or found[0] == self.holder or found[1] < now
        if found is not None and not free:
            free = self._abandoned(found, asked_at)
        was = None if found is None else found[1]
        self.held = free and self._write(connection, was, now + self._lasts)
        self._asked_at = asked_at
        return self.held

    def release(self, connection: Connection) -> None:
        """Let the next one in at once."""
        self.held = False
        self._asked_at = float("-inf")
        self._drop(connection)

    def _abandoned(self, seen: tuple[UUID, datetime], now: float) -> bool:
        if seen != self._seen:
            self._seen, self._seen_since = seen, now
        return now - self._seen_since > self._seconds

    def _read(self, connection: Connection) -> tuple[UUID, datetime] | None:
        """The holder, and when it said it would be done."""
        row = connection.execute(
            select(leases.c.holder, leases.c.expires_at).where(leases.c.name == self.name)
        ).one_or_none()
        return None if row is None else (row.holder, row.expires_at)

    def _write(self, connection: Connection, was: datetime | None, until: datetime) -> bool:
        statement = insert(leases).values(name=self.name, holder=self.holder, expires_at=until)
        # Only from the row that was judged: of two who judge it free, one wins.
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": self.holder, "expires_at": until},
            where=leases.c.expires_at == was,
        )
        return connection.execute(statement).rowcount == 1

    def _drop(self, connection: Connection) -> None:
        connection.execute(
            delete(leases).where(leases.c.name == self.name, leases.c.holder == self.holder)
        )
