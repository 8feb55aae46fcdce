"""
A member's badges, and how far the member is towards those still to come.
"""

from datetime import datetime

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement

_BADGES = Statement(
    "badges_of_member",
    """
    SELECT badge, at, position FROM models.badges
     WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)

_DEEDS = Statement(
    "deeds_of_member",
    """
    SELECT posts, comments, photos FROM models.deeds
     WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)


class BadgeView(msgspec.Struct, frozen=True):
    """A badge, and since when."""

    badge: str
    at: datetime
    position: int


async def badges(connection: Connection, member: MemberId) -> list[BadgeView]:
    """All of a member's badges, newest first."""
    rows = await _BADGES(connection, cell=cell_of(member), member=member)
    views = [BadgeView(*row) for row in rows]
    return sorted(views, key=lambda view: (view.position, view.badge), reverse=True)


async def deeds(connection: Connection, member: MemberId) -> dict[str, int]:
    """How often a member did what badges are awarded for."""
    rows = await _DEEDS(connection, cell=cell_of(member), member=member)
    return dict(zip(("posts", "comments", "photos"), rows[0] if rows else (0, 0, 0), strict=True))
