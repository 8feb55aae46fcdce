"""
What happens to coins whose payment is taken back by its rail, or given back to us again.

Each says which coins at which cost, so that the books can be kept from the events alone.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from domain.event import Event
from domain.ids import LotId, MemberId, OrderId, PaymentId


class LotReversed(Event, frozen=True, tag="wallet.lot_reversed.v1"):
    """
    The payment of a lot is not ours any longer: its unspent coins are gone, and those that were
    spent are looked for. ``turn`` is the payment's.
    """

    member: MemberId
    lot: LotId
    payment: PaymentId
    turn: int
    coins: int
    fen: int
    effective_at: datetime


class EscrowReversed(Event, frozen=True, tag="wallet.escrow_reversed.v1"):
    """
    The lot's coins in the escrow of a gift are gone with it, and nobody can accept the gift while
    they are; ``held`` coins of other lots stay in its escrow.
    """

    member: MemberId
    lot: LotId
    order: OrderId
    coins: int
    fen: int
    held: int
    effective_at: datetime


class CoinsRecovered(Event, frozen=True, tag="wallet.recovered.v1"):
    """An order was revoked, and these coins of the lot with it."""

    member: MemberId
    lot: LotId
    order: OrderId
    coins: int
    fen: int
    effective_at: datetime


class DebtIncurred(Event, frozen=True, tag="wallet.owed.v1"):
    """All has been looked for; these coins are used up, or held, and so the member owes them."""

    member: MemberId
    lot: LotId
    coins: int
    fen: int
    effective_at: datetime


class CoinsSwept(Event, frozen=True, tag="wallet.swept.v1"):
    """Coins came back into a reversed lot, and are gone; ``owed`` says that they were owed."""

    member: MemberId
    lot: LotId
    coins: int
    fen: int
    owed: bool
    effective_at: datetime


class Escrowed(msgspec.Struct, frozen=True):
    """Coins that are in the escrow of a gift again, and how many it holds with them."""

    order: OrderId
    coins: int
    fen: int
    held: int


class LotRestored(Event, frozen=True, tag="wallet.lot_restored.v1"):
    """
    The payment is ours again: ``coins`` are in the lot, ``recovered`` ones with the orders they
    were spent on, those in ``escrow`` with gifts that still wait, and what was ``owed`` is not.
    """

    member: MemberId
    lot: LotId
    payment: PaymentId
    turn: int
    coins: int
    fen: int
    recovered_coins: int
    recovered_fen: int
    owed_coins: int
    owed_fen: int
    effective_at: datetime
    escrow: tuple[Escrowed, ...] = ()


ReversalEvent: TypeAlias = (
    LotReversed | EscrowReversed | CoinsRecovered | DebtIncurred | CoinsSwept | LotRestored
)
