"""
Home pages: what a viewer may see of one beside its owner's posts and look.
"""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import msgspec

from domain.audience import Relation
from domain.home import PLAIN, SECTIONS, Home, Section, may_write, open_to
from domain.ids import MemberId, cell_of
from projections.reading import messages, visits
from projections.reading.messages import MessageView
from projections.reading.people import MemberView, members
from projections.reading.posts import Profile
from projections.reading.statements import Connection, Statement
from projections.reading.visits import Seen, VisitCounts

HOMES = Statement(
    "homes_of_members",
    """
    SELECT h.member, h.home, h.position
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.homes h ON h.cell = wanted.cell AND h.member = wanted.member
    """,
)

#: How many of the newest a page looks at, and how many of these it shows at most.
LOOKED_AT: Final = 10
VISITORS_SHOWN: Final = 5
MESSAGES_SHOWN: Final = 3

decoded: Final = msgspec.json.Decoder(Home).decode


class HomeView(msgspec.Struct, frozen=True):
    """
    A home page as its viewer may see it; None is what is not for them.

    :param open: the sections that are for the viewer.
    :param visits: how many there were.
    :param board: whether the viewer may write on it.
    """

    home: Home
    open: frozenset[Section]
    visits: VisitCounts | None
    visitors: list[Seen] | None
    messages: list[MessageView] | None
    may_write: bool


def stands(viewer: MemberId, owner: MemberView) -> Relation:
    """How a viewer stands to the owner of a page."""
    return Relation(
        is_author=owner.profile.member == viewer,
        friends=owner.standing == "friends",
        blocked=owner.blocked or owner.blocks_viewer,
    )


def opened(home: Home, relation: Relation) -> frozenset[Section]:
    """The sections that are for whoever stands so to the page's owner."""
    return frozenset(one for one in SECTIONS if open_to(home, one, relation))


async def home_of(connection: Connection, owner: MemberId) -> tuple[Home, int | None]:
    """A home page, and where it became so; None where it is as everybody's."""
    rows = await HOMES(connection, cells=[cell_of(owner)], members=[owner])
    return (decoded(rows[0][1]), rows[0][2]) if rows else (PLAIN, None)


async def own_home(connection: Connection, owner: MemberId) -> tuple[Home, int | None]:
    """One's own."""
    return await home_of(connection, owner)


async def home_view(connection: Connection, viewer: MemberId, owner: MemberView) -> HomeView:
    """A member's home page, for a viewer whom they have not blocked."""
    space = MemberId(owner.profile.member)
    home, _ = await home_of(connection, space)
    relation = stands(viewer, owner)
    open_ = opened(home, relation)
    counted, seen, said = None, None, None
    if "visitors" in open_:
        counted = await visits.counts(connection, space)
        seen = await visits.newest(connection, viewer, space, LOOKED_AT, VISITORS_SHOWN)
    if "messages" in open_:
        said = await messages.newest(connection, viewer, space, LOOKED_AT, MESSAGES_SHOWN)
    writes = "messages" in open_ and may_write(home, relation)
    return HomeView(home, open_, counted, seen, said, writes)


async def section_is_open(
    connection: Connection, viewer: MemberId, owner: MemberId, section: Section
) -> bool:
    """Whether a section of a member's home page is there for a viewer."""
    member = (await members(connection, viewer, [owner])).get(owner)
    if member is None:
        return False
    home, _ = await home_of(connection, owner)
    return open_to(home, section, stands(viewer, member))


async def boards(
    connection: Connection, viewer: MemberId, owners: Collection[UUID]
) -> dict[UUID, MemberView]:
    """Whose boards, of some members', are there for a viewer."""
    found = await members(connection, viewer, list(owners))
    if not found:
        return {}
    cells = [cell_of(owner) for owner in found]
    rows = await HOMES(connection, cells=cells, members=list(found))
    homes = {row[0]: decoded(row[1]) for row in rows}
    return {
        owner: member
        for owner, member in found.items()
        if open_to(homes.get(owner, PLAIN), "messages", stands(viewer, member))
    }


async def messages_seen(
    connection: Connection, viewer: MemberId, wanted: Mapping[UUID, UUID]
) -> dict[UUID, tuple[MessageView, Profile]]:
    """
    Those of some messages that the viewer may see, and whose board each is on.

    :param wanted: whose board each is on.
    """
    open_ = await boards(connection, viewer, set(wanted.values()))
    there = {message: space for message, space in wanted.items() if space in open_}
    found = await messages.by_id(connection, viewer, there)
    return {one: (view, open_[wanted[one]].profile) for one, view in found.items()}
