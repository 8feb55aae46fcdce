"""
Decisions: each with the reasons that were given for it, as its member is told them, and as they are
reported to who watches over the service.

A decision stands in its member's cell, so a member's decisions have one order, and those of a cell
another: that of their positions.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, Uuid, text

from domain.case_events import CaseAppealed, CaseDecided, CaseNoted, CaseOpened
from domain.casework import UNSEEN
from domain.decision import Decision
from domain.event import Recorded
from domain.standing_events import SanctionImposed
from domain.verdicts import Verdict
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, envelope, key, sealed

#: Verdicts that restrict somebody by themselves; others do with a sanction.
RESTRICTIVE: Final[frozenset[Verdict]] = frozenset({"reject", "unpublish"})

DECISIONS = Table(
    "decisions",
    METADATA,
    cell(),
    key("decision"),
    Column("position", BigInteger, nullable=False),
    Column("case", Uuid, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("category", Text, nullable=False),
    sealed("explanation"),
    sealed("facts"),
    Column("cause", Text, nullable=False),
    Column("automated_detection", Boolean, nullable=False),
    Column("told", Text, nullable=False),
    Column("decided_at", MOMENT, nullable=False),
    Column("strike_weight", Integer),
    Column("strike_until", MOMENT),
    Column("measure", Text),
    Column("measure_until", MOMENT),
    Column("ladder", Text),
    Column("ladder_until", MOMENT),
    Column("against", Uuid),
    Column("outcome", Text),
    Column("appeal", Text),
    Column("appealed_at", MOMENT),
    Column("answered_at", MOMENT),
    Column("concerns_owner", Boolean, nullable=False),
    Column("stated", Boolean, nullable=False),
    Index(
        "decisions_of_owner",
        "cell",
        "owner",
        "position",
        postgresql_where=text("concerns_owner"),
    ),
    # What restricts somebody is reported; it alone stands in this index, in the log's order.
    Index("decisions_stated", "cell", "position", postgresql_where=text("stated")),
    Index("decisions_of_case", "cell", "case", "position"),
)

#: Where cases were opened, or went on for something else: what is noted later is of that.
CASE_OPENINGS = Table(
    "case_openings",
    METADATA,
    cell(),
    key("case"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
)

#: Notes that staff meant for the member, to be shown with the decision they led to.
PUBLIC_NOTES = Table(
    "public_notes",
    METADATA,
    cell(),
    key("case"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    sealed("note"),
    Column("at", MOMENT, nullable=False),
)


class Decisions:
    """The read model."""

    name = "decisions"
    tables = (DECISIONS, CASE_OPENINGS, PUBLIC_NOTES)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case CaseDecided(decision=decision):
                yield Put(DECISIONS, (recorded.cell, decision.id), _reasons(recorded, event))
                if (on_appeal := decision.on_appeal) is not None:
                    answered = {
                        "appeal": on_appeal.outcome,
                        "answered_at": decision.decided_at,
                    }
                    yield Patch(DECISIONS, (recorded.cell, on_appeal.against), answered)
                if event.goes_on is not None:
                    yield _opening(recorded)
            case CaseOpened(beside=False):
                yield _opening(recorded)
            case CaseAppealed(decision=appealed, beside=beside):
                waits = {"appeal": "waiting", "appealed_at": recorded.recorded_at}
                yield Patch(DECISIONS, (recorded.cell, appealed), waits)
                if not beside:
                    yield _opening(recorded)
            case SanctionImposed(decision=cause, kind=kind, until=until, by_ladder=by_ladder):
                name = "ladder" if by_ladder else "measure"
                imposed = {name: kind, f"{name}_until": until, "stated": True}
                yield Patch(DECISIONS, (recorded.cell, cause), imposed)
            case CaseNoted(visibility="public", note=note):
                values = {"note": note.envelope, "at": recorded.recorded_at}
                at = (recorded.cell, recorded.stream, recorded.position)
                yield Put(PUBLIC_NOTES, at, values)
            case _:
                return


def _opening(recorded: Recorded) -> Put:
    return Put(CASE_OPENINGS, (recorded.cell, recorded.stream, recorded.position), {})


def _reasons(recorded: Recorded, event: CaseDecided) -> dict[str, Any]:
    subject, decision = event.subject, event.decision
    on_appeal = decision.on_appeal
    return {
        "position": recorded.position,
        "case": recorded.stream,
        "owner": subject.owner,
        "kind": subject.kind,
        "subject": subject.id,
        "verdict": decision.verdict,
        "ground": decision.ground,
        "clause": decision.clause,
        "category": decision.category,
        "explanation": envelope(decision.explanation),
        "facts": envelope(decision.facts),
        "cause": decision.cause,
        "automated_detection": decision.automated_detection,
        "told": decision.told.policy,
        "decided_at": decision.decided_at,
        **_penalty(decision),
        "ladder": None,
        "ladder_until": None,
        "against": None if on_appeal is None else on_appeal.against,
        "outcome": None if on_appeal is None else on_appeal.outcome,
        "appeal": None,
        "appealed_at": None,
        "answered_at": None,
        "concerns_owner": concerns_owner(decision),
        "stated": decision.verdict in RESTRICTIVE,
    }


def _penalty(decision: Decision) -> dict[str, Any]:
    penalty = decision.penalty
    strike = None if penalty is None else penalty.strike
    measure = None if penalty is None else penalty.measure
    return {
        "strike_weight": None if strike is None else strike.weight,
        "strike_until": None if strike is None else _after(decision, strike.days),
        "measure": None if measure is None else measure.kind,
        "measure_until": None if measure is None else _after(decision, measure.days),
    }


def _after(decision: Decision, days: int | None) -> datetime | None:
    return None if days is None else decision.decided_at + timedelta(days=days)


def concerns_owner(decision: Decision) -> bool:
    """
    Whether the owner is told at all: not that somebody looked, found nothing, and left it at that,
    or approved what never waited. It would tell of whoever reported it, or of a rule that saw it.
    """
    if decision.penalty is not None or decision.on_appeal is not None:
        return True
    match decision.verdict:
        case "no_action":
            return False
        case "approve":
            return decision.cause in UNSEEN
        case "reject" | "unpublish" | "restore":
            return True
        case _:
            assert_never(decision.verdict)
