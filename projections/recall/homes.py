"""
Home pages made of facts alone: the same views as those of :mod:`projections.reading.homes`, through
the same gates.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain.audience import Relation, visible
from domain.home import may_write, open_to
from domain.ids import MemberId
from projections.gates import audience_of
from projections.reading.homes import MESSAGES_SHOWN, VISITORS_SHOWN, HomeView, opened, stands
from projections.reading.messages import MessageView
from projections.reading.people import MemberView
from projections.reading.posts import PostView
from projections.reading.visits import Seen
from projections.recall.answers import profile, space
from projections.recall.facts import Facts
from projections.recall.shapes import Member, Page, Posted, Visited


def home_page(
    facts: Facts, viewer: MemberId, owner: MemberId, count: int
) -> tuple[MemberView, list[PostView], HomeView] | None:
    """
    A member as the viewer stands to them, their newest posts, and the rest of their page.

    :raises Refused: not-found, when the space is not there for the viewer.
    """
    shown = space(facts, viewer, owner, count)
    if shown is None:
        return None
    member, posts = shown
    page = facts.pages.one(owner)
    relation = stands(viewer, member)
    open_ = opened(page.home, relation)
    counted, seen, said = None, None, None
    if "visitors" in open_:
        visited = facts.visited.one(owner)
        counted = visited.counts
        near = _near(facts, viewer, [visitor for visitor, _ in visited.newest])
        met = [(one, at) for one, at in visited.newest if one in near]
        seen = [_seen(visited, near[one], one, at) for one, at in met[:VISITORS_SHOWN]]
    if "messages" in open_:
        near = _near(facts, viewer, [one.author for one in page.messages])
        found = [
            one
            for one in page.messages
            if one.author in near
            and visible(one.live, audience_of(one.audience), Relation(one.author == viewer))
        ]
        said = [_message(page, near[one.author], one) for one in found[:MESSAGES_SHOWN]]
    writes = "messages" in open_ and may_write(page.home, relation)
    home = HomeView(page.home, open_, counted, seen, said, writes)
    return member, posts if "posts" in open_ else [], home


def first_of_page(
    facts: Facts, viewer: MemberId, owner: MemberId, count: int
) -> list[PostView] | None:
    """
    A member's newest posts, if that section of their page is for the viewer; or none.

    :raises Refused: not-found, when the space is not there for the viewer.
    """
    shown = space(facts, viewer, owner, count)
    if shown is None:
        return None
    home = facts.pages.one(owner).home
    return shown[1] if open_to(home, "posts", stands(viewer, shown[0])) else []


def _seen(visited: Visited, row: Member, visitor: UUID, at: datetime) -> Seen:
    """The view of a visitor, the same one for all who meet them."""
    made = visited.views.get(visitor)
    if made is not None and made[0] is row:
        view: Seen = made[1]
        return view
    view = Seen(profile(visitor, row), at, lasting=True)
    visited.views[visitor] = (row, view)
    return view


def _message(page: Page, row: Member, one: Posted) -> MessageView:
    """The view of a message, the same one for all who see it."""
    made = page.views.get(one.message)
    if made is not None and made[0] is row:
        view: MessageView = made[1]
        return view
    view = MessageView(
        message=one.message,
        author=profile(one.author, row),
        thread=one.thread,
        reply_to=one.reply_to,
        text=one.text,
        written_at=one.written_at,
        cell=one.cell,
        position=one.position,
        waits=one.waits,
        lasting=True,
    )
    page.views[one.message] = (row, view)
    return view


def _near(facts: Facts, viewer: MemberId, members: Iterable[UUID]) -> dict[UUID, Member]:
    """Those of some members who neither block the viewer nor are blocked by them."""
    wanted = list(dict.fromkeys(members))
    if not wanted:
        return {}
    found = facts.members.many(wanted)
    others = [member for member in wanted if member != viewer]
    pairs = facts.pairs.many([(viewer, member) for member in others])
    shut = {
        member
        for member, pair in zip(others, pairs, strict=True)
        if pair.blocked or pair.blocks_viewer
    }
    return {
        member: shown
        for member, shown in zip(wanted, found, strict=True)
        if shown is not None and member not in shut
    }
