"""
A small world to try the engine on: two kinds of events, four read models, and a log in memory.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from domain.event import Event, Recorded
from domain.ids import MemberId, StreamId, mint
from projections.rows import Add, Change, Drop, Patch, Put

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
    ) -> Sequence[Recorded]:
        with self._lock:
            self.reads += 1
            found = self._events[cell][after:until]
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
