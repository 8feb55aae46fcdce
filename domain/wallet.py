"""
A member's wallet: lots of coins, and what is set aside of them.

Its balance is the sum of its lots and nothing else. What an order has taken is that order's to
remember (:mod:`domain.charge`), so a wallet does not grow with what was bought from it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from domain import lots as coins_of
from domain.event import Aggregate, Refused
from domain.ids import LotId, MemberId, OrderId, PaymentId, StreamId, cell_of, derive
from domain.lots import (
    POLICY,
    Bought,
    Granted,
    Lot,
    Part,
    Returned,
    allocate,
    coins_in,
    give_back,
    split,
)
from domain.money import Worth
from domain.sealed import Sealed
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
    """What is set aside for an order, in the order in which it was taken."""

    order: OrderId
    parts: tuple[Part, ...]
    held_at: datetime
    expires_at: datetime


class Wallet(msgspec.Struct, frozen=True):
    """
    Lots in the order in which they were acquired, and the holds that stand. Empty lots stay: what
    was taken from them may come back.
    """

    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()

    def balance(self, at: datetime) -> int:
        """What can be spent at a moment."""
        return coins_of.balance(self.lots, at)

    def lot(self, id: LotId) -> Lot | None:
        """A lot, full or empty."""
        return next((lot for lot in self.lots if lot.id == id), None)

    def hold(self, order: OrderId) -> Hold | None:
        """What is set aside for an order."""
        return next((hold for hold in self.holds if hold.order == order), None)


def evolve(wallet: Wallet, event: WalletEvent, version: int) -> Wallet:
    """The wallet after one more event."""
    lots, holds, at = wallet.lots, wallet.holds, event.effective_at
    match event:
        case WalletToppedUp(lot=lot, coins=coins, fen=fen):
            source, worth = Bought(event.rail, event.payment), Worth(coins, fen)
            return Wallet((*lots, Lot(lot, source, worth, worth, at)), holds)
        case BonusGranted(lot=lot, coins=coins, expires_at=expires_at):
            worth = Worth(coins)
            return Wallet((*lots, Lot(lot, Granted(expires_at), worth, worth, at)), holds)
        case BonusExpired(lot=lot, coins=coins):
            return Wallet(_each(lots, {lot: Worth(coins)}, Worth.minus), holds)
        case CoinsSpent(parts=parts):
            return Wallet(_each(lots, _by_lot(parts), Worth.minus), holds)
        case CoinsHeld(order=order, parts=parts, expires_at=expires_at):
            hold = Hold(order, parts, at, expires_at)
            return Wallet(_each(lots, _by_lot(parts), Worth.minus), (*holds, hold))
        case CoinsCaptured(order=order, parts=parts, kept=kept):
            return Wallet(lots, _captured(holds, order, coins_in(parts), kept))
        case HoldVoided(order=order, returned=returned):
            rest = tuple(hold for hold in holds if hold.order != order)
            return Wallet(_restored(lots, returned, at), rest)
        case CoinsRefunded(returned=returned):
            return Wallet(_restored(lots, returned, at), holds)


def _each(
    lots: tuple[Lot, ...], moved: dict[LotId, Worth], move: Callable[[Worth, Worth], Worth]
) -> tuple[Lot, ...]:
    change = msgspec.structs.replace
    return tuple(
        change(lot, left=move(lot.left, moved[lot.id])) if lot.id in moved else lot for lot in lots
    )


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
    return (*_each(lots, back, Worth.plus), *anew)


def _weigh(wallet: Wallet) -> int:
    return 400 * len(wallet.lots) + 600 * len(wallet.holds)


WALLET: Aggregate[Wallet] = Aggregate("wallet", Wallet(), evolve, _weigh)


def wallet_stream(member: MemberId) -> StreamId:
    """A member's wallet stands in the member's cell."""
    return StreamId(derive(cell_of(member), "wallet", member))


def lot_of(payment: PaymentId, member: MemberId) -> LotId:
    """The lot that a payment buys, known before it is bought."""
    return LotId(derive(cell_of(member), "bought-lot", payment))


# Decisions


def top_up(
    wallet: Wallet,
    member: MemberId,
    payment: PaymentId,
    rail: str,
    bought: Worth,
    at: datetime,
) -> tuple[WalletEvent, ...]:
    """Put in what a payment bought, once."""
    lot = lot_of(payment, member)
    if wallet.lot(lot) is not None:
        return ()
    return (WalletToppedUp(member, lot, payment, rail, bought.coins, bought.fen, at),)


def grant(
    wallet: Wallet,
    member: MemberId,
    lot: LotId,
    coins: int,
    expires_at: datetime,
    reason: Sealed[str],
    at: datetime,
) -> tuple[WalletEvent, ...]:
    """Give bonus coins, once a lot."""
    if wallet.lot(lot) is not None:
        return ()
    return (BonusGranted(member, lot, coins, expires_at, reason, at),)


def expire(wallet: Wallet, member: MemberId, lot: LotId, at: datetime) -> tuple[WalletEvent, ...]:
    """A lot's time is over: what is left of it goes."""
    found = wallet.lot(lot)
    if found is None or not found.expired(at):
        return ()
    return (BonusExpired(member, lot, found.left.coins, at),)


def spend(
    wallet: Wallet, member: MemberId, order: OrderId, coins: int, at: datetime
) -> tuple[CoinsSpent, ...]:
    """Take coins at once, in the order of the policy; an order that is free takes none."""
    parts = allocate(wallet.lots, coins, at)
    return (CoinsSpent(member, order, parts, POLICY, at),)


def hold(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    coins: int,
    expires_at: datetime,
    at: datetime,
) -> tuple[WalletEvent, ...]:
    """Set coins aside for an order, once."""
    if wallet.hold(order) is not None:
        return ()
    parts = allocate(wallet.lots, coins, at)
    return (CoinsHeld(member, order, parts, POLICY, expires_at, at),)


def capture(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    coins: int,
    at: datetime,
    *,
    keep: bool = False,
) -> tuple[WalletEvent, ...]:
    """
    Spend what is held for an order, or a part of it.

    :param keep: the remainder goes on being held; else it is free again.
    :raises Refused: nothing, or less, is held for it.
    """
    held = wallet.hold(order)
    if held is None or held.expires_at <= at:
        raise Refused("nothing-held", "Nothing is held for this order.")
    if coins > coins_in(held.parts):
        raise Refused("held-less", "Less than that is held for this order.")
    taken, rest = split(held.parts, coins)
    kept = coins_in(rest) if keep else 0
    captured = CoinsCaptured(member, order, taken, kept, at)
    if not rest or keep:
        return (captured,)
    returned = give_back(wallet.lots, rest, held.held_at, at, _cause(held))
    return (captured, HoldVoided(member, order, returned, "remainder", POLICY, at))


def void(
    wallet: Wallet, member: MemberId, order: OrderId, at: datetime, *, expired: bool = False
) -> tuple[WalletEvent, ...]:
    """
    Let go of what is held for an order.

    :param expired: a timer asks; it does nothing before the hold's time is over.
    """
    held = wallet.hold(order)
    if held is None or (expired and held.expires_at > at):
        return ()
    returned = give_back(wallet.lots, held.parts, held.held_at, at, _cause(held))
    return (HoldVoided(member, order, returned, "expired" if expired else "voided", POLICY, at),)


def _cause(held: Hold) -> bytes:
    """An order may hold again after it let go, and what comes back then is another lot."""
    return held.order.bytes + held.held_at.isoformat().encode()


def refund(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    refund: UUID,
    parts: tuple[Part, ...],
    taken_at: datetime,
    at: datetime,
) -> tuple[WalletEvent, ...]:
    """
    Put back what an order gives back.

    :param parts: as the order's charge decided them: never more than it took, each refund once.
    :param taken_at: when it took them.
    """
    if not parts:
        return ()
    returned = give_back(wallet.lots, parts, taken_at, at, refund.bytes)
    return (CoinsRefunded(member, order, refund, returned, POLICY, at),)
