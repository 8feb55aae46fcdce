"""
What staff do: work through the queues, decide cases, and look up all that ever happened to one.
"""

from functools import partial
from typing import Annotated, Any, Literal, cast

import msgspec

from api.answers import Written
from api.disclosing import STATED, disclose
from api.http.answers import Answer, Page, found
from api.http.problems import NOT_YET, ProblemError
from api.http.queries import Paging
from api.http.routes import Routes
from api.moderation.answers import Case, Standing, case, standing
from api.moderation.trails import Trail, TrailEntry
from api.routes.members import done
from api.services import MODERATORS, REVIEWERS, Ask, Services
from commands import cases as casework
from commands import decisions
from commands.cases import EscalateCase, NoteCase, OpenCase
from commands.decisions import Confirm, Decide
from domain.event import Refused
from domain.ids import CaseId
from projections.reading import cases, standings

ROUTES = Routes()
_TAG = "Moderation"
#: What a case is read from beside the log, and how long that may be behind.
_MODELS = ("cases", "standings")
_SECONDS_MAX = 5.0
_AT_WORK = ("case-claimed", "case-closed", "decision-proposed", "conflict")
_CASE_LINKS = (
    "read_case",
    "claim_case",
    "release_case",
    "escalate_case",
    "note_case",
    "decide_case",
    "confirm_decision",
)


class CasesQuery(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cases; without filters, all open work."""

    queue: Literal["screening", "reports", "appeals", "escalated"] | None = None
    state: Literal["open", "claimed", "proposed", "closed", "overdue"] | None = None
    mine: Annotated[bool, msgspec.Meta(description="Only cases that you have claimed.")] = False


class CaseTrail(Case, frozen=True, omit_defaults=True, kw_only=True):
    """
    A case, the standing of the member whose it is, and all that happened, in its order. ``on`` is
    the version of the subject that this shows: say so with the decision.
    """

    on: int
    standing: Standing
    trail: list[TrailEntry]


@ROUTES.get(
    "/v1/moderation/cases",
    tag=_TAG,
    summary="Cases that wait",
    query=CasesQuery,
    answer=Page[Case],
    roles=REVIEWERS,
)
async def list_cases(call: Ask[None, CasesQuery]) -> Answer:
    """
    Oldest due date first, as those are when the walk begins: a case that stays open is met in it
    once, though its due date may move. `overdue` are those whose promise was broken.
    """
    app, query = call.app, call.query
    staff = call.viewer.id if query.mine else None
    wanted = cases.Wanted(query.queue, query.state, staff)
    mark = call.after(cast("type[cases.Mark]", cases.Mark)) or cases.first(app.clock.now())
    limit = query.limit
    page = await app.attend(call, cases.page, app.log.cells, wanted, mark, limit + 1)
    place = page.marks[limit - 1] if len(page.cases) > limit else None
    return call.page([case(view) for view in page.cases[:limit]], place)


@ROUTES.post(
    "/v1/moderation/cases",
    tag=_TAG,
    summary="Open a case by hand",
    body=OpenCase,
    answer=Written,
    roles=MODERATORS,
    problems=("not-found", "no-such-member", "conflict"),
    links=_CASE_LINKS,
    example={"subject": {"kind": "member", "qq": 10001}, "note": "asks strangers for money"},
)
async def open_case(call: Ask[OpenCase, None]) -> Answer:
    """A thing has one case, for ever: one that is open already is answered as it is."""
    return done(await call.app.execute(call, call.app.cases.open, call.body))


@ROUTES.get(
    "/v1/moderation/cases/{id}",
    tag=_TAG,
    summary="A case with its whole trail",
    answer=CaseTrail,
    roles=REVIEWERS,
    headers=STATED,
    problems=("same-person", "no-such-request", "request-closed"),
)
async def read_case(call: Ask[None, None]) -> Answer:
    """
    Who did what and when; which version of which rule found what, where; what was told to whom.
    What is sealed, and the words that were found, is opened with `Homezone-Purpose`, which is
    recorded. Of what is their own staff reads nothing here: it names those who reported it.
    """
    app, which = call.app, CaseId(call.uuid())
    trail = await Trail.read(app, which)
    await check_not_theirs(call, trail)
    await _wait_for(app, trail)
    view = (await app.attend(call, cases.by_id, [which])).get(which)
    if view is None:
        raise Refused("not-found")
    of_member = await app.attend(call, standings.of_member, trail.subject.owner)
    disclosure = await disclose(call, [recorded for _, recorded in trail.recorded])
    body = CaseTrail(
        **msgspec.structs.asdict(case(view)),
        on=trail.on,
        standing=standing(of_member, app.clock.now()),
        trail=trail.entries(disclosure),
    )
    return found(body)


async def _wait_for(app: Services, trail: Trail) -> None:
    """The case as it stands is to be no older than its trail, which is of the log itself."""
    last = trail.recorded[-1][1]
    try:
        await app.freshness.wait_for({last.cell: last.position}, _SECONDS_MAX, _MODELS)
    except TimeoutError:
        raise ProblemError(NOT_YET) from None


async def check_not_theirs(call: Ask[None, Any], trail: Trail) -> None:
    """
    :raises Refused: same-person: the case is about the one who asks.
    """
    if await call.app.directory.find(call.viewer.qq) == trail.subject.owner:
        raise Refused("same-person", "This is about you.")


@ROUTES.post(
    "/v1/moderation/cases/{id}/claim",
    tag=_TAG,
    summary="Claim a case",
    answer=Written,
    roles=MODERATORS,
    status=200,
    problems=(*_AT_WORK, "same-person"),
)
async def claim_case(call: Ask[None, None]) -> Answer:
    """
    For half an hour nobody else can decide it; claiming again begins anew, from how its subject is
    then.
    """
    return done(await call.app.execute(call, casework.claim, CaseId(call.uuid())))


@ROUTES.post(
    "/v1/moderation/cases/{id}/release",
    tag=_TAG,
    summary="Leave a case to others",
    answer=Written,
    roles=MODERATORS,
    status=200,
    problems=(*_AT_WORK, "not-claimed"),
)
async def release_case(call: Ask[None, None]) -> Answer:
    """Anybody may claim it again."""
    return done(await call.app.execute(call, casework.release, CaseId(call.uuid())))


@ROUTES.post(
    "/v1/moderation/cases/{id}/escalate",
    tag=_TAG,
    summary="Leave a case to those who decide what is hard",
    body=EscalateCase,
    answer=Written,
    roles=MODERATORS,
    status=200,
    problems=_AT_WORK,
    example={"note": "satire, or meant?"},
)
async def escalate_case(call: Ask[EscalateCase, None]) -> Answer:
    """It moves to the queue `escalated`, and keeps its due date."""
    handler = partial(casework.escalate, CaseId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.post(
    "/v1/moderation/cases/{id}/notes",
    tag=_TAG,
    summary="Note something down",
    body=NoteCase,
    answer=Written,
    roles=MODERATORS,
    problems=("conflict",),
    example={"note": "the account was new", "visibility": "internal"},
)
async def note_case(call: Ask[NoteCase, None]) -> Answer:
    """`public` notes are shown to the member with the decision, `internal` ones to staff alone."""
    handler = partial(casework.note, CaseId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.post(
    "/v1/moderation/cases/{id}/decisions",
    tag=_TAG,
    summary="Decide a case",
    body=Decide,
    answer=Written,
    roles=MODERATORS,
    problems=(
        *_AT_WORK,
        "same-person",
        "subject-changed",
        "appeal-waits",
        "not-appealed",
        "verdict-not-possible",
        "penalty-not-possible",
    ),
    example={
        "verdict": "unpublish",
        "ground": "terms",
        "clause": "4.2",
        "explanation": "Your post advertises, which 4.2 does not allow.",
        "category": "spam",
        "facts": "Three links to one shop.",
        "penalty": "strike",
        "on": 1,
    },
)
async def decide_case(call: Ask[Decide, None]) -> Answer:
    """
    It holds when this is answered, everywhere. `state` is `decided`, or `proposed` where it is so
    grave that a second person has to confirm it: a ban, or taking down a certified space's post.
    It is of what was read: of version `on`, or else of what was found when the case was claimed, or
    opened. If the subject says something else since, it is 409 `subject-changed`. Where an appeal
    waits beside something newer, `answers` names the decision appealed; without it, whoever has
    claimed the case decides what is newer, and anybody else is asked which (409 `appeal-waits`).
    """
    handler = partial(decisions.decide, CaseId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.post(
    "/v1/moderation/cases/{id}/confirmations",
    tag=_TAG,
    summary="Agree with a grave decision, or not",
    body=Confirm,
    answer=Written,
    roles=MODERATORS,
    problems=("no-proposal", "same-person", "subject-changed", "verdict-not-possible", "conflict"),
    example={"agree": True},
)
async def confirm_decision(call: Ask[Confirm, None]) -> Answer:
    """
    Somebody else than who proposed it. Without agreement the case waits as before. What has been
    changed since it was proposed can only be declined, and decided anew.
    """
    handler = partial(decisions.confirm, CaseId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))
