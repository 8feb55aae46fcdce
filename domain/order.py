"""
An order: what was bought on which terms, what it took, and what was refunded.

A simple purchase is one append in the buyer's cell: the order, the coins out of the wallet, and the
belonging. So an order that fails anywhere leaves nothing behind.
"""

from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.allowance import minor
from domain.belonging import Belonging, BelongingGained, Owned
from domain.charge import Charge, charge_of, refunding
from domain.event import Aggregate, Event, Refused
from domain.gift import GiftAccepted, GiftEvent, GiftOffered, GiftReturned, Given, Offered, SentBack
from domain.guardian import GuardianClaim, house_share
from domain.ids import ItemId, LotId, MemberId, OrderId, StreamId
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

    :param guardian: the ground, where it was a guardian who asked; ``left`` is what that one bears.
    :param recipient: who has the item, where the order was a gift.
    """

    member: MemberId
    refund: UUID
    parts: tuple[Part, ...]
    left: int
    reason: Sealed[str]
    effective_at: datetime
    guardian: GuardianClaim | None = None
    recipient: MemberId | None = None


class OrderRevoked(Event, frozen=True, tag="order.revoked.v1"):
    """
    A lot's payment was taken back: its coins in the order are gone, and what they bought.

    :param missing: how many coins are gone in all.
    :param recipient: who has the item, where the order was a gift.
    """

    member: MemberId
    lot: LotId
    parts: tuple[Part, ...]
    missing: int
    effective_at: datetime
    recipient: MemberId | None = None


class OrderRestored(Event, frozen=True, tag="order.restored.v1"):
    """
    The lot's payment is ours again, and its coins are with the order as before; ``missing`` ones,
    of other lots, are not.
    """

    member: MemberId
    lot: LotId
    parts: tuple[Part, ...]
    missing: int
    effective_at: datetime
    recipient: MemberId | None = None


OrderEvent: TypeAlias = OrderPlaced | OrderRefunded | OrderRevoked | OrderRestored | GiftEvent


class NoOrder(msgspec.Struct, frozen=True):
    """No such order."""


class Placed(msgspec.Struct, frozen=True):
    """
    An order that was fulfilled, at ``placed_at``; a ``gift``, when it was accepted. ``since`` is
    the version of its last change, ``revoked`` the parts whose lots' payments were taken back,
    ``guardian`` the refund that a guardian had.
    """

    member: MemberId
    charge: Charge
    since: int
    terms: Terms
    placed_at: datetime
    item: ItemId
    quantity: int
    gift: Given | None = None
    revoked: tuple[Part, ...] = ()
    guardian: UUID | None = None

    @property
    def recipient(self) -> MemberId | None:
        """Who has the item, where it is not the buyer."""
        return None if self.gift is None else self.gift.offer.recipient

    @property
    def delivered(self) -> bool:
        """
        Whether what it brought is to be there: all of it is paid, and not given back. What a
        guardian had undone is given back, whatever part of its coins they bear.
        """
        return self.charge.refundable > 0 and not self.revoked and self.guardian is None


Order: TypeAlias = NoOrder | Offered | SentBack | Placed


def evolve(order: Order, event: OrderEvent, version: int) -> Order:
    """The order after one more event."""
    match event:
        case OrderPlaced(member=member, parts=parts, terms=terms, effective_at=at):
            item, quantity = event.item, event.quantity
            return Placed(member, charge_of(parts, at), version, terms, at, item, quantity)
        case OrderRefunded(refund=refund, parts=parts, guardian=claim):
            assert isinstance(order, Placed)
            charge = order.charge.without(refund, parts)
            guardian = order.guardian if claim is None else refund
            change = msgspec.structs.replace
            return change(order, charge=charge, since=version, guardian=guardian)
        case OrderRevoked(parts=parts):
            assert isinstance(order, Placed)
            revoked, charge = (*order.revoked, *parts), order.charge.lifted(parts)
            return msgspec.structs.replace(order, charge=charge, revoked=revoked, since=version)
        case OrderRestored(lot=lot, parts=parts):
            assert isinstance(order, Placed)
            still = tuple(part for part in order.revoked if part.lot != lot)
            charge = order.charge.put_back(parts)
            return msgspec.structs.replace(order, charge=charge, revoked=still, since=version)
        case GiftOffered():
            return Offered(event, version)
        case GiftAccepted(member=member, parts=parts, effective_at=at):
            assert isinstance(order, Offered)
            offer = order.offer
            # Its coins were taken when they went into escrow: so much life they had left then.
            charge, gift = charge_of(parts, offer.effective_at), Given(offer, at, version)
            item, quantity = offer.item, offer.quantity
            return Placed(member, charge, version, offer.terms, at, item, quantity, gift)
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
    :raises Refused: it has not so many left, or is revoked: what is undone later must still be
        there to be undone.
    """
    _check_undone(order)
    parts = refunding(order.charge, refund, coins)
    if not parts:
        return ()
    left = order.charge.refundable - coins_in(parts)
    who = order.recipient
    return (OrderRefunded(order.member, refund, parts, left, reason, at, recipient=who),)


def _check_undone(order: Placed) -> None:
    if order.gift is not None and order.gift.offer.months is not None:
        raise Refused("gift-accepted", "Months that were given are the recipient's.")
    if order.revoked:
        raise Refused("order-revoked", "A payment for this order was taken back.")


def refund_to_guardian(
    order: Placed,
    refund: UUID,
    born: date | None,
    claim: GuardianClaim,
    reason: Sealed[str],
    at: datetime,
) -> tuple[OrderRefunded, ...]:
    """
    Give back the house's part of what an order still holds, once.

    :param born: when its buyer was born; None when nothing says so any longer.
    :returns: nothing when a guardian had it refunded before.
    :raises Refused: the buyer was of age when it was placed, or all of it was refunded already, or
        what :func:`refund` refuses.
    """
    if order.guardian is not None:
        return ()
    _check_undone(order)
    if born is None or not minor(born, order.charge.taken_at):
        raise Refused("not-a-minor", "The buyer was of age, or their age is not known.")
    if not order.charge.refundable:
        raise Refused("refund-too-much", "All of this order was refunded before.")
    coins = house_share(order.charge.refundable, claim.house_percent)
    parts = refunding(order.charge, refund, coins)
    left = order.charge.refundable - coins
    who = order.recipient
    return (OrderRefunded(order.member, refund, parts, left, reason, at, claim, who),)


def revoke(
    order: Placed, lot: LotId, belonging: Belonging, at: datetime, *, awaited: bool = False
) -> tuple[OrderRevoked, ...]:
    """
    Take a reversed lot's coins out of an order, with what they bought.

    :param awaited: what it brought is still on its way to a gift's recipient, and not used up.
    :returns: nothing where there are none left, or where it is used up: then the coins are owed.
    """
    parts = order.charge.of(lot)
    if not parts or not (isinstance(belonging, Owned) or awaited or order.revoked):
        return ()
    missing = coins_in(order.revoked) + coins_in(parts)
    return (OrderRevoked(order.member, lot, parts, missing, at, order.recipient),)


def restore(order: Placed, lot: LotId, at: datetime) -> tuple[OrderRestored, ...]:
    """Put a lot's coins back into an order that was revoked for it."""
    parts = tuple(part for part in order.revoked if part.lot == lot)
    if not parts:
        return ()
    missing = coins_in(order.revoked) - coins_in(parts)
    return (OrderRestored(order.member, lot, parts, missing, at, order.recipient),)


def brought(order: Placed, which: OrderId) -> BelongingGained:
    """What an order brings, and until when."""
    at, days = order.placed_at, order.terms.valid_days
    return BelongingGained(
        member=order.recipient or order.member,
        order=which,
        item=order.item,
        kind=order.terms.kind,
        title=order.terms.title,
        quantity=order.quantity,
        effective_at=at,
        expires_at=None if days is None else at + timedelta(days=days),
    )


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
