"""
An order: what was bought on which terms, what it took, and what was refunded.

A simple purchase is one append in the buyer's cell: the order, the coins out of the wallet, and the
belonging. So an order that fails anywhere leaves nothing behind.
"""

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.charge import Charge, charge_of, refunding
from domain.event import Aggregate, Event, Refused
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
    """Coins go back; ``left`` coins of the order are still not refunded."""

    member: MemberId
    refund: UUID
    parts: tuple[Part, ...]
    left: int
    reason: Sealed[str]
    effective_at: datetime


OrderEvent: TypeAlias = OrderPlaced | OrderRefunded


class NoOrder(msgspec.Struct, frozen=True):
    """No such order."""


class Placed(msgspec.Struct, frozen=True):
    """An order. ``since`` is the version of its last change."""

    member: MemberId
    charge: Charge
    since: int


Order: TypeAlias = NoOrder | Placed


def evolve(order: Order, event: OrderEvent, version: int) -> Order:
    """The order after one more event."""
    match event:
        case OrderPlaced(member=member, parts=parts, effective_at=at):
            return Placed(member, charge_of(parts, at), version)
        case OrderRefunded(refund=refund, parts=parts):
            assert isinstance(order, Placed)
            return Placed(order.member, order.charge.without(refund, parts), version)


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
