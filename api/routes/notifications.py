"""
Notifications: what others did that concerns a member, which kinds are wanted, what was read.
"""

from typing import Any, cast
from uuid import UUID

import msgspec

from api.answers import Author, Presenter, Written
from api.http.answers import Answer, Page, found
from api.http.positions import format_positions
from api.http.queries import Paging
from api.http.routes import Routes
from api.pages import LAST, mark_of
from api.routes.members import done
from api.services import MEMBERS, Ask
from commands import notices as commands
from commands.notices import PreferNotices, ReadNotices
from commands.types import Moment
from domain.badge import BADGES, badge_stream
from domain.ids import MemberId
from domain.notices import KINDS, NoticeKind
from projections.notices import HOW
from projections.reading import notices as reads
from projections.reading.notices import NoticeView

ROUTES = Routes()
_TAG = "Notifications"
_READING = ("suspended", "banned", "no-account")
_ACTING = (*_READING, "conflict")


class Notification(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Something that concerns you; what of the same kind is about the same thing is one notification.

    `members` are the latest who did it, `count` how many different members did; `more` says that
    only the latest hundred things were counted. `post` is the post it is about, `latest` the newest
    comment, answer, share, mention or message; `gift` and `decision` are ids, `badge` is a name.
    `until` is what to mark as read. Of what is gone there is nothing here, nor in the count.
    """

    id: UUID
    kind: NoticeKind
    at: Moment
    unread: bool
    count: int
    members: list[Author]
    until: str
    more: bool = False
    post: UUID | None = None
    latest: UUID | None = None
    gift: UUID | None = None
    decision: UUID | None = None
    badge: str | None = None


class UnreadCount(msgspec.Struct, frozen=True):
    """
    How many notifications have something unread; `more` than the hundred that are counted.
    `until` is what to mark as read for there to be none.
    """

    count: int
    more: bool
    until: str | None


class Preferences(msgspec.Struct, frozen=True):
    """Which kinds are wanted."""

    kinds: dict[NoticeKind, bool]


@ROUTES.get(
    "/v1/me/notifications",
    tag=_TAG,
    summary="What concerns you",
    query=Paging,
    answer=Page[Notification],
    roles=MEMBERS,
    problems=_READING,
)
async def list_notifications(call: Ask[None, Paging]) -> Answer:
    """
    Newest first, by when something last came to each. One to which more comes while you walk moves
    to the front, where the next walk begins. Kinds that you do not want are left out.
    """
    limit = call.query.limit
    views = await call.app.read(call, reads.notices, mark_of(call, LAST), limit + 1)
    place = views[limit - 1].mark if len(views) > limit else None
    present = Presenter(call.app, call.viewer.id)
    return call.page([_shown(present, call.viewer.member, one) for one in views[:limit]], place)


@ROUTES.get(
    "/v1/me/notifications/unread",
    tag=_TAG,
    summary="How many notifications are unread",
    answer=UnreadCount,
    roles=MEMBERS,
    problems=_READING,
)
async def count_unread(call: Ask[None, None]) -> Answer:
    """Those that have something new since they were marked as read, kinds you want alone."""
    unread = await call.app.read(call, reads.unread, call.app.log.cells)
    until = format_positions(unread.until) if unread.until else None
    return found(UnreadCount(unread.count, unread.more, until))


@ROUTES.put(
    "/v1/me/notifications/read",
    tag=_TAG,
    summary="Mark notifications as read",
    body=ReadNotices,
    answer=Written,
    roles=MEMBERS,
    problems=(*_ACTING, "no-such-positions"),
    example={"until": "0-12,3-45"},
)
async def mark_read(call: Ask[ReadNotices, None]) -> Answer:
    """
    Everything that had come by `until`, or of the notification `id` alone: what comes later is
    unread again. A mark never goes back.
    """
    return done(await call.app.execute(call, commands.read, call.body))


@ROUTES.get(
    "/v1/me/notifications/preferences",
    tag=_TAG,
    summary="Which kinds of notifications you want",
    answer=Preferences,
    roles=MEMBERS,
    problems=_READING,
)
async def read_preferences(call: Ask[None, None]) -> Answer:
    """All of them, until you say otherwise."""
    muted = await call.app.read(call, _muted)
    kinds = cast("tuple[NoticeKind, ...]", KINDS)
    return found(Preferences({kind: kind not in muted for kind in kinds}))


@ROUTES.patch(
    "/v1/me/notifications/preferences",
    tag=_TAG,
    summary="Say which kinds of notifications you want",
    body=PreferNotices,
    answer=Written,
    roles=MEMBERS,
    problems=_ACTING,
    example={"kinds": {"like": False}},
)
async def change_preferences(call: Ask[PreferNotices, None]) -> Answer:
    """
    Kinds that are not named stay as they are. What came meanwhile is there when a kind is wanted
    again.
    """
    return done(await call.app.execute(call, commands.prefer, call.body))


async def _muted(connection: Any, viewer: MemberId) -> frozenset[str]:
    return await reads.preferences(connection, viewer)


def _shown(present: Presenter, viewer: MemberId, view: NoticeView) -> Notification:
    how, newest = HOW[view.kind], view.latest[0]
    members = [] if how == "own" else [present.author(one.actor) for one in view.latest]
    return Notification(
        id=view.notice,
        kind=view.kind,
        at=newest.at,
        unread=view.unread,
        count=view.members,
        members=members,
        until=format_positions(view.until),
        more=view.more,
        post=view.about,
        latest=newest.source if how in ("comment", "post") else None,
        gift=view.subject if view.kind == "gift" else None,
        decision=view.subject if view.kind == "decision" else None,
        badge=_badge(viewer, view.subject) if view.kind == "badge" else None,
    )


def _badge(member: MemberId, stream: UUID) -> str | None:
    return next((name for name in BADGES if badge_stream(member, name) == stream), None)
