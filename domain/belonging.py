"""
What a member owns: one belonging an order, until its time is over or it is taken back.
"""

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event
from domain.ids import ItemId, MemberId, OrderId, StreamId, cell_of, derive


class BelongingGained(Event, frozen=True, tag="belonging.gained.v1"):
    """The member has so many of an item; until ``expires_at``, where that ends."""

    member: MemberId
    order: OrderId
    item: ItemId
    kind: str
    title: str
    quantity: int
    effective_at: datetime
    expires_at: datetime | None = None


class BelongingTakenBack(Event, frozen=True, tag="belonging.taken_back.v1"):
    """Its order was refunded in full."""

    member: MemberId
    order: OrderId
    refund: UUID
    effective_at: datetime


class BelongingExpired(Event, frozen=True, tag="belonging.expired.v1"):
    """Its time is over."""

    member: MemberId
    order: OrderId
    effective_at: datetime


class BelongingRevoked(Event, frozen=True, tag="belonging.revoked.v1"):
    """The payment of coins that it was bought with was taken back; it may be gained again."""

    member: MemberId
    order: OrderId
    effective_at: datetime


BelongingEvent: TypeAlias = (
    BelongingGained | BelongingTakenBack | BelongingExpired | BelongingRevoked
)


class Nothing(msgspec.Struct, frozen=True):
    """Not there, or not any longer."""


class Owned(msgspec.Struct, frozen=True):
    """The member has it."""

    member: MemberId
    order: OrderId
    expires_at: datetime | None
    kind: str

    def expired(self, at: datetime) -> bool:
        """Whether its time is over, be it that no timer has come round to say so."""
        return self.expires_at is not None and self.expires_at <= at

    def usable(self, member: MemberId, at: datetime) -> bool:
        """Whether it is this member's at a moment."""
        return self.member == member and not self.expired(at)


Belonging: TypeAlias = Nothing | Owned


def evolve(belonging: Belonging, event: BelongingEvent, version: int) -> Belonging:
    """The belonging after one more event."""
    if isinstance(event, BelongingGained):
        return Owned(event.member, event.order, event.expires_at, event.kind)
    return Nothing()


BELONGING: Aggregate[Belonging] = Aggregate("belonging", Nothing(), evolve)


def belonging_stream(order: OrderId, recipient: MemberId | None = None) -> StreamId:
    """What an order brought stands in the cell of whoever ordered, or of a gift's recipient."""
    return StreamId(derive(cell_of(recipient or order), "belonging", order))


# Decisions


def take_back(belonging: Belonging, refund: UUID, at: datetime) -> tuple[BelongingEvent, ...]:
    """Take back what a refunded order brought; what is gone already stays gone."""
    if isinstance(belonging, Nothing):
        return ()
    return (BelongingTakenBack(belonging.member, belonging.order, refund, at),)


def revoke(belonging: Belonging, at: datetime) -> tuple[BelongingEvent, ...]:
    """Take it away, until it is paid again."""
    if isinstance(belonging, Nothing):
        return ()
    return (BelongingRevoked(belonging.member, belonging.order, at),)


def expire(belonging: Belonging, at: datetime) -> tuple[BelongingEvent, ...]:
    """Its time is over, if it is still there."""
    if isinstance(belonging, Nothing) or not belonging.expired(at):
        return ()
    return (BelongingExpired(belonging.member, belonging.order, at),)
