"""
A member's wallet: lots of coins, and what is set aside of them.

Its balance is the sum of its lots and nothing else. What an order has taken is that order's to
remember (:mod:`domain.charge`), so a wallet does not grow with what was bought from it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import assert_never

import msgspec

from domain import lots as coins_of
from domain import reversal
from domain.event import Aggregate
from domain.ids import LotId, MemberId, OrderId, PaymentId, StreamId, cell_of, derive
from domain.lots import (
    Bought,
    Granted,
    Lot,
    Part,
    Returned,
    coins_in,
    split,
)
from domain.money import Worth
from domain.reversal import Held, Reversals
from domain.reversal_events import (
    CoinsRecovered,
    CoinsSwept,
    DebtIncurred,
    EscrowReversed,
    LotRestored,
    LotReversed,
    ReversalEvent,
)
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


class Hold(msgspec.Struct, frozen=True):
    """What is set aside for an order, perhaps a gift, in the order in which it was taken."""

    order: OrderId
    parts: tuple[Part, ...]
    held_at: datetime
    expires_at: datetime
    gift: bool = False


class Wallet(msgspec.Struct, frozen=True):
    """
    Lots in the order in which they were acquired, and the holds that stand. An empty lot stays
    while coins that were taken from it may come back; one that is over is dropped, and the log
    alone remembers it. ``reversals`` are of lots whose payments were taken back.
    """

    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()
    reversals: Reversals = ()

    def balance(self, at: datetime) -> int:
        """What can be spent at a moment."""
        return coins_of.balance(self.lots, at)

    def lot(self, id: LotId) -> Lot | None:
        """A lot, full or empty."""
        return next((lot for lot in self.lots if lot.id == id), None)

    def hold(self, order: OrderId) -> Hold | None:
        """What is set aside for an order."""
        return next((hold for hold in self.holds if hold.order == order), None)

    def in_hold(self, hold: Hold) -> tuple[Part, ...]:
        """What is there of a hold: without coins whose payment was taken back meanwhile."""
        gone = reversal.taken_from(self.reversals, hold.order)
        return tuple(part for part in hold.parts if part.lot not in gone)

    def escrowed(self, lot: LotId) -> tuple[Held, ...]:
        """A lot's coins in the escrow of gifts, be it that they are gone."""
        return tuple(
            Held(
                hold.order,
                part.worth,
                coins_in(one for one in self.in_hold(hold) if one.lot != lot),
            )
            for hold in self.holds
            if hold.gift
            for part in hold.parts
            if part.lot == lot
        )


def evolve(wallet: Wallet, event: WalletEvent, version: int) -> Wallet:
    """The wallet after one more event."""
    lots, holds = _moved(wallet, event)
    reversals = wallet.reversals
    if isinstance(event, ReversalEvent):
        reversals = reversal.evolve(reversals, event, version)
    return Wallet(lots, holds, reversals)


def _moved(wallet: Wallet, event: WalletEvent) -> tuple[tuple[Lot, ...], tuple[Hold, ...]]:
    lots, holds, at = wallet.lots, wallet.holds, event.effective_at
    match event:
        case WalletToppedUp(lot=lot, coins=coins, fen=fen):
            source, worth = Bought(event.rail, event.payment), Worth(coins, fen)
            lots = (*lots, Lot(lot, source, worth, worth, at))
        case BonusGranted(lot=lot, coins=coins, expires_at=expires_at):
            worth = Worth(coins)
            lots = (*lots, Lot(lot, Granted(expires_at), worth, worth, at))
        case BonusExpired(lot=lot, coins=coins):
            lots = _ended(lots, lot, coins)
        case CoinsSpent(parts=parts):
            lots = _each(lots, _by_lot(parts), Worth.minus)
        case CoinsHeld(order=order, parts=parts, expires_at=expires_at):
            lots = _each(lots, _by_lot(parts), Worth.minus)
            holds = (*holds, Hold(order, parts, at, expires_at, event.gift))
        case CoinsCaptured(order=order, parts=parts, kept=kept):
            holds = _captured(holds, order, coins_in(parts), kept)
        case HoldVoided(order=order, returned=returned):
            lots = _restored(lots, returned, at)
            holds = tuple(hold for hold in holds if hold.order != order)
        case CoinsRefunded(returned=returned):
            lots = _restored(lots, returned, at)
        case LotReversed(lot=lot) | CoinsSwept(lot=lot):
            lots = _each(lots, {lot: Worth(event.coins, event.fen)}, Worth.minus)
        case LotRestored(lot=lot, coins=coins, fen=fen):
            lots = _each(lots, {lot: Worth(coins, fen)}, Worth.plus)
        case EscrowReversed() | CoinsRecovered() | DebtIncurred():
            # A hold remembers all that it took; its reversals say what of it is gone.
            pass
        case _:
            assert_never(event)
    return lots, holds


def _each(
    lots: tuple[Lot, ...], moved: dict[LotId, Worth], move: Callable[[Worth, Worth], Worth]
) -> tuple[Lot, ...]:
    change = msgspec.structs.replace
    return tuple(
        change(lot, left=move(lot.left, moved[lot.id])) if lot.id in moved else lot for lot in lots
    )


def _ended(lots: tuple[Lot, ...], ended: LotId, coins: int) -> tuple[Lot, ...]:
    """Without what was left of a lot whose time is over."""
    change = msgspec.structs.replace
    left = _gone(_each(lots, {ended: Worth(coins)}, Worth.minus), {ended: coins})
    return _standing(change(lot, ended=True) if lot.id == ended else lot for lot in left)


def _gone(lots: tuple[Lot, ...], coins: Mapping[LotId, int]) -> tuple[Lot, ...]:
    change = msgspec.structs.replace
    return tuple(
        change(lot, gone=lot.gone + coins[lot.id]) if lot.id in coins else lot for lot in lots
    )


def _standing(lots: Iterable[Lot]) -> tuple[Lot, ...]:
    return tuple(lot for lot in lots if not lot.over)


def _by_lot(parts: Iterable[Part]) -> dict[LotId, Worth]:
    return {part.lot: part.worth for part in parts}


def _captured(holds: tuple[Hold, ...], order: OrderId, coins: int, kept: int) -> tuple[Hold, ...]:
    left: list[Hold] = []
    for hold in holds:
        if hold.order == order:
            _, rest = split(hold.parts, coins)
            if not rest:
                continue
            hold = msgspec.structs.replace(hold, parts=rest)
        left.append(hold)
    return tuple(left)


def _restored(lots: tuple[Lot, ...], returned: Iterable[Returned], at: datetime) -> tuple[Lot, ...]:
    back = {one.into: one.part.worth for one in returned if one.expires_at is None}
    elsewhere = {one.part.lot: one.part.coins for one in returned if one.expires_at is not None}
    anew = tuple(
        Lot(
            one.into,
            Granted(one.expires_at, one.part.lot),
            one.part.worth,
            one.part.worth,
            at,
        )
        for one in returned
        if one.expires_at is not None
    )
    return (*_standing(_gone(_each(lots, back, Worth.plus), elsewhere)), *anew)


def _weigh(wallet: Wallet) -> int:
    return 400 * (len(wallet.lots) + len(wallet.reversals)) + 600 * len(wallet.holds)


WALLET: Aggregate[Wallet] = Aggregate("wallet", Wallet(), evolve, _weigh)


def wallet_stream(member: MemberId) -> StreamId:
    """A member's wallet stands in the member's cell."""
    return StreamId(derive(cell_of(member), "wallet", member))


def lot_of(payment: PaymentId, member: MemberId) -> LotId:
    """The lot that a payment buys, known before it is bought."""
    return LotId(derive(cell_of(member), "bought-lot", payment))
