"""
Decisions as statements of reasons: a member's own, and all of a cell for those who report them.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from domain.ids import CaseId, MemberId, cell_of, milliseconds_of
from projections.reading.statements import Connection, Row, Statement

_COLUMNS = """
    SELECT cell, position, decision, "case", owner, kind, subject, verdict, ground, clause,
           category, explanation, facts, cause, automated_detection, told, decided_at,
           strike_weight, strike_until, measure, measure_until, ladder, ladder_until,
           against, outcome, appeal, appealed_at, answered_at
"""

_OF_OWNER = Statement(
    "decisions_of_owner",
    f"""
    {_COLUMNS} FROM models.decisions
     WHERE cell = :cell::smallint AND owner = :owner::uuid AND concerns_owner
       AND position < :before::bigint
     ORDER BY position DESC LIMIT :count::int
    """,
)

_STATED = Statement(
    "decisions_stated",
    f"""
    {_COLUMNS} FROM models.decisions
     WHERE cell = :cell::smallint AND stated
       AND position > :after::bigint AND position <= :until::bigint
     ORDER BY position LIMIT :count::int
    """,
)

_CASE = Statement(
    "case_of_decision",
    """
    SELECT "case" FROM models.decisions
     WHERE cell = :cell::smallint AND decision = :decision::uuid AND owner = :owner::uuid
    """,
)

# A note came with the decision that followed it; what was noted once the case was closed, with the
# one before. In between it must not have been opened anew: what was said of one matter is no part
# of another, be it one of which nobody was told. What came with no decision yet, or never will,
# comes with none.
_NOTES = Statement(
    "public_notes",
    """
    SELECT CASE WHEN next.position <= coalesce(later.position, next.position) THEN next.decision
                WHEN last.position > coalesce(since.position, 0) THEN last.decision
           END, n.note, n.at
      FROM models.public_notes n
      LEFT JOIN LATERAL (
           SELECT d.decision, d.position FROM models.decisions d
            WHERE d.cell = n.cell AND d."case" = n."case" AND d.position > n.position
            ORDER BY d.position LIMIT 1) AS next ON true
      LEFT JOIN LATERAL (
           SELECT o.position FROM models.case_openings o
            WHERE o.cell = n.cell AND o."case" = n."case" AND o.position > n.position
            ORDER BY o.position LIMIT 1) AS later ON true
      LEFT JOIN LATERAL (
           SELECT d.decision, d.position FROM models.decisions d
            WHERE d.cell = n.cell AND d."case" = n."case" AND d.position < n.position
            ORDER BY d.position DESC LIMIT 1) AS last ON true
      LEFT JOIN LATERAL (
           SELECT o.position FROM models.case_openings o
            WHERE o.cell = n.cell AND o."case" = n."case" AND o.position < n.position
            ORDER BY o.position DESC LIMIT 1) AS since ON true
     WHERE n.cell = :cell::smallint AND n."case" = ANY(:cases::uuid[])
     ORDER BY n."case", n.position
    """,
)


class DecisionView(msgspec.Struct, frozen=True):
    """
    A decision of people, with its reasons.

    :param told: how much of it its owner is told: ``opaque``, ``notice`` or ``full``.
    :param measure: the sanction it decided on directly; ``ladder`` the one that its strike led to.
    :param against: the decision that it answers an appeal of, and with what ``outcome``.
    :param appeal: what became of an appeal against it: ``waiting``, ``upheld``, ``overturned``.
    """

    cell: int
    position: int
    decision: UUID
    case: UUID
    owner: MemberId
    kind: str
    subject: UUID
    verdict: str
    ground: str
    clause: str
    category: str
    explanation: bytes
    facts: bytes
    cause: str
    automated_detection: bool
    told: str
    decided_at: datetime
    strike_weight: int | None
    strike_until: datetime | None
    measure: str | None
    measure_until: datetime | None
    ladder: str | None
    ladder_until: datetime | None
    against: UUID | None
    outcome: str | None
    appeal: str | None
    appealed_at: datetime | None
    answered_at: datetime | None

    @property
    def content_at(self) -> datetime:
        """When what it is about was made, which its id tells; of a name, when the member joined."""
        return datetime.fromtimestamp(milliseconds_of(self.subject) / 1000, UTC)

    @property
    def overturned_at(self) -> datetime | None:
        """When an appeal undid it, if one has."""
        return self.answered_at if self.appeal == "overturned" else None

    @property
    def sanctions(self) -> tuple[tuple[str, datetime | None], ...]:
        """Every sanction it led to, and until when; without an end it is for good."""
        both = ((self.measure, self.measure_until), (self.ladder, self.ladder_until))
        return tuple((kind, until) for kind, until in both if kind is not None)


class NoteView(msgspec.Struct, frozen=True):
    """A note that staff meant for the member."""

    note: bytes
    at: datetime


async def of_owner(
    connection: Connection, owner: MemberId, before: int, count: int
) -> list[DecisionView]:
    """The decisions that concern a member, newest first."""
    rows = await _OF_OWNER(connection, cell=cell_of(owner), owner=owner, before=before, count=count)
    return [_view(row) for row in rows]


async def stated(
    connection: Connection, cell: int, after: int, until: int, count: int
) -> list[DecisionView]:
    """The decisions of a cell that restrict somebody, in the order in which they were taken."""
    rows = await _STATED(connection, cell=cell, after=after, until=until, count=count)
    return [_view(row) for row in rows]


async def case_of(connection: Connection, owner: MemberId, decision: UUID) -> CaseId | None:
    """The case that a decision about a member was of; None when there is no such decision."""
    rows = await _CASE(connection, cell=cell_of(owner), decision=decision, owner=owner)
    return CaseId(rows[0][0]) if rows else None


async def public_notes(
    connection: Connection, cell: int, cases: Sequence[UUID]
) -> dict[UUID, list[NoteView]]:
    """The notes to the member in some cases of a cell, by the decision they came with."""
    found: dict[UUID, list[NoteView]] = defaultdict(list)
    for decision, note, at in await _NOTES(connection, cell=cell, cases=list(cases)):
        if decision is not None:
            found[decision].append(NoteView(note, at))
    return found


def _view(row: Row) -> DecisionView:
    return DecisionView(*row)
