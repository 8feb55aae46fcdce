"""
What the log's twin keeps in memory, and how it is read.

A store outlives the logs that are opened on it and may serve several at once, as a database serves
several servers.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final
from uuid import UUID

import msgspec

from adapters.log.batch import Answer, Head, KeyAt
from adapters.log.notify import Wake
from domain.event import Event, Recorded, Registry, type_of
from domain.ids import MemberId, StreamId, cell_of

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY: Final = UUID(int=0)


class Row(msgspec.Struct, frozen=True):
    """An event as the store holds it: its bytes, not its shape of today."""

    position: int
    stream: UUID
    version: int
    type: str
    data: bytes
    recorded_at: datetime = _LONG_AGO
    owner: UUID = _NOBODY
    actor: UUID = _NOBODY
    command: UUID = _NOBODY
    correlation: UUID = _NOBODY
    causation: UUID | None = None


class MemoryStore:
    """What a database would hold. ``lock`` is taken around every look and every change."""

    def __init__(self, cells: int = 16) -> None:
        self.lock = threading.RLock()
        self.wake = Wake()
        self.heads = {cell: Head(0, _LONG_AGO, 0) for cell in range(cells)}
        self.rows: dict[int, list[Row]] = {cell: [] for cell in range(cells)}
        self.streams: dict[tuple[int, UUID], dict[int, Row]] = {}
        self._last: dict[tuple[int, UUID], int] = {}
        self.answers: dict[KeyAt, tuple[Answer, datetime | None]] = {}
        self.checkpoints: dict[tuple[int, str], int] = {}
        self.snapshots: dict[tuple[int, UUID], dict[int, Row]] = {}

    def version(self, stream: StreamId) -> int:
        """The last version of a stream; 0 when there is none."""
        return self._last.get((cell_of(stream), stream), 0)

    def add(self, cell: int, rows: Iterable[Row]) -> None:
        """Append rows at the end of a cell."""
        held = self.rows[cell]
        for row in rows:
            assert row.position == len(held) + 1, "positions have no gap"
            versions = self.streams.setdefault((cell, row.stream), {})
            assert row.version not in versions, "a version is written once"
            versions[row.version] = row
            self._last[cell, row.stream] = max(row.version, self.version(StreamId(row.stream)))
            held.append(row)
        if held:
            head = self.heads[cell]
            last = held[-1]
            self.heads[cell] = Head(last.position, last.recorded_at, head.rules_epoch)
            self.wake.advance({cell: last.position})


class MemoryReader:
    """Committed events of a store; the same methods as the reader of PostgreSQL."""

    def __init__(self, store: MemoryStore, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        connection: None = None,  # noqa: ARG002 - the twin has none
        bytes_max: int | None = None,
    ) -> list[Recorded]:
        """At most ``limit`` events with ``after < position <= until``, of those types, in order."""
        tags = None if types is None else {type_of(kind) for kind in types}
        with self._store.lock:
            rows = self._store.rows[cell][after:until]
        wanted = [row for row in rows if tags is None or row.type in tags][:limit]
        if bytes_max is not None:
            before = accumulate((len(row.data) for row in wanted), initial=0)
            wanted = [row for row, size in zip(wanted, before, strict=False) if size < bytes_max]
        return [self._decode(cell, row) for row in wanted]

    def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> list[Recorded]:
        """A stream's events with ``after < version <= until``, oldest first."""
        cell = cell_of(stream)
        with self._store.lock:
            held = sorted(self._store.streams.get((cell, stream), {}).items())
        return [
            self._decode(cell, row)
            for version, row in held
            if after < version and (until is None or version <= until)
        ]

    def read_streams(
        self, stretches: Sequence[tuple[StreamId, int, int | None]]
    ) -> list[list[Recorded]]:
        """Parts of many streams, each oldest first, in the order asked for."""
        return [self.read_stream(*stretch) for stretch in stretches]

    def heads(self, connection: None = None) -> dict[int, int]:  # noqa: ARG002 - see read
        """The last position of every cell; 0 for an empty one."""
        with self._store.lock:
            return {cell: head.position for cell, head in self._store.heads.items()}

    def rules_epoch(self, cell: int) -> int:
        """The epoch of the rules in force in a cell."""
        return self._store.heads[cell].rules_epoch

    def position_of(self, stream: StreamId, version: int) -> int:
        """
        Where a stream's event stands in its cell.

        :raises LookupError: there is no such event.
        """
        with self._store.lock:
            row = self._store.streams.get((cell_of(stream), stream), {}).get(version)
        if row is None:
            raise LookupError("no such event")
        return row.position

    def heads_at(self, moment: datetime) -> dict[int, int]:
        """The last position of each cell recorded at or before a moment."""
        with self._store.lock:
            return {
                cell: sum(row.recorded_at <= moment for row in rows)
                for cell, rows in self._store.rows.items()
            }

    def wait_for_change(self, known: Mapping[int, int], timeout: float) -> Mapping[int, int]:
        """The heads, once one is beyond ``known``, at the latest after ``timeout`` seconds."""
        self._store.wake.wait(known, self._store.wake.hints(), timeout)
        return self.heads()

    def close(self) -> None:
        """Nothing to close."""

    def _decode(self, cell: int, row: Row) -> Recorded:
        return Recorded(
            cell,
            row.position,
            StreamId(row.stream),
            row.version,
            row.recorded_at,
            MemberId(row.owner),
            row.actor,
            row.command,
            row.correlation,
            row.causation,
            self._registry.decode(row.type, row.data),
        )
