"""
What becomes of coins whose payment is taken back, worked out anew from the rules as members are
told them: what is in the lot goes, and what is in the escrow of gifts; then what the others bought;
the rest is owed. When the payment is ours again, all of it is as if it had not been.

Wherever a lot's coins are, they are counted: in the lot, held, with what they were spent on, or
gone; so what is owed is all that is still somewhere.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.event import Recorded
from domain.order import OrderRestored, OrderRevoked
from domain.reversal_events import (
    CoinsRecovered,
    CoinsSwept,
    DebtIncurred,
    EscrowReversed,
    LotRestored,
    LotReversed,
)
from tests.simulation.goods import Goods
from tests.simulation.ledgers import Ledgers
from tests.simulation.legal import must
from tests.simulation.purses import Purse, Purses, Reversal, Taken, Worth, coins_in, told
from tests.simulation.tenures import Tenures

_FEN = 100


class Paid(Protocol):
    """A payment: whose its money is now, after how many turns, and which lot it bought."""

    now: str
    turns: int
    coins: int
    credited: UUID | None


class Reversals:
    """All of them."""

    def __init__(self, purses: Purses, goods: Goods, tenures: Tenures) -> None:
        self._purses = purses
        self._goods = goods
        self._tenures = tenures

    def take(self, recorded: Recorded, event: Any, paid: Paid | None) -> None:
        """
        Coins are gone, or there again.

        :param paid: the payment, where an event names it.
        :raises Illegal: it must not be so.
        """
        purse = self._purses.purse(event.member)
        if isinstance(event, LotReversed):
            self._close(recorded, purse, event, paid)
            return
        known = purse.reversed.get(event.lot)
        must(known is not None, recorded, "its payment was taken back")
        assert known is not None
        match event:
            case EscrowReversed():
                self._take_escrow(recorded, purse, known, event)
            case CoinsRecovered(order=order):
                must(order not in known.orders, recorded, "an order is revoked once a lot")
                known.orders[order] = (event.coins, event.fen)
            case DebtIncurred():
                must(known.owed is None, recorded, "all is looked for once")
                known.owed = _less(_all(purse, event.lot), known.gone)
                said = (event.coins, event.fen)
                must(said == known.owed, recorded, f"{known.owed} are owed, not {said}")
            case CoinsSwept():
                self._sweep(recorded, purse, known, event)
            case LotRestored():
                self._restore(recorded, purse, known, event, paid)
            case _:
                raise AssertionError(event)

    @staticmethod
    def _close(recorded: Recorded, purse: Purse, event: LotReversed, paid: Paid | None) -> None:
        assert paid is not None, "somebody paid for it"
        turned = paid.now != "paid" and event.turn == paid.turns
        must(turned, recorded, "as its payment stands, it is not ours")
        must(event.lot == paid.credited, recorded, "this lot was bought")
        must(event.lot not in purse.reversed, recorded, "what is gone cannot go")
        lot = purse.lots[event.lot]
        must((event.coins, event.fen) == (lot.left, lot.fen), recorded, "all that is in it goes")
        purse.reversed[event.lot] = Reversal((lot.left, lot.fen))
        lot.left = lot.fen = 0

    @staticmethod
    def _take_escrow(
        recorded: Recorded, purse: Purse, known: Reversal, event: EscrowReversed
    ) -> None:
        hold = purse.holds[event.order]
        mine = _of(hold.parts, event.lot)
        must(hold.gift and mine[0] > 0, recorded, "it is in the escrow of a gift")
        hold.gone.add(event.lot)
        said = (event.coins, event.fen, event.held)
        wanted = (*mine, coins_in(hold.parts))
        must(said == wanted, recorded, f"gone and left are {wanted}, not {said}")
        known.escrow[event.order] = mine

    @staticmethod
    def _sweep(recorded: Recorded, purse: Purse, known: Reversal, event: CoinsSwept) -> None:
        lot, back = purse.lots[event.lot], (event.coins, event.fen)
        must(event.owed is (known.owed is not None), recorded, "it is owed, or it is looked for")
        lot.left, lot.fen = _less((lot.left, lot.fen), back)
        known.taken = _more(known.taken, back)
        if known.owed is not None:
            known.owed = _less(known.owed, back)
            must(min(known.owed) >= 0, recorded, "no more comes back than is owed")

    @staticmethod
    def _restore(
        recorded: Recorded, purse: Purse, known: Reversal, event: LotRestored, paid: Paid | None
    ) -> None:
        assert paid is not None, "somebody paid for it"
        ours = paid.now == "paid" and event.turn == paid.turns
        must(ours, recorded, "as its payment stands, it is ours")
        waits = {order: worth for order, worth in known.escrow.items() if order in purse.holds}
        over = [worth for order, worth in known.escrow.items() if order not in purse.holds]
        back = _sum([known.taken, *over])
        must((event.coins, event.fen) == back, recorded, f"{back} are in the lot again")
        orders = _sum(known.orders.values())
        said = (event.recovered_coins, event.recovered_fen)
        must(said == orders, recorded, f"{orders} are with orders again")
        owed = (event.owed_coins, event.owed_fen)
        must(owed == (known.owed or (0, 0)), recorded, f"{known.owed} are not owed any longer")
        shown = {one.order: (one.coins, one.fen) for one in event.escrow}
        must(shown == waits, recorded, f"{waits} are in escrow again")
        for one in event.escrow:
            hold = purse.holds[one.order]
            hold.gone.discard(event.lot)
            must(one.held == coins_in(hold.parts), recorded, "so many are in escrow with them")
        lot = purse.lots[event.lot]
        lot.left, lot.fen = _more((lot.left, lot.fen), back)
        del purse.reversed[event.lot]

    # What one command did

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold what is gone against what was bought with it.

        :raises Illegal: something is kept that is not paid, or gone that is, or counted twice.
        """
        events: list[Any] = [one.event for one in command]
        for member in {getattr(event, "member", None): None for event in events}:
            purse = self._purses.of.get(member) if member is not None else None
            if purse is not None:
                self._count(command[-1], purse)
        for one in command:
            event: Any = one.event
            match event:
                case LotReversed(member=member, lot=lot):
                    for hold in self._purses.purse(member).holds.values():
                        kept = hold.gift and _of(hold.parts, lot)[0]
                        must(not kept, one, "what is in escrow goes with it")
                case DebtIncurred(member=member, lot=lot, effective_at=at):
                    self._check_all_taken(one, member, lot, at)
                case OrderRevoked(member=member, lot=lot, parts=parts):
                    worth = _sum((part.coins, part.fen) for part in parts)
                    known = self._purses.purse(member).reversed[lot]
                    same = known.orders.get(one.stream) == worth
                    must(same, one, "what is revoked is gone")
                case CoinsRecovered(order=order):
                    revoked = any(
                        each.stream == order and isinstance(each.event, OrderRevoked)
                        for each in command
                    )
                    must(revoked, one, "what is gone was revoked")
                case LotRestored(member=member, lot=lot):
                    self._check_undone(one, command, member, lot)
                case _:
                    pass

    @staticmethod
    def _count(recorded: Recorded, purse: Purse) -> None:
        """Of a lot that somebody paid for, every coin is somewhere, and none is twice."""
        for lot in purse.lots.values():
            if lot.kind != "paid":
                continue
            known = purse.reversed.get(lot.id)
            must(known is None or not lot.left, recorded, "nothing of what is not paid is left")
            held = sum(_of(hold.parts, lot.id)[0] for hold in purse.holds.values())
            gone = 0 if known is None else known.gone[0]
            out = _out(purse, lot.id)
            must(min(out, held, gone) >= 0, recorded, "no more comes back than went out")
            every = lot.left + held + out + gone
            must(every == lot.coins, recorded, f"there are {every} of {lot.coins} coins")

    def _check_all_taken(self, recorded: Recorded, member: UUID, lot: UUID, at: datetime) -> None:
        """What is owed cannot be had: nothing that the lot paid for is there, or to come."""
        for order, bill in self._goods.bills.items():
            if bill.member == member and _of(bill.left, lot)[0]:
                there = order in self._goods.things or bill.on_its_way(at) or bool(bill.revoked)
                must(not there, recorded, f"what {order} brought is there")
        for plan in ("yellow", "green"):
            tenure = self._tenures.tenure(member, plan)
            days = [one.last(one.days - one.begun(at)) for one in tenure.live(at)]
            days += [one.last(one.days) for one in tenure.parked]
            kept = any(_of(parts, lot)[0] for parts in days)
            must(not kept, recorded, f"days of {plan} that have not begun are there")

    def _check_undone(
        self, recorded: Recorded, command: Sequence[Recorded], member: UUID, lot: UUID
    ) -> None:
        """All that was revoked for the lot is restored in the same append."""
        for bill in self._goods.bills.values():
            still = bill.member == member and _of(bill.revoked, lot)[0]
            must(not still, recorded, "an order is as if it had not been revoked")
        said = _sum(
            (part[1], part[2])
            for one in command
            if isinstance(one.event, OrderRestored)
            for part in told(one.event.parts)
        )
        event: Any = recorded.event
        wanted = (event.recovered_coins, event.recovered_fen)
        must(said == wanted, recorded, f"orders have {said} again, not {wanted}")

    # At rest

    def check_rest(self, paid: Iterable[tuple[UUID, Paid]], ledgers: Ledgers) -> None:
        """
        What stands is what the payments say; losses are settled, down to what is owed.

        :param paid: payments that were settled, and whose they are.
        """
        disputed = owed = 0
        for member, one in paid:
            assert one.credited is not None
            known = self._purses.purse(member).reversed.get(one.credited)
            assert (known is None) is (one.now == "paid"), f"{one} is not followed by its lot"
            assert known is None or known.owed is not None, f"{one} was never looked for"
            disputed += _FEN * one.coins * (one.now == "disputed")
            owed += known.owed[1] if known is not None and known.owed is not None else 0
        stands = {
            "suspense:reversed-payments": -disputed,
            "asset:rail-disputed:demo": disputed,
            "asset:receivable:members": owed,
        }
        for account, wanted in stands.items():
            balance = ledgers.balance(account, "CNY")
            assert balance == wanted, f"{account} is {balance}, not {wanted}"


def _all(purse: Purse, lot: UUID) -> Worth:
    coins = purse.lots[lot].coins
    return coins, _FEN * coins


def _of(parts: Iterable[Taken], lot: UUID) -> Worth:
    return _sum((coins, fen) for which, coins, fen in parts if which == lot)


def _out(purse: Purse, lot: UUID) -> int:
    """The coins of a lot that were spent, and have neither come back nor gone with an order."""
    known = purse.reversed.get(lot)
    out = purse.used[lot]
    for order, (parts, _) in purse.spent.items():
        back = _of(purse.back.get(order, ()), lot)[0]
        out += _of(parts, lot)[0] - back
    return out - (0 if known is None else _sum(known.orders.values())[0])


def _sum(every: Iterable[Worth]) -> Worth:
    found = list(every)
    return sum(coins for coins, _ in found), sum(fen for _, fen in found)


def _more(one: Worth, other: Worth) -> Worth:
    return one[0] + other[0], one[1] + other[1]


def _less(one: Worth, other: Worth) -> Worth:
    return one[0] - other[0], one[1] - other[1]
