"""
Commands of those who work through the queues: claim a case, release it, escalate it, note something
down, open one; and the timers that end a claim and record a promise that was broken.
"""

from typing import Literal

import msgspec

from commands.directory import Directory
from commands.relations import check_id
from commands.subjects import SubjectChoice, Subjects, version_of
from commands.types import Statement
from commands.work import Outcome, Work
from domain import casework
from domain.case import CASE, Case, case_of, case_stream, matter_of
from domain.case_events import CaseEvent
from domain.ids import CaseId, StreamId, cell_of
from domain.scruples import check_apart
from domain.sealed import KeyClass, Sealed


class EscalateCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is hard."""

    note: Statement


class NoteCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note, for staff alone or to be shown to the member with the decision."""

    note: Statement
    visibility: Literal["internal", "public"] = "internal"


class OpenCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Have somebody look at something."""

    subject: SubjectChoice
    note: Statement | None = None


async def load_case(case: CaseId, work: Work) -> tuple[Case, StreamId]:
    """
    A case, which the command is about from now on.

    :raises Refused: there is none.
    """
    stream = case_stream(case)
    check_id(work, stream)
    work.cell = cell_of(stream)
    state = await work.load(CASE, stream)
    matter_of(state)
    return state, stream


async def sealed(work: Work, case: Case, words: str) -> Sealed[str]:
    """What staff says of a case, under the key of the member whom it concerns."""
    owner = matter_of(case).subject.owner
    return await work.vault.seal(owner, KeyClass.MODERATION, words)


def write(work: Work, case: Case, stream: StreamId, events: tuple[CaseEvent, ...]) -> None:
    """Append to a case: data of the member whom it concerns."""
    work.append(CASE, stream, matter_of(case).subject.owner, events)


def _outcome(work: Work, case: CaseId, stream: StreamId, state: str) -> Outcome:
    return Outcome(case, (stream, work.version(stream)), state=state)


async def claim(case: CaseId, work: Work) -> Outcome:
    """Be at a case, or go on being, as its subject is now."""
    state, stream = await load_case(case, work)
    matter = matter_of(state)
    check_apart(matter, work.context.person)
    found = await version_of(work, matter.subject)
    events = casework.claim(state, work.context.actor, work.context.effective_at, found)
    write(work, state, stream, events)
    return _outcome(work, case, stream, "claimed")


async def release(case: CaseId, work: Work) -> Outcome:
    """Leave a case to others."""
    state, stream = await load_case(case, work)
    write(
        work, state, stream, casework.release(state, work.context.actor, work.context.effective_at)
    )
    return _outcome(work, case, stream, "open")


async def escalate(case: CaseId, command: EscalateCase, work: Work) -> Outcome:
    """Leave a case to those who decide what is hard."""
    state, stream = await load_case(case, work)
    note = await sealed(work, state, command.note)
    events = casework.escalate(state, work.context.actor, note, work.context.effective_at)
    write(work, state, stream, events)
    return _outcome(work, case, stream, "open")


async def note(case: CaseId, command: NoteCase, work: Work) -> Outcome:
    """Note something down."""
    state, stream = await load_case(case, work)
    words = await sealed(work, state, command.note)
    write(work, state, stream, casework.note(state, work.context.actor, words, command.visibility))
    return Outcome(case, (stream, work.version(stream)), status=201)


class CaseHandlers:
    """The handlers that look a subject up."""

    def __init__(self, directory: Directory) -> None:
        self._subjects = Subjects(directory)

    async def open(self, command: OpenCase, work: Work) -> Outcome:
        """Open a case by hand, or find it open already."""
        subject = await self._subjects.named(work, command.subject)
        case = case_of(subject)
        stream = case_stream(case)
        work.cell = cell_of(stream)
        state = await work.load(CASE, stream)
        version = await version_of(work, subject)
        promise = work.promise("review")
        events = casework.open_case(state, subject, "by_hand", promise, version)
        if command.note is not None:
            words = await work.vault.seal(subject.owner, KeyClass.MODERATION, command.note)
            opened = CASE.fold(events, state, work.version(stream))
            events = (*events, *casework.note(opened, work.context.actor, words, "internal"))
        work.append(CASE, stream, subject.owner, events)
        return Outcome(case, (stream, work.version(stream)), status=201)


# Timers


class LapseClaim(msgspec.Struct, frozen=True):
    """A timer's command: end a claim whose time is over."""

    case: CaseId


class FallOverdue(msgspec.Struct, frozen=True):
    """A timer's command: record that a promise was broken."""

    case: CaseId


async def lapse_claim(command: LapseClaim, work: Work) -> Outcome:
    """End a claim whose time is over, if it is still the one that holds."""
    state, stream = await load_case(command.case, work)
    write(work, state, stream, casework.lapse(state, work.context.effective_at))
    return Outcome(command.case, (stream, work.version(stream)))


async def fall_overdue(command: FallOverdue, work: Work) -> Outcome:
    """Record that a promise was broken, if it was not kept."""
    state, stream = await load_case(command.case, work)
    write(work, state, stream, casework.fall_overdue(state, work.context.effective_at))
    return Outcome(command.case, (stream, work.version(stream)))
