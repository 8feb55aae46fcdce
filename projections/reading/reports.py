"""
What a member reported, newest first.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.cases import CaseView, by_id
from projections.reading.posts import Mark
from projections.reading.statements import Connection, Statement

_REPORTS = Statement(
    "reports_of_reporter",
    """
    SELECT report, "case", category, reported_at, outcome, decided_at FROM models.reports
     WHERE cell = :cell::smallint AND reporter = :reporter::uuid
       AND (reported_at, "case") < (:before::timestamptz, :before_case::uuid)
     ORDER BY reported_at DESC, "case" DESC LIMIT :count::int
    """,
)


class ReportView(msgspec.Struct, frozen=True):
    """A report, and the case it came to; no case while that is still on its way here."""

    report: UUID
    case: UUID
    category: str
    reported_at: datetime
    outcome: str | None
    decided_at: datetime | None
    about: CaseView | None

    @property
    def mark(self) -> Mark:
        """Where a walk goes on after it."""
        return self.reported_at, self.case


async def of_reporter(
    connection: Connection, reporter: MemberId, before: Mark, count: int
) -> list[ReportView]:
    """A member's reports; what was reported twice counts once, from the last time."""
    rows = await _REPORTS(
        connection,
        cell=cell_of(reporter),
        reporter=reporter,
        before=before[0],
        before_case=before[1],
        count=count,
    )
    cases = await by_id(connection, [row[1] for row in rows]) if rows else {}
    return [
        ReportView(report, case, category, reported_at, outcome, decided_at, cases.get(case))
        for report, case, category, reported_at, outcome, decided_at in rows
    ]
