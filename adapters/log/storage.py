"""
One cell as the library sees it, on PostgreSQL and in memory.

Events that come this way bring nothing but stream, version, topic and state; the other columns of
their rows hold nobody's id. They take the same heads as everyone else's, so positions stay gapless.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from eventsourcing import persistence
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent, Tracking
from sqlalchemy import Connection, Engine, Select, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from adapters.log import copy, statements
from adapters.log.memory_store import MemoryStore, Row
from adapters.log.notify import Wake
from adapters.log.tables import checkpoints, events, log_heads, snapshots
from commands.ports import Clock

# The condition and the update are one statement: two processes cannot both pass.
_TRACK: Final = text(
    "INSERT INTO log.checkpoints AS c (cell, subscriber, position)"
    " VALUES (:cell, :subscriber, :position)"
    " ON CONFLICT (cell, subscriber) DO UPDATE SET position = excluded.position"
    " WHERE c.position < excluded.position"
)


class PostgresStorage:
    """One cell of a database."""

    def __init__(self, engine: Engine, cell: int, clock: Clock, wake: Wake | None = None) -> None:
        self.cell = cell
        self.wake = wake or Wake()
        self._engine = engine
        self._clock = clock

    def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        """Append events and move a tracking on, in one transaction."""
        positions: list[int] = []
        with _translated(), self._engine.begin() as connection:
            if tracking is not None:
                self._track(connection, tracking)
            if events:
                positions = self._copy(connection, events)
        if positions:
            self.wake.advance({self.cell: positions[-1]})
        return positions

    def insert_snapshots(self, snapshots_: Sequence[StoredEvent]) -> None:
        """Keep snapshots."""
        rows = [
            {
                "cell": self.cell,
                "stream_id": UUID(str(each.originator_id)),
                "version": each.originator_version,
                "type": each.topic,
                "data": each.state,
            }
            for each in snapshots_
        ]
        if rows:
            with _translated(), self._engine.begin() as connection:
                connection.execute(insert(snapshots), rows)

    def select(
        self,
        originator: UUID,
        gt: int | None,
        lte: int | None,
        *,
        desc: bool,
        limit: int | None,
        snapshots: bool,
    ) -> list[StoredEvent]:
        """A stream's events, or its snapshots."""
        query = _of_stream(_table(snapshots), self.cell, originator, gt, lte, desc=desc)
        with _translated(), self._engine.connect() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [StoredEvent(originator, version, kind, state) for version, kind, state in rows]

    def notifications(
        self, first: int, limit: int, stop: int | None, topics: Sequence[str]
    ) -> list[Notification]:
        """Events by position."""
        column = events.c
        query = (
            select(column.position, column.stream_id, column.version, column.type, column.data)
            .where(column.cell == self.cell, column.position >= first)
            .order_by(column.position)
            .limit(limit)
        )
        if stop is not None:
            query = query.where(column.position <= stop)
        if topics:
            query = query.where(column.type.in_(topics))
        with _translated(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            Notification(stream, version, kind, state, position)
            for position, stream, version, kind, state in rows
        ]

    def head(self) -> int:
        """The last position."""
        query = select(log_heads.c.position).where(log_heads.c.cell == self.cell)
        with _translated(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def tracked(self, name: str) -> int | None:
        """How far an upstream was processed."""
        query = select(checkpoints.c.position).where(
            checkpoints.c.cell == self.cell, checkpoints.c.subscriber == name
        )
        with _translated(), self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def _track(self, connection: Connection, tracking: Tracking) -> None:
        moved = connection.execute(
            _TRACK,
            {
                "cell": self.cell,
                "subscriber": tracking.application_name,
                "position": tracking.notification_id,
            },
        )
        if moved.rowcount == 0:
            raise IntegrityError("processed before")

    def _copy(self, connection: Connection, events: Sequence[StoredEvent]) -> list[int]:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        cursor: Any = driver.cursor()
        now = self._clock.now()
        head = statements.raise_heads(cursor, {self.cell: len(events)}, now)[self.cell]
        positions = list(range(head.position + 1, head.position + 1 + len(events)))
        rows = (
            copy.foreign_row(
                self.cell,
                UUID(str(each.originator_id)),
                each.originator_version,
                each.topic,
                each.state,
                position,
                head.recorded_at,
            )
            for position, each in zip(positions, events, strict=True)
        )
        with _translated():
            cursor.copy_expert(copy.EVENTS, copy.frame(rows), copy.CHUNK_BYTES)
        return positions


class MemoryStorage:
    """One cell of a store in memory."""

    def __init__(self, store: MemoryStore, cell: int, clock: Clock) -> None:
        self.cell = cell
        self.wake = store.wake
        self._store = store
        self._clock = clock

    def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        """Append events and move a tracking on."""
        store, cell = self._store, self.cell
        with store.lock:
            self._refuse_taken(events, store.streams)
            if tracking is not None:
                if tracking.notification_id <= (self.tracked(tracking.application_name) or -1):
                    raise IntegrityError("processed before")
                store.checkpoints[cell, tracking.application_name] = tracking.notification_id
            head = store.heads[cell]
            at = max(head.recorded_at, self._clock.now())
            rows = [
                _row(each, position, recorded_at=at)
                for position, each in enumerate(events, head.position + 1)
            ]
            store.add(cell, rows)
            return [row.position for row in rows]

    def insert_snapshots(self, snapshots_: Sequence[StoredEvent]) -> None:
        """Keep snapshots."""
        with self._store.lock:
            self._refuse_taken(snapshots_, self._store.snapshots)
            for each in snapshots_:
                row = _row(each, 0)
                kept = self._store.snapshots.setdefault((self.cell, row.stream), {})
                kept[row.version] = row

    def select(
        self,
        originator: UUID,
        gt: int | None,
        lte: int | None,
        *,
        desc: bool,
        limit: int | None,
        snapshots: bool,
    ) -> list[StoredEvent]:
        """A stream's events, or its snapshots."""
        with self._store.lock:
            held = self._store.snapshots if snapshots else self._store.streams
            rows = dict(held.get((self.cell, originator), {}))
        return [
            StoredEvent(originator, version, rows[version].type, rows[version].data)
            for version in sorted(rows, reverse=desc)
            if (gt is None or version > gt) and (lte is None or version <= lte)
        ][:limit]

    def notifications(
        self, first: int, limit: int, stop: int | None, topics: Sequence[str]
    ) -> list[Notification]:
        """Events by position."""
        with self._store.lock:
            rows = self._store.rows[self.cell][max(first - 1, 0) : stop]
        return [
            Notification(row.stream, row.version, row.type, row.data, row.position)
            for row in rows
            if not topics or row.type in topics
        ][:limit]

    def head(self) -> int:
        """The last position."""
        return self._store.heads[self.cell].position

    def tracked(self, name: str) -> int | None:
        """How far an upstream was processed."""
        return self._store.checkpoints.get((self.cell, name))

    def _refuse_taken(
        self, events: Sequence[StoredEvent], held: dict[tuple[int, UUID], dict[int, Row]]
    ) -> None:
        new = {(UUID(str(each.originator_id)), each.originator_version) for each in events}
        taken = any(version in held.get((self.cell, stream), {}) for stream, version in new)
        if taken or len(new) < len(events):
            raise IntegrityError("a version is taken")


def _table(snapshots_: bool) -> Table:
    return snapshots if snapshots_ else events


def _of_stream(
    table: Table, cell: int, originator: UUID, gt: int | None, lte: int | None, *, desc: bool
) -> Select[Any]:
    column = table.c
    query = select(column.version, column.type, column.data).where(
        column.cell == cell, column.stream_id == originator
    )
    if gt is not None:
        query = query.where(column.version > gt)
    if lte is not None:
        query = query.where(column.version <= lte)
    return query.order_by(column.version.desc() if desc else column.version)


def _row(event: StoredEvent, position: int, **given: Any) -> Row:
    stream = UUID(str(event.originator_id))
    return Row(position, stream, event.originator_version, event.topic, event.state, **given)


@contextmanager
def _translated() -> Iterator[None]:
    """The driver's errors as the library's, which have the same names."""
    try:
        yield
    except Exception as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        for kind in type(cause).__mro__:
            if kind.__module__ == "psycopg2" and hasattr(persistence, kind.__name__):
                raise getattr(persistence, kind.__name__)(str(cause)) from error
        raise
