"""
A small world to try the engine on: two kinds of events, four read models, and a log in memory.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    select,
)

from adapters.clock import ManualClock
from adapters.database import Database
from adapters.schema import migrate
from domain.event import Event, Recorded
from domain.ids import MemberId, StreamId, mint
from projections.engine.deadlines import metadata as deadlines_metadata
from projections.engine.runner import ProjectionEngine
from projections.rows import Add, Change, Drop, Patch, Put, ReadModel

metadata = MetaData(schema="models")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Noted(Event, frozen=True, tag="toy.noted.v1"):
    subject: UUID
    text: str
    sealed: bytes = b""


class Struck(Event, frozen=True, tag="toy.struck.v1"):
    subject: UUID


class Edited(Event, frozen=True, tag="toy.edited.v1"):
    subject: UUID
    text: str


notes = Table(
    "notes",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("text", Text),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("edited", Boolean, nullable=False),
    Index("notes_by_position", "cell", "position"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("notes", BigInteger, nullable=False),
    Column("strikes", BigInteger, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("cell", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    info={"append_only": True},
)


class Notes:
    """The ordinary kind: a row a thing."""

    name = "notes"
    tables = (notes,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        match recorded.event:
            case Noted(subject=subject, text=text, sealed=sealed):
                yield Put(
                    notes,
                    (recorded.cell, subject),
                    {
                        "text": text,
                        "sealed": sealed,
                        "at": recorded.recorded_at,
                        "position": recorded.position,
                        "edited": False,
                    },
                )
            case Edited(subject=subject, text=text):
                yield Patch(notes, (recorded.cell, subject), {"text": text, "edited": True})
            case Struck(subject=subject):
                yield Drop(notes, (recorded.cell, subject))
            case _:
                pass


class Tallies:
    """Counters, which events of several cells share."""

    name = "tallies"
    tables = (tallies,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        match recorded.event:
            case Noted():
                yield Add(tallies, (0, "all"), {"notes": 1})
                yield Add(tallies, (recorded.cell, "own"), {"notes": 1})
            case Struck():
                yield Add(tallies, (0, "all"), {"strikes": 1})
            case _:
                pass


class History:
    """A row an event, never changed; written by the append itself when ``inline``."""

    name = "history"
    tables = (history,)

    def __init__(self, inline: bool = False) -> None:
        self.inline = inline

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        kind = str(recorded.event.__struct_config__.tag)
        yield Put(history, (recorded.cell, recorded.position), {"type": kind})


class Allergic:
    """A model that cannot take some events until it is cured."""

    name = "allergic"
    tables = (tallies,)
    inline = False

    def __init__(self, allergen: str) -> None:
        self.allergen: str | None = allergen

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        match recorded.event:
            case Noted(text=text) if text == self.allergen:
                yield Add(tallies, (recorded.cell, "allergic"), {"notes": 100})
                raise LookupError(f"secret {text}")
            case Noted():
                yield Add(tallies, (recorded.cell, "allergic"), {"notes": 1})
            case _:
                pass


class MemoryLog:
    """A log in memory; ``truncate`` and gaps do not exist, as in the real one."""

    def __init__(self, cells: int) -> None:
        self._events: dict[int, list[Recorded]] = {cell: [] for cell in range(cells)}
        self._lock = threading.Lock()
        self.reads = 0

    def append(self, cell: int, *events: Event) -> Recorded:
        with self._lock:
            for event in events:
                position = len(self._events[cell]) + 1
                recorded = recorded_of(cell, position, event)
                self._events[cell].append(recorded)
        return recorded

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> Sequence[Recorded]:
        with self._lock:
            self.reads += 1
            found = self._events[cell][after:until]
        if bytes_max is not None and found:
            sizes = accumulate((len(msgspec.json.encode(one.event)) for one in found), initial=0)
            found = [one for one, before in zip(found, sizes, strict=False) if before < bytes_max]
        if types is not None:
            found = [recorded for recorded in found if type(recorded.event) in types]
        return found[:limit]

    def heads(self) -> Mapping[int, int]:
        with self._lock:
            return {cell: len(events) for cell, events in self._events.items()}

    def all(self) -> list[Recorded]:
        with self._lock:
            return [recorded for events in self._events.values() for recorded in events]


def recorded_of(cell: int, position: int, event: Event) -> Recorded:
    """An event as if the log had recorded it, the same for the same arguments."""
    member = mint(position, cell, 7)
    return Recorded(
        cell=cell,
        position=position,
        stream=StreamId(mint(position, cell, 1)),
        version=1,
        recorded_at=START + timedelta(milliseconds=position),
        owner=MemberId(member),
        actor=member,
        command=mint(position, cell, 2),
        correlation=mint(position, cell, 2),
        causation=None,
        event=event,
    )


CELLS = 3


class World:
    """A migrated database, a log in memory, and engines over both."""

    def __init__(self, url: str) -> None:
        migrate(url, CELLS)
        self.url = url
        self.database = Database(url)
        self.log = MemoryLog(CELLS)
        self.clock = ManualClock(START)
        metadata.create_all(self.database.owner)
        deadlines_metadata.create_all(self.database.owner)

    @property
    def server(self) -> Engine:
        return self.database.server

    def engine(self, models: Iterable[ReadModel], **options: Any) -> ProjectionEngine:
        options = {"poll_seconds": 0.02, "retry_seconds": 0.01} | options
        return ProjectionEngine(self.log, self.server, models, self.clock, uuid4(), **options)

    def content(self, *tables: Table) -> dict[str, list[tuple[Any, ...]]]:
        with self.server.connect() as connection:
            return content(connection, tables or tuple(metadata.tables.values()))

    def close(self) -> None:
        self.database.dispose()


def content(connection: Connection, tables: Iterable[Table]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of some tables."""
    return {
        table.name: sorted(tuple(row) for row in connection.execute(select(table)))
        for table in tables
    }


def expected(
    models: Iterable[ReadModel], recorded: Iterable[Recorded]
) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold after these events, by the plainest reading of the four changes."""
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    models = list(models)
    for one in recorded:
        for model in models:
            for change in model.rows(one):
                interpret(rows.setdefault(change.table.name, {}), change)
    return listed(rows)


def interpret(rows: dict[tuple[Any, ...], dict[str, Any]], change: Change) -> None:
    """One change to one table, naively."""
    match change:
        case Put(key=key, values=values):
            rows[key] = dict(values)
        case Patch(key=key, values=values):
            if key in rows:
                rows[key] |= values
        case Add(table=table, key=key, values=values):
            names = [column.name for column in table.columns if not column.primary_key]
            row = rows.setdefault(key, dict.fromkeys(names, 0))
            for name, amount in values.items():
                row[name] += amount
        case Drop(key=key):
            rows.pop(key, None)


def listed(
    rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]],
) -> dict[str, list[tuple[Any, ...]]]:
    """In the shape of ``content``, for all toy tables."""
    return {
        table.name: sorted(
            (*key, *(row[c.name] for c in table.columns if not c.primary_key))
            for key, row in rows.get(table.name, {}).items()
        )
        for table in metadata.tables.values()
    }


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that others bring about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.005)
