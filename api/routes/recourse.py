"""
What members can do about moderation: report, hear what came of it, read the reasons for decisions
about themselves, and appeal.

Who is suspended or banned reads and appeals all the same: reasons that cannot be read are none.
"""

import contextlib
from functools import partial
from uuid import UUID

from api.answers import Written
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.moderation.answers import MemberDecision, Report, Standing, decision, report, standing
from api.pages import LAST, mark_of
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands.appeals import Appeal, appeal
from commands.reports import Report as MakeReport
from domain.event import Refused
from domain.ids import CaseId, cell_of
from projections.reading import decisions, reports, standings

ROUTES = Routes()
_TAG = "Moderation"
_SECONDS_MAX = 5.0
#: Beyond every position of a cell.
_END = (1 << 63) - 1


@ROUTES.post(
    "/v1/reports",
    tag=_TAG,
    summary="Report something that is wrong",
    body=MakeReport,
    answer=Written,
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account", "not-found", "no-such-post", "no-such-comment",
              "no-such-member", "own-subject", "conflict"),
    example={"subject": {"kind": "member", "qq": 10001}, "category": "fraud"},
)  # fmt: skip
async def make_report(call: Ask[MakeReport, None]) -> Answer:
    """Of what you can see. All reports of one thing are one case; yours is not made known."""
    return done(await call.app.execute(call, call.app.reports.report, call.body))


@ROUTES.get(
    "/v1/me/reports",
    tag=_TAG,
    summary="What came of your reports",
    query=Paging,
    answer=Page[Report],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_reports(call: Ask[None, Paging]) -> Answer:
    """The latest first. You hear whether anything was done; not by whom, nor to whom."""
    limit = call.query.limit
    views = await call.app.read(call, reports.of_reporter, mark_of(call, LAST), limit + 1)
    shown = views[:limit]
    return call.page([report(view) for view in shown], shown[-1].mark if views[limit:] else None)


@ROUTES.get(
    "/v1/me/decisions",
    tag=_TAG,
    summary="Decisions about you, with their reasons",
    query=Paging,
    answer=Page[MemberDecision],
    roles=MEMBERS,
    problems=("no-account",),
)
async def list_decisions(call: Ask[None, Paging]) -> Answer:
    """The latest first, also while you are suspended or banned."""
    app, member, limit = call.app, call.viewer.member, call.query.limit
    before = call.after(int) or _END
    views = await app.attend(call, decisions.of_owner, member, before, limit + 1)
    shown = views[:limit]
    place = shown[-1].position if len(views) > limit else None
    telling = [view.case for view in shown if view.told == "full"]
    notes = {}
    if telling:
        notes = await app.attend(call, decisions.public_notes, shown[0].cell, telling)
    return call.page([decision(app, view, notes.get(view.decision, ())) for view in shown], place)


@ROUTES.get(
    "/v1/me/standing",
    tag=_TAG,
    summary="Your strikes and sanctions",
    answer=Standing,
    roles=MEMBERS,
    problems=("no-account",),
)
async def read_standing(call: Ask[None, None]) -> Answer:
    """Those that count and those that are over, also while you are suspended or banned."""
    app = call.app
    view = await app.attend(call, standings.of_member, call.viewer.member)
    return found(standing(view, app.clock.now()))


@ROUTES.post(
    "/v1/appeals",
    tag=_TAG,
    summary="Appeal a decision",
    body=Appeal,
    answer=Written,
    roles=MEMBERS,
    problems=("no-account", "not-found", "not-appealable", "already-appealed", "appeal-too-late",
              "conflict"),
    example={
        "decision": "0198c5a2-6d00-8001-8000-000000000001",
        "statement": "The poem is mine, and quotes nobody.",
    },
)  # fmt: skip
async def appeal_decision(call: Ask[Appeal, None]) -> Answer:
    """Once a decision, within 180 days, also while you are suspended. Somebody else decides."""
    case = await _case_of(call, call.body.decision)
    return done(await call.app.execute(call, partial(appeal, case), call.body))


async def _case_of(call: Ask[Appeal, None], which: UUID) -> CaseId:
    """
    The case that a decision about the caller was of, however new it is.

    :raises Refused: there is no such decision, or it is about somebody else.
    """
    app, member = call.app, call.viewer.member
    case = await app.attend(call, decisions.case_of, member, which)
    if case is None:
        heads, cell = await app.log.heads(), cell_of(member)
        with contextlib.suppress(TimeoutError):
            await app.freshness.wait_for({cell: heads[cell]}, _SECONDS_MAX, ("decisions",))
        case = await app.attend(call, decisions.case_of, member, which)
    if case is None:
        raise Refused("not-found")
    return case
