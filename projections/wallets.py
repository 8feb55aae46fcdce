"""
Wallets: the lots of each member, how many coins are left in each, and what is held. Written inline,
so a balance is exact at the commit of whatever changed it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Table, Text, Uuid, text

from domain.event import Recorded
from domain.ids import LotId, MemberId
from domain.lots import Part, Returned, coins_in
from domain.reversal_events import (
    CoinsSwept,
    DebtIncurred,
    EscrowReversed,
    LotRestored,
    LotReversed,
)
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletToppedUp,
)
from projections.rows import Add, Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

LOTS = Table(
    "lots",
    METADATA,
    cell(),
    key("member"),
    key("lot"),
    Column("kind", Text, nullable=False),
    Column("rail", Text),
    Column("payment", Uuid),
    Column("of", Uuid),
    Column("coins", BigInteger, nullable=False),
    Column("fen", BigInteger, nullable=False),
    Column("acquired_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("position", BigInteger, nullable=False),
)

#: What is left in each lot; beside the row, since sums are all that it takes.
LOT_COINS = Table(
    "lot_coins",
    METADATA,
    cell(),
    key("member"),
    key("lot"),
    Column("left", BigInteger, nullable=False, server_default="0"),
    Index("lots_with_coins", "cell", "member", "lot", postgresql_where=text('"left" > 0')),
)

HOLDS = Table(
    "holds",
    METADATA,
    cell(),
    key("member"),
    key("order"),
    Column("coins", BigInteger, nullable=False),
    Column("held_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
)

#: Coins that a member owes: of a lot whose payment was taken back, spent, and used up.
DEBTS = Table(
    "coin_debts",
    METADATA,
    cell(),
    key("member"),
    key("lot"),
    Column("coins", BigInteger, nullable=False, server_default="0"),
)


class Wallets:
    """The read model."""

    name = "wallets"
    tables = (LOTS, LOT_COINS, HOLDS, DEBTS)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case WalletToppedUp() | BonusGranted():
                yield _lot(recorded, event)
                yield _left(recorded, event.member, event.lot, event.coins)
            case BonusExpired(member=member, lot=lot, coins=coins):
                yield _left(recorded, member, lot, -coins)
            case CoinsSpent(member=member, parts=parts):
                yield from _taken(recorded, member, parts)
            case CoinsHeld(member=member, parts=parts):
                yield from _taken(recorded, member, parts)
                values = {
                    "coins": coins_in(parts),
                    "held_at": event.effective_at,
                    "expires_at": event.expires_at,
                    "position": recorded.position,
                }
                yield Put(HOLDS, (recorded.cell, member, event.order), values)
            case CoinsCaptured(member=member, order=order, kept=kept):
                at = (recorded.cell, member, order)
                yield Patch(HOLDS, at, {"coins": kept}) if kept else Drop(HOLDS, at)
            case HoldVoided(member=member, order=order, returned=returned):
                yield Drop(HOLDS, (recorded.cell, member, order))
                yield from _returned(recorded, member, returned, event.effective_at)
            case CoinsRefunded(member=member, returned=returned):
                yield from _returned(recorded, member, returned, event.effective_at)
            case _:
                yield from _reversed(recorded)


def _reversed(recorded: Recorded) -> Iterator[Change]:
    match recorded.event:
        case LotReversed(member=member, lot=lot, coins=coins):
            yield _left(recorded, member, lot, -coins)
        case CoinsSwept(member=member, lot=lot, coins=coins, owed=owed):
            yield _left(recorded, member, lot, -coins)
            if owed:
                yield _debt(recorded, member, lot, -coins)
        case EscrowReversed(member=member, order=order, held=held):
            yield Patch(HOLDS, (recorded.cell, member, order), {"coins": held})
        case DebtIncurred(member=member, lot=lot, coins=coins):
            yield _debt(recorded, member, lot, coins)
        case LotRestored(member=member, lot=lot, coins=coins, owed_coins=owed_coins):
            yield _left(recorded, member, lot, coins)
            yield _debt(recorded, member, lot, -owed_coins)
            for one in recorded.event.escrow:
                yield Patch(HOLDS, (recorded.cell, member, one.order), {"coins": one.held})
        case _:
            return


def _debt(recorded: Recorded, member: MemberId, lot: LotId, coins: int) -> Add:
    return Add(DEBTS, (recorded.cell, member, lot), {"coins": coins})


def _lot(recorded: Recorded, event: WalletToppedUp | BonusGranted) -> Put:
    values: dict[str, Any]
    if isinstance(event, WalletToppedUp):
        source = {"kind": "paid", "rail": event.rail, "payment": event.payment}
        values = {**source, "fen": event.fen, "expires_at": None}
    else:
        source = {"kind": "bonus", "rail": None, "payment": None}
        values = {**source, "fen": 0, "expires_at": event.expires_at}
    values |= {"of": None, "coins": event.coins}
    values |= {"acquired_at": event.effective_at, "position": recorded.position}
    return Put(LOTS, (recorded.cell, event.member, event.lot), values)


def _left(recorded: Recorded, member: MemberId, lot: LotId, coins: int) -> Add:
    return Add(LOT_COINS, (recorded.cell, member, lot), {"left": coins})


def _taken(recorded: Recorded, member: MemberId, parts: Iterable[Part]) -> Iterator[Add]:
    for part in parts:
        yield _left(recorded, member, part.lot, -part.coins)


def _returned(
    recorded: Recorded, member: MemberId, returned: Iterable[Returned], at: datetime
) -> Iterator[Change]:
    for one in returned:
        if one.expires_at is not None:
            values = {
                "kind": "bonus",
                "rail": None,
                "payment": None,
                "of": one.part.lot,
                "coins": one.part.coins,
                "fen": one.part.fen,
                "acquired_at": at,
                "expires_at": one.expires_at,
                "position": recorded.position,
            }
            yield Put(LOTS, (recorded.cell, member, one.into), values)
        yield _left(recorded, member, one.into, one.part.coins)
