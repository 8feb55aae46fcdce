"""
A reversal: what has been taken back of a lot whose payment its rail took back.

Unspent coins go first and those in the escrow of gifts, then what the others bought, the latest
first; what cannot be had is owed.
Nothing of it is forgotten while it lasts, so that it can be undone exactly.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from domain.ids import LotId, MemberId, OrderId, PaymentId
from domain.lots import Lot, Part, Returned
from domain.money import Worth
from domain.reversal_events import (
    CoinsRecovered,
    CoinsSwept,
    DebtIncurred,
    Escrowed,
    EscrowReversed,
    LotRestored,
    LotReversed,
    ReversalEvent,
)


class Reversal(msgspec.Struct, frozen=True):
    """
    What was taken back of a lot.

    :param since: the version of the wallet that began it.
    :param taken: coins that were in the lot, or came back into it.
    :param orders: those that were revoked for it, and ``recovered``, the lot's coins in them.
    :param escrow: the lot's coins that were in the escrow of gifts, by their orders.
    :param owed: what is left over, once all has been looked for; None before that.
    """

    lot: LotId
    payment: PaymentId
    turn: int
    since: int
    taken: Worth
    orders: tuple[OrderId, ...] = ()
    recovered: Worth = Worth()
    owed: Worth | None = None
    escrow: tuple[tuple[OrderId, Worth], ...] = ()

    @property
    def had(self) -> Worth:
        """All that was taken back."""
        had = self.taken.plus(self.recovered)
        for _, worth in self.escrow:
            had = had.plus(worth)
        return had


class Held(msgspec.Struct, frozen=True):
    """What is in the escrow of a gift: the lot's coins, and how many of other lots."""

    order: OrderId
    worth: Worth
    others: int


Reversals = tuple[Reversal, ...]


def reversal_of(reversals: Reversals, lot: LotId) -> Reversal | None:
    """What was taken back of a lot, if its payment was."""
    return next((one for one in reversals if one.lot == lot), None)


def taken_from(reversals: Reversals, order: OrderId) -> frozenset[LotId]:
    """The lots whose coins in the escrow of a gift are gone."""
    return frozenset(one.lot for one in reversals if any(order == which for which, _ in one.escrow))


def evolve(reversals: Reversals, event: ReversalEvent, version: int) -> Reversals:
    """The reversals that stand after one more event."""
    change = msgspec.structs.replace
    match event:
        case LotReversed(lot=lot, payment=payment, turn=turn):
            worth = Worth(event.coins, event.fen)
            return (*reversals, Reversal(lot, payment, turn, version, worth))
        case LotRestored(lot=lot):
            return tuple(one for one in reversals if one.lot != lot)
        case _:
            worth = Worth(event.coins, event.fen)
    changed: list[Reversal] = []
    for one in reversals:
        if one.lot == event.lot:
            match event:
                case CoinsRecovered(order=order):
                    recovered = one.recovered.plus(worth)
                    one = change(one, orders=(*one.orders, order), recovered=recovered)
                case EscrowReversed(order=order):
                    one = change(one, escrow=(*one.escrow, (order, worth)))
                case DebtIncurred():
                    one = change(one, owed=worth)
                case CoinsSwept():
                    owed = None if one.owed is None else one.owed.minus(worth)
                    one = change(one, taken=one.taken.plus(worth), owed=owed)
        changed.append(one)
    return tuple(changed)


# Decisions


def reverse(
    lot: Lot,
    held: Iterable[Held],
    reversals: Reversals,
    member: MemberId,
    payment: PaymentId,
    turn: int,
    at: datetime,
) -> tuple[ReversalEvent, ...]:
    """
    The lot's payment was taken back: what is in the lot goes, once, and what is in escrow.

    :param held: the lot's coins in the escrow of gifts.
    """
    if reversal_of(reversals, lot.id) is not None:
        return ()
    closed = LotReversed(member, lot.id, payment, turn, lot.left.coins, lot.left.fen, at)
    escrow = (
        EscrowReversed(member, lot.id, one.order, one.worth.coins, one.worth.fen, one.others, at)
        for one in held
    )
    return (closed, *escrow)


def recover(
    member: MemberId, lot: LotId, order: OrderId, parts: Iterable[Part], at: datetime
) -> tuple[ReversalEvent, ...]:
    """The lot's coins in an order that was revoked for it."""
    worth = Worth()
    for part in parts:
        worth = worth.plus(part.worth)
    return (CoinsRecovered(member, lot, order, worth.coins, worth.fen, at),)


def owe(lot: Lot, reversal: Reversal, member: MemberId, at: datetime) -> tuple[ReversalEvent, ...]:
    """All has been looked for; what is missing is owed, be it nothing."""
    if reversal.owed is not None:
        return ()
    missing = lot.began.minus(reversal.had)
    return (DebtIncurred(member, lot.id, missing.coins, missing.fen, at),)


def sweep(
    reversals: Reversals, member: MemberId, returned: Iterable[Returned], at: datetime
) -> tuple[ReversalEvent, ...]:
    """What comes back into a reversed lot goes where the rest of it went."""
    swept: list[ReversalEvent] = []
    for one in returned:
        reversal = reversal_of(reversals, one.into)
        if reversal is not None:
            worth, owed = one.part.worth, reversal.owed is not None
            swept.append(CoinsSwept(member, one.into, worth.coins, worth.fen, owed, at))
    return tuple(swept)


def restore(
    reversal: Reversal, held: Iterable[Held], member: MemberId, turn: int, at: datetime
) -> tuple[ReversalEvent, ...]:
    """
    The payment is ours again: all that was taken for it is undone.

    :param held: the lot's coins that belong into the escrow of gifts which still wait. Those of
        gifts that have gone back would be in the lot by now.
    """
    owed, waits = reversal.owed or Worth(), {one.order: one for one in held}
    taken, escrow = reversal.taken, list[Escrowed]()
    for order, worth in reversal.escrow:
        if order in waits:
            escrow.append(
                Escrowed(order, worth.coins, worth.fen, waits[order].others + worth.coins)
            )
        else:
            taken = taken.plus(worth)
    return (
        LotRestored(
            member=member,
            lot=reversal.lot,
            payment=reversal.payment,
            turn=turn,
            coins=taken.coins,
            fen=taken.fen,
            recovered_coins=reversal.recovered.coins,
            recovered_fen=reversal.recovered.fen,
            owed_coins=owed.coins,
            owed_fen=owed.fen,
            effective_at=at,
            escrow=tuple(escrow),
        ),
    )


def owed(reversals: Reversals) -> int:
    """How many coins a member owes in all."""
    return sum(one.owed.coins for one in reversals if one.owed is not None)
