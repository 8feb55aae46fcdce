"""
Cases, as events make them: who is at one, what was decided by whom, and what that made of its
subject in the same command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

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
    Subject,
)
from domain.event import Event, Recorded
from domain.message import MessageEvent
from tests.simulation.galleries import OF_GALLERY
from tests.simulation.legal import FORGETTER, must
from tests.simulation.world import Album, Note, Photo, Piece, Remark
from tests.simulation.writings import OF_COMMENT, OF_POST, Writings

OF_CASE = frozenset(get_args(CaseEvent))
_JUDGED = OF_POST | OF_COMMENT | OF_GALLERY | frozenset(get_args(MessageEvent))
#: What nobody has pointed out but rules.
_FOUND = frozenset({"held", "private_view", "flagged", "edit_held"})
_APPEAL_DAYS = timedelta(days=180, minutes=1)


@dataclass(eq=False)
class Ruling:
    """A decision: ``adverse`` went against the member, ``final`` answered an appeal."""

    id: UUID
    verdict: str
    deciders: frozenset[UUID]
    decided_at: datetime
    adverse: bool
    final: bool
    appealed: bool = False


@dataclass(eq=False)
class Docket:
    """
    A case. ``stage`` is ``open``, ``claimed``, ``proposed`` or ``closed``; ``by`` is at it until
    ``until``, or has proposed ``proposed``.

    :param new: there is something to decide, or was last, beside appeals.
    :param appeals: the decisions that are appealed, the first appeal first, and by when each is to
        be answered; ``late`` are those that were not.
    """

    id: UUID
    subject: Subject
    cause: str
    due: datetime
    stage: str = "open"
    by: UUID | None = None
    until: datetime | None = None
    proposed: UUID | None = None
    overdue: bool = False
    new: bool = True
    appeals: dict[UUID, datetime] = field(default_factory=dict)
    late: set[UUID] = field(default_factory=set)
    reporters: set[UUID] = field(default_factory=set)
    rulings: dict[UUID, Ruling] = field(default_factory=dict)

    @property
    def appealed(self) -> UUID | None:
        """The decision whose appeal is all that there is to decide, if so."""
        return None if self.new else next(iter(self.appeals), None)


class Casebook:
    """All cases. What is decided is held against what became of the writings."""

    def __init__(self, writings: Writings) -> None:
        self.dockets: dict[UUID, Docket] = {}
        self.decided = 0
        self._writings = writings

    def of(self, subject: UUID, kind: str) -> Docket | None:
        """The case of something."""
        return next(
            (
                one
                for one in self.dockets.values()
                if one.subject.id == subject and one.subject.kind == kind
            ),
            None,
        )

    def take(self, recorded: Recorded, event: Any) -> None:
        """A case is as this says."""
        known = self.dockets.get(recorded.stream)
        if isinstance(event, CaseOpened):
            self._open(recorded, event, known)
            return
        assert known is not None, "a case begins when it is opened"
        match event:
            case CaseDecided():
                self._decide(recorded, event, known)
            case CaseAppealed():
                self._appeal(recorded, event, known)
            case CaseReported(reporter=reporter, sooner=sooner):
                must(reporter not in known.reporters, recorded, "reported once by each")
                known.reporters.add(reporter)
                known.due = known.due if sooner is None else sooner.due
            case CaseSubjectChanged(by=by, sooner=sooner):
                to_decide = known.stage != "closed" and known.new
                must(to_decide and by == known.subject.owner, recorded, "its member changed it")
                known.due = known.due if sooner is None else sooner.due
            case CaseOverdue():
                self._break_promise(recorded, event, known)
            case CaseMooted(by=by):
                alone = known.cause in _FOUND and not known.reporters and not known.appeals
                theirs = by in (recorded.actor, FORGETTER) and known.stage in ("open", "claimed")
                must(alone and theirs, recorded, "nobody but rules pointed it out")
                self._at_it(known, "closed")
            case CaseNoted():
                return
            case _:
                self._work(recorded, event, known)

    def _open(self, recorded: Recorded, event: CaseOpened, known: Docket | None) -> None:
        docket = Docket(recorded.stream, event.subject, event.cause, event.promise.due)
        beside = False
        if known is not None:
            beside = known.stage != "closed"
            must(not (beside and known.new), recorded, "what is open is not opened")
            docket.rulings, docket.appeals = known.rulings, known.appeals
            docket.late = known.late
        must(event.beside == beside, recorded, "beside an appeal that waits")
        self.dockets[recorded.stream] = docket

    @staticmethod
    def _break_promise(recorded: Recorded, event: CaseOverdue, known: Docket) -> None:
        due = event.due
        appeals = {one for one, by in known.appeals.items() if by == due} - known.late
        same = appeals or (due == known.due and not known.overdue)
        stood = due == event.effective_at and known.stage != "closed"
        must(same and stood, recorded, "this promise stood")
        known.late |= appeals
        known.overdue |= due == known.due

    def _work(self, recorded: Recorded, event: Any, known: Docket) -> None:
        """Who is at it."""
        match event:
            case CaseClaimed(by=by, until=until):
                self._may_work(recorded, known, by)
                against = known.rulings.get(known.appealed) if known.appealed else None
                impartial = against is None or by not in against.deciders
                must(impartial, recorded, "an appeal is for somebody else")
                self._at_it(known, "claimed", by, until)
            case CaseClaimLapsed(by=by, effective_at=effective_at):
                stood = (known.stage, known.by, known.until) == ("claimed", by, effective_at)
                must(stood, recorded, "this claim stood")
                self._at_it(known, "open")
            case CaseReleased(by=by):
                must((known.stage, known.by) == ("claimed", by), recorded, "it was theirs")
                self._at_it(known, "open")
            case CaseEscalated(by=by):
                self._may_work(recorded, known, by)
                self._at_it(known, "open")
            case CaseProposed(decision=decision, by=by):
                self._may_work(recorded, known, by)
                self._at_it(known, "proposed", by)
                known.proposed = decision.id
            case CaseDeclined(decision=decision):
                must(known.proposed == decision, recorded, "it was proposed")
                self._at_it(known, "open")
            case _:
                raise AssertionError(event)

    @staticmethod
    def _at_it(
        known: Docket, stage: str, by: UUID | None = None, until: datetime | None = None
    ) -> None:
        known.stage, known.by, known.until, known.proposed = stage, by, until, None

    @staticmethod
    def _may_work(recorded: Recorded, known: Docket, by: UUID) -> None:
        theirs = known.stage == "open" or (known.stage == "claimed" and known.by == by)
        must(theirs, recorded, "somebody else is at it, or nobody is to be")

    def _decide(self, recorded: Recorded, event: CaseDecided, known: Docket) -> None:
        decision = event.decision
        must(known.stage != "closed", recorded, "what is closed is not decided")
        if event.confirmed_by is None:
            self._may_work(recorded, known, event.by)
        else:
            proposed = (known.proposed, known.by) == (decision.id, event.by)
            must(proposed and event.confirmed_by != event.by, recorded, "it takes two")
        deciders = frozenset({event.by, event.confirmed_by or event.by})
        answer = decision.on_appeal
        if answer is not None:
            must(answer.against in known.appeals, recorded, "this was appealed")
            involved = known.rulings[answer.against].deciders & deciders
            must(not involved, recorded, "an appeal is decided by somebody else")
        ruling = Ruling(
            id=decision.id,
            verdict=decision.verdict,
            deciders=deciders,
            decided_at=decision.decided_at,
            adverse=decision.verdict in ("reject", "unpublish") or decision.penalty is not None,
            final=answer is not None,
        )
        known.rulings[ruling.id] = ruling
        self.decided += 1
        self._go_on(recorded, event, known)

    def _go_on(self, recorded: Recorded, event: CaseDecided, known: Docket) -> None:
        """Once one thing is decided, the case is open for the others."""
        answer, remaining = event.decision.on_appeal, event.goes_on
        if answer is not None:
            del known.appeals[answer.against]
            known.late.discard(answer.against)
        else:
            must(known.new, recorded, "an appeal is answered, not decided anew")
        new = known.new and answer is not None
        more = new or bool(known.appeals)
        must((remaining is not None) == more, recorded, "a case is open for what is left")
        self._at_it(known, "open" if more else "closed")
        if more and not new:
            known.new, known.reporters = False, set()
            first = next(iter(known.appeals))
            known.due, known.overdue = known.appeals[first], first in known.late
        if remaining is not None:
            same = (remaining.promise.due, remaining.overdue) == (known.due, known.overdue)
            must(same, recorded, "with the promise that it has")

    def _appeal(self, recorded: Recorded, event: CaseAppealed, known: Docket) -> None:
        ruling = known.rulings.get(event.decision)
        must(event.member == known.subject.owner and ruling is not None, recorded, "of one's own")
        assert ruling is not None
        open_to = ruling.adverse and not ruling.final and not ruling.appealed
        must(open_to, recorded, "what takes something away is appealed, once")
        in_time = recorded.recorded_at - ruling.decided_at <= _APPEAL_DAYS
        must(in_time, recorded, "within 180 days")
        ruling.appealed = True
        beside = known.stage != "closed"
        must(event.beside == beside, recorded, "it holds up nothing newer")
        known.appeals[event.decision] = event.promise.due
        if not beside:
            known.new, known.due, known.overdue = False, event.promise.due, False
            known.reporters = set()
            self._at_it(known, "open")

    # What a command made of it all

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold what one command did against what was decided with it.

        :raises Illegal: something was judged without a decision, or not as it was decided; or
            something waits, and no case is open for it.
        """
        decisions = {one.event.decision.id for one in command if isinstance(one.event, CaseDecided)}
        for recorded in command:
            event: Event = recorded.event
            if isinstance(event, CaseDecided):
                self._check_carried_out(recorded, event)
            elif type(event) in _JUDGED and (decision := getattr(event, "decision", None)):
                must(decision in decisions, recorded, "people decided so, in this command")
            if getattr(event, "promise", None) is not None and type(event) not in OF_CASE:
                self._check_referred(recorded)

    def _check_referred(self, recorded: Recorded) -> None:
        """What waits is looked at."""
        found = next(
            (
                docket
                for docket in self.dockets.values()
                if docket.subject.id == recorded.stream
                and docket.subject.kind != "member"
                and docket.stage != "closed"
                and docket.new
            ),
            None,
        )
        must(found is not None, recorded, "what waits has a case that is open")

    def _check_carried_out(self, recorded: Recorded, event: CaseDecided) -> None:
        """A verdict holds in the moment of its commit."""
        thing = self._thing(event.subject)
        if thing is None:
            return
        decision, answer = event.decision, event.decision.on_appeal
        if answer is not None:
            if answer.outcome == "overturned":
                taken_by = self._writings.taken_by.get(thing.id)
                must(taken_by != answer.against, recorded, "what was overturned is undone")
            return
        pending = getattr(thing, "pending", None) is not None
        match decision.verdict:
            case "approve":
                holds = thing.published and not pending
            case "restore":
                holds = thing.published and not pending
            case "reject":
                holds = thing.taken == "held" or (thing.published and not pending)
            case "unpublish":
                holds = not thing.live and thing.taken == "published"
            case _:
                holds = thing.waits is None and not pending
        must(holds, recorded, f"what is decided is done: {decision.verdict}")

    def _thing(self, subject: Subject) -> Piece | Remark | Note | Album | Photo | None:
        if subject.kind == "post":
            return self._writings.pieces.get(subject.id)
        if subject.kind == "message":
            return self._writings.notes.get(subject.id)
        if subject.kind == "album":
            return self._writings.albums.get(subject.id)
        if subject.kind == "photo":
            return self._writings.photos.get(subject.id)
        known = self._writings.remarks.get(subject.id)
        return None if known is None else known[1]
