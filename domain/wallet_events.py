"""
What happens to a member's coins.

Each event says which coins of which lots at which cost, so that books can be kept from the events
alone. ``effective_at`` is the moment it was decided for.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from domain.event import Event
from domain.ids import LotId, MemberId, OrderId, PaymentId
from domain.lots import Part, Returned
from domain.membership_periods import Service
from domain.reversal_events import ReversalEvent
from domain.sealed import Sealed


class WalletToppedUp(Event, frozen=True, tag="wallet.topped_up.v1"):
    """A settled payment bought coins, for ``fen`` in all."""

    member: MemberId
    lot: LotId
    payment: PaymentId
    rail: str
    coins: int
    fen: int
    effective_at: datetime


class BonusGranted(Event, frozen=True, tag="wallet.bonus_granted.v1"):
    """The house gave coins that expire."""

    member: MemberId
    lot: LotId
    coins: int
    expires_at: datetime
    reason: Sealed[str]
    effective_at: datetime


class BonusExpired(Event, frozen=True, tag="wallet.bonus_expired.v1"):
    """A lot's time is over; ``coins`` of it were left, perhaps none."""

    member: MemberId
    lot: LotId
    coins: int
    effective_at: datetime


class CoinsHeld(Event, frozen=True, tag="wallet.held.v1"):
    """
    Coins are set aside for an order, until it captures them or ``expires_at``.

    :param gift: they stand in escrow for a gift, which ends the hold itself.
    """

    member: MemberId
    order: OrderId
    parts: tuple[Part, ...]
    policy: int
    expires_at: datetime
    effective_at: datetime
    gift: bool = False


class CoinsCaptured(Event, frozen=True, tag="wallet.captured.v1"):
    """
    Held coins are spent; ``kept`` coins of the hold go on being held. ``service`` are the days that
    they are for, where these are months for a friend.
    """

    member: MemberId
    order: OrderId
    parts: tuple[Part, ...]
    kept: int
    effective_at: datetime
    gift: bool = False
    service: Service | None = None


class HoldVoided(Event, frozen=True, tag="wallet.voided.v1"):
    """What was still held is free again, and the hold is over."""

    member: MemberId
    order: OrderId
    returned: tuple[Returned, ...]
    why: Literal["voided", "expired", "remainder"]
    policy: int
    effective_at: datetime
    gift: bool = False


class CoinsSpent(Event, frozen=True, tag="wallet.spent.v1"):
    """
    An order took coins at once, without a hold; or a period of a membership did, which ``service``
    names.
    """

    member: MemberId
    order: OrderId
    parts: tuple[Part, ...]
    policy: int
    effective_at: datetime
    service: Service | None = None


class CoinsRefunded(Event, frozen=True, tag="wallet.refunded.v1"):
    """Coins that an order had taken are back; or those of the days that ``service`` names."""

    member: MemberId
    order: OrderId
    refund: UUID
    returned: tuple[Returned, ...]
    policy: int
    effective_at: datetime
    service: Service | None = None


CoinEvent: TypeAlias = (
    WalletToppedUp
    | BonusGranted
    | BonusExpired
    | CoinsHeld
    | CoinsCaptured
    | HoldVoided
    | CoinsSpent
    | CoinsRefunded
)
WalletEvent: TypeAlias = CoinEvent | ReversalEvent
