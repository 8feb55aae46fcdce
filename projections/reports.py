"""
Reports: what each member reported, and what came of it. Never who decided, nor what it means for
the member whose it is.

They stand in the reporter's cell; what a case's events say of them comes from the case's.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table, Text, Uuid

from domain.case_events import CaseDecided, CaseReported
from domain.decision import Decision
from domain.event import Recorded
from domain.ids import cell_of
from projections.decisions import RESTRICTIVE
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

REPORTS = Table(
    "reports",
    METADATA,
    cell(),
    key("reporter"),
    key("case"),
    Column("report", Uuid, nullable=False),
    Column("category", Text, nullable=False),
    Column("reported_at", MOMENT, nullable=False),
    Column("outcome", Text),
    Column("decided_at", MOMENT),
    Column("case_cell", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("reports_of_reporter", "cell", "reporter", "reported_at", "case"),
)


class Reports:
    """The read model."""

    name = "reports"
    tables = (REPORTS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case CaseReported(reporter=reporter):
                values = {
                    "report": event.report,
                    "category": event.category,
                    "reported_at": recorded.recorded_at,
                    "outcome": None,
                    "decided_at": None,
                    "case_cell": recorded.cell,
                    "position": recorded.position,
                }
                yield Put(REPORTS, (cell_of(reporter), reporter, recorded.stream), values)
            case CaseDecided(decision=decision, reporters=reporters):
                heard = {"outcome": outcome(decision), "decided_at": decision.decided_at}
                for reporter in reporters:
                    at = (cell_of(reporter), reporter, recorded.stream)
                    yield Patch(REPORTS, at, heard)
            case _:
                return


def outcome(decision: Decision) -> str:
    """What a reporter hears: whether anything was done about it."""
    acted = decision.verdict in RESTRICTIVE or decision.penalty is not None
    return "acted" if acted else "no_action"
