"""
Cases: everything that people look into, decide and explain about one subject.

A subject has one case, for ever: what screening finds, what members report and what is appealed all
come to it, so reports merge by themselves, and one stream tells the whole trail. It lives in the
cell of the member whose subject it is, so a decision and what it does are one append. What may be
done to a case is in :mod:`domain.casework`.

    nothing → open ⇄ claimed        open, claimed → decided → closed → open again
              open, claimed → proposed → decided, or open again
              open, claimed → mooted → closed
"""

from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec

from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseClaimLapsed,
    CaseDecided,
    CaseDeclined,
    CaseEscalated,
    CaseEvent,
    CaseMooted,
    CaseNoted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseReleased,
    CaseReported,
    Queue,
    Subject,
)
from domain.decision import Cause, Decision
from domain.event import Aggregate
from domain.ids import CaseId, DecisionId, MemberId, StreamId, cell_of, derive
from domain.promise import Promise
from domain.verdicts import Verdict


class Report(msgspec.Struct, frozen=True):
    """Who reported it, and at which version of the case."""

    id: UUID
    reporter: MemberId
    since: int


class Ruling(msgspec.Struct, frozen=True):
    """
    A decision, as later ones have to know it.

    :param deciders: who decided and who confirmed it; an appeal is for somebody else.
    :param adverse: whether it went against the member.
    :param final: it answered an appeal.
    """

    id: DecisionId
    verdict: Verdict
    deciders: tuple[UUID, ...]
    decided_at: datetime
    adverse: bool
    final: bool
    appealed: bool = False


class Appeal(msgspec.Struct, frozen=True):
    """An appeal that is not decided yet, and the decision that it is against."""

    id: UUID
    against: DecisionId


class Matter(msgspec.Struct, frozen=True):
    """
    What a case is about, and what came of it so far.

    :param cause: of its last opening; ``version`` is the subject's then.
    :param reports: of its last opening, one a reporter.
    """

    subject: Subject
    cause: Cause
    queue: Queue
    promise: Promise
    version: int
    overdue: bool = False
    reports: tuple[Report, ...] = ()
    appeal: Appeal | None = None
    rulings: tuple[Ruling, ...] = ()

    def ruling(self, decision: DecisionId) -> Ruling | None:
        """One of the decisions that were made."""
        return next((one for one in self.rulings if one.id == decision), None)


class NoCase(msgspec.Struct, frozen=True):
    """Nobody ever had to look."""


class Open(msgspec.Struct, frozen=True):
    """Somebody has to; nobody is at it."""

    matter: Matter


class Claimed(msgspec.Struct, frozen=True):
    """Somebody is at it, until then."""

    matter: Matter
    by: UUID
    until: datetime


class Proposed(msgspec.Struct, frozen=True):
    """A grave decision waits for a second person."""

    matter: Matter
    decision: Decision
    by: UUID


class Closed(msgspec.Struct, frozen=True):
    """It is decided, or there was nothing left to decide, at version ``since``."""

    matter: Matter
    since: int


Case: TypeAlias = NoCase | Open | Claimed | Proposed | Closed


def evolve(case: Case, event: CaseEvent, version: int) -> Case:
    """The case after one more event."""
    if isinstance(event, CaseOpened):
        rulings = case.matter.rulings if isinstance(case, Closed) else ()
        matter = Matter(
            event.subject, event.cause, event.queue, event.promise, event.version, rulings=rulings
        )
        return Open(matter)
    if isinstance(case, NoCase):
        return case
    matter = case.matter
    match event:
        case CaseClaimed(by=by, until=until):
            return Claimed(matter, by, until)
        case CaseClaimLapsed() | CaseReleased() | CaseDeclined():
            return Open(matter)
        case CaseEscalated(queue=queue):
            return Open(msgspec.structs.replace(matter, queue=queue))
        case CaseProposed(decision=decision, by=by):
            return Proposed(matter, decision, by)
        case CaseDecided():
            return Closed(_decided(matter, event), version)
        case CaseAppealed():
            return Open(_appealed(case, event))
        case CaseMooted():
            return Closed(matter, version)
        case CaseReported() | CaseOverdue() | CaseNoted():
            return msgspec.structs.replace(case, matter=_known(matter, event, version))
        case _:
            assert_never(event)


def _known(matter: Matter, event: CaseReported | CaseOverdue | CaseNoted, version: int) -> Matter:
    change = msgspec.structs.replace
    match event:
        case CaseReported(sooner=sooner):
            report = Report(event.report, event.reporter, version)
            promise = matter.promise if sooner is None else sooner
            return change(matter, reports=(*matter.reports, report), promise=promise)
        case CaseOverdue():
            return change(matter, overdue=True)
        case CaseNoted():
            return matter
        case _:
            assert_never(event)


def _decided(matter: Matter, event: CaseDecided) -> Matter:
    return msgspec.structs.replace(matter, appeal=None, rulings=(*matter.rulings, _ruling(event)))


def _ruling(event: CaseDecided) -> Ruling:
    decision = event.decision
    deciders = (event.by,) if event.confirmed_by is None else (event.by, event.confirmed_by)
    return Ruling(
        id=decision.id,
        verdict=decision.verdict,
        deciders=deciders,
        decided_at=decision.decided_at,
        adverse=decision.verdict in ("reject", "unpublish") or decision.penalty is not None,
        final=decision.on_appeal is not None,
    )


def _appealed(case: Open | Claimed | Proposed | Closed, event: CaseAppealed) -> Matter:
    matter, change = case.matter, msgspec.structs.replace
    rulings = tuple(
        change(one, appealed=True) if one.id == event.decision else one for one in matter.rulings
    )
    appealed = change(
        matter,
        queue="appeals",
        promise=event.promise,
        overdue=False,
        appeal=Appeal(event.appeal, event.decision),
        rulings=rulings,
    )
    if isinstance(case, Closed):
        # What it was opened for before is settled; what is open besides the appeal goes on.
        return change(appealed, cause="appeal", reports=())
    return appealed


def weigh(case: Case) -> int:
    """Of a popular subject there may be thousands of reports."""
    if isinstance(case, NoCase):
        return 0
    return 500 * (1 + len(case.matter.reports) + len(case.matter.rulings))


CASE: Aggregate[Case] = Aggregate("case", NoCase(), evolve, weigh)


def case_of(subject: Subject) -> CaseId:
    """The one case there is about a subject."""
    return CaseId(derive(cell_of(subject.owner), f"case/{subject.kind}", subject.id))


def case_stream(case: CaseId) -> StreamId:
    """A case's stream bears the case's own id."""
    return StreamId(case)
