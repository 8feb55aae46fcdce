"""
The HTTP application: the contract's routes over the services, behind the doors of the kit.
"""

from importlib.metadata import version

from aiohttp import web

from api.http.access import AccessLog
from api.http.application import application
from api.http.door import Door
from api.http.hooks import Hooks
from api.http.openapi import Info
from api.http.positions import Vector
from api.http.routes import Route
from api.limits import Limits
from api.past import ROLE, travel
from api.problems import PROBLEMS
from api.recent import READ_BY_CLIENTS
from api.routes import (
    albums,
    audit,
    authority_requests,
    backtests,
    badges,
    billing,
    bundles,
    decorations,
    erasures,
    evidence,
    exports,
    gifts,
    guardians,
    homes,
    inspections,
    mall,
    members,
    memberships,
    moderation,
    money,
    notifications,
    operations,
    photos,
    posts,
    recourse,
    rules,
    spaces,
    stream,
    transparency,
    uploads,
    visibility,
)
from api.services import Caller, Services
from api.tokens import InvalidToken, Principal, Role, TokenVerifier
from commands.ports import Clock
from domain.event import Refused

AT_LEAST_SECONDS = 5.0


def build(
    services: Services,
    verifier: TokenVerifier,
    cursor_secret: bytes,
    clock: Clock,
    limits: Limits | None,
    door: Door | None = None,
    access: AccessLog | None = None,
) -> web.Application:
    """
    The application of one server.

    :param limits: of requests; None for none.
    :param door: bounds what is inside at once.
    :param access: where slow and failed requests are noted, if anywhere.
    :param cursor_secret: authenticates cursors; the same for all servers of a store.
    """

    async def authenticate(token: str) -> Principal:
        return await verifier.admit(token, clock.now())

    async def admit(principal: Principal, _: Route) -> Caller:
        if principal.role != Role.MEMBER:
            return Caller(principal.qq, principal.role, services.staff_id(principal.qq))
        member = await services.directory.find(principal.qq)
        if member is None:
            raise Refused("no-account", "There is no account for this QQ number.")
        return Caller(principal.qq, principal.role, member)

    async def at_least(vector: Vector) -> None:
        await services.freshness.wait_for(dict(vector), AT_LEAST_SECONDS, READ_BY_CLIENTS)

    hooks = Hooks(
        authenticate=authenticate,
        refuses=InvalidToken,
        admit=admit,  # type: ignore[arg-type]
        at_least=at_least,
        limit=None if limits is None else limits.take,
        observe=services.metrics.requests.observing,
        refused=services.metrics.requests.refused,
        note=None if access is None else access.note,
        note_seconds=0.0 if access is None else access.seconds_min,
        travel=travel,
        travels=ROLE,
    )
    return application(
        (
            members.ROUTES,
            posts.ROUTES,
            moderation.ROUTES,
            inspections.ROUTES,
            recourse.ROUTES,
            transparency.ROUTES,
            rules.ROUTES,
            backtests.ROUTES,
            spaces.ROUTES,
            exports.ROUTES,
            decorations.ROUTES,
            homes.ROUTES,
            money.ROUTES,
            billing.ROUTES,
            mall.ROUTES,
            guardians.ROUTES,
            gifts.ROUTES,
            memberships.ROUTES,
            badges.ROUTES,
            notifications.ROUTES,
            uploads.ROUTES,
            albums.ROUTES,
            photos.ROUTES,
            stream.ROUTES,
            audit.ROUTES,
            authority_requests.ROUTES,
            erasures.ROUTES,
            visibility.ROUTES,
            evidence.ROUTES,
            bundles.ROUTES,
            operations.ROUTES,
        ),
        services,
        hooks,
        info=Info(
            title="Homezone",
            version=version("homezone"),
            description="The backend of a personal-space network; every action is an event.",
        ),
        cursor_secret=cursor_secret,
        problems=PROBLEMS,
        door=door,
        overridden=("/v1/uploads/{id}",),
    )
