"""
The feed, spaces and timelines.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from api.answers import Post, Presenter
from api.homes import HomePage, HomePresenter
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import FIRST, LAST, mark_of, with_originals
from api.services import MEMBERS, Ask
from api.timelines import TimelineItem, TimelinePresenter
from domain.event import Refused
from domain.ids import MemberId
from domain.looks import PLAIN
from domain.visit import day_of
from projections.reading import decorations, people, timelines
from projections.reading import posts as post_reads
from projections.reading.homes import HomeView, home_view, section_is_open
from projections.reading.posts import Mark, PostView
from projections.recall import answers as recalled
from projections.recall.homes import first_of_page, home_page

ROUTES = Routes()
_TAG = "Feed and space"
_READING = ("suspended", "banned", "no-account")
_ON_HOME_PAGE = 10


@ROUTES.get(
    "/v1/feed",
    tag=_TAG,
    summary="The information center",
    query=Paging,
    answer=Page[Post],
    roles=MEMBERS,
    problems=_READING,
)
async def read_feed(call: Ask[None, Paging]) -> Answer:
    """Posts by friends and followed certified spaces, newest first."""
    limit = call.query.limit
    before = mark_of(call, LAST)
    views = None
    if before is LAST:
        views = await call.app.recall(call, recalled.first_of_feed, limit + 1)
    if views is None:
        views = await call.app.read(call, post_reads.feed, before, limit + 1)
    else:
        views = await with_originals(call, views)
    return _posts(call, views, limit)


def _posts(call: Ask[None, Paging], views: list[PostView], limit: int) -> Answer:
    place = views[limit - 1].mark if len(views) > limit else None
    return call.page(Presenter(call.app, call.viewer.id).posts(views[:limit]), place)


@ROUTES.get(
    "/v1/spaces/{qq}",
    tag=_TAG,
    summary="A member's home page",
    answer=HomePage,
    roles=MEMBERS,
    problems=_READING,
)
async def read_space(call: Ask[None, None]) -> Answer:
    """
    All that a client draws: who it is, how you stand to them, how it looks, and of each module what
    you may see, the latest first.
    """
    owner = await call.app.other(call, call.qq())
    shown = await call.app.recall(call, home_page, owner, _ON_HOME_PAGE)
    if shown is not None:
        shown = shown[0], await with_originals(call, shown[1]), shown[2]
    else:
        shown = await call.app.read(call, _space, owner)
    if shown is None:
        raise Refused("not-found")
    look, now = PLAIN, call.app.clock.now()
    if shown[0].decorated:
        look = (await call.app.look(decorations.decoration, owner, now)).shown
    present = HomePresenter(call.app, call.viewer.id).home_page
    return found(present(*shown, look, day_of(now)))


async def _space(
    connection: Any, viewer: MemberId, owner: MemberId
) -> tuple[people.MemberView, list[PostView], HomeView] | None:
    member = (await people.members(connection, viewer, [owner])).get(owner)
    if member is None or member.blocks_viewer:
        return None
    home = await home_view(connection, viewer, member)
    posts: list[PostView] = []
    if "posts" in home.open:
        posts = await post_reads.space_posts(connection, viewer, owner, LAST, _ON_HOME_PAGE)
    return member, posts, home


@ROUTES.get(
    "/v1/spaces/{qq}/posts",
    tag=_TAG,
    summary="A member's posts",
    query=Paging,
    answer=Page[Post],
    roles=MEMBERS,
    problems=_READING,
)
async def list_space_posts(call: Ask[None, Paging]) -> Answer:
    """Those that you may see, newest first."""
    owner = await call.app.other(call, call.qq())
    limit = call.query.limit
    before = mark_of(call, LAST)
    views = None
    if before is LAST:
        views = await call.app.recall(call, first_of_page, owner, limit + 1)
    if views is not None:
        views = await with_originals(call, views)
    else:
        views = await call.app.read(call, _space_posts, owner, before, limit + 1)
    if views is None:
        raise Refused("not-found")
    return _posts(call, views, limit)


async def _space_posts(
    connection: Any, viewer: MemberId, owner: MemberId, before: Mark, count: int
) -> list[PostView] | None:
    if await hidden(connection, viewer, owner):
        return None
    if not await section_is_open(connection, viewer, owner, "posts"):
        return []
    return await post_reads.space_posts(connection, viewer, owner, before, count)


async def hidden(connection: Any, viewer: MemberId, owner: MemberId) -> bool:
    """Whether the space is not there for the viewer: no account, or blocked by its owner."""
    member = (await people.members(connection, viewer, [owner])).get(owner)
    return member is None or member.blocks_viewer


class TimelineQuery(Paging, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A month, in UTC, and the page."""

    month: (
        Annotated[
            str,
            msgspec.Meta(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-11"]),
        ]
        | None
    ) = None


@ROUTES.get(
    "/v1/spaces/{qq}/timeline",
    tag=_TAG,
    summary="Everything a member did",
    query=TimelineQuery,
    answer=Page[TimelineItem],
    roles=MEMBERS,
    problems=_READING,
)
async def read_timeline(call: Ask[None, TimelineQuery]) -> Answer:
    """
    Posts, comments, likes, messages on boards, albums and photos that you may see, newest first; of
    one month with `month`. Your own votes are there for you alone.
    """
    owner = await call.app.other(call, call.qq())
    limit = call.query.limit
    since, until = _month(call.query.month)
    before = mark_of(call, until)
    entries = await call.app.read(call, timelines.timeline, owner, before, since, limit + 1)
    if entries is None:
        raise Refused("not-found")
    present = TimelinePresenter(call.app, call.viewer.id).entry
    place = entries[limit - 1].mark if len(entries) > limit else None
    return call.page([present(entry) for entry in entries[:limit]], place)


def _month(month: str | None) -> tuple[datetime, Mark]:
    """The month's first moment, and the mark just after its last."""
    if month is None:
        return FIRST[0], LAST
    year, number = int(month[:4]), int(month[5:])
    since = datetime(year, number, 1, tzinfo=UTC)
    until = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return since, (until, UUID(int=0))
