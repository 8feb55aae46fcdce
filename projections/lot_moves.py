"""
What happened to the coins of each lot: the way of a coin, from the payment that bought it through
orders and gifts to refunds and reversals.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, Table, Text, Uuid

from domain.event import Recorded
from domain.ids import LotId
from domain.money import Worth
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletEvent,
    WalletToppedUp,
)
from projections.postings import Entry
from projections.rows import Put
from projections.tables import METADATA, MOMENT, cell, key

LOT_MOVES = Table(
    "lot_moves",
    METADATA,
    cell(),
    key("member"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    key("lot"),
    Column("what", Text, nullable=False),
    Column("about", Uuid, nullable=False),
    Column("coins", BigInteger, nullable=False),
    Column("fen", BigInteger, nullable=False),
    Column("at", MOMENT, nullable=False),
    Index("lot_moves_of_lot", "cell", "lot", "position"),
    info={"append_only": True},
)


def lot_rows(recorded: Recorded, made: Entry) -> Iterator[Put]:
    """A row for each lot that an event is about, with as many of its coins as that concerns."""
    event = recorded.event
    if not isinstance(event, WalletEvent):
        return
    what = f"gift_{made.what}" if _of_gift(event) else made.what
    for lot, worth in _moved(event):
        values = {
            "what": what,
            "about": made.about,
            "coins": worth.coins,
            "fen": worth.fen,
            "at": made.at,
        }
        yield Put(LOT_MOVES, (recorded.cell, event.member, recorded.position, lot), values)


def _of_gift(event: WalletEvent) -> bool:
    match event:
        case CoinsHeld() | CoinsCaptured() | HoldVoided():
            return event.gift
        case _:
            return False


def _moved(event: WalletEvent) -> Iterator[tuple[LotId, Worth]]:
    match event:
        case CoinsSpent(parts=parts) | CoinsHeld(parts=parts) | CoinsCaptured(parts=parts):
            for part in parts:
                yield part.lot, part.worth
        case WalletToppedUp(lot=lot, coins=coins, fen=fen):
            yield lot, Worth(coins, fen)
        case BonusGranted(lot=lot, coins=coins) | BonusExpired(lot=lot, coins=coins):
            yield lot, Worth(coins)
        case CoinsRefunded(returned=returned) | HoldVoided(returned=returned):
            for one in returned:
                yield one.into, one.part.worth
                if one.into != one.part.lot:
                    # They come back as another lot, since theirs has expired: both tell of it.
                    yield one.part.lot, one.part.worth
        case _:
            # Whatever it is of a reversal, it is of one lot.
            yield event.lot, Worth(event.coins, event.fen)
