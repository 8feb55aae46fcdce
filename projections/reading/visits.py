"""
Visits to a space: how many, and by whom. The visitors of a space stand in its own cell; who each of
them is, is read in theirs.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.posts import Mark, Profile
from projections.reading.responses import profiles_of
from projections.reading.statements import Connection, Statement

COUNTS = Statement(
    "visits_of_spaces",
    """
    SELECT wanted.space, c.total, c.visitors, d.day, d.visits
      FROM unnest(:cells::smallint[], :spaces::uuid[]) AS wanted (cell, space)
      JOIN models.visit_counts c ON c.cell = wanted.cell AND c.space = wanted.space
      LEFT JOIN LATERAL (
           SELECT n.day, n.visits FROM models.visit_days n
            WHERE n.cell = wanted.cell AND n.space = wanted.space
            ORDER BY n.day DESC LIMIT 1) AS d ON true
    """,
)

NEWEST = Statement(
    "newest_visitors",
    """
    SELECT wanted.space, newest.visitor, newest.visited_at
      FROM unnest(:cells::smallint[], :spaces::uuid[]) AS wanted (cell, space)
     CROSS JOIN LATERAL (
           SELECT v.visitor, v.visited_at FROM models.visitors v
             LEFT JOIN models.removed_visitors r
               ON r.cell = v.cell AND r.space = v.space AND r.visitor = v.visitor
            WHERE v.cell = wanted.cell AND v.space = wanted.space
              AND v.times > coalesce(r.times, 0)
            ORDER BY v.visited_at DESC, v.visitor DESC
            LIMIT :count::int) AS newest
    """,
)

_VISITORS = Statement(
    "visitors_of_space",
    """
    SELECT v.visitor, v.times - coalesce(r.times, 0) AS times, v.visited_at
      FROM models.visitors v
      LEFT JOIN models.removed_visitors r
        ON r.cell = v.cell AND r.space = v.space AND r.visitor = v.visitor
     WHERE v.cell = :cell::smallint AND v.space = :space::uuid
       AND (v.visited_at, v.visitor) < (:before::timestamptz, :before_visitor::uuid)
       AND v.times > coalesce(r.times, 0)
     ORDER BY v.visited_at DESC, v.visitor DESC
     LIMIT :count::int
    """,
)


class VisitCounts(msgspec.Struct, frozen=True):
    """
    How many visits a space ever had, and by how many members that its owner may know of; and how
    many on ``day``, the last on which there were any.
    """

    total: int = 0
    visitors: int = 0
    day: int = 0
    on_day: int = 0

    def on(self, day: int) -> int:
        """How many there were on a day that is not before the last one."""
        return self.on_day if self.day == day else 0


class VisitorView(msgspec.Struct, frozen=True):
    """Who was in a space, how often, and when last."""

    visitor: Profile
    times: int
    visited_at: datetime

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.visited_at, self.visitor.member


class Seen(msgspec.Struct, frozen=True):
    """
    Who was in a space, and when last, as others are shown it. ``lasting`` says that the same view
    is given to others as well.
    """

    visitor: Profile
    visited_at: datetime
    lasting: bool = False


async def counts(connection: Connection, space: MemberId) -> VisitCounts:
    """How many visits a space had."""
    rows = await COUNTS(connection, cells=[cell_of(space)], spaces=[space])
    return VisitCounts(*rows[0][1:]) if rows else VisitCounts()


async def newest(
    connection: Connection, viewer: MemberId, space: MemberId, of: int, count: int
) -> list[Seen]:
    """Of the ``of`` newest visitors of a space, the first ``count`` that the viewer may see."""
    rows = await NEWEST(connection, cells=[cell_of(space)], spaces=[space], count=of)
    rows.sort(key=lambda row: (row[2], row[1]), reverse=True)
    profiles = await profiles_of(connection, viewer, [visitor for _, visitor, _ in rows])
    seen = [Seen(profiles[one], at) for _, one, at in rows if one in profiles]
    return seen[:count]


async def visitors(
    connection: Connection, owner: MemberId, before: Mark, count: int
) -> list[VisitorView]:
    """Who was in one's own space, latest first, as far as neither has blocked the other."""
    page: list[VisitorView] = []
    step = count
    while len(page) < count:
        rows = await _VISITORS(
            connection,
            cell=cell_of(owner),
            space=owner,
            before=before[0],
            before_visitor=before[1],
            count=step,
        )
        profiles: dict[UUID, Profile] = await profiles_of(
            connection, owner, [visitor for visitor, _, _ in rows]
        )
        page += [
            VisitorView(profiles[one], times, at) for one, times, at in rows if one in profiles
        ]
        if len(rows) < step:
            break
        before = (rows[-1][2], rows[-1][0])
        step = min(step * 2, 500)
    return page[:count]
