"""
Cases: everything that people look into, decide and explain about one subject.

A subject has one case, for ever: what screening finds, what members report and what is appealed all
come to it, so reports merge by themselves, and one stream tells the whole trail. It lives in the
cell of the member whose subject it is, so a decision and what it does are one append. What may be
done to a case is in :mod:`domain.casework`.

    nothing → open ⇄ claimed        open, claimed → decided → closed → open again
              open, claimed → proposed → decided, or open again
              open, claimed → mooted → closed

It may be open for two things at once: for what is new, and for an appeal against an older decision.
Each is decided by itself, and neither holds up the other: once one is, the case goes on being open
for what remains.
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
    CaseSubjectChanged,
    Queue,
    Remaining,
    Subject,
)
from domain.decision import Cause, Decision
from domain.event import Aggregate, Refused
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
    :param final: it answered an appeal, against decision ``against``.
    :param reporters: who had reported it.
    """

    id: DecisionId
    verdict: Verdict
    deciders: tuple[UUID, ...]
    decided_at: datetime
    adverse: bool
    final: bool
    appealed: bool = False
    reporters: tuple[MemberId, ...] = ()
    against: DecisionId | None = None


class Appeal(msgspec.Struct, frozen=True):
    """An appeal that waits, the decision that it is against, and by when it will be answered."""

    id: UUID
    against: DecisionId
    promise: Promise
    overdue: bool = False


class Matter(msgspec.Struct, frozen=True):
    """
    What a case is about, and what came of it so far.

    :param cause: of its last opening, ``appeal`` where it is open for nothing else; ``version`` is
        the subject's then.
    :param reports: of its last opening, one a reporter.
    :param appeals: those that wait, each against another decision, the oldest first.
    """

    subject: Subject
    cause: Cause
    queue: Queue
    promise: Promise
    version: int
    overdue: bool = False
    reports: tuple[Report, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    rulings: tuple[Ruling, ...] = ()

    @property
    def new(self) -> bool:
        """Whether something is to be decided, or was last, beside an appeal."""
        return self.cause != "appeal"

    def ruling(self, decision: DecisionId) -> Ruling | None:
        """One of the decisions that were made."""
        return next((one for one in self.rulings if one.id == decision), None)

    def appeal(self, against: DecisionId | None = None) -> Appeal | None:
        """The appeal that waits against a decision; the first that waits, of no matter which."""
        return next((one for one in self.appeals if against in (None, one.against)), None)


class NoCase(msgspec.Struct, frozen=True):
    """Nobody ever had to look."""


class Open(msgspec.Struct, frozen=True):
    """Somebody has to; nobody is at it."""

    matter: Matter


class Claimed(msgspec.Struct, frozen=True):
    """Somebody is at it, until then; ``on`` is the subject's version that they found."""

    matter: Matter
    by: UUID
    until: datetime
    on: int


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
        return Open(_opened(case, event))
    if isinstance(case, NoCase):
        return case
    matter = case.matter
    match event:
        case CaseClaimed(by=by, until=until, on=on):
            return Claimed(matter, by, until, matter.version if on is None else on)
        case CaseClaimLapsed() | CaseReleased() | CaseDeclined():
            return Open(matter)
        case CaseEscalated(queue=queue):
            return Open(msgspec.structs.replace(matter, queue=queue))
        case CaseProposed(decision=decision, by=by):
            return Proposed(matter, decision, by)
        case CaseDecided():
            return _settled(_decided(matter, event), event.goes_on, version)
        case CaseAppealed(beside=False):
            return Open(_open_for_it(_appealed(matter, event), event))
        case CaseMooted():
            return Closed(matter, version)
        case CaseReported() | CaseOverdue() | CaseNoted() | CaseSubjectChanged() | CaseAppealed():
            return msgspec.structs.replace(case, matter=_known(matter, event, version))
        case _:
            assert_never(event)


_Learnt: TypeAlias = CaseReported | CaseOverdue | CaseNoted | CaseSubjectChanged | CaseAppealed


def _opened(case: Case, event: CaseOpened) -> Matter:
    matter = Matter(event.subject, event.cause, event.queue, event.promise, event.version)
    if isinstance(case, NoCase):
        return matter
    earlier = case.matter
    return msgspec.structs.replace(matter, appeals=earlier.appeals, rulings=earlier.rulings)


def _known(matter: Matter, event: _Learnt, version: int) -> Matter:
    change = msgspec.structs.replace
    match event:
        case CaseReported(sooner=sooner):
            report = Report(event.report, event.reporter, version)
            promise = matter.promise if sooner is None else sooner
            return change(matter, reports=(*matter.reports, report), promise=promise)
        case CaseOverdue(promise=kind, due=due):
            appeals = tuple(
                change(one, overdue=True) if (kind, due) == ("appeal", one.promise.due) else one
                for one in matter.appeals
            )
            # Or it is that of an appeal which waits beside what the case is open for.
            late = (kind, due) == (matter.promise.kind, matter.promise.due)
            return change(matter, overdue=matter.overdue or late, appeals=appeals)
        case CaseSubjectChanged(sooner=Promise() as sooner):
            return change(matter, promise=sooner)
        case CaseAppealed():
            return _appealed(matter, event)
        case CaseSubjectChanged():
            return matter
        case CaseNoted():
            return matter
        case _:
            assert_never(event)


def _decided(matter: Matter, event: CaseDecided) -> Matter:
    answered = event.decision.on_appeal
    waiting = tuple(
        one for one in matter.appeals if answered is None or one.against != answered.against
    )
    return msgspec.structs.replace(
        matter, appeals=waiting, rulings=(*matter.rulings, _ruling(event))
    )


def _settled(matter: Matter, remaining: Remaining | None, version: int) -> Open | Closed:
    """A case of which something was decided: is there more?"""
    if remaining is None:
        return Closed(matter, version)
    gone_on = msgspec.structs.replace(
        matter,
        cause=remaining.cause,
        queue=remaining.queue,
        promise=remaining.promise,
        overdue=remaining.overdue,
        reports=matter.reports if remaining.cause == matter.cause else (),
    )
    return Open(gone_on)


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
        reporters=event.reporters,
        against=None if decision.on_appeal is None else decision.on_appeal.against,
    )


def _appealed(matter: Matter, event: CaseAppealed) -> Matter:
    rulings = tuple(
        msgspec.structs.replace(one, appealed=True) if one.id == event.decision else one
        for one in matter.rulings
    )
    appeal = Appeal(event.appeal, event.decision, event.promise)
    return msgspec.structs.replace(matter, appeals=(*matter.appeals, appeal), rulings=rulings)


def _open_for_it(matter: Matter, event: CaseAppealed) -> Matter:
    """What it was opened for before is settled."""
    return msgspec.structs.replace(
        matter,
        cause="appeal",
        queue="appeals",
        promise=event.promise,
        version=matter.version if event.version is None else event.version,
        overdue=False,
        reports=(),
    )


def weigh(case: Case) -> int:
    """Of a popular subject there may be thousands of reports."""
    if isinstance(case, NoCase):
        return 0
    matter = case.matter
    heard = sum(len(one.reporters) for one in matter.rulings)
    return 500 * (1 + len(matter.reports) + len(matter.rulings)) + 50 * heard


CASE: Aggregate[Case] = Aggregate("case", NoCase(), evolve, weigh)


def case_of(subject: Subject) -> CaseId:
    """The one case there is about a subject."""
    return CaseId(derive(cell_of(subject.owner), f"case/{subject.kind}", subject.id))


def case_stream(case: CaseId) -> StreamId:
    """A case's stream bears the case's own id."""
    return StreamId(case)


def matter_of(case: Case) -> Matter:
    """
    What a case is about.

    :raises Refused: there is none.
    """
    if isinstance(case, NoCase):
        raise Refused("not-found")
    return case.matter
