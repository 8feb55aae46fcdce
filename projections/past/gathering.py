"""
The events that rows of the past are made of, gathered as they are asked for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.event import Event, Recorded, type_of
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.space import space_stream
from projections.footprints import named_by
from projections.past.needs import Need, types_of
from projections.past.rows import TABLES, Row, changes_of, rows_of
from projections.reading import footprints
from projections.reading.footprints import Place
from projections.reading.statements import Connection
from projections.trail import concern_facet, owner_facet, source_facet, type_facet

_ALL = (1 << 62) - 1
_POSTS = types_of(("post",))


class Source(Protocol):
    """The log, by streams and by places."""

    async def read_streams(self, streams: Sequence[StreamId]) -> Sequence[Sequence[Recorded]]:
        """Whole streams, each oldest first."""

    async def read_at(
        self, places: Collection[Place], types: Collection[type[Event]] | None = None
    ) -> Sequence[Recorded]:
        """The events at some places, of those types."""


class Gathered:
    """
    Events up to a moment, and the rows that they make.

    :param until: the moment, with every cell of the store.
    """

    def __init__(self, log: Source, until: Mapping[int, int]) -> None:
        self.until = until
        self._log = log
        self._events: dict[Place, Recorded] = {}
        self._streams: set[StreamId] = set()
        self._named: set[UUID] = set()
        self._people: set[MemberId] = set()
        self._whole: dict[UUID, set[frozenset[type[Event]] | None]] = {}
        self._rows: dict[str, dict[str, list[Row]]] = {}

    async def need(self, connection: Connection, need: Need, values: Mapping[str, Any]) -> None:
        """Have the events that a need stands for."""
        ids = {one for name in need.parameters for one in _ids(values[name])}
        match need.how:
            case "streams":
                found = await self.streams(ids)
            case "things":
                found = [*await self.streams(ids), *await self._naming(connection, ids)]
            case "concerning":
                found = await self._concerning(connection, ids, need.types)
            case "kinds":
                found = await self._of_types(connection, types_of(need.kinds))
        if need.parents:
            found += await self.streams({one for each in found for one in named_by(each.event)})

    async def people(self) -> None:
        """Have the accounts and spaces of all whose data is here."""
        owners = {one.owner for one in self._events.values()} - self._people
        self._people |= owners
        await self.streams([*owners, *map(space_stream, owners)])

    async def streams(self, ids: Iterable[UUID]) -> list[Recorded]:
        """The streams of these ids, as far as they are not here yet."""
        cells = self.until
        wanted = [StreamId(one) for one in ids if cell_of(one) in cells]
        wanted = [one for one in dict.fromkeys(wanted) if one not in self._streams]
        if not wanted:
            return []
        self._streams.update(wanted)
        read = await self._log.read_streams(wanted)
        return self._take(one for stream in read for one in stream)

    async def newest(
        self, connection: Connection, authors: Sequence[UUID], viewer: UUID, count: int
    ) -> datetime | None:
        """
        Have every post of some authors since a time, which is answered; None when that is all
        posts that there were.
        """
        facets = [source_facet(author) for author in authors]
        if viewer in authors:
            facets.append(concern_facet(viewer))  # what waits is found by its author alone
        places = await footprints.filed(connection, facets, self.until, count)
        kept: list[Place] = []
        ends: set[Place] = set()
        for cell in self.until:
            there = sorted((one for one in places if one[0] == cell), reverse=True)
            kept += there[:count]
            if len(there) >= count:
                ends.add(there[count - 1])
        read = await self._log.read_at(kept)
        horizon = max(
            (one.recorded_at for one in read if (one.cell, one.position) in ends), default=None
        )
        await self.streams({one.stream for one in read if type(one.event) in _POSTS})
        await self.streams([*authors, *map(space_stream, map(MemberId, authors))])
        return horizon

    def rows(self, table: str) -> list[Row]:
        """The rows of a table at the moment, as far as they are here."""
        model, _ = TABLES[table]
        made = self._rows.get(model.name)
        if made is None:
            in_order = [self._events[place] for place in sorted(self._events)]
            made = self._rows[model.name] = rows_of(changes_of(model, in_order))
        return made.get(table, [])

    async def _naming(self, connection: Connection, ids: Collection[UUID]) -> list[Recorded]:
        asked = set(ids) - self._named
        self._named |= asked
        places = await footprints.naming(connection, asked, self.until)
        return self._take(await self._log.read_at(places - self._events.keys()))

    async def _concerning(
        self,
        connection: Connection,
        members: Collection[UUID],
        types: frozenset[type[Event]] | None,
    ) -> list[Recorded]:
        asked = [one for one in members if not self._has(one, types)]
        for one in asked:
            self._whole.setdefault(one, set()).add(types)
        facets = [owner_facet(one) for one in asked]
        places = await footprints.naming(connection, asked, self.until)
        places |= await footprints.filed(connection, facets, self.until, _ALL)
        return self._take(await self._log.read_at(places - self._events.keys(), types))

    def _has(self, member: UUID, types: frozenset[type[Event]] | None) -> bool:
        had = self._whole.get(member, set())
        return None in had or any(
            one is not None and types is not None and types <= one for one in had
        )

    async def _of_types(
        self, connection: Connection, types: frozenset[type[Event]]
    ) -> list[Recorded]:
        key = derive(0, "types", *sorted(type_facet(type_of(one))[1] for one in types))
        if self._has(key, types):
            return []
        self._whole.setdefault(key, set()).add(types)
        facets = [type_facet(type_of(one)) for one in types]
        places = await footprints.filed(connection, facets, self.until, _ALL)
        return self._take(await self._log.read_at(places - self._events.keys()))

    def _take(self, events: Iterable[Recorded]) -> list[Recorded]:
        """Those of them that are of the past and were not here yet."""
        new = [
            one
            for one in events
            if one.position <= self.until.get(one.cell, 0)
            and (one.cell, one.position) not in self._events
        ]
        if new:
            self._events.update({(one.cell, one.position): one for one in new})
            self._rows.clear()
        return new


def _ids(value: Any) -> Iterable[UUID]:
    """The ids in a parameter: one, or a list of which some may be missing."""
    return [value] if isinstance(value, UUID) else [one for one in value if one is not None]
