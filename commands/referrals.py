"""
Referrals: have people look at something, in the very append that made it so.
"""

from collections.abc import Collection
from typing import Literal, assert_never

from commands.work import Work
from domain.case import CASE, case_of, case_stream
from domain.case_events import Subject
from domain.casework import BY_SCREENING, change_subject, moot, open_case
from domain.decision import Cause
from domain.event import Refused
from domain.ids import CaseId
from domain.promise import Promise
from domain.screening import Found


async def refer(
    work: Work, subject: Subject, cause: Cause, promise: Promise, version: int
) -> CaseId:
    """
    Open the case of a subject, or find it open already.

    :param version: of the subject's stream that somebody has to look at.
    """
    case = case_of(subject)
    stream = case_stream(case)
    state = await work.load(CASE, stream)
    work.append(CASE, stream, subject.owner, open_case(state, subject, cause, promise, version))
    return case


async def nothing_to_decide(
    work: Work,
    subject: Subject,
    reason: Literal["deleted", "replaced"],
    causes: Collection[Cause] = BY_SCREENING,
) -> bool:
    """
    Close the case of a subject whose member took away, or replaced, what screening found; whether
    that was all there was to decide.

    :param causes: why the case must have been opened, to be closed by that.
    """
    stream = case_stream(case_of(subject))
    state = await work.load(CASE, stream)
    by, now = work.context.member, work.context.effective_at
    events = moot(state, by, reason, now, causes)
    work.append(CASE, stream, subject.owner, events)
    return bool(events)


async def changed(work: Work, subject: Subject, found: Found | None, version: int) -> None:
    """
    Have whoever reads a case that is open know that the subject says something else.

    :param version: of the subject's stream once this is written.
    """
    stream = case_stream(case_of(subject))
    state = await work.load(CASE, stream)
    promise = None if found is None else found.promise
    events = change_subject(state, work.context.member, version, promise)
    work.append(CASE, stream, subject.owner, events)


async def published_as(
    work: Work, subject: Subject, found: Found | None, version: int, *, edit: bool = False
) -> tuple[str, Refused | None]:
    """
    What becomes of something that was screened: the state that its author hears of, or the refusal
    that they hear instead. Whatever somebody has to look at is referred.

    :param version: of the subject's stream once this is written.
    :param edit: it is a change to something that stands.
    """
    if found is None:
        return "published", None
    match found.outcome:
        case "refused":
            # Of why it says nothing: it would tell how to get around the rules.
            return "refused", Refused("not-published", "This cannot be published.")
        case ("held" | "private_view") as how:
            await refer(work, subject, "edit_held" if edit else how, found.promise, version)
            return how, None
        case "flagged":
            await refer(work, subject, "flagged", found.promise, version)
            return "published", None
        case "published":
            return "published", None
        case _ as never:
            assert_never(never)
