"""
What a client missed: every transition between two vectors, found through the trail.

The trail leads to what the viewer's sources did and to what concerns the viewer, so catching up
costs what there is to tell and nothing for the rest of the log. It goes page by page, each cell up
to where the page is complete; no order is promised across cells.
"""

import asyncio
from collections.abc import Mapping, Sequence

from api.services import Services
from api.stream.connection import Connection
from api.stream.cursor import StreamCursor
from api.stream.items import Told, compose
from domain.event import Recorded
from domain.ids import cell_of
from projections.reading.moments import judge
from projections.reading.streams import tied_since, trails
from projections.streams import Transition, moment_of
from projections.trail import Facet, concern_facet, source_facet

#: Of one facet, and of one cell, in a page.
_POSITIONS_MAX = 64
#: Items that are looked at together just before they are sent.
_ITEMS_MAX = 50


async def catch_up(
    services: Services,
    connection: Connection,
    cursor: StreamCursor,
    until: Mapping[int, int],
    *,
    patient: bool,
) -> StreamCursor:
    """
    Send what lies between a cursor and a vector.

    :param patient: wait for a slow client; else its stream ends, to be resumed.
    :returns: where the client now is.
    """
    connection.sources |= await services.look(tied_since, connection.member, cursor.vector, until)
    while not connection.closed and dict(cursor.vector) != dict(until):
        wanted = _facets(services.log.cells, connection)
        found, ends = await services.look(trails, wanted, cursor.vector, until, _POSITIONS_MAX)
        for cell, positions in found.items():
            if len(positions) > _POSITIONS_MAX:
                ends[cell] = positions[_POSITIONS_MAX - 1]
                found[cell] = positions[:_POSITIONS_MAX]
        events = await _read(services, found)
        cases = [(recorded, connection.member) for recorded in sorted(events, key=moment_of)]
        judged = await services.look(judge, cases) if cases else []
        told = _told(cursor, [recorded for recorded, _ in cases], judged)
        if not await _send(services, connection, told, patient):
            # One that was too slow has been closed by that already.
            connection.close("barred")
            return cursor
        cursor = StreamCursor(ends)
        connection.move(str(cursor))
    return cursor


def _facets(cells: int, connection: Connection) -> list[tuple[int, Facet]]:
    concerns: list[tuple[int, Facet]] = [
        (cell, concern_facet(connection.member)) for cell in range(cells)
    ]
    return concerns + [(cell_of(one), source_facet(one)) for one in sorted(connection.sources)]


async def _read(services: Services, found: Mapping[int, Sequence[int]]) -> list[Recorded]:
    events: list[Recorded] = []
    for cell, positions in found.items():
        events += await services.events_at(cell, positions)
    return events


def _told(
    start: StreamCursor,
    events: Sequence[Recorded],
    judged: Sequence[tuple[Transition, ...]],
) -> list[Told]:
    vector = dict(start.vector)
    told: list[Told] = []
    for recorded, transitions in zip(events, judged, strict=True):
        skipped = start.skips(recorded.cell, recorded.position)
        told += with_cursors(vector, recorded, transitions)[skipped:]
        vector[recorded.cell] = recorded.position
    return told


def with_cursors(
    before: Mapping[int, int], recorded: Recorded, transitions: Sequence[Transition]
) -> list[Told]:
    """
    Each of an event's transitions with its cursor; only the last leaves the event behind.

    :param before: how far the other cells are.
    """
    if not transitions:
        return []
    cell, position = recorded.cell, recorded.position
    almost = {**before, cell: position - 1}
    last = str(StreamCursor({**before, cell: position}))
    return [
        Told(
            recorded,
            one,
            last if number == len(transitions) else str(StreamCursor(almost, cell, number)),
        )
        for number, one in enumerate(transitions, 1)
    ]


async def _send(
    services: Services, connection: Connection, told: Sequence[Told], patient: bool
) -> bool:
    for start in range(0, len(told), _ITEMS_MAX):
        if patient and not await connection.room():
            return False
        sent = await compose(services, connection.member, told[start : start + _ITEMS_MAX])
        if sent is None or not all(connection.send(one) for one in sent):
            return False
    await asyncio.sleep(0)
    return True
