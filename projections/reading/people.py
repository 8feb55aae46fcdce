"""
Members, as they see themselves and one another; friends, requests, blocks, follows and lists.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.event import Refused
from domain.ids import MemberId, cell_of
from projections.reading.posts import Profile
from projections.reading.statements import Connection, Statement
from projections.reading.viewing import viewer_towards

_MEMBERS = Statement(
    "members_by_id",
    """
    SELECT m.member, m.qq, m.nickname, m.certified_as, m.certified_name, m.status, m.joined_at,
           f.bond, f.standing, b.member IS NOT NULL AS blocked, m.position, m.decorated,
           m.location_consent
      FROM unnest(:cells::smallint[], :members::uuid[]) AS wanted (cell, member)
      JOIN models.members m ON m.cell = wanted.cell AND m.member = wanted.member
      LEFT JOIN models.friendships f
        ON f.cell = m.cell AND f.member = m.member AND f.other = :viewer::uuid
      LEFT JOIN models.blocks b
        ON b.cell = m.cell AND b.member = m.member AND b.other = :viewer::uuid
    """,
)

_STATUS = Statement(
    "member_status",
    """
    SELECT status FROM models.members WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)

_HALVES = Statement(
    "friendship_halves",
    """
    SELECT other, standing, bond, since FROM models.friendships
     WHERE cell = :cell::smallint AND member = :member::uuid AND bond < :before::uuid
     ORDER BY bond DESC
     LIMIT :count::int
    """,
)

_BLOCKED = Statement(
    "blocked_members",
    """
    SELECT other, since FROM models.blocks
     WHERE cell = :cell::smallint AND member = :member::uuid AND other > :after::uuid
     ORDER BY other LIMIT :count::int
    """,
)

_FOLLOWED = Statement(
    "followed_spaces",
    """
    SELECT other, since FROM models.follows
     WHERE cell = :cell::smallint AND member = :member::uuid AND other > :after::uuid
     ORDER BY other LIMIT :count::int
    """,
)

_LISTS = Statement(
    "lists_of_owner",
    """
    SELECT list, name, saved_at FROM models.lists
     WHERE cell = :cell::smallint AND owner = :owner::uuid ORDER BY list
    """,
)

_LISTED = Statement(
    "members_of_lists",
    """
    SELECT list, member FROM models.list_members
     WHERE cell = :cell::smallint AND list = ANY(:lists::uuid[])
    """,
)

FriendState = Literal["friends", "incoming", "outgoing"]


class MemberView(msgspec.Struct, frozen=True):
    """A member and how the viewer stands to them."""

    profile: Profile
    status: str
    joined_at: datetime
    standing: FriendState | Literal["none"]
    follows: bool
    blocked: bool
    blocks_viewer: bool
    cell: int
    position: int
    decorated: bool = False
    location_consent: bool = False


class FriendView(msgspec.Struct, frozen=True):
    """A friend, or a request, and since when. ``bond`` orders the list for good."""

    member: Profile
    bond: UUID
    since: datetime


class TieView(msgspec.Struct, frozen=True):
    """A blocked member or a followed space, and since when."""

    member: Profile
    since: datetime


class ListView(msgspec.Struct, frozen=True):
    """A named list; its name sealed."""

    id: UUID
    name: bytes
    saved_at: datetime
    members: list[Profile]


async def status(connection: Connection, member: MemberId) -> str | None:
    """Whether a member may act: ``active``, ``suspended``, or None where there is no account."""
    rows = await _STATUS(connection, cell=cell_of(member), member=member)
    return str(rows[0][0]) if rows else None


def may_act(status: str | None) -> None:
    """
    Refuse whoever may not act now.

    :param status: as the member's row says; None where there is no account.
    :raises Refused: suspended or banned, or no account.
    """
    if status is None:
        raise Refused("no-account", "There is no account for this QQ number.")
    if status == "banned":
        raise Refused("banned", "This account is closed for good.")
    if status != "active":
        raise Refused("suspended", "This account is suspended.")


async def members(
    connection: Connection, viewer: MemberId, wanted: Sequence[UUID]
) -> dict[UUID, MemberView]:
    """Members by id."""
    if not wanted:
        return {}
    rows = await _MEMBERS(
        connection, cells=[cell_of(one) for one in wanted], members=list(wanted), viewer=viewer
    )
    towards = await viewer_towards(connection, viewer, wanted)
    found: dict[UUID, MemberView] = {}
    for member, qq, nickname, kind, name, *rest in rows:
        member_status, joined_at, bond, standing, blocks_viewer, position, *flags = rest
        found[member] = MemberView(
            profile=Profile(member, qq, nickname, kind, name),
            status=member_status,
            joined_at=joined_at,
            standing=standing_between(towards.bonds.get(member), bond, standing),
            follows=member in towards.follows,
            blocked=member in towards.blocked,
            blocks_viewer=blocks_viewer,
            cell=cell_of(member),
            position=position,
            decorated=flags[0],
            location_consent=flags[1],
        )
    return found


def standing_between(
    mine: UUID | None, theirs: UUID | None, their_standing: str | None
) -> FriendState | Literal["none"]:
    """Two halves, read together: each offers a bond, and the same bond makes friends."""
    offered = theirs if their_standing in ("outgoing", "friends") else None
    if mine is not None:
        return "friends" if mine == offered else "outgoing"
    return "incoming" if their_standing == "outgoing" else "none"


async def friends(
    connection: Connection, member: MemberId, state: FriendState, before: UUID, count: int
) -> list[FriendView]:
    """A member's friends or open requests, latest bond first."""
    page: list[FriendView] = []
    step = max(count, 50)
    while len(page) < count:
        rows = await _HALVES(
            connection, cell=cell_of(member), member=member, before=before, count=step
        )
        found = await members(connection, member, [row[0] for row in rows])
        for other, _, bond, since in rows:
            view = found.get(other)
            if view is not None and view.standing == state and not view.blocks_viewer:
                page.append(FriendView(view.profile, bond, since))
        if len(rows) < step:
            break
        before = rows[-1][2]
        step = min(step * 2, 500)
    return page[:count]


async def blocked(
    connection: Connection, member: MemberId, after: UUID, count: int
) -> list[TieView]:
    """Those whom a member has blocked, in the order of their ids."""
    return await _ties(connection, _BLOCKED, member, after, count)


async def followed(
    connection: Connection, member: MemberId, after: UUID, count: int
) -> list[TieView]:
    """The spaces that a member follows, in the order of their ids."""
    return await _ties(connection, _FOLLOWED, member, after, count)


async def _ties(
    connection: Connection, statement: Statement, member: MemberId, after: UUID, count: int
) -> list[TieView]:
    rows = await statement(
        connection, cell=cell_of(member), member=member, after=after, count=count
    )
    found = await members(connection, member, [other for other, _ in rows])
    return [TieView(found[other].profile, since) for other, since in rows if other in found]


async def lists(connection: Connection, owner: MemberId) -> list[ListView]:
    """An owner's named lists with their members; there are at most a hundred."""
    rows = await _LISTS(connection, cell=cell_of(owner), owner=owner)
    listed: dict[UUID, list[UUID]] = {}
    if rows:
        ids = [row[0] for row in rows]
        for which, member in await _LISTED(connection, cell=cell_of(owner), lists=ids):
            listed.setdefault(which, []).append(member)
    found = await members(connection, owner, list({one for ids in listed.values() for one in ids}))
    return [
        ListView(
            which,
            name,
            saved_at,
            [found[one].profile for one in sorted(listed.get(which, [])) if one in found],
        )
        for which, name, saved_at in rows
    ]
