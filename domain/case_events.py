"""
What happens to a case. All words are sealed; those of staff under the key for moderation.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.decision import Cause, Decision
from domain.event import Event
from domain.ids import DecisionId, MemberId
from domain.promise import Promise, PromiseKind
from domain.sealed import Sealed

#: What a case can be about. A nickname and a member are named by the member's id.
SubjectKind: TypeAlias = Literal[
    "post", "comment", "message", "nickname", "member", "album", "photo"
]

Queue: TypeAlias = Literal["screening", "reports", "appeals", "escalated"]


class Subject(msgspec.Struct, frozen=True):
    """What a case is about; ``owner`` is the member whose it is."""

    kind: SubjectKind
    id: UUID
    owner: MemberId


class CaseOpened(Event, frozen=True, tag="case.opened.v1"):
    """
    Somebody has to look at this by then; said again whenever a case that was closed is opened.

    :param version: of the subject's stream that it is about.
    :param beside: it is open for an appeal, too, which waits until this is decided or answered.
    """

    subject: Subject
    cause: Cause
    queue: Queue
    promise: Promise
    version: int
    beside: bool = False


class CaseReported(Event, frozen=True, tag="case.reported.v1"):
    """
    A member says that something is wrong with it; the first to do so follows the opening.

    :param sooner: the case's promise from now on, where this report asks for it earlier.
    """

    report: UUID
    reporter: MemberId
    category: str
    note: Sealed[str] | None = None
    sooner: Promise | None = None


class CaseClaimed(Event, frozen=True, tag="case.claimed.v1"):
    """
    Somebody is at it, and nobody else is to be, until then. Said again, it is longer.

    :param on: the version of the subject's stream that they found.
    """

    by: UUID
    until: datetime
    on: int | None = None


class CaseClaimLapsed(Event, frozen=True, tag="case.claim_lapsed.v1"):
    """They did not come to an end in time: anybody may take it, from ``effective_at`` on."""

    by: UUID
    effective_at: datetime


class CaseReleased(Event, frozen=True, tag="case.released.v1"):
    """Whoever was at it leaves it to others."""

    by: UUID


class CaseEscalated(Event, frozen=True, tag="case.escalated.v1"):
    """It is for those who decide what is hard; nobody is at it now."""

    by: UUID
    queue: Queue
    note: Sealed[str]


class CaseNoted(Event, frozen=True, tag="case.noted.v1"):
    """A note: for staff alone, or to be shown to the member with the decision."""

    by: UUID
    note: Sealed[str]
    visibility: Literal["internal", "public"]


class CaseProposed(Event, frozen=True, tag="case.proposed.v1"):
    """A decision so grave that it waits for a second person."""

    decision: Decision
    by: UUID


class CaseDeclined(Event, frozen=True, tag="case.declined.v1"):
    """What was proposed is not decided; the case waits in its queue as before."""

    decision: DecisionId
    by: UUID
    note: Sealed[str] | None = None


class Remaining(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a case goes on being open for, once one of two things is decided; by when."""

    cause: Cause
    queue: Queue
    promise: Promise
    overdue: bool = False


class CaseDecided(Event, frozen=True, tag="case.decided.v1"):
    """
    It is decided. What that makes of the subject, and of its member, follows in the same append.

    :param confirmed_by: the second person, where one was needed.
    :param reporters: who is told what came of their reports, without looking it up.
    :param goes_on: an appeal that was not answered by it, or what was not decided by answering one.
    """

    subject: Subject
    decision: Decision
    by: UUID
    confirmed_by: UUID | None = None
    reporters: tuple[MemberId, ...] = ()
    goes_on: Remaining | None = None


class CaseAppealed(Event, frozen=True, tag="case.appealed.v1"):
    """
    The member says that a decision is wrong: the case is open, in the queue of appeals, and nobody
    is at it. ``promise`` is the case's from now on.

    :param beside: the case is open for something newer, which goes on as if nothing had been said;
        ``promise`` is the appeal's alone.
    :param version: of the subject's stream then.
    """

    appeal: UUID
    decision: DecisionId
    member: MemberId
    statement: Sealed[str]
    promise: Promise
    beside: bool = False
    version: int | None = None


class CaseSubjectChanged(Event, frozen=True, tag="case.subject_changed.v1"):
    """
    The member changed what it says while it was to be decided: whoever has read it has not read
    this.

    :param version: of the subject's stream since.
    :param sooner: the case's promise from now on, where what waits now asks for it earlier.
    """

    by: MemberId
    version: int
    sooner: Promise | None = None


class CaseOverdue(Event, frozen=True, tag="case.overdue.v1"):
    """A promise was broken: at ``effective_at``, when it was due, nothing was decided."""

    promise: PromiseKind
    due: datetime
    effective_at: datetime


class CaseMooted(Event, frozen=True, tag="case.mooted.v1"):
    """Nothing is left to decide: the member took away, or replaced, what screening found."""

    by: MemberId
    reason: Literal["deleted", "replaced"]


CaseEvent: TypeAlias = (
    CaseOpened
    | CaseReported
    | CaseClaimed
    | CaseClaimLapsed
    | CaseReleased
    | CaseEscalated
    | CaseNoted
    | CaseProposed
    | CaseDeclined
    | CaseDecided
    | CaseAppealed
    | CaseSubjectChanged
    | CaseOverdue
    | CaseMooted
)
