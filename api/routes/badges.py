"""
Badges: what members have come to.
"""

from typing import Any

import msgspec

from api.http.answers import Answer, found
from api.http.routes import Routes
from api.routes.spaces import hidden
from api.services import MEMBERS, Ask
from commands.types import Moment
from domain.event import Refused
from domain.ids import MemberId
from projections.reading import badges as reads
from projections.reading.badges import BadgeView
from projections.reading.homes import section_is_open

ROUTES = Routes()
_TAG = "Feed and space"
_READING = ("suspended", "banned", "no-account")


class Badge(msgspec.Struct, frozen=True):
    """A badge by its name, such as `first_post`, `posts_100` or `days_100`, and since when."""

    badge: str
    at: Moment


class Badges(msgspec.Struct, frozen=True):
    """All badges of a member, newest first: there are few."""

    items: list[Badge]


@ROUTES.get(
    "/v1/me/badges",
    tag=_TAG,
    summary="Your badges",
    answer=Badges,
    roles=MEMBERS,
    problems=_READING,
)
async def list_my_badges(call: Ask[None, None]) -> Answer:
    """Awarded soon after what earned them, once and for good."""
    return _badges(await call.app.read(call, _mine))


@ROUTES.get(
    "/v1/spaces/{qq}/badges",
    tag=_TAG,
    summary="A member's badges",
    answer=Badges,
    roles=MEMBERS,
    problems=_READING,
)
async def list_badges(call: Ask[None, None]) -> Answer:
    """None where that section of the space is not for you."""
    owner = await call.app.other(call, call.qq())
    views = await call.app.read(call, _theirs, owner)
    if views is None:
        raise Refused("not-found")
    return _badges(views)


async def _mine(connection: Any, viewer: MemberId) -> list[BadgeView]:
    return await reads.badges(connection, viewer)


async def _theirs(connection: Any, viewer: MemberId, owner: MemberId) -> list[BadgeView] | None:
    if await hidden(connection, viewer, owner):
        return None
    if not await section_is_open(connection, viewer, owner, "badges"):
        return []
    return await reads.badges(connection, owner)


def _badges(views: list[BadgeView]) -> Answer:
    return found(Badges([Badge(view.badge, view.at) for view in views]))
