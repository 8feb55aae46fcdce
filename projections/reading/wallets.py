"""
What is in a member's wallet.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import LotId, MemberId, cell_of
from projections.reading.statements import Connection, Statement

# One statement, so one moment: what is let go of by a hold is in its lot, or held, and never both.
_WALLET = Statement(
    "wallet_of_member",
    """
    SELECT lots.lot, lots.kind, lots.rail, lots.payment, lots.of, lots.coins, lots.fen,
           lots.acquired_at, lots.expires_at, lots.position, lot_coins."left"
      FROM models.lot_coins
      JOIN models.lots
        ON lots.cell = lot_coins.cell AND lots.member = lot_coins.member
       AND lots.lot = lot_coins.lot
     WHERE lot_coins.cell = :cell::smallint AND lot_coins.member = :member::uuid
       AND lot_coins."left" > 0
     UNION ALL
    SELECT holds."order", 'hold', NULL, NULL, NULL, holds.coins, 0,
           holds.held_at, holds.expires_at, holds.position, 0
      FROM models.holds
     WHERE holds.cell = :cell::smallint AND holds.member = :member::uuid
     UNION ALL
    SELECT coin_debts.lot, 'debt', NULL, NULL, NULL, coin_debts.coins, 0, NULL, NULL, 0, 0
      FROM models.coin_debts
     WHERE coin_debts.cell = :cell::smallint AND coin_debts.member = :member::uuid
       AND coin_debts.coins > 0
     ORDER BY position, lot
    """,
)

_LOT_POSITION = Statement(
    "lot_position",
    """
    SELECT position FROM models.lots
     WHERE cell = :cell::smallint AND member = :member::uuid AND lot = :lot::uuid
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
    """Lots with coins in them, and holds, the oldest first; and how many coins are owed."""

    lots: list[LotView]
    holds: list[HoldView]
    owed: int


async def wallet(connection: Connection, member: MemberId) -> WalletView:
    """A member's wallet, exact at the commit of whatever changed it last."""
    rows = await _WALLET(connection, cell=cell_of(member), member=member)
    lots = [LotView(*row) for row in rows if row[1] not in ("hold", "debt")]
    holds = [HoldView(row[0], row[5], row[7], row[8]) for row in rows if row[1] == "hold"]
    return WalletView(lots, holds, sum(row[5] for row in rows if row[1] == "debt"))


async def lot_position(connection: Connection, member: MemberId, lot: LotId) -> int | None:
    """Where a member's lot was put in; None when it was not, or not yet."""
    rows = await _LOT_POSITION(connection, cell=cell_of(member), member=member, lot=lot)
    return int(rows[0][0]) if rows else None
