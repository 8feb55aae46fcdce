"""
What moves a member's coins: in by payments and grants, out by orders, back by refunds.

Each says nothing where it was done already, so a payment, a grant, a hold and a refund count once
however often they are asked for.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.event import Refused
from domain.ids import LotId, MemberId, OrderId, PaymentId
from domain.lots import POLICY, Part, allocate, coins_in, give_back, split
from domain.membership_periods import Service
from domain.money import Worth
from domain.reversal import owed, sweep
from domain.sealed import Sealed
from domain.wallet import Hold, Wallet, lot_of
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


def expire(wallet: Wallet, member: MemberId, lot: LotId, at: datetime) -> tuple[BonusExpired, ...]:
    """A lot's time is over: what is left of it goes, once."""
    found = wallet.lot(lot)
    if found is None or found.ended or not found.expired(at):
        return ()
    return (BonusExpired(member, lot, found.left.coins, at),)


def spend(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    coins: int,
    at: datetime,
    service: Service | None = None,
) -> tuple[CoinsSpent, ...]:
    """Take coins at once, in the order of the policy; an order that is free takes none."""
    _owes_nothing(wallet)
    parts = allocate(wallet.lots, coins, at)
    return (CoinsSpent(member, order, parts, POLICY, at, service),)


def hold(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    coins: int,
    expires_at: datetime,
    at: datetime,
    *,
    gift: bool = False,
) -> tuple[WalletEvent, ...]:
    """Set coins aside for an order, once; for a gift, in escrow."""
    if wallet.hold(order) is not None:
        return ()
    _owes_nothing(wallet)
    parts = allocate(wallet.lots, coins, at)
    return (CoinsHeld(member, order, parts, POLICY, expires_at, at, gift),)


def capture(
    wallet: Wallet,
    member: MemberId,
    order: OrderId,
    coins: int,
    at: datetime,
    *,
    keep: bool = False,
    service: Service | None = None,
) -> tuple[WalletEvent, ...]:
    """
    Spend what is held for an order, or a part of it.

    :param keep: the remainder goes on being held; else it is free again.
    :param service: the days that it is for.
    :raises Refused: nothing, or less, is held for it.
    """
    held = wallet.hold(order)
    if held is None or held.expires_at <= at:
        raise Refused("nothing-held", "Nothing is held for this order.")
    if wallet.in_hold(held) != held.parts:
        raise Refused("gift-unpaid", "This gift cannot be accepted now.")
    if coins > coins_in(held.parts):
        raise Refused("held-less", "Less than that is held for this order.")
    taken, rest = split(held.parts, coins)
    kept = coins_in(rest) if keep else 0
    captured = CoinsCaptured(member, order, taken, kept, at, held.gift, service)
    if not rest or keep:
        return (captured,)
    returned = give_back(wallet.lots, rest, held.held_at, at, _cause(held))
    rest_voided = HoldVoided(member, order, returned, "remainder", POLICY, at, held.gift)
    return (captured, rest_voided, *sweep(wallet.reversals, member, returned, at))


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
    returned = give_back(wallet.lots, wallet.in_hold(held), held.held_at, at, _cause(held))
    why: Literal["expired", "voided"] = "expired" if expired else "voided"
    voided = HoldVoided(member, order, returned, why, POLICY, at, held.gift)
    return (voided, *sweep(wallet.reversals, member, returned, at))


def _owes_nothing(wallet: Wallet) -> None:
    if owed(wallet.reversals):
        raise Refused("wallet-owes", "Coins were spent whose payment was taken back.")


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
    service: Service | None = None,
) -> tuple[WalletEvent, ...]:
    """
    Put back what an order gives back.

    :param parts: as the order's charge decided them: never more than it took, each refund once.
    :param taken_at: when it took them.
    """
    if not parts:
        return ()
    returned = give_back(wallet.lots, parts, taken_at, at, refund.bytes)
    refunded = CoinsRefunded(member, order, refund, returned, POLICY, at, service)
    return (refunded, *sweep(wallet.reversals, member, returned, at))
