"""
An order: what was bought on which terms, what it took, and what was refunded.

A simple purchase is one append in the buyer's cell: the order, the coins out of the wallet, and the
belonging. So an order that fails anywhere leaves nothing behind.
"""

from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.belonging import Belonging, Owned
from domain.charge import Charge, charge_of, refunding
from domain.event import Aggregate, Event, Refused
from domain.gift import GiftAccepted, GiftEvent, GiftOffered, GiftReturned, Given, Offered, SentBack
from domain.ids import ItemId, MemberId, OrderId, StreamId
from domain.lots import Part, coins_in
from domain.mall import Terms
from domain.sealed import Sealed


class OrderPlaced(Event, frozen=True, tag="order.placed.v1"):
    """Bought, paid with these coins, and handed over."""

    member: MemberId
    item: ItemId
    terms: Terms
    quantity: int
    coins: int
    parts: tuple[Part, ...]
    policy: int
    effective_at: datetime


class OrderRefunded(Event, frozen=True, tag="order.refunded.v1"):
    """
    Coins go back; ``left`` coins of the order are still not refunded.

    :param recipient: who has the item, where the order was a gift.
    """

    member: MemberId
    refund: UUID
    parts: tuple[Part, ...]
    left: int
    reason: Sealed[str]
    effective_at: datetime
    recipient: MemberId | None = None


OrderEvent: TypeAlias = OrderPlaced | OrderRefunded | GiftEvent


class NoOrder(msgspec.Struct, frozen=True):
    """No such order."""


class Placed(msgspec.Struct, frozen=True):
    """
    An order that was fulfilled, at ``placed_at``; a ``gift``, when it was accepted. ``since`` is
    the version of its last change.
    """

    member: MemberId
    charge: Charge
    since: int
    terms: Terms
    placed_at: datetime
    gift: Given | None = None


Order: TypeAlias = NoOrder | Offered | SentBack | Placed


def evolve(order: Order, event: OrderEvent, version: int) -> Order:
    """The order after one more event."""
    match event:
        case OrderPlaced(member=member, parts=parts, terms=terms, effective_at=at):
            return Placed(member, charge_of(parts, at), version, terms, at)
        case OrderRefunded(refund=refund, parts=parts):
            assert isinstance(order, Placed)
            charge = order.charge.without(refund, parts)
            return msgspec.structs.replace(order, charge=charge, since=version)
        case GiftOffered():
            return Offered(event, version)
        case GiftAccepted(member=member, parts=parts, effective_at=at):
            assert isinstance(order, Offered)
            offer = order.offer
            # Its coins were taken when they went into escrow: so much life they had left then.
            charge, gift = charge_of(parts, offer.effective_at), Given(offer, at, version)
            return Placed(member, charge, version, offer.terms, at, gift)
        case GiftReturned(why=why):
            assert isinstance(order, Offered)
            return SentBack(order.offer, why, version)


ORDER: Aggregate[Order] = Aggregate("order", NoOrder(), evolve)


def order_stream(order: OrderId) -> StreamId:
    """An order's stream bears its own id."""
    return StreamId(order)


# Decisions


def buyer(order: Offered | SentBack | Placed) -> MemberId:
    """Who pays for an order."""
    return order.member if isinstance(order, Placed) else order.offer.member


def fulfilled(order: Order) -> Placed:
    """
    An order that has brought what it is for.

    :raises Refused: there is none, or it is a gift that waits for an answer, or has gone back.
    """
    match order:
        case NoOrder():
            raise Refused("not-found")
        case Offered():
            raise Refused("gift-waits", "This gift waits for its recipient's answer.")
        case SentBack():
            raise Refused("gift-over", "This gift has gone back, and its coins with it.")
        case Placed():
            return order


def refund(
    order: Placed, refund: UUID, coins: int | None, reason: Sealed[str], at: datetime
) -> tuple[OrderRefunded, ...]:
    """
    Give back coins of an order.

    :param coins: how many; None for all that have not been refunded.
    :raises Refused: it has not so many left.
    """
    parts = refunding(order.charge, refund, coins)
    if not parts:
        return ()
    left = order.charge.refundable - coins_in(parts)
    recipient = None if order.gift is None else order.gift.offer.recipient
    return (OrderRefunded(order.member, refund, parts, left, reason, at, recipient),)


def may_return(order: Placed, belonging: Belonging, at: datetime) -> None:
    """
    Whether its buyer may give an order back: within the item's days, whole, while it is there.

    :raises Refused: the item is sold for good, or its days are over, or it was given away, or has
        gone.
    """
    days = order.terms.refund_days
    if days is None:
        raise Refused("not-refundable", "This item is sold for good.")
    if order.gift is not None:
        raise Refused("gift-accepted", "What was given is the recipient's.")
    if at >= order.placed_at + timedelta(days=days):
        raise Refused("refund-too-late", f"This item is taken back within {days} days.")
    if not isinstance(belonging, Owned):
        raise Refused("refund-gone", "It is not there any longer.")
