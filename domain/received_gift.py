"""
The recipient's half of a gift: what the recipient's cell has heard of it.

It decides nothing. A policy brings it into line with the order in the sender's cell, as that stands
when the policy looks; so it may run late, twice, or out of turn.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from domain.belonging import Belonging, BelongingEvent, revoke, take_back
from domain.event import Aggregate, Event
from domain.gift import GiftOffered, Given, Offered, SentBack
from domain.ids import ItemId, MemberId, OrderId, StreamId, cell_of, derive
from domain.order import NoOrder, Order, Placed, brought

Ending: TypeAlias = Literal["accepted", "declined", "expired", "refunded", "revoked"]


class GiftReceived(Event, frozen=True, tag="gift.received.v1"):
    """A friend offers something; the member may answer until ``expires_at``."""

    member: MemberId
    sender: MemberId
    order: OrderId
    item: ItemId
    kind: str
    title: str
    quantity: int
    expires_at: datetime
    effective_at: datetime


class GiftSettled(Event, frozen=True, tag="gift.settled.v1"):
    """What became of it; a gift that was accepted may be refunded, or revoked for a time."""

    member: MemberId
    order: OrderId
    how: Ending
    effective_at: datetime


ReceivedGiftEvent: TypeAlias = GiftReceived | GiftSettled


class Unheard(msgspec.Struct, frozen=True):
    """Nothing has been heard of such a gift."""


class Heard(msgspec.Struct, frozen=True):
    """Heard of, and ``how`` it ended, once that has been heard, too."""

    how: Ending | None = None


ReceivedGift: TypeAlias = Unheard | Heard


def evolve(_: ReceivedGift, event: ReceivedGiftEvent, version: int) -> ReceivedGift:
    """The half after one more event."""
    return Heard(event.how if isinstance(event, GiftSettled) else None)


RECEIVED_GIFT: Aggregate[ReceivedGift] = Aggregate("received-gift", Unheard(), evolve)


def received_gift_stream(order: OrderId, recipient: MemberId) -> StreamId:
    """It stands in the recipient's cell."""
    return StreamId(derive(cell_of(recipient), "received-gift", order))


# Decisions


def hear(
    half: ReceivedGift, order: Order, which: OrderId, at: datetime
) -> tuple[ReceivedGiftEvent, ...]:
    """
    Take note of a gift as it stands.

    :param at: when that was heard of.
    """
    match order:
        case Offered(offer=offer):
            how: Ending | None = None
        case SentBack(offer=offer, why=why):
            how = why
        case Placed(gift=Given(offer=offer)):
            how = "accepted" if order.delivered else "revoked" if order.revoked else "refunded"
        case NoOrder() | Placed():
            return ()
    heard: list[ReceivedGiftEvent] = []
    if isinstance(half, Unheard):
        heard.append(_received(offer, which))
        half = Heard()
    if how is not None and how != half.how:
        heard.append(GiftSettled(offer.recipient, which, how, at))
    return tuple(heard)


def _received(offer: GiftOffered, which: OrderId) -> GiftReceived:
    return GiftReceived(
        member=offer.recipient,
        sender=offer.member,
        order=which,
        item=offer.item,
        kind=offer.terms.kind,
        title=offer.terms.title,
        quantity=offer.quantity,
        expires_at=offer.expires_at,
        effective_at=offer.effective_at,
    )


def awaited(half: ReceivedGift, order: Placed, which: OrderId, at: datetime) -> bool:
    """
    Whether the recipient is still to have what was accepted. What the half heard of as accepted
    was handed over then; one that was revoked for a time may have run out meanwhile.
    """
    if order.gift is None or not order.delivered:
        return False
    if isinstance(half, Heard) and half.how == "accepted":
        return False
    until = brought(order, which).expires_at
    return until is None or until > at


def hand_over(
    half: ReceivedGift, belonging: Belonging, order: Order, which: OrderId, at: datetime
) -> tuple[BelongingEvent, ...]:
    """
    What the recipient gains, or gives back, when the half is brought into line; months of a
    membership are no belonging (:mod:`domain.given_months`).

    :param half: as it was before. Days count from the moment the gift was accepted.
    """
    if not isinstance(order, Placed) or order.gift is None or order.gift.offer.months is not None:
        return ()
    if order.revoked:
        return revoke(belonging, at)
    if not order.delivered:
        return take_back(belonging, order.charge.refunds[-1], at)
    return (brought(order, which),) if awaited(half, order, which, at) else ()
