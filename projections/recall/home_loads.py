"""
What loads the facts of home pages: what an owner made of one with the newest of its board, and how
many came by with the newest of them.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.home import PLAIN
from domain.ids import cell_of
from projections.reading.homes import HOMES, LOOKED_AT, decoded
from projections.reading.messages import NEWEST as NEWEST_MESSAGES
from projections.reading.statements import Connection, Statement
from projections.reading.visits import COUNTS, VisitCounts
from projections.reading.visits import NEWEST as NEWEST_VISITORS
from projections.recall.facts import Facts
from projections.recall.shapes import Page, Posted, Visited

_GATES = Statement(
    "facts_of_gates",
    """
    SELECT g.content, g.live, g.audience
      FROM unnest(:cells::smallint[], :contents::uuid[]) AS wanted (cell, content)
      JOIN models.gates g ON g.cell = wanted.cell AND g.content = wanted.content
    """,
)


async def pages(connection: Connection, facts: Facts, members: Sequence[UUID]) -> None:
    """What owners made of their pages, and the newest messages on their boards."""
    asked = facts.asked()
    cells = [cell_of(member) for member in members]
    homes = {
        member: decoded(home)
        for member, home, _ in await HOMES(connection, cells=cells, members=members)
    }
    rows = await NEWEST_MESSAGES(connection, cells=cells, spaces=members, count=LOOKED_AT)
    gates: dict[UUID, tuple[bool, str]] = {}
    if rows:
        gated = await _GATES(
            connection, cells=[row[3] for row in rows], contents=[row[1] for row in rows]
        )
        gates = {content: (live, audience) for content, live, audience in gated}
    posted: dict[UUID, list[Posted]] = {member: [] for member in members}
    for space, message, *said in rows:
        if message in gates:
            posted[space].append(Posted._make((message, *said, *gates[message])))
    for cell, member in zip(cells, members, strict=True):
        newest = sorted(posted[member], key=lambda one: (one.written_at, one.message), reverse=True)
        page = Page(homes.get(member, PLAIN), tuple(newest))
        facts.keep(facts.pages, cell, member, page, asked)


async def visited(connection: Connection, facts: Facts, members: Sequence[UUID]) -> None:
    """How many were in spaces, and the newest of them."""
    asked = facts.asked()
    cells = [cell_of(member) for member in members]
    counted = {
        space: VisitCounts(*counts)
        for space, *counts in await COUNTS(connection, cells=cells, spaces=members)
    }
    newest: dict[UUID, list[tuple[UUID, datetime]]] = {member: [] for member in members}
    if counted:
        rows = await NEWEST_VISITORS(connection, cells=cells, spaces=members, count=LOOKED_AT)
        rows.sort(key=lambda row: (row[2], row[1]), reverse=True)
        for space, visitor, visited_at in rows:
            newest[space].append((visitor, visited_at))
    for cell, member in zip(cells, members, strict=True):
        fact = Visited(counted.get(member, VisitCounts()), tuple(newest[member]))
        facts.keep(facts.visited, cell, member, fact, asked)
