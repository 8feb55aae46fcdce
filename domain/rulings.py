"""
Rulings: what is decided of a case, proposed, confirmed and appealed.

A case may be open for what is new and for appeals at once. A decision is of one of them, and the
case goes on being open for what remains.
"""

from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from domain.case import Case, Claimed, Closed, Matter, NoCase, Proposed, matter_of
from domain.case_events import (
    CaseAppealed,
    CaseDecided,
    CaseDeclined,
    CaseEvent,
    CaseProposed,
    Remaining,
)
from domain.casework import broken, late, set_to_work
from domain.decision import Decision, OnAppeal
from domain.event import Refused
from domain.ids import DecisionId, MemberId
from domain.promise import Promise
from domain.scruples import check_impartial
from domain.sealed import Sealed
from domain.verdicts import NotPossible, Verdict

#: How long a decision may be appealed.
APPEAL: Final = timedelta(days=180)

_Events: TypeAlias = tuple[CaseEvent, ...]


def answering(
    case: Case, verdict: Verdict, by: UUID, answers: DecisionId | None = None
) -> OnAppeal | None:
    """
    Which appeal a verdict answers, and how; None when it decides what is new.

    :param answers: the decision that is appealed, where a case is open for something newer, too.
    :raises Refused: both wait, and nothing says which is meant. Who claimed the case means what is
        new: that would have ended a claim of the appeal.
    """
    matter = matter_of(case)
    appeal = matter.appeal(answers)
    if answers is not None and appeal is None:
        raise Refused("not-appealed", "No appeal against this decision waits.", "/answers")
    if appeal is None:
        return None
    if answers is None and matter.new:
        if not (isinstance(case, Claimed) and case.by == by):
            raise Refused("appeal-waits", "An appeal waits, too: claim the case, or name it.")
        return None
    check_impartial(matter, appeal, by)
    match verdict:
        case "restore" | "approve":
            return OnAppeal(appeal.id, appeal.against, "overturned")
        case "no_action":
            return OnAppeal(appeal.id, appeal.against, "upheld")
        case _:
            raise NotPossible(verdict, "an appeal is upheld by no action, or else overturned")


def decide(case: Case, decision: Decision, by: UUID, now: datetime, *, grave: bool) -> _Events:
    """
    Decide a case; or propose to, where that is so grave that it takes a second person. Whoever
    decides an appeal is that person, and makes nothing worse.

    Nobody has to claim it first, unless somebody else has.
    """
    lapsed = set_to_work(case, by, now)
    matter = matter_of(case)
    _check_penalty(decision)
    if grave and decision.on_appeal is None:
        return (*lapsed, CaseProposed(decision, by))
    answer = decision.on_appeal
    unkept = broken(case, now) if answer is None else _late_answer(matter, answer, now)
    return (*lapsed, *unkept, _decided(matter, decision, by))


def _late_answer(matter: Matter, answer: OnAppeal, now: datetime) -> _Events:
    """What has to be said of the promise to whoever appealed, where it was not kept."""
    appeal = matter.appeal(answer.against)
    if appeal is None or appeal.overdue or appeal.promise.due >= now:
        return ()
    return (late(appeal.promise),)


def confirm(case: Case, decision: Decision, by: UUID) -> _Events:
    """
    Decide what was proposed.

    :param decision: the one that was proposed, as of now.
    """
    proposed = proposal(case)
    check_second(proposed, by)
    decided = _decided(proposed.matter, decision, proposed.by, by)
    return (*broken(case, decision.decided_at), decided)


def check_second(proposed: Proposed, by: UUID) -> None:
    """
    Who agrees is somebody else. This comes before anything is said of the subject: who may not
    decide learns nothing by asking.
    """
    if proposed.by == by:
        raise Refused("same-person", "A grave decision takes two; you are the one who proposed it.")


def decline(case: Case, by: UUID, note: Sealed[str] | None) -> _Events:
    """Do not decide what was proposed; whoever proposed it may think better of it, too."""
    return (CaseDeclined(proposal(case).decision.id, by, note),)


def proposal(case: Case) -> Proposed:
    """The case, if a decision waits for a second person."""
    matter_of(case)
    if not isinstance(case, Proposed):
        raise Refused("no-proposal", "No decision waits to be confirmed.")
    return case


def _decided(
    matter: Matter, decision: Decision, by: UUID, confirmed_by: UUID | None = None
) -> CaseDecided:
    answer = decision.on_appeal
    # Whoever reported what is new hears when that is decided.
    reporters = () if answer is not None else tuple(one.reporter for one in matter.reports)
    goes_on = _remaining(matter, answer)
    return CaseDecided(matter.subject, decision, by, confirmed_by, reporters, goes_on)


def _remaining(matter: Matter, answer: OnAppeal | None) -> Remaining | None:
    """What a case is open for once what is new is decided, or an appeal answered."""
    if answer is not None and matter.new:
        return Remaining(matter.cause, matter.queue, matter.promise, matter.overdue)
    for appeal in matter.appeals:
        if answer is None or appeal.against != answer.against:
            return Remaining("appeal", "appeals", appeal.promise, appeal.overdue)
    return None


def _check_penalty(decision: Decision) -> None:
    if decision.penalty is None:
        return
    if decision.on_appeal is not None:
        raise Refused("penalty-not-possible", "An appeal brings no penalty.", "/penalty")
    if decision.verdict in ("approve", "restore"):
        raise Refused("penalty-not-possible", "Nothing was found to be wrong.", "/penalty")


def appeal(
    case: Case,
    member: MemberId,
    appeal: UUID,
    decision: DecisionId,
    statement: Sealed[str],
    promise: Promise,
    now: datetime,
    version: int,
) -> _Events:
    """
    Have somebody else look at a decision once more. What is open for something newer goes on: who
    is at it, and what is proposed.

    :param version: of the subject's stream.
    """
    if isinstance(case, NoCase) or case.matter.subject.owner != member:
        raise Refused("not-found")
    ruling = case.matter.ruling(decision)
    if ruling is None:
        raise Refused("not-found")
    if ruling.final:
        raise Refused("not-appealable", "What was decided on an appeal is decided.", "/decision")
    if not ruling.adverse:
        raise Refused("not-appealable", "This decision takes nothing from you.", "/decision")
    if ruling.appealed:
        raise Refused("already-appealed", "A decision is appealed once.", "/decision")
    if now - ruling.decided_at > APPEAL:
        raise Refused("appeal-too-late", "A decision is appealed within 180 days.", "/decision")
    beside = not isinstance(case, Closed)
    return (CaseAppealed(appeal, decision, member, statement, promise, beside, version),)


def gives_back(matter: Matter, decision: DecisionId) -> bool:
    """Whether it is this decision, and no later one, by which the subject is seen no longer."""
    taken: DecisionId | None = None
    for one in matter.rulings:
        if one.verdict in ("reject", "unpublish"):
            taken = one.id
        elif one.verdict == "restore" and one.against in (None, taken):
            # On an appeal against anything else, the subject stayed as it was.
            taken = None
    return taken == decision
