"""
Commands that decide a case, with all that a decision does.

What it makes of the subject, the strike, the sanction and the account are one append: no reader
ever sees the one without the other. A grave decision is proposed first, and worked out again when a
second person confirms it, from what is true then.
"""

from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from commands.cases import load_case, sealed, write
from commands.subjects import judge, said_at, stream_of, version_of
from commands.types import Category, Clause, Statement
from commands.work import Outcome, Work
from domain import casework, rulings, standing
from domain.account import ACCOUNT, account_stream
from domain.account_events import AccountEvent
from domain.case import Case, Matter, matter_of
from domain.case_events import Subject
from domain.casework import BY_SCREENING
from domain.decision import Decision, Ground, Measure, Penalty, Strike
from domain.disclosure_policy import DISCLOSURE_POLICY, DISCLOSURE_POLICY_STREAM
from domain.event import Event, Refused
from domain.ids import CaseId, DecisionId
from domain.sanctions import settle
from domain.scruples import check_apart, check_read, read_at
from domain.space import SPACE, Certified, Space, space_stream
from domain.standing import STANDING, standing_stream
from domain.standing_events import SanctionImposed, StandingEvent
from domain.verdicts import NotPossible, Verdict

STRIKE_DAYS: Final = 180
RESTRICTION_DAYS: Final = 7
SUSPENSION_DAYS: Final = 30

PenaltyKind: TypeAlias = Literal["strike", "restriction", "suspension", "ban"]


class PenaltyChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A strike of a weight that counts for so many days; or a sanction for so many days, with a strike
    of a weight beside it. What is left out is as usual; a ban has no days.
    """

    kind: PenaltyKind
    weight: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] | None = None


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A verdict, and the reasons for it.

    ``on`` is the version of the subject that was read; without it, it is the one that was found
    when the case was claimed, or opened. ``answers`` is the decision whose appeal it answers, where
    the case is open for something newer, too.
    """

    verdict: Verdict
    ground: Ground
    clause: Clause
    explanation: Statement
    category: Category
    facts: Statement
    note: Statement | None = None
    penalty: Literal["none"] | PenaltyKind | PenaltyChoice | None = None
    on: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)] | None = None
    answers: UUID | None = None


class Confirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a second person agrees with what was proposed."""

    agree: bool = True
    note: Statement | None = None


class Effects(msgspec.Struct, frozen=True):
    """What a decision does beside closing its case."""

    subject: tuple[Event, ...]
    standing: tuple[StandingEvent, ...]
    account: tuple[AccountEvent, ...]


async def decide(case: CaseId, command: Decide, work: Work) -> Outcome:
    """Decide a case, or propose to."""
    state, stream = await load_case(case, work)
    by, now = work.context.actor, work.context.effective_at
    matter = matter_of(state)
    check_apart(matter, work.context.person)
    casework.set_to_work(state, by, now)
    await _check_read(work, matter, read_at(state, by) if command.on is None else command.on)
    decision = await _decision(work, state, command)
    effects = await _effects(work, case, matter, decision)
    grave = await _grave(work, matter.subject, decision, effects)
    write(work, state, stream, rulings.decide(state, decision, by, now, grave=grave))
    if not grave:
        _carry_out(work, matter.subject, effects)
    became = "proposed" if grave else "decided"
    return Outcome(decision.id, (stream, work.version(stream)), state=became, status=201)


async def confirm(case: CaseId, command: Confirm, work: Work) -> Outcome:
    """Agree with what was proposed, or not."""
    state, stream = await load_case(case, work)
    by, now = work.context.actor, work.context.effective_at
    proposed = rulings.proposal(state)
    check_apart(proposed.matter, work.context.person)
    decided = proposed.decision.id
    if not command.agree:
        note = None if command.note is None else await sealed(work, state, command.note)
        write(work, state, stream, rulings.decline(state, by, note))
        return Outcome(decided, (stream, work.version(stream)), state="open", status=201)
    rulings.check_second(proposed, by)
    matter = proposed.matter
    await _check_read(work, matter, proposed.decision.on)
    decision = msgspec.structs.replace(
        proposed.decision,
        on=await version_of(work, matter.subject),
        told=await work.load(DISCLOSURE_POLICY, DISCLOSURE_POLICY_STREAM),
        decided_at=now,
    )
    events = rulings.confirm(state, decision, by)
    if command.note is not None:
        note = await sealed(work, state, command.note)
        events = (*casework.note(state, by, note, "internal"), *events)
    effects = await _effects(work, case, matter, decision)
    write(work, state, stream, events)
    _carry_out(work, matter.subject, effects)
    return Outcome(decided, (stream, work.version(stream)), state="decided", status=201)


async def _check_read(work: Work, matter: Matter, read: int) -> None:
    """What is decided of is what was read, and nothing that was put in its place since."""
    version = await version_of(work, matter.subject)
    check_read(await said_at(work, matter.subject), read, version)


async def _decision(work: Work, case: Case, command: Decide) -> Decision:
    matter = matter_of(case)
    answers = None if command.answers is None else DecisionId(command.answers)
    on_appeal = rulings.answering(case, command.verdict, work.context.actor, answers)
    return Decision(
        id=DecisionId(work.mint(work.cell)),
        verdict=command.verdict,
        ground=command.ground,
        clause=command.clause,
        explanation=await sealed(work, case, command.explanation),
        category=command.category,
        facts=await sealed(work, case, command.facts),
        on=await version_of(work, matter.subject),
        cause="appeal" if on_appeal is not None else matter.cause,
        automated_detection=on_appeal is None and matter.cause in BY_SCREENING,
        told=await work.load(DISCLOSURE_POLICY, DISCLOSURE_POLICY_STREAM),
        decided_at=work.context.effective_at,
        note=None if command.note is None else await sealed(work, case, command.note),
        penalty=_penalty(command.penalty),
        on_appeal=on_appeal,
    )


def _penalty(choice: Literal["none"] | PenaltyKind | PenaltyChoice | None) -> Penalty | None:
    if choice is None or choice == "none":
        return None
    if isinstance(choice, str):
        choice = PenaltyChoice(choice)
    weight, days = choice.weight, choice.days
    beside = None if weight is None else Strike(weight, STRIKE_DAYS)
    match choice.kind:
        case "strike":
            return Penalty(Strike(weight or 1, days or STRIKE_DAYS))
        case "restriction":
            return Penalty(beside, Measure("restriction", days or RESTRICTION_DAYS))
        case "suspension":
            return Penalty(beside, Measure("suspension", days or SUSPENSION_DAYS))
        case "ban":
            if days is not None:
                raise Refused("penalty-not-possible", "A ban is for good.", "/penalty/days")
            return Penalty(beside, Measure("ban", None))


async def _effects(work: Work, case: CaseId, matter: Matter, decision: Decision) -> Effects:
    """What a decision does, from the state of everything that it touches."""
    subject, member = matter.subject, matter.subject.owner
    verdict_events = await _verdict(work, case, matter, decision)
    before = await work.load(STANDING, standing_stream(member))
    at, events = decision.decided_at, tuple[StandingEvent, ...]()
    if decision.on_appeal is not None and decision.on_appeal.outcome == "overturned":
        events = standing.overturn(before, member, decision.on_appeal.against, decision.id, at)
    elif decision.penalty is not None:
        reason = decision.explanation
        events = standing.penalise(before, member, case, decision.id, decision.penalty, reason, at)
    account_events: tuple[AccountEvent, ...] = ()
    if events:
        account = await work.load(ACCOUNT, account_stream(member))
        if subject.kind == "nickname":
            account = ACCOUNT.fold(verdict_events, account)
        account_events = settle(account, before, events, at)
    return Effects(verdict_events, events, account_events)


async def _verdict(
    work: Work, case: CaseId, matter: Matter, decision: Decision
) -> tuple[Event, ...]:
    answer, subject = decision.on_appeal, matter.subject
    if answer is None:
        return await judge(work, subject, decision.verdict, case, decision.id)
    if answer.outcome == "upheld" or not rulings.gives_back(matter, answer.against):
        return ()
    try:
        return await judge(work, subject, "restore", case, decision.id)
    except NotPossible:
        # It is there, or its author has deleted it since: what was wrong is put right without it.
        return ()


async def _grave(work: Work, subject: Subject, decision: Decision, effects: Effects) -> bool:
    """Whether a decision takes a second person."""
    if any(isinstance(one, SanctionImposed) and one.kind == "ban" for one in effects.standing):
        return True
    if decision.verdict != "unpublish" or subject.kind != "post":
        return False
    space: Space = await work.load(SPACE, space_stream(subject.owner))
    return isinstance(space, Certified)


def _carry_out(work: Work, subject: Subject, effects: Effects) -> None:
    owner = subject.owner
    aggregate, stream = stream_of(subject)
    work.append(aggregate, stream, owner, effects.subject)
    work.append(STANDING, standing_stream(owner), owner, effects.standing)
    work.append(ACCOUNT, account_stream(owner), owner, effects.account)
