"""
Commands about what was deleted: its clock is started, and runs out.
"""

from typing import Literal
from uuid import UUID

import msgspec

from commands.work import Outcome, Work
from domain import retention as decisions
from domain.case import CASE, Closed, NoCase, case_of, case_stream
from domain.case_events import Subject
from domain.erasure import ERASURE, erasure_stream
from domain.ids import MemberId, StreamId
from domain.retention import RETENTION, ContentKind, Retained, retention_stream
from domain.sealed import KeyClass


class EndRetention(msgspec.Struct, frozen=True):
    """The clock of what was deleted has run out."""

    stream: StreamId


async def retain(work: Work, author: MemberId, kind: ContentKind, item: UUID) -> None:
    """Start the clock of what this command deletes."""
    stream = retention_stream(item)
    state = await work.load(RETENTION, stream)
    until = work.context.effective_at + work.retention
    work.append(RETENTION, stream, author, decisions.retain(state, author, kind, item, until))


async def end_retention(command: EndRetention, work: Work) -> Outcome:
    """Destroy what was deleted, unless somebody needs it still."""
    stream = command.stream
    state = await work.load(RETENTION, stream)
    if isinstance(state, Retained):
        events = decisions.end(state, work.context.effective_at, await _kept_for(state, work))
        work.append(RETENTION, stream, state.author, events)
    return Outcome(stream, (stream, work.version(stream)))


async def _kept_for(retained: Retained, work: Work) -> Literal["case", "hold"] | None:
    author = retained.author
    if KeyClass.CONTENT in (await work.load(ERASURE, erasure_stream(author))).held:
        return "hold"
    subject = Subject(retained.kind, retained.item, author)
    case = await work.load(CASE, case_stream(case_of(subject)))
    return None if isinstance(case, NoCase | Closed) else "case"
