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

from domain.case import Case, Claimed, Closed, Matter, NoCase, Open, Proposed, matter_of
from domain.case_events import (
    CaseClaimed,
    CaseClaimLapsed,
    CaseEscalated,
    CaseEvent,
    CaseMooted,
    CaseNoted,
    CaseOpened,
    CaseOverdue,
    CaseReleased,
    CaseReported,
    CaseSubjectChanged,
    Queue,
    Subject,
)
from domain.decision import Cause
from domain.event import Refused
from domain.ids import MemberId
from domain.promise import Promise
from domain.scruples import check_impartial
from domain.sealed import Sealed

#: How long a claim holds; claiming again begins anew.
CLAIM: Final = timedelta(minutes=30)

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
    """
    Have somebody look; at what is open already, once more changes nothing. What is open for an
    appeal alone is not: it does not shield what has come up since.
    """
    if isinstance(case, NoCase | Closed):
        return (CaseOpened(subject, cause, QUEUES[cause], promise, version),)
    if not case.matter.new:
        return (CaseOpened(subject, cause, QUEUES[cause], promise, version, beside=True),)
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
    opened = open_case(case, subject, "report", promise, version)
    if opened or isinstance(case, NoCase):
        return (*opened, reported)
    if any(one.reporter == reported.reporter for one in case.matter.reports):
        return ()
    return (msgspec.structs.replace(reported, sooner=_sooner(case.matter, promise)),)


def _sooner(matter: Matter, promise: Promise) -> Promise | None:
    """The promise of a case, where what came up asks for it earlier."""
    return promise if promise.due < matter.promise.due else None


def change_subject(
    case: Case, by: MemberId, version: int, promise: Promise | None = None
) -> _Events:
    """
    The member changed what it says, which is to be decided: whoever reads the case is to know.

    :param promise: by when somebody is to look at what waits now, if it does.
    """
    if isinstance(case, NoCase | Closed) or not case.matter.new:
        return ()
    sooner = None if promise is None else _sooner(case.matter, promise)
    return (CaseSubjectChanged(by, version, sooner),)


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
            if not matter.reports and not matter.appeals:
                return (*broken(case, now), CaseMooted(by, reason))
    return ()


# Who is at it


def claim(case: Case, by: UUID, now: datetime, on: int) -> _Events:
    """
    Be at it, or go on being.

    :param on: the subject's version.
    """
    lapsed = set_to_work(case, by, now)
    matter = matter_of(case)
    appeal = matter.appeal()
    if appeal is not None and not matter.new:
        check_impartial(matter, appeal, by)
    until = now + CLAIM
    if isinstance(case, Claimed) and case.by == by and case.until >= until and case.on == on:
        return ()
    return (*lapsed, CaseClaimed(by, until, on))


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


def broken(case: Case, now: datetime) -> _Events:
    """What has to be said of the promise, where it was not kept."""
    if isinstance(case, NoCase | Closed) or case.matter.promise.due >= now:
        return ()
    return _overdue(case.matter)


def _overdue(matter: Matter) -> _Events:
    return () if matter.overdue else (late(matter.promise),)


def late(promise: Promise) -> CaseOverdue:
    return CaseOverdue(promise.kind, promise.due, promise.due)


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
