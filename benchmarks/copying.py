"""
The calibration: a bare loop of binary COPY, as fast as one client of this PostgreSQL can write the
log's rows.

It writes the very rows of our log, keys and indexes included, into a table made LIKE the log's:
rows of all cells in turns, one ``COPY … FROM STDIN (FORMAT binary)`` and one ``COMMIT`` a batch, on
one connection, nothing else: no heads, no guards, no savepoint, nobody to answer. Its batches are
as large as those our log made under the same number of callers. Either all rows are encoded before
the clock starts, or the events are made and encoded inside it, as any writer must.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from struct import Struct
from typing import Any, Final

import psycopg2

from benchmarks.ours import events
from benchmarks.peers.protocol import Round, serve
from commands.ports import NewEvent
from domain.catalogue import EVENTS
from domain.event import type_of
from domain.ids import StreamId

_COPY: Final = (
    "COPY events (cell, position, stream_id, version, recorded_at, owner, actor, command_id,"
    " correlation_id, causation_id, type, data) FROM STDIN (FORMAT binary)"
)
_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL: Final = b"\xff\xff"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_row = Struct(">hihiqi16siiiqi16si16si16si16si").pack
_length = Struct(">i").pack

#: Encoded before the clock: at most so many rows, so that they fit into memory.
_ROWS_AHEAD_MAX: Final = 100_000


class Copying:
    """One connection and one table."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Make the table like the log's in the same database, which has one."""
        self._driver = psycopg2.connect(config["dsn"])
        self._cursor = self._driver.cursor()
        self._cursor.execute("CREATE SCHEMA IF NOT EXISTS bench; SET search_path = bench")
        self._cursor.execute("CREATE TABLE IF NOT EXISTS events (LIKE log.events INCLUDING ALL)")
        self._driver.commit()
        self._positions = [0] * events.CELLS
        self._members = events.members(1_024)
        self._number = 0
        return {}

    def prepare(self, settings: dict[str, Any]) -> dict[str, Any]:
        """It is always ready."""
        return {}

    def append(self, callers: int, batch: int, seconds: float, settings: dict[str, Any]) -> Round:
        """One loop, whatever the number of callers, in batches of ``settings["rows"]``."""
        rows = settings["rows"]
        if settings["encoded"] == "inside":
            return self._loop(rows, seconds, self._batches(rows, batch))
        ready: list[bytes] = []
        began = time.perf_counter()
        for each in self._batches(rows, batch):
            ready.append(each)
            # About as long as the round itself: what takes longer to make would not be written.
            if len(ready) * rows >= _ROWS_AHEAD_MAX or time.perf_counter() - began > seconds:
                break
        return self._loop(rows, seconds, iter(ready))

    def read(self, limit: int, settings: dict[str, Any]) -> Round:
        """It is no log: there is nothing to read."""
        raise NotImplementedError

    def close(self) -> None:
        """Hang up."""
        self._driver.close()

    def _loop(self, rows: int, seconds: float, batches: Iterator[bytes]) -> Round:
        copy, commit, done = self._cursor.copy_expert, self._driver.commit, 0
        began = time.perf_counter()
        end = began + seconds
        for batch in batches:
            copy(_COPY, BytesIO(batch), len(batch))
            commit()
            done += rows
            if time.perf_counter() >= end:
                break
        return Round(done, time.perf_counter() - began)

    def _batches(self, rows: int, events_per_stream: int) -> Iterator[bytes]:
        while True:
            now = (datetime.now(UTC) - _EPOCH) // _MICROSECOND
            parts = [_HEAD]
            while len(parts) <= rows:
                parts += self._rows(min(events_per_stream, rows + 1 - len(parts)), now)
            parts.append(_TAIL)
            yield b"".join(parts)

    def _rows(self, number: int, now: int) -> Iterator[bytes]:
        """The rows of one append: what a log would be told, then its bytes."""
        cell = self._number % events.CELLS
        member = self._members[self._number % len(self._members)]
        self._number += 1
        stream = StreamId(events.new_id(cell))
        new = tuple(
            NewEvent(stream, version, member, events.a_post(member))
            for version in range(1, number + 1)
        )
        append = events.append_of(cell, member, new)
        for each in append.events:
            self._positions[cell] += 1
            data, kind = EVENTS.encode(each.event), type_of(each.event).encode()
            yield b"".join(
                (
                    _row(
                        12, 2, cell, 8, self._positions[cell], 16, each.stream.bytes, 4,
                        each.version, 8, now, 16, each.owner.bytes, 16, append.actor.bytes, 16,
                        append.command.bytes, 16, append.correlation.bytes, -1,
                    ),
                    _length(len(kind)), kind, _length(len(data)), data,
                )
            )  # fmt: skip


if __name__ == "__main__":
    serve(Copying())
