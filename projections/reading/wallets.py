"""
What is in a member's wallet.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import LotId, MemberId, cell_of
from projections.reading.statements import Connection, Statement

_LOTS = Statement(
    "lots_with_coins",
    """
    SELECT lots.lot, lots.kind, lots.rail, lots.payment, lots.of, lots.coins, lots.fen,
           lots.acquired_at, lots.expires_at, lots.position, lot_coins."left"
      FROM models.lot_coins
      JOIN models.lots
        ON lots.cell = lot_coins.cell AND lots.member = lot_coins.member
       AND lots.lot = lot_coins.lot
     WHERE lot_coins.cell = :cell::smallint AND lot_coins.member = :member::uuid
       AND lot_coins."left" > 0
     ORDER BY lots.position, lots.lot
    """,
)

_LOT_POSITION = Statement(
    "lot_position",
    """
    SELECT position FROM models.lots
     WHERE cell = :cell::smallint AND member = :member::uuid AND lot = :lot::uuid
    """,
)

_HOLDS = Statement(
    "holds_of_member",
    """
    SELECT "order", coins, held_at, expires_at FROM models.holds
     WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)


class LotView(msgspec.Struct, frozen=True):
    """A lot with coins in it; ``coins`` and ``fen`` are what it began with."""

    lot: UUID
    kind: str
    rail: str | None
    payment: UUID | None
    of: UUID | None
    coins: int
    fen: int
    acquired_at: datetime
    expires_at: datetime | None
    position: int
    left: int


class HoldView(msgspec.Struct, frozen=True):
    """Coins that are held for an order."""

    order: UUID
    coins: int
    held_at: datetime
    expires_at: datetime


class WalletView(msgspec.Struct, frozen=True):
    """Lots with coins in them, the oldest first, and holds in no order."""

    lots: list[LotView]
    holds: list[HoldView]


async def wallet(connection: Connection, member: MemberId) -> WalletView:
    """A member's wallet, exact at the commit of whatever changed it last."""
    where = {"cell": cell_of(member), "member": member}
    lots = await _LOTS(connection, **where)
    holds = await _HOLDS(connection, **where)
    return WalletView([LotView(*row) for row in lots], [HoldView(*row) for row in holds])


async def lot_position(connection: Connection, member: MemberId, lot: LotId) -> int | None:
    """Where a member's lot was put in; None when it was not, or not yet."""
    rows = await _LOT_POSITION(connection, cell=cell_of(member), member=member, lot=lot)
    return int(rows[0][0]) if rows else None
