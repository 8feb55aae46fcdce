"""
Cases: everything that people look into, decide and explain about one subject.

A subject has one case, for ever: what screening finds, what members report and what is appealed all
come to it, so reports merge by themselves, and one stream tells the whole trail. It lives in the
cell of the member whose subject it is, so a decision and what it does are one append.
"""

from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event
from domain.ids import CaseId, MemberId, StreamId, cell_of, derive
from domain.promise import Promise

#: What a case can be about. A nickname and a member are named by the member's id.
SubjectKind: TypeAlias = Literal["post", "comment", "nickname", "member"]

Queue: TypeAlias = Literal["screening", "reports", "appeals", "escalated"]

#: Why somebody has to look: what screening did, what members said, or what staff saw.
Cause: TypeAlias = Literal[
    "held", "private_view", "flagged", "edit_held", "report", "by_hand", "appeal"
]

QUEUES: Final[dict[Cause, Queue]] = {
    "held": "screening",
    "private_view": "screening",
    "flagged": "screening",
    "edit_held": "screening",
    "report": "reports",
    "by_hand": "screening",
    "appeal": "appeals",
}


class Subject(msgspec.Struct, frozen=True):
    """What a case is about; ``owner`` is the member whose it is."""

    kind: SubjectKind
    id: UUID
    owner: MemberId


class CaseOpened(Event, frozen=True, tag="case.opened.v1"):
    """
    Somebody has to look at this by then.

    :param version: of the subject's stream that it is about.
    """

    subject: Subject
    cause: Cause
    queue: Queue
    promise: Promise
    version: int


CaseEvent: TypeAlias = CaseOpened


class NoCase(msgspec.Struct, frozen=True):
    """Nobody ever had to look."""


class Open(msgspec.Struct, frozen=True):
    """Somebody has to."""

    subject: Subject
    queue: Queue
    promise: Promise


Case: TypeAlias = NoCase | Open


def evolve(case: Case, event: CaseEvent, version: int) -> Case:
    """The case after one more event."""
    return Open(event.subject, event.queue, event.promise)


CASE: Aggregate[Case] = Aggregate("case", NoCase(), evolve)


def case_of(subject: Subject) -> CaseId:
    """The one case there is about a subject."""
    return CaseId(derive(cell_of(subject.owner), f"case/{subject.kind}", subject.id))


def case_stream(case: CaseId) -> StreamId:
    """A case's stream bears the case's own id."""
    return StreamId(case)


# Decisions


def open_case(
    case: Case, subject: Subject, cause: Cause, promise: Promise, version: int
) -> tuple[CaseEvent, ...]:
    """Have somebody look; at what is open already, once more changes nothing."""
    if isinstance(case, Open):
        return ()
    return (CaseOpened(subject, cause, QUEUES[cause], promise, version),)
