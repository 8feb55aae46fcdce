"""
Reading the log, from any thread: in order, by stream, by time; and waiting for more.

A reader never looks back: positions are gapless and in commit order in each cell.
"""

import io
import queue
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

import psycopg2
from sqlalchemy import Connection, Engine

from adapters.database import is_lost
from adapters.log import decode, statements
from adapters.log.notify import Wake
from domain.event import Event, Recorded, Registry, type_of
from domain.ids import StreamId, cell_of

T = TypeVar("T")

POLL_SECONDS: Final = 0.5
_VERSION_MAX: Final = (1 << 31) - 1

#: A part of one stream: ``after < version <= until``.
Stretch: TypeAlias = tuple[StreamId, int, int | None]

_BY_POSITION: Final = (
    f"COPY (SELECT {decode.COLUMNS} FROM log.events e"  # noqa: S608 - constants
    " WHERE e.cell = %s AND e.position > %s AND e.position <= %s{types}"
    " ORDER BY e.position LIMIT %s) TO STDOUT (FORMAT binary)"
)
#: The same, up to so many bytes of events: at least one event, and no more of them than fit.
_BY_POSITION_AND_SIZE: Final = (
    f"COPY (SELECT {decode.COLUMNS} FROM ("  # noqa: S608 - constants
    "SELECT e.*, sum(octet_length(e.data)) OVER (ORDER BY e.position ROWS UNBOUNDED PRECEDING)"
    " - octet_length(e.data) AS before FROM log.events e"
    " WHERE e.cell = %s AND e.position > %s AND e.position <= %s{types}"
    " ORDER BY e.position LIMIT %s) e WHERE e.before < {bytes_max}"
    " ORDER BY e.position) TO STDOUT (FORMAT binary)"
)
_BY_STREAM: Final = (
    f"COPY (SELECT {decode.COLUMNS}"  # noqa: S608 - constants
    " FROM unnest(%s::smallint[], %s::uuid[], %s::integer[], %s::integer[])"
    " AS s (cell, stream, after, until) CROSS JOIN LATERAL (SELECT * FROM log.events e"
    " WHERE e.cell = s.cell AND e.stream_id = s.stream"
    " AND e.version > s.after AND e.version <= s.until ORDER BY e.version) e)"
    " TO STDOUT (FORMAT binary)"
)
_AT: Final = (
    f"COPY (SELECT {decode.COLUMNS}"  # noqa: S608 - constants
    " FROM unnest(%s::smallint[], %s::bigint[]) AS p (cell, position)"
    " JOIN log.events e ON e.cell = p.cell AND e.position = p.position{types})"
    " TO STDOUT (FORMAT binary)"
)
_POSITION_OF: Final = (
    "SELECT position FROM log.events WHERE cell = %s AND stream_id = %s::uuid AND version = %s"
)
_TIMES: Final = (
    "SELECT e.cell, e.recorded_at <= %s"
    " FROM unnest(%s::smallint[], %s::bigint[]) AS p (cell, position)"
    " JOIN log.events e ON e.cell = p.cell AND e.position = p.position"
)
#: Every read goes by key and takes its order from that key, whatever statistics promise.
_SETTINGS: Final = """
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off
"""


class Sessions:
    """
    Connections for reading, each kept by nobody between two uses; one that broke is replaced.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: queue.SimpleQueue[statements.Cursor] = queue.SimpleQueue()
        self._closed = False

    @contextmanager
    def cursor(self) -> Iterator[statements.Cursor]:
        """A cursor outside any transaction: every statement sees what is committed now."""
        cursor = self._take()
        try:
            yield cursor
        except BaseException:
            cursor.connection.close()
            raise
        if self._closed:
            cursor.connection.close()
        else:
            self._idle.put(cursor)

    def close(self) -> None:
        """Close what is idle; what is in use closes when given back."""
        self._closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Forget connections that may have broken while nobody looked."""
        while True:
            try:
                self._idle.get_nowait().connection.close()
            except queue.Empty:
                return

    def _take(self) -> statements.Cursor:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pooled = self._engine.raw_connection()
            driver = pooled.driver_connection
            assert driver is not None
            pooled.detach()
            driver.autocommit = True
            cursor = driver.cursor()
            cursor.execute(_SETTINGS)
            return cursor


class Reader:
    """Committed events, synchronously. The engine, replays and auditors read through it."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        wake: Wake | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._sessions = Sessions(engine)
        self._registry = registry
        self._wake = wake or Wake()
        self._poll_seconds = poll_seconds

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        connection: Connection | None = None,
        bytes_max: int | None = None,
    ) -> list[Recorded]:
        """
        At most ``limit`` events with ``after < position <= until``, of those types, in order.

        :param bytes_max: stop once so many bytes of events were read; the first is read always.
        :param connection: to read in its transaction, as a check within one snapshot does.
        """
        end = (1 << 62) if until is None else until
        statement = _BY_POSITION if bytes_max is None else _BY_POSITION_AND_SIZE
        if types is None:
            statement = statement.format(types="", bytes_max=bytes_max)
            return self._copy(statement, (cell, after, end, limit), connection)
        tags = [type_of(kind) for kind in types]
        statement = statement.format(types=" AND e.type = ANY (%s::text[])", bytes_max=bytes_max)
        return self._copy(statement, (cell, after, end, tags, limit), connection)

    def read_streams(self, stretches: Sequence[Stretch]) -> list[list[Recorded]]:
        """Parts of many streams in one query, each oldest first, in the order asked for."""
        widest: dict[StreamId, tuple[int, int]] = {}
        for stream, after, until in stretches:
            last = _VERSION_MAX if until is None else until
            first, end = widest.get(stream, (after, last))
            widest[stream] = (min(first, after), max(end, last))
        events = self._copy(
            _BY_STREAM,
            (
                statements.integers(map(cell_of, widest)),
                statements.uuids(widest),
                statements.integers(first for first, _ in widest.values()),
                statements.integers(end for _, end in widest.values()),
            ),
        )
        by_stream: dict[StreamId, list[Recorded]] = {stream: [] for stream in widest}
        for each in events:
            by_stream[each.stream].append(each)
        return [_part(by_stream[stream], after, until) for stream, after, until in stretches]

    def read_at(
        self,
        places: Collection[tuple[int, int]],
        types: Collection[type[Event]] | None = None,
    ) -> list[Recorded]:
        """The events at some places, a cell and a position each, of those types; in any order."""
        if not places:
            return []
        cells, positions = zip(*places, strict=True)
        asked = (statements.integers(cells), statements.integers(positions))
        if types is None:
            return self._copy(_AT.format(types=""), asked)
        tags = [type_of(kind) for kind in types]
        return self._copy(_AT.format(types=" AND e.type = ANY (%s::text[])"), (*asked, tags))

    def heads(self, connection: Connection | None = None) -> dict[int, int]:
        """The last position of every cell; 0 for an empty one."""
        if connection is None:
            heads = self._with_cursor(statements.all_heads)
        else:
            heads = statements.all_heads(_cursor_of(connection))
        return {cell: head.position for cell, head in heads.items()}

    def rules_epoch(self, cell: int) -> int:
        """The epoch of the rules in force in a cell."""
        return self._with_cursor(statements.all_heads)[cell].rules_epoch

    def position_of(self, stream: StreamId, version: int) -> int:
        """
        Where a stream's event stands in its cell.

        :raises LookupError: there is no such event.
        """

        def ask(cursor: statements.Cursor) -> int | None:
            cursor.execute(_POSITION_OF, (cell_of(stream), stream.hex, version))
            row = cursor.fetchone()
            return None if row is None else int(row[0])

        position = self._with_cursor(ask)
        if position is None:
            raise LookupError("no such event")
        return position

    def heads_at(self, moment: datetime) -> dict[int, int]:
        """
        A moment as a vector: the last position of each cell recorded at or before it.

        Times never run backwards within a cell, so this halves its way to each; no index by time.
        """
        low = dict.fromkeys(heads := self.heads(), 0)
        high = heads
        while open_cells := [cell for cell in low if low[cell] < high[cell]]:
            middle = {cell: (low[cell] + high[cell] + 1) // 2 for cell in open_cells}
            for cell, before in self._before(moment, middle).items():
                if before:
                    low[cell] = middle[cell]
                else:
                    high[cell] = middle[cell] - 1
        return low

    def wait_for_change(self, known: Mapping[int, int], timeout: float) -> Mapping[int, int]:
        """
        The heads, once one is beyond ``known``, at the latest after ``timeout`` seconds.

        Commits of this process wake at once, those of others by hint; without a hint, by polling.
        """
        deadline = time.monotonic() + timeout
        hints = self._wake.hints()
        while True:
            left = deadline - time.monotonic()
            pause = max(0.0, min(left, self._poll_seconds))
            changed, hints = self._wake.wait(known, hints, pause)
            if changed:
                return {**known, **_later(known, self._wake.heads())}
            heads = self.heads()
            self._wake.advance(heads)
            if left <= 0 or any(at > known.get(cell, 0) for cell, at in heads.items()):
                return heads

    def _before(self, moment: datetime, at: Mapping[int, int]) -> dict[int, bool]:
        asked = (moment, statements.integers(at), statements.integers(at.values()))

        def ask(cursor: statements.Cursor) -> dict[int, bool]:
            cursor.execute(_TIMES, asked)
            return dict(cursor.fetchall())

        return self._with_cursor(ask)

    def _copy(
        self, statement: str, parameters: tuple[object, ...], connection: Connection | None = None
    ) -> list[Recorded]:
        def copy(cursor: statements.Cursor) -> bytes | memoryview:
            target = io.BytesIO()
            cursor.copy_expert(cursor.mogrify(statement, parameters).decode(), target)
            return target.getbuffer()

        if connection is not None:
            return decode.decode(copy(_cursor_of(connection)), self._registry)
        return decode.decode(self._with_cursor(copy), self._registry)

    def _with_cursor(self, ask: "Callable[[statements.Cursor], T]") -> "T":
        """One statement; once more on a new connection when the idle one proved broken."""
        try:
            with self._sessions.cursor() as cursor:
                return ask(cursor)
        except psycopg2.Error as error:
            if not is_lost(error):
                raise
            self._sessions.close_idle()
            with self._sessions.cursor() as cursor:
                return ask(cursor)


def _later(known: Mapping[int, int], heads: Mapping[int, int]) -> dict[int, int]:
    return {cell: at for cell, at in heads.items() if at > known.get(cell, 0)}


def _part(events: list[Recorded], after: int, until: int | None) -> list[Recorded]:
    return [
        each for each in events if after < each.version and (until is None or each.version <= until)
    ]


def _cursor_of(connection: Connection) -> statements.Cursor:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    return driver.cursor()
