"""
Casework: what may be done to a case, by whom, and what comes of it.

Time comes in as the moment that is decided for. A claim whose time is over holds nobody up, and a
promise that was not kept is broken, whether or not a timer has come round to say so: whoever comes
next says it first.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.case import Case, Claimed, Closed, Matter, NoCase, Open, Proposed
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
from domain.decision import Cause, Decision, OnAppeal
from domain.event import Refused
from domain.ids import DecisionId, MemberId
from domain.promise import Promise
from domain.sealed import Sealed
from domain.verdicts import NotPossible, Verdict

#: How long a claim holds; claiming again begins anew.
CLAIM: Final = timedelta(minutes=30)
#: How long a decision may be appealed.
APPEAL: Final = timedelta(days=180)

QUEUES: Final[dict[Cause, Queue]] = {
    "held": "screening",
    "private_view": "screening",
    "flagged": "screening",
    "edit_held": "screening",
    "report": "reports",
    "by_hand": "screening",
    "appeal": "appeals",
}

#: What rules find, and nobody has pointed out.
BY_SCREENING: Final[frozenset[Cause]] = frozenset({"held", "private_view", "flagged", "edit_held"})
#: Of it, what nobody but the author has seen yet.
UNSEEN: Final[frozenset[Cause]] = BY_SCREENING - {"flagged"}

_Events: TypeAlias = tuple[CaseEvent, ...]


# How it begins


def open_case(
    case: Case, subject: Subject, cause: Cause, promise: Promise, version: int
) -> _Events:
    """Have somebody look; at what is open already, once more changes nothing."""
    if isinstance(case, NoCase | Closed):
        return (CaseOpened(subject, cause, QUEUES[cause], promise, version),)
    return ()


def report(
    case: Case,
    subject: Subject,
    reported: CaseReported,
    promise: Promise,
    version: int,
) -> _Events:
    """
    A member says that something is wrong; one who has said so already says nothing new.

    :param reported: without ``sooner``, which is decided here.
    """
    if reported.reporter == subject.owner:
        raise Refused("own-subject", "Nobody reports what is their own.", "/subject")
    if isinstance(case, NoCase | Closed):
        return (*open_case(case, subject, "report", promise, version), reported)
    if any(one.reporter == reported.reporter for one in case.matter.reports):
        return ()
    if promise.due < case.matter.promise.due:
        return (msgspec.structs.replace(reported, sooner=promise),)
    return (reported,)


def moot(
    case: Case,
    by: MemberId,
    reason: Literal["deleted", "replaced"],
    now: datetime,
    causes: Collection[Cause] = BY_SCREENING,
) -> _Events:
    """
    The member took away what screening found. What people have pointed out, or all but decided, is
    looked at all the same.
    """
    match case:
        case Open(matter=matter) | Claimed(matter=matter) if matter.cause in causes:
            if not matter.reports and matter.appeal is None:
                return (*_broken(case, now), CaseMooted(by, reason))
    return ()


# Who is at it


def claim(case: Case, by: UUID, now: datetime) -> _Events:
    """Be at it, or go on being."""
    lapsed = set_to_work(case, by, now)
    _check_impartial(matter_of(case), by)
    until = now + CLAIM
    if isinstance(case, Claimed) and case.by == by and case.until >= until:
        return ()
    return (*lapsed, CaseClaimed(by, until))


def release(case: Case, by: UUID, now: datetime) -> _Events:
    """Leave it to others."""
    lapsed = set_to_work(case, by, now)
    if lapsed:
        return lapsed
    if not isinstance(case, Claimed):
        raise Refused("not-claimed", "Nobody is at this case.")
    return (CaseReleased(by),)


def escalate(case: Case, by: UUID, note: Sealed[str], now: datetime) -> _Events:
    """Leave it to those who decide what is hard."""
    lapsed = set_to_work(case, by, now)
    if isinstance(case, Open) and case.matter.queue == "escalated":
        # It is with them already; what there is to say of it is not lost.
        return (CaseNoted(by, note, "internal"),)
    return (*lapsed, CaseEscalated(by, "escalated", note))


def note(
    case: Case, by: UUID, words: Sealed[str], visibility: Literal["internal", "public"]
) -> _Events:
    """Note something down, whatever becomes of the case."""
    matter_of(case)
    return (CaseNoted(by, words, visibility),)


def lapse(case: Case, due: datetime) -> _Events:
    """End a claim whose time is over, if it is still the one that holds."""
    if isinstance(case, Claimed) and case.until == due:
        return (CaseClaimLapsed(case.by, due),)
    return ()


def fall_overdue(case: Case, due: datetime) -> _Events:
    """Say that a promise was broken, if it is still the one that was made."""
    if isinstance(case, NoCase | Closed):
        return ()
    if case.matter.promise.due != due:
        return ()
    return _overdue(case.matter)


def _broken(case: Case, now: datetime) -> _Events:
    """What has to be said of the promise, where it was not kept."""
    if isinstance(case, NoCase | Closed) or case.matter.promise.due >= now:
        return ()
    return _overdue(case.matter)


def _overdue(matter: Matter) -> _Events:
    due = matter.promise.due
    return () if matter.overdue else (CaseOverdue(matter.promise.kind, due, due),)


# What is decided


def answering(case: Case, verdict: Verdict, by: UUID) -> OnAppeal | None:
    """Which appeal a verdict answers, and how; None when none is open."""
    matter = matter_of(case)
    if matter.appeal is None:
        return None
    _check_impartial(matter, by)
    appeal = matter.appeal
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
    return (*lapsed, *_broken(case, now), _decided(matter, decision, by))


def confirm(case: Case, decision: Decision, by: UUID) -> _Events:
    """
    Decide what was proposed.

    :param decision: the one that was proposed, as of now.
    """
    proposed = proposal(case)
    if proposed.by == by:
        raise Refused("same-person", "A grave decision takes two; you are the one who proposed it.")
    decided = _decided(proposed.matter, decision, proposed.by, by)
    return (*_broken(case, decision.decided_at), decided)


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
    reporters = tuple(one.reporter for one in matter.reports)
    return CaseDecided(matter.subject, decision, by, confirmed_by, reporters)


def _check_penalty(decision: Decision) -> None:
    if decision.penalty is None:
        return
    if decision.on_appeal is not None:
        raise Refused("penalty-not-possible", "An appeal brings no penalty.", "/penalty")
    if decision.verdict in ("approve", "restore"):
        raise Refused("penalty-not-possible", "Nothing was found to be wrong.", "/penalty")


# What the member says to it


def appeal(
    case: Case,
    member: MemberId,
    appeal: UUID,
    decision: DecisionId,
    statement: Sealed[str],
    promise: Promise,
    now: datetime,
) -> _Events:
    """Have somebody else look at a decision once more."""
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
    earlier = case.matter.promise
    # A promise that was broken is no longer one: that of the appeal takes its place.
    kept = not isinstance(case, Closed) and not case.matter.overdue and now <= earlier.due
    if kept and earlier.due < promise.due:
        promise = earlier
    return (*_broken(case, now), CaseAppealed(appeal, decision, member, statement, promise))


def gives_back(matter: Matter, decision: DecisionId) -> bool:
    """Whether it is this decision, and no later one, by which the subject is seen no longer."""
    said = [one for one in matter.rulings if one.verdict in ("reject", "unpublish", "restore")]
    return bool(said) and said[-1].id == decision


# Who may


def matter_of(case: Case) -> Matter:
    """What a case is about, if there is one."""
    if isinstance(case, NoCase):
        raise Refused("not-found")
    return case.matter


def set_to_work(case: Case, by: UUID, now: datetime) -> _Events:
    """
    Let somebody set to work on a case; what has to be said of an older claim first.

    :raises Refused: somebody else is at it, or it is not open.
    """
    matter_of(case)
    match case:
        case Claimed(until=until) if until <= now:
            return (CaseClaimLapsed(case.by, until),)
        case Claimed() if case.by != by:
            raise Refused("case-claimed", "Somebody else is at this case.")
        case Proposed():
            raise Refused("decision-proposed", "A decision waits to be confirmed.")
        case Closed():
            raise Refused("case-closed", "This case is closed.")
        case _:
            return ()


def _check_impartial(matter: Matter, by: UUID) -> None:
    """An appeal is for somebody who took no part in what it is against."""
    if matter.appeal is None:
        return
    against = matter.ruling(matter.appeal.against)
    if against is not None and by in against.deciders:
        raise Refused("same-person", "You took part in the decision that is appealed.")
