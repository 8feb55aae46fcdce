"""
An order: what was bought on which terms, what it took, and what was refunded.

A simple purchase is one append in the buyer's cell: the order, the coins out of the wallet, and the
belonging. So an order that fails anywhere leaves nothing behind.
"""

from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.allowance import minor
from domain.charge import Charge, charge_of, refunding
from domain.event import Aggregate, Event, Refused
from domain.guardian import GuardianClaim, house_share
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

    :param guardian: the ground, where it was a guardian who asked; ``left`` is what that one bears.
    """

    member: MemberId
    refund: UUID
    parts: tuple[Part, ...]
    left: int
    reason: Sealed[str]
    effective_at: datetime
    guardian: GuardianClaim | None = None


OrderEvent: TypeAlias = OrderPlaced | OrderRefunded


class NoOrder(msgspec.Struct, frozen=True):
    """No such order."""


class Placed(msgspec.Struct, frozen=True):
    """
    An order. ``since`` is the version of its last change, ``guardian`` the refund that a guardian
    had.
    """

    member: MemberId
    charge: Charge
    since: int
    guardian: UUID | None = None


Order: TypeAlias = NoOrder | Placed


def evolve(order: Order, event: OrderEvent, version: int) -> Order:
    """The order after one more event."""
    match event:
        case OrderPlaced(member=member, parts=parts, effective_at=at):
            return Placed(member, charge_of(parts, at), version)
        case OrderRefunded(refund=refund, parts=parts, guardian=claim):
            assert isinstance(order, Placed)
            guardian = order.guardian if claim is None else refund
            return Placed(order.member, order.charge.without(refund, parts), version, guardian)


ORDER: Aggregate[Order] = Aggregate("order", NoOrder(), evolve)


def order_stream(order: OrderId) -> StreamId:
    """An order's stream bears its own id."""
    return StreamId(order)


# Decisions


def refund(
    order: Order, refund: UUID, coins: int | None, reason: Sealed[str], at: datetime
) -> tuple[OrderRefunded, ...]:
    """
    Give back coins of an order.

    :param coins: how many; None for all that have not been refunded.
    :raises Refused: there is no such order, or it has not so many left.
    """
    if not isinstance(order, Placed):
        raise Refused("not-found")
    parts = refunding(order.charge, refund, coins)
    if not parts:
        return ()
    left = order.charge.refundable - coins_in(parts)
    return (OrderRefunded(order.member, refund, parts, left, reason, at),)


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
    :raises Refused: the buyer was of age when it was placed, or all of it was refunded already.
    """
    if order.guardian is not None:
        return ()
    if born is None or not minor(born, order.charge.taken_at):
        raise Refused("not-a-minor", "The buyer was of age, or their age is not known.")
    if not order.charge.refundable:
        raise Refused("refund-too-much", "All of this order was refunded before.")
    coins = house_share(order.charge.refundable, claim.house_percent)
    parts = refunding(order.charge, refund, coins)
    left = order.charge.refundable - coins
    return (OrderRefunded(order.member, refund, parts, left, reason, at, claim),)
