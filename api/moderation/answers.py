"""
What staff and members receive about cases and decisions: the Structs, and how views become them.

What a member is told of a decision is what its disclosure policy said when it was taken. Whatever
else is known of it does not pass here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from api.services import Services
from commands.types import Moment
from domain.rulings import APPEAL
from projections.decisions import RESTRICTIVE
from projections.reading.cases import CaseView
from projections.reading.decisions import DecisionView, NoteView
from projections.reading.reports import ReportView
from projections.reading.standings import SanctionView, StandingView, StrikeView


class SubjectAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a case is about; a nickname and a member are named by the member's id."""

    kind: str
    id: UUID
    owner: UUID | None = None


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A case as it stands. ``reports`` is how often it was ever reported; ``changed_at`` when its
    member last changed what it says, while it waits to be decided.
    """

    id: UUID
    subject: SubjectAnswer
    queue: str
    state: Literal["open", "claimed", "proposed", "closed"]
    cause: str
    promise: str
    due_at: Moment
    overdue: bool
    reports: int
    opened_at: Moment
    position: str
    version: int
    claimed_by: UUID | None = None
    claimed_until: Moment | None = None
    decided_at: Moment | None = None
    verdict: str | None = None
    changed_at: Moment | None = None


def case(view: CaseView) -> Case:
    """A case."""
    return Case(
        id=view.case,
        subject=SubjectAnswer(view.kind, view.subject, view.owner),
        queue=view.queue,
        state=view.state,  # type: ignore[arg-type]
        cause=view.cause,
        promise=view.promise,
        due_at=view.due_at,
        overdue=view.overdue,
        reports=view.reports,
        opened_at=view.opened_at,
        position=f"{view.cell}-{view.position}",
        version=view.version,
        claimed_by=view.claimed_by,
        claimed_until=view.claimed_until,
        decided_at=view.decided_at,
        verdict=view.verdict,
        changed_at=view.changed_at,
    )


class GivenStrike(msgspec.Struct, frozen=True):
    """A strike, and the decision that gave it."""

    decision: UUID
    weight: int
    state: Literal["active", "expired", "reversed"]
    given_at: Moment
    expires_at: Moment


class ImposedSanction(msgspec.Struct, frozen=True):
    """A sanction and the decision that is its cause; ``by_ladder``: strikes added up to it."""

    id: UUID
    kind: Literal["restriction", "suspension", "ban"]
    state: Literal["in_force", "expired", "overturned", "reinstated"]
    decision: UUID
    by_ladder: bool
    imposed_at: Moment
    until: Moment | None
    lifted_at: Moment | None


class Standing(msgspec.Struct, frozen=True):
    """What weighs on a member; ``weight`` is that of the strikes that count now."""

    weight: int
    strikes: list[GivenStrike]
    sanctions: list[ImposedSanction]


def standing(view: StandingView, now: datetime) -> Standing:
    """A standing."""
    counting = (one for one in view.strikes if one.state == "active" and one.expires_at > now)
    return Standing(
        weight=sum(one.weight for one in counting),
        strikes=[_strike(one) for one in view.strikes],
        sanctions=[_sanction(one) for one in view.sanctions],
    )


def _strike(view: StrikeView) -> GivenStrike:
    return GivenStrike(
        view.strike,
        view.weight,
        view.state,  # type: ignore[arg-type]
        view.given_at,
        view.expires_at,
    )


def _sanction(view: SanctionView) -> ImposedSanction:
    return ImposedSanction(
        view.sanction,
        view.kind,  # type: ignore[arg-type]
        view.state,  # type: ignore[arg-type]
        view.decision,
        view.by_ladder,
        view.imposed_at,
        view.until,
        view.lifted_at,
    )


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What you reported, and what came of it: ``acted`` or ``no_action``; ``closed`` without an
    outcome is what its author took away.
    """

    id: UUID
    category: str
    reported_at: Moment
    state: Literal["open", "decided", "closed"]
    subject: SubjectAnswer | None = None
    outcome: Literal["acted", "no_action"] | None = None
    decided_at: Moment | None = None


def report(view: ReportView) -> Report:
    """A report, for who made it: not who decided, nor what it means for the other."""
    about = view.about
    gone = about is not None and about.state == "closed"
    return Report(
        id=view.report,
        category=view.category,
        reported_at=view.reported_at,
        state="decided" if view.outcome is not None else "closed" if gone else "open",
        subject=None if about is None else SubjectAnswer(about.kind, about.subject),
        outcome=view.outcome,  # type: ignore[arg-type]
        decided_at=view.decided_at,
    )


class TimedSanction(msgspec.Struct, frozen=True):
    """A sanction, and until when; without an end it is for good."""

    kind: str
    until: Moment | None


class Consequences(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a decision means for the member's standing."""

    strike_weight: int | None = None
    strike_until: Moment | None = None
    sanctions: list[TimedSanction] = []


class AppealState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Until when a decision can be appealed, or what became of its appeal."""

    until: Moment | None = None
    state: Literal["waiting", "upheld", "overturned"] | None = None
    appealed_at: Moment | None = None
    answered_at: Moment | None = None


class MemberNote(msgspec.Struct, frozen=True):
    """What a moderator wants you to know."""

    note: str | None
    at: Moment


class MemberDecision(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A statement of reasons, as much of it as ``told`` says. ``opaque``: that something was decided
    of what, and when. ``notice``: what, on which ground, by which clause. ``full``: with the
    explanation, the facts, and notes.
    """

    id: UUID
    subject: SubjectAnswer
    decided_at: Moment
    told: Literal["opaque", "notice", "full"]
    position: str
    appeal: AppealState | None = None
    verdict: str | None = None
    ground: Literal["illegal", "terms"] | None = None
    clause: str | None = None
    category: str | None = None
    consequences: Consequences | None = None
    answers: UUID | None = None
    outcome: Literal["upheld", "overturned"] | None = None
    automated_detection: bool | None = None
    explanation: str | None = None
    facts: str | None = None
    notes: list[MemberNote] = []


def decision(app: Services, view: DecisionView, notes: Sequence[NoteView]) -> MemberDecision:
    """
    A decision, for the member whom it concerns.

    :param notes: those meant for the member that came with it.
    """
    told = MemberDecision(
        id=view.decision,
        subject=SubjectAnswer(view.kind, view.subject),
        decided_at=view.decided_at,
        told=view.told,  # type: ignore[arg-type]
        position=f"{view.cell}-{view.position}",
        appeal=_appeal(view),
    )
    if view.told == "opaque":
        return told
    told = msgspec.structs.replace(
        told,
        verdict=view.verdict,
        ground=view.ground,
        clause=view.clause,
        category=view.category,
        consequences=_consequences(view),
        answers=view.against,
        outcome=view.outcome,
    )
    if view.told == "notice":
        return told
    return msgspec.structs.replace(
        told,
        automated_detection=view.automated_detection,
        explanation=app.open(view.explanation),
        facts=app.open(view.facts),
        notes=[MemberNote(app.open(one.note), one.at) for one in notes],
    )


def _appeal(view: DecisionView) -> AppealState | None:
    if view.appeal is not None:
        return AppealState(
            state=view.appeal,  # type: ignore[arg-type]
            appealed_at=view.appealed_at,
            answered_at=view.answered_at,
        )
    if view.against is not None:
        return None
    # Who is not told what was decided is not told by this, either, whether there is a point.
    adverse = view.verdict in RESTRICTIVE or view.strike_weight is not None or bool(view.sanctions)
    return AppealState(view.decided_at + APPEAL) if adverse or view.told == "opaque" else None


def _consequences(view: DecisionView) -> Consequences | None:
    if view.strike_weight is None and not view.sanctions:
        return None
    return Consequences(
        strike_weight=view.strike_weight,
        strike_until=view.strike_until,
        sanctions=[TimedSanction(kind, until) for kind, until in view.sanctions],
    )
