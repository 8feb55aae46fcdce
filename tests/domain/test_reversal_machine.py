"""
Payments are taken back and given back, before and after their coins were spent, or given to friends
whose cells hear of it late: no coin is lost or made, to the fen, nobody keeps what is not paid, and
what is undone is undone exactly.
"""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain import order as orders
from domain import received_gift as received
from domain import reversal, wallet_moves
from domain.belonging import BELONGING, Belonging, BelongingExpired, Nothing, Owned, revoke
from domain.event import Event, Refused
from domain.gift import GiftAccepted, GiftOffered
from domain.ids import ItemId, LotId, OrderId, mint
from domain.lots import POLICY, coins_in
from domain.mall import Terms
from domain.money import Worth
from domain.order import ORDER, Order, OrderPlaced, Placed
from domain.received_gift import RECEIVED_GIFT, ReceivedGift, Unheard
from domain.recovery import orders_of
from domain.reversal import reversal_of
from domain.wallet import WALLET, Wallet
from domain.wallet_events import WalletEvent
from tests.domain.coins import DAY, NOON, bought_lot, order, payment, refund_id
from tests.domain.people import ANNA, BELA, sealed

ITEM = ItemId(mint(0, 0, 1))
LOTS = st.integers(1, 3)
FEW = st.integers(1, 9)


class Reversals(RuleBasedStateMachine):
    """A wallet with up to three payments, and what was bought from it, some of it for a friend."""

    def __init__(self) -> None:
        super().__init__()
        self.wallet = Wallet()
        self.history: list[WalletEvent] = []
        self.orders: dict[OrderId, Placed] = {}
        self.belongings: dict[OrderId, Belonging] = {}
        self.offers: dict[OrderId, GiftOffered] = {}
        self.halves: dict[OrderId, ReceivedGift] = {}
        self.bought = Worth()
        self.count = 0

    def happen(self, events: Sequence[WalletEvent]) -> None:
        self.wallet = WALLET.fold(events, self.wallet, len(self.history))
        self.history += events

    def order(self, which: OrderId, events: Sequence[Event]) -> None:
        state: Order = ORDER.fold(events, self.orders.get(which, ORDER.initial))
        assert isinstance(state, Placed)
        self.orders[which] = state

    @initialize(coins=st.integers(9, 30), more=FEW)
    def begin(self, coins: int, more: int) -> None:
        self.top_up(1, coins, 100 * coins + 1)
        self.top_up(2, more, 99 * more)

    @rule(number=LOTS, coins=FEW, fen=st.integers(0, 999))
    def top_up(self, number: int, coins: int, fen: int) -> None:
        worth = Worth(coins, fen)
        events = wallet_moves.top_up(self.wallet, ANNA, payment(number), "demo", worth, NOON)
        self.happen(events)
        self.bought = self.bought.plus(worth) if events else self.bought

    @rule(coins=FEW)
    def buy(self, coins: int) -> None:
        self.count += 1
        which = order(self.count)
        if reversal.owed(self.wallet.reversals) or self.wallet.balance(NOON) < coins:
            with pytest.raises(Refused, match=r"wallet-owes|insufficient-coins"):
                wallet_moves.spend(self.wallet, ANNA, which, coins, NOON)
            return
        (spent,) = wallet_moves.spend(self.wallet, ANNA, which, coins, NOON)
        self.happen((spent,))
        terms = Terms("theme", "雪", coins)
        placed = OrderPlaced(ANNA, ITEM, terms, 1, coins, spent.parts, POLICY, NOON)
        self.order(which, (placed,))
        self.belongings[which] = BELONGING.fold(
            (orders.brought(self.orders[which], which),), Nothing()
        )

    @rule(coins=FEW)
    def offer(self, coins: int) -> None:
        self.count += 1
        which, until = order(self.count), NOON + DAY
        with suppress(Refused):
            held = wallet_moves.hold(self.wallet, ANNA, which, coins, until, NOON, gift=True)
            self.happen(held)
            terms = Terms("theme", "雪", coins)
            self.offers[which] = GiftOffered(ANNA, BELA, ITEM, terms, 1, coins, until, NOON)

    @rule()
    def let_go(self) -> None:
        for hold in self.wallet.holds[:1]:
            self.happen(wallet_moves.void(self.wallet, ANNA, hold.order, NOON))

    @rule()
    def accept(self) -> None:
        for hold in self.wallet.holds[-1:]:
            offer, reversed_ = self.offers[hold.order], {one.lot for one in self.wallet.reversals}
            if reversed_ & {part.lot for part in hold.parts}:
                with pytest.raises(Refused, match="gift-unpaid"):
                    wallet_moves.capture(self.wallet, ANNA, hold.order, offer.coins, NOON)
                return
            self.happen(wallet_moves.capture(self.wallet, ANNA, hold.order, offer.coins, NOON))
            self.order(hold.order, (offer, GiftAccepted(ANNA, BELA, hold.parts, NOON)))
            self.belongings[hold.order] = Nothing()
            self.halves[hold.order] = Unheard()

    @rule()
    def hear(self) -> None:
        """The friend's cell catches up."""
        for which, half in self.halves.items():
            self.halves[which], self.belongings[which] = self.heard(which, half)

    def heard(self, which: OrderId, half: ReceivedGift) -> tuple[ReceivedGift, Belonging]:
        placed, belonging = self.orders[which], self.belongings[which]
        moved = received.hand_over(half, belonging, placed, which, NOON)
        after = RECEIVED_GIFT.fold(received.hear(half, placed, which, NOON), half)
        return after, BELONGING.fold(moved, belonging)

    @rule(number=st.integers(1, 9))
    def use_up(self, number: int) -> None:
        which = order(number)
        if isinstance(self.belongings.get(which), Owned):
            used = BelongingExpired(ANNA, which, NOON)
            self.belongings[which] = BELONGING.fold((used,), self.belongings[which])

    @rule(number=st.integers(1, 9), coins=st.none() | FEW)
    def refund(self, number: int, coins: int | None) -> None:
        which = order(number)
        placed = self.orders.get(which)
        if placed is None:
            return
        self.count += 1
        refund = refund_id(self.count)
        with suppress(Refused):
            for event in orders.refund(placed, refund, coins, sealed("no"), NOON):
                back = wallet_moves.refund(
                    self.wallet, ANNA, which, refund, event.parts, NOON, NOON
                )
                self.happen(back)
                self.order(which, (event,))
                if not event.left and which not in self.halves:
                    self.belongings[which] = Nothing()

    @rule(number=LOTS)
    def close(self, number: int) -> None:
        lot = self.wallet.lot(bought_lot(number))
        if lot is not None:
            for _ in range(2):
                held, gone = self.wallet.escrowed(lot.id), self.wallet.reversals
                self.happen(reversal.reverse(lot, held, gone, ANNA, payment(number), 1, NOON))

    @rule(number=LOTS)
    def recover(self, number: int) -> None:
        self._recover(bought_lot(number))

    def _recover(self, id: LotId) -> None:
        """As the policy does."""
        gone = reversal_of(self.wallet.reversals, id)
        if gone is None or gone.owed is not None:
            return
        for which in orders_of(self.history[: gone.since], id):
            if which not in self.orders:
                continue
            placed, belonging = self.orders[which], self.belongings[which]
            half = self.halves.get(which)
            coming = half is not None and received.awaited(half, placed, which, NOON)
            for event in orders.revoke(placed, id, belonging, NOON, awaited=coming):
                self.order(which, (event,))
                self.happen(reversal.recover(ANNA, id, which, event.parts, NOON))
                if half is None:
                    taken = revoke(belonging, NOON)
                    self.belongings[which] = BELONGING.fold(taken, belonging)
        lot, after = self.wallet.lot(id), reversal_of(self.wallet.reversals, id)
        assert lot is not None
        assert after is not None
        self.happen(reversal.owe(lot, after, ANNA, NOON))

    @rule(number=LOTS)
    def restore(self, number: int) -> None:
        self._restore(bought_lot(number))

    def _restore(self, id: LotId) -> None:
        gone = reversal_of(self.wallet.reversals, id)
        if gone is None:
            return
        held = self.wallet.escrowed(id)
        self.happen(reversal.restore(gone, held, ANNA, gone.turn + 1, NOON))
        for which in gone.orders:
            self.order(which, orders.restore(self.orders[which], id, NOON))
            placed = self.orders[which]
            here = which not in self.halves
            if here and placed.delivered and isinstance(self.belongings[which], Nothing):
                self.belongings[which] = BELONGING.fold((orders.brought(placed, which),), Nothing())

    @rule(number=LOTS, looked=st.booleans())
    def close_and_undo(self, number: int, looked: bool) -> None:
        """Whatever stands at that moment stands as it did."""
        lot = self.wallet.lot(bought_lot(number))
        if lot is None or reversal_of(self.wallet.reversals, lot.id) is not None:
            return
        before = (self.wallet.lots, self.wallet.holds, self.wallet.reversals)
        charges = {which: one.charge for which, one in self.orders.items()}
        belongings = dict(self.belongings)
        self.close(number)
        if looked:
            self._recover(lot.id)
        self._restore(lot.id)
        assert (self.wallet.lots, self.wallet.holds, self.wallet.reversals) == before
        assert {which: one.charge for which, one in self.orders.items()} == charges
        assert self.belongings == belongings

    @invariant()
    def no_coin_is_lost_or_made(self) -> None:
        total = Worth()
        for lot in self.wallet.lots:
            total = total.plus(lot.left)
        for gone in self.wallet.reversals:
            total = total.plus(gone.taken)
            for which, worth in gone.escrow:
                total = total if self.wallet.hold(which) else total.plus(worth)
        parts = [part for hold in self.wallet.holds for part in hold.parts]
        for placed in self.orders.values():
            parts += [*placed.charge.left, *placed.revoked]
        for part in parts:
            total = total.plus(part.worth)
        assert total == self.bought

    @invariant()
    def nothing_can_be_spent_of_a_reversed_lot(self) -> None:
        for gone in self.wallet.reversals:
            lot = self.wallet.lot(gone.lot)
            assert lot is not None
            assert lot.left == Worth()

    @invariant()
    def what_was_recovered_is_missing_from_the_orders(self) -> None:
        for gone in self.wallet.reversals:
            revoked = [
                part
                for placed in self.orders.values()
                for part in placed.revoked
                if part.lot == gone.lot
            ]
            assert coins_in(revoked) == gone.recovered.coins

    @invariant()
    def what_is_owed_is_what_cannot_be_had(self) -> None:
        for gone in self.wallet.reversals:
            lot = self.wallet.lot(gone.lot)
            assert lot is not None
            if gone.owed is not None:
                assert gone.owed.plus(gone.had) == lot.began

    @invariant()
    def nobody_has_what_is_not_paid(self) -> None:
        """Not for good, that is: a friend's cell may have to hear of it yet."""
        looked = {gone.lot for gone in self.wallet.reversals if gone.owed is not None}
        for which, belonging in self.belongings.items():
            if which in self.halves:
                _, belonging = self.heard(which, self.halves[which])
            if isinstance(belonging, Owned):
                placed = self.orders[which]
                assert placed.delivered
                assert not looked & {part.lot for part in placed.charge.left}


TestReversals = Reversals.TestCase
TestReversals.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
