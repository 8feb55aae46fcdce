"""
The mall, orders, and what members own.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.account import DIRECTORY_CELL
from domain.ids import MemberId, OrderId, cell_of
from projections.reading.statements import Connection, Statement

_ITEMS = Statement(
    "mall_items",
    """
    SELECT item, kind, title, price_coins, members_only, valid_days, level_min, refund_days,
           listed, position
      FROM models.mall_items
     WHERE cell = :cell::smallint AND position < :before::bigint
       AND (listed OR :delisted::boolean)
     ORDER BY position DESC LIMIT :count::int
    """,
)

_ORDER = Statement(
    "order_by_id",
    """
    SELECT "order", member, item, kind, title, quantity, coins, "left", placed_at,
           recipient, answer,
           missing, position
      FROM models.orders
     WHERE cell = :cell::smallint AND "order" = :order::uuid
    """,
)

_BELONGINGS = Statement(
    "belongings_of_member",
    """
    SELECT "order", item, kind, title, quantity, gained_at, expires_at, position
      FROM models.belongings
     WHERE cell = :cell::smallint AND member = :member::uuid AND position < :before::bigint
       AND (expires_at IS NULL OR expires_at > :now::timestamptz)
     ORDER BY position DESC LIMIT :count::int
    """,
)


class ItemView(msgspec.Struct, frozen=True):
    """An item of the mall."""

    item: UUID
    kind: str
    title: str
    price_coins: int
    members_only: bool
    valid_days: int | None
    level_min: int | None
    refund_days: int | None
    listed: bool
    position: int


class OrderView(msgspec.Struct, frozen=True):
    """
    An order; ``left`` coins of it have not been refunded. ``recipient`` is whom a gift is for, and
    ``answer`` how that ended: accepted, declined or expired. ``missing`` coins of it were taken
    back with their payments.
    """

    order: UUID
    member: UUID
    item: UUID
    kind: str
    title: str
    quantity: int
    coins: int
    left: int
    placed_at: datetime
    recipient: UUID | None
    answer: str | None
    missing: int
    position: int


class BelongingView(msgspec.Struct, frozen=True):
    """What an order brought."""

    order: UUID
    item: UUID
    kind: str
    title: str
    quantity: int
    gained_at: datetime
    expires_at: datetime | None
    position: int


async def items(
    connection: Connection, before: int, count: int, *, delisted: bool
) -> list[ItemView]:
    """Items, newest first; on request also those that are not for sale any longer."""
    rows = await _ITEMS(
        connection, cell=DIRECTORY_CELL, before=before, delisted=delisted, count=count
    )
    return [ItemView(*row) for row in rows]


async def order(connection: Connection, which: OrderId) -> OrderView | None:
    """An order, whoever asks."""
    rows = await _ORDER(connection, cell=cell_of(which), order=which)
    return OrderView(*rows[0]) if rows else None


async def belongings(
    connection: Connection, member: MemberId, now: datetime, before: int, count: int
) -> list[BelongingView]:
    """What a member owns at a moment, be it that no timer has come round; newest first."""
    rows = await _BELONGINGS(
        connection, cell=cell_of(member), member=member, now=now, before=before, count=count
    )
    return [BelongingView(*row) for row in rows]
