"""
What friends have offered to a member.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.people import members
from projections.reading.posts import Profile
from projections.reading.statements import Connection, Statement

_GIFTS = Statement(
    "gifts_of_member",
    """
    SELECT "order", sender, item, kind, title, quantity, offered_at, expires_at, how, position
      FROM models.gifts
     WHERE cell = :cell::smallint AND member = :member::uuid AND position < :before::bigint
     ORDER BY position DESC LIMIT :count::int
    """,
)


class GiftView(msgspec.Struct, frozen=True):
    """
    A gift, from whom, and how it ended; None while it waits. ``sender`` is None when there is no
    such member any longer.
    """

    order: UUID
    sender: Profile | None
    item: UUID
    kind: str
    title: str
    quantity: int
    offered_at: datetime
    expires_at: datetime
    how: str | None
    position: int


async def gifts(
    connection: Connection, member: MemberId, before: int, count: int
) -> list[GiftView]:
    """What was ever offered to a member, newest first."""
    rows = await _GIFTS(connection, cell=cell_of(member), member=member, before=before, count=count)
    senders = await members(connection, member, list({row[1] for row in rows}))
    return [
        GiftView(
            row[0],
            senders[row[1]].profile if row[1] in senders else None,
            *row[2:],
        )
        for row in rows
    ]
