"""
Memberships: have one, let it rest, end its renewal, and see what it gives.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec

from api.answers import Written
from api.http.answers import Answer, Page
from api.http.routes import Routes
from api.routes.members import done
from api.services import MEMBERS, OPERATORS, Ask
from commands import memberships
from commands.memberships import RefundDays, Subscribe
from commands.types import Moment
from commands.work import Outcome, Work
from domain.event import Refused
from domain.ids import cell_of
from domain.membership_events import MembershipState
from domain.plans import LEVEL_MAX, PLANS, Months, Plan, storage_quota
from projections.reading import memberships as reads
from projections.reading.memberships import MembershipView

ROUTES = Routes()
_TAG = "Memberships"
_ACTING = ("not-found", "suspended", "banned", "no-account", "conflict")
#: Who is suspended may stop what costs them.
_STOPPING = ("not-found", "banned", "no-account", "conflict")

_Points = Annotated[int, msgspec.Meta(ge=0)]


class Days(msgspec.Struct, frozen=True):
    """Days that were paid together, or are free: those that run, or are to come."""

    id: UUID
    since: Moment
    until: Moment
    months: Months
    coins: int


class Membership(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One plan. ``months`` is the term that is paid at the next renewal, where it ``renews``;
    ``until`` the end of what was paid, ``benefits_until`` that with the grace which follows while
    it renews; ``storage_quota`` in bytes comes with yellow's level.
    """

    plan: Plan
    state: MembershipState
    benefits: bool
    renews: bool
    months: Months
    points: _Points
    level: Annotated[int, msgspec.Meta(ge=1, le=LEVEL_MAX)]
    periods: list[Days]
    until: Moment | None = None
    benefits_until: Moment | None = None
    storage_quota: int | None = None
    position: str | None = None


def _plan(call: Ask[Any, Any]) -> Plan:
    """Which plan the path names; there are no others."""
    for plan in PLANS:
        if plan == call.text("plan"):
            return plan
    raise Refused("not-found")


async def _move(
    call: Ask[None, None], handler: Callable[[Plan, Work], Awaitable[Outcome]]
) -> Answer:
    plan = _plan(call)

    async def handle(_: None, work: Work) -> Outcome:
        return await handler(plan, work)

    return done(await call.app.execute(call, handle, None))


@ROUTES.put(
    "/v1/me/memberships/{plan:name}",
    tag=_TAG,
    summary="Have a membership",
    body=Subscribe,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *_ACTING,
        "insufficient-coins",
        "wallet-owes",
        "trial-used",
        "extend-or-trial",
        "membership-paused",
        "too-far-ahead",
    ),
    example={"months": 1},
)
async def subscribe(call: Ask[Subscribe, None]) -> Answer:
    """
    It runs from now on, or goes on, and renews by terms of so many `months`. What it takes is done:
    a plan that is not had is bought, what is owed is paid, renewal that was ended is resumed. A
    longer term begins now, and the unused days of the shorter come back as coins; a shorter one
    begins at the next renewal. Asked twice, it is done once, unless `extend` says to pay a further
    term. With `trial`, the first 7 days are free.
    """
    handler = partial(memberships.subscribe, _plan(call))
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.delete(
    "/v1/me/memberships/{plan:name}",
    tag=_TAG,
    summary="End renewal",
    answer=Written,
    roles=MEMBERS,
    problems=_STOPPING,
)
async def end_renewal(call: Ask[None, None]) -> Answer:
    """Benefits last until the end of what was paid. This can be done while suspended, too."""
    return await _move(call, memberships.cancel)


@ROUTES.put(
    "/v1/me/memberships/{plan:name}/pause",
    tag=_TAG,
    summary="Let a membership rest",
    answer=Written,
    roles=MEMBERS,
    problems=(*_STOPPING, "nothing-unused", "pause-used-up"),
)
async def pause_membership(call: Ask[None, None]) -> Answer:
    """
    Days that have not begun are kept, with what they cost, without benefits and without decay of
    growth. It may rest 90 days in all until a further term is paid, and then goes on by itself.
    This can be done while suspended, too.
    """
    return await _move(call, memberships.pause)


@ROUTES.delete(
    "/v1/me/memberships/{plan:name}/pause",
    tag=_TAG,
    summary="Let a membership go on",
    answer=Written,
    roles=MEMBERS,
    problems=_ACTING,
)
async def resume_membership(call: Ask[None, None]) -> Answer:
    """The days that were kept follow; the day that had begun comes first, if it is not over."""
    return await _move(call, memberships.resume)


@ROUTES.post(
    "/v1/accounts/{qq}/memberships/{plan:name}/refunds",
    tag=_TAG,
    summary="Refund unused days",
    body=RefundDays,
    answer=Written,
    roles=OPERATORS,
    problems=("not-found", "nothing-unused", "conflict"),
    example={"reason": "moved abroad"},
)
async def refund_days(call: Ask[RefundDays, None]) -> Answer:
    """
    The membership ends now. The coins of the days that have not begun, whole ones, return to the
    very lots they came from, those spent last first.
    """
    target, plan = await call.app.member(call.qq()), _plan(call)
    handler = partial(memberships.refund_days, target, plan)
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.get(
    "/v1/me/memberships",
    tag=_TAG,
    summary="Your memberships",
    answer=Page[Membership],
    roles=MEMBERS,
    problems=("no-account",),
)
async def list_memberships(call: Ask[None, None]) -> Answer:
    """
    Every plan, had or not: how it stands, what it gives now, and how far you have grown; also while
    you are suspended or banned.
    """
    member, now = call.viewer.member, call.app.clock.now()
    views, cell = await call.app.attend(call, reads.memberships, member), cell_of(member)
    return call.page([_shown(plan, views.get(plan), now, cell) for plan in PLANS])


def _shown(plan: Plan, view: MembershipView | None, now: datetime, cell: int) -> Membership:
    if view is None:
        quota = storage_quota(None) if plan == "yellow" else None
        return Membership(plan, "none", False, False, 1, 0, 1, [], storage_quota=quota)
    benefits, level = view.has_benefits(now), view.level(now)
    state: Any = view.state
    months: Any = view.months
    return Membership(
        plan=plan,
        state=state,
        benefits=benefits,
        renews=view.renews,
        months=months,
        points=view.growth(now),
        level=level,
        periods=[
            Days(one.id, one.since, one.until, one.months, one.coins)  # type: ignore[arg-type]
            for one in view.periods
            if one.until > now
        ],
        until=view.until,
        benefits_until=view.benefits_until if benefits else None,
        storage_quota=storage_quota(level if benefits else None) if plan == "yellow" else None,
        position=f"{cell}-{view.position}",
    )
