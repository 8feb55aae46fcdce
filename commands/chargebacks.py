"""
Commands about payments that their rails take back, and give back to us again.

Whose the money is stands with the payment, in the directory cell; two policies carry it on. The
first brings the lot into line with the payment as it stands. The second looks for what the lot's
coins were spent on: it reads the wallet's history up to the event that closed the lot, after which
nobody can have spent any.
"""

import msgspec

from commands.memberships import revoke_days
from commands.ports import EventLog
from commands.work import Outcome, Work
from domain import belonging as belongings
from domain import order as orders
from domain import reversal as decisions
from domain import wallet_moves
from domain.belonging import BELONGING, Nothing, belonging_stream
from domain.ids import LotId, MemberId, OrderId, PaymentId
from domain.money import Worth
from domain.order import ORDER, Placed, order_stream
from domain.payment import PAYMENT, Settled, payment_stream
from domain.received_gift import RECEIVED_GIFT, awaited, received_gift_stream
from domain.recovery import orders_of, plans_of
from domain.reversal import Reversal, reversal_of
from domain.wallet import WALLET, Wallet, lot_of, wallet_stream


class TurnLot(msgspec.Struct, frozen=True):
    """A policy's command: bring a lot into line with its payment."""

    member: MemberId
    payment: PaymentId


class RecoverLot(msgspec.Struct, frozen=True):
    """
    A policy's command: look for what was spent of a lot.

    :param since: the version of the wallet in which the lot was closed.
    """

    member: MemberId
    lot: LotId
    since: int


async def turn(command: TurnLot, work: Work) -> Outcome:
    """Close the lot, or open it again, whichever its payment says now. The payment is a guard."""
    member, stream = command.member, wallet_stream(command.member)
    payment = await work.load(PAYMENT, payment_stream(command.payment))
    wallet = await work.load(WALLET, stream)
    at, lot = work.context.effective_at, lot_of(command.payment, member)
    if isinstance(payment, Settled):
        # Its coins may not have been put in yet.
        claim = payment.claim
        bought = Worth(claim.coins, claim.fen)
        filled = wallet_moves.top_up(wallet, member, command.payment, claim.rail, bought, at)
        work.append(WALLET, stream, member, filled)
        wallet = WALLET.fold(filled, wallet, work.version(stream))
        reversal = reversal_of(wallet.reversals, lot)
        if payment.now != "paid":
            found = wallet.lot(lot)
            assert found is not None
            closed = decisions.reverse(
                found,
                wallet.escrowed(lot),
                wallet.reversals,
                member,
                command.payment,
                payment.turn,
                at,
            )
            work.append(WALLET, stream, member, closed)
        elif reversal is not None:
            await _restore(work, wallet, reversal, payment.turn, member)
    return Outcome(lot, (stream, work.version(stream)))


async def _restore(
    work: Work, wallet: Wallet, reversal: Reversal, turn: int, member: MemberId
) -> None:
    """Undo all that was done for a lot, in one append."""
    at, held = work.context.effective_at, wallet.escrowed(reversal.lot)
    restored_lot = decisions.restore(reversal, held, member, turn, at)
    work.append(WALLET, wallet_stream(member), member, restored_lot)
    for which in reversal.orders:
        order = await work.load(ORDER, order_stream(which))
        assert isinstance(order, Placed)
        restored = orders.restore(order, reversal.lot, at)
        work.append(ORDER, order_stream(which), member, restored)
        order = ORDER.fold(restored, order)
        assert isinstance(order, Placed)
        if order.recipient is None and order.delivered:
            belonging = await work.load(BELONGING, belonging_stream(which))
            gained = orders.brought(order, which)
            lasts = gained.expires_at is None or gained.expires_at > at
            if isinstance(belonging, Nothing) and lasts:
                work.append(BELONGING, belonging_stream(which), member, (gained,))


class RecoveryHandlers:
    """The handler that reads a wallet's history."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def recover(self, command: RecoverLot, work: Work) -> Outcome:
        """
        Revoke what the lot's coins bought, orders first, of which the latest, then days of
        memberships; what is used up, or held, is owed.
        All in one append, with every order and belonging it rests on.
        """
        member, lot, at = command.member, command.lot, work.context.effective_at
        stream = wallet_stream(member)
        wallet = await work.load(WALLET, stream)
        reversal = reversal_of(wallet.reversals, lot)
        if reversal is None or reversal.since != command.since or reversal.owed is not None:
            # Undone meanwhile; what closed it again is looked into by itself.
            return Outcome(lot, (stream, work.version(stream)))
        history = await self._log.read_stream(stream, until=command.since)
        spent = [one.event for one in history]
        for which in orders_of(spent, lot):
            wallet = await _revoke(work, which, lot, member, wallet)
        for plan in plans_of(spent, lot):
            wallet = await revoke_days(work, plan, lot, member, wallet)
        reversal, found = reversal_of(wallet.reversals, lot), wallet.lot(lot)
        assert reversal is not None
        assert found is not None
        work.append(WALLET, stream, member, decisions.owe(found, reversal, member, at))
        return Outcome(lot, (stream, work.version(stream)))


async def _revoke(
    work: Work, which: OrderId, lot: LotId, member: MemberId, wallet: Wallet
) -> Wallet:
    """Take the lot's coins out of an order, and away what it brought; the wallet after that."""
    order, at = await work.load(ORDER, order_stream(which)), work.context.effective_at
    if not isinstance(order, Placed):
        return wallet
    stream = belonging_stream(which, order.recipient)
    belonging = await work.load(BELONGING, stream)
    coming = False
    if order.recipient is not None:
        half = await work.load(RECEIVED_GIFT, received_gift_stream(which, order.recipient))
        coming = awaited(half, order, which, at)
    for event in orders.revoke(order, lot, belonging, at, awaited=coming):
        work.append(ORDER, order_stream(which), member, (event,))
        recovered = decisions.recover(member, lot, which, event.parts, at)
        work.append(WALLET, wallet_stream(member), member, recovered)
        wallet = WALLET.fold(recovered, wallet, work.version(wallet_stream(member)))
        if order.recipient is None:
            # What was given is in another cell: a policy takes it away there.
            work.append(BELONGING, stream, member, belongings.revoke(belonging, at))
    return wallet
