"""
Cases as staff find them: pages of queues over all cells, and single ones by id.

Cells are not joined: each gives the first few of its own, by its own index, and the page is the
first of those. A cell that gave all it was asked for may have more that belongs to the page: then,
and only then, it is asked for as many as the page has. So a page costs the same whatever waits.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.case_events import Queue
from domain.ids import CaseId, MemberId, cell_of
from projections.reading.statements import Connection, Row, Statement

#: Where a walk through a queue goes on: after this due date and case, as they were at this moment.
Mark: TypeAlias = tuple[datetime, UUID, datetime]
State: TypeAlias = Literal["open", "claimed", "proposed", "closed", "overdue"]

#: How far behind the log, and each other's clocks, whatever is read may be.
SLACK: Final = timedelta(minutes=1)
_FIRST: Final = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))

_COLUMNS = """
    SELECT p.cell, p."case", p.kind, p.subject, p.owner, p.queue, p.state, p.cause, p.promise,
           p.due_at, p.overdue, p.claimed_by, p.claimed_until, p.opened_at, p.decided_at,
           p.verdict, p.changed_at, p.position, p.version, coalesce(t.reports, 0)
"""


# A case stands where it stood when the walk began, so that it is met once, however its due date
# moves meanwhile. Where those stood whose due date moved since is looked up: they are few, and are
# found by that, whatever else is asked of them (OFFSET 0 keeps the planner to it).
def _page(name: str, where: str) -> Statement:
    return Statement(
        name,
        f"""
        {_COLUMNS}, p.place
          FROM (SELECT c.* FROM unnest(:cells::smallint[]) AS w (cell)
                 CROSS JOIN LATERAL (
                       (SELECT c.*, c.due_at AS place FROM models.cases c
                         WHERE c.cell = w.cell AND {where} AND c.due_set_at <= :since::timestamptz
                           AND (c.due_at, c."case") > (:after::timestamptz, :after_case::uuid)
                         ORDER BY c.due_at, c."case" LIMIT :each::int)
                       UNION ALL
                       (SELECT c.*, d.place
                          FROM (SELECT * FROM models.cases m
                                 WHERE m.cell = w.cell AND m.due_set_at > :since::timestamptz
                                OFFSET 0) AS c
                         CROSS JOIN LATERAL (SELECT coalesce(
                               (SELECT f.due_at FROM models.case_dues f
                                 WHERE f.cell = c.cell AND f."case" = c."case"
                                   AND f.position >= c.turn AND f.at <= :since::timestamptz
                                 ORDER BY f.position DESC LIMIT 1),
                               (SELECT f.due_at FROM models.case_dues f
                                 WHERE f.cell = c.cell AND f."case" = c."case"
                                   AND f.position >= c.turn
                                 ORDER BY f.position LIMIT 1)) AS place) AS d
                         WHERE {where}
                           AND (d.place, c."case") > (:after::timestamptz, :after_case::uuid)
                         ORDER BY d.place, c."case" LIMIT :each::int)) AS c
                 ORDER BY c.place, c."case" LIMIT :count::int) AS p
          LEFT JOIN models.case_tallies t ON t.cell = p.cell AND t."case" = p."case"
         ORDER BY p.place, p."case"
        """,  # noqa: S608  the conditions are those below
    )


_OPEN = _page("cases_open", "c.state <> 'closed'")
_IN_QUEUE = _page("cases_in_queue", "c.queue = :queue::text AND c.state <> 'closed'")
# Of those that are late a queue has its part, or else there is more to do than to read.
_OVERDUE = _page(
    "cases_overdue",
    "c.overdue AND c.state <> 'closed' AND (:queue::text IS NULL OR c.queue = :queue::text)",
)
_IN_STATE = _page("cases_in_state", "c.state = :state::text")
_IN_QUEUE_AND_STATE = _page(
    "cases_in_queue_and_state", "c.queue = :queue::text AND c.state = :state::text"
)
_CLAIMED_BY = _page("cases_claimed_by", "c.claimed_by = :staff::uuid")

_BY_ID = Statement(
    "cases_by_id",
    f"""
    {_COLUMNS}
      FROM unnest(:cells::smallint[], :cases::uuid[]) AS w (cell, "case")
      JOIN models.cases p ON p.cell = w.cell AND p."case" = w."case"
      LEFT JOIN models.case_tallies t ON t.cell = p.cell AND t."case" = p."case"
    """,
)

SIZES = Statement(
    "queue_sizes",
    """
    SELECT queue, state, count(*), count(*) FILTER (WHERE overdue) FROM models.cases
     WHERE state <> 'closed' GROUP BY queue, state
    """,
)

BREACHES = Statement(
    "promise_breaches",
    "SELECT promise, sum(count)::bigint FROM models.breaches GROUP BY promise",
)


class CaseView(msgspec.Struct, frozen=True):
    """
    A case as it stands; ``reports`` is how often it was ever reported, ``changed_at`` when its
    member last changed what is to be decided of.
    """

    cell: int
    case: CaseId
    kind: str
    subject: UUID
    owner: MemberId
    queue: str
    state: str
    cause: str
    promise: str
    due_at: datetime
    overdue: bool
    claimed_by: UUID | None
    claimed_until: datetime | None
    opened_at: datetime
    decided_at: datetime | None
    verdict: str | None
    changed_at: datetime | None
    position: int
    version: int
    reports: int


class Page(msgspec.Struct, frozen=True):
    """
    Cases, and where the walk goes on after each of them.
    """

    cases: list[CaseView]
    marks: list[Mark]


class Wanted(msgspec.Struct, frozen=True):
    """
    Which cases: without anything, all open work.

    :param claimed_by: those that this member of staff is at.
    """

    queue: Queue | None = None
    state: State | None = None
    claimed_by: UUID | None = None


class QueueSizes(msgspec.Struct, frozen=True):
    """
    How much waits.

    :param open: open cases by queue and state; ``overdue`` those of them, by queue.
    :param breaches: promises ever broken, by kind.
    """

    open: dict[tuple[str, str], int]
    overdue: dict[str, int]
    breaches: dict[str, int]


def first(now: datetime) -> Mark:
    """Where a walk begins."""
    return (*_FIRST, now - SLACK)


async def page(connection: Connection, cells: int, wanted: Wanted, after: Mark, count: int) -> Page:
    """
    The cases that are wanted, oldest due date first, as those were when the walk began. What stays
    open throughout a walk is met in it once.
    """
    statement, where = _asked(wanted)
    due, case, since = after
    where |= {
        "cells": list(range(cells)), "after": due, "after_case": case, "since": since,
        "count": count,
    }  # fmt: skip
    # Twice a cell's fair part and a little more: chance seldom gives any of them so many.
    each = min(count, 2 * -(-count // cells) + 2)
    rows = await statement(connection, **where, each=each)
    given = Counter(row[0] for row in rows)
    if each < count and max(given.values(), default=0) >= each:
        rows = await statement(connection, **where, each=count)
    views = [_view(row[:-1]) for row in rows]
    return Page(views, [(row[-1], view.case, since) for row, view in zip(rows, views, strict=True)])


def _asked(wanted: Wanted) -> tuple[Statement, dict[str, Any]]:
    queue, state = wanted.queue, wanted.state
    if wanted.claimed_by is not None:
        return _CLAIMED_BY, {"staff": wanted.claimed_by}
    if state == "overdue":
        return _OVERDUE, {"queue": queue}
    if state is None:
        return (_OPEN, {}) if queue is None else (_IN_QUEUE, {"queue": queue})
    if queue is None:
        return _IN_STATE, {"state": state}
    return _IN_QUEUE_AND_STATE, {"queue": queue, "state": state}


async def by_id(connection: Connection, cases: Sequence[UUID]) -> dict[UUID, CaseView]:
    """Single cases; those that do not exist are left out."""
    rows = await _BY_ID(connection, cells=[cell_of(one) for one in cases], cases=list(cases))
    return {view.case: view for view in map(_view, rows)}


async def sizes(connection: Connection) -> QueueSizes:
    """How much waits in which queue, and how many promises were ever broken."""
    waiting: dict[tuple[str, str], int] = {}
    overdue: dict[str, int] = {}
    for queue, state, number, late in await SIZES(connection):
        waiting[queue, state] = number
        overdue[queue] = overdue.get(queue, 0) + late
    broken = {str(kind): int(number) for kind, number in await BREACHES(connection)}
    return QueueSizes(waiting, overdue, broken)


def _view(row: Row) -> CaseView:
    return CaseView(*row)
