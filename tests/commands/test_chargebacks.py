"""
Payments that are taken back, across two cells: what goes, in which order, and how it comes back.
"""

from typing import Any

import pytest

from commands import gifts
from commands.memberships import pause
from commands.orders import PlaceOrder, RefundOrder, place, refund
from commands.payments import HearOfPayment
from commands.rails import Seen
from domain.belonging import (
    BELONGING,
    Belonging,
    BelongingGained,
    BelongingRevoked,
    Nothing,
    Owned,
    belonging_stream,
)
from domain.ids import OrderId
from domain.lots import coins_in
from domain.membership_events import UnusedDaysRefunded
from domain.membership_states import Active, Expired
from domain.order import OrderRestored, OrderRevoked
from domain.payment import PaymentTurned, RailState
from domain.reversal import owed
from domain.reversal_events import CoinsSwept, DebtIncurred, LotRestored, LotReversed
from tests.commands.house import STAFF, live, to
from tests.commands.test_gifts import Counter
from tests.commands.test_memberships import Counter as Members


class Disputed(Counter, Members):
    """Anna paid for 10 coins on a rail that may take them back, and has 20 good ones besides."""

    async def pay(self, coins: int = 10) -> None:
        self.rail.says = Seen("paid", coins * 100)
        await self.top_up(coins, "slow", "r-2")

    async def hear(self, state: RailState, *, carried: bool = True) -> None:
        self.rail.says = Seen(state, 1_000)
        command = HearOfPayment("slow", "r-2")
        await self.house.run(self.house.payments.hear, command, STAFF)
        if carried:
            await self.house.settle()

    async def owes(self) -> int:
        return owed((await self.wallet()).reversals)

    async def all_that_is(self) -> Any:
        wallet = await self.wallet()
        return wallet.lots, wallet.holds, wallet.reversals

    async def lose(self) -> None:
        """The payment is taken back, and so is what it bought, before any other policy runs."""
        await self.hear("disputed", carried=False)
        for name in ("turn-lot", "recover-lot"):
            (policy,) = (one for one in self.house.policies if one.name == name)
            for recorded in self.house.events():
                if type(recorded.event) in policy.types:
                    await policy.react(recorded)

    async def has(self, order: OrderId) -> Belonging:
        """What Bela has of a gift."""
        stream = belonging_stream(order, self.bela)
        history = await self.house.log.read_stream(stream)
        return BELONGING.fold([one.event for one in history], Nothing())

    def gained(self) -> list[BelongingGained]:
        """What anybody gained."""
        return [one for one in self.happened(BelongingGained) if isinstance(one, BelongingGained)]

    def orders(self, kind: type) -> list[Any]:
        """The streams of events of a kind, in the order in which they happened."""
        return [one.stream for one in self.house.events() if isinstance(one.event, kind)]


def test_unspent_coins_go_and_come_back() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        before = await till.all_that_is()
        await till.hear("disputed")
        await till.hear("disputed")
        assert await till.balance() == 0
        await till.hear("charged_back")
        assert len(till.happened(LotReversed)) == 1
        turned = [one.now for one in till.happened(PaymentTurned) if isinstance(one, PaymentTurned)]
        assert turned == ["disputed", "charged_back"]
        await till.hear("paid")
        assert await till.all_that_is() == before
        await till.hear("refunded")
        assert await till.balance() == 0
        await till.hear("paid")
        assert await till.all_that_is() == before
        await till.hear("failed")
        await till.hear("pending")
        assert await till.balance() == 10, "only whose the money is counts"

    live(history)


def test_what_the_coins_bought_goes_and_comes_back_the_latest_first() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        first, second = await till.buy(3), await till.buy(4)
        before = await till.all_that_is()
        await till.hear("disputed")
        assert till.orders(OrderRevoked) == [second, first]
        assert len(till.happened(BelongingRevoked)) == 2
        assert (await till.balance(), await till.owes()) == (0, 0)
        refusal = till.house.refusal(to(refund, first), RefundOrder("no"), STAFF)
        assert (await refusal)[0] == "order-revoked"
        await till.hear("paid")
        assert sorted(till.orders(OrderRestored)) == sorted([first, second])
        assert len(till.happened(BelongingGained)) == 4
        assert await till.all_that_is() == before
        await till.house.run(to(refund, first), RefundOrder("no"), STAFF)
        assert await till.balance() == 6

    live(history)


def test_what_is_used_up_is_owed_and_stops_spending_until_it_is_won() -> None:
    async def history() -> None:
        till = Disputed()
        await till.stock()
        await till.buy(20)
        await till.pay()
        used = await till.buy(6, days=2)
        await till.let_pass(3)
        await till.top_up(5, ref="r-3")
        await till.hear("charged_back")
        assert await till.owes() == 6
        assert await till.balance() == 5
        buying = till.house.refusal(place, PlaceOrder(till.item), till.anna)
        assert (await buying)[0] == "wallet-owes"
        await till.house.run(to(refund, used), RefundOrder("broken", 2), STAFF)
        assert await till.owes() == 4, "what comes back into the lot is not owed any longer"
        assert await till.balance() == 5
        assert len(till.happened(CoinsSwept)) == 1
        await till.hear("paid")
        assert (await till.owes(), await till.balance()) == (0, 11)

    live(history)


@pytest.mark.parametrize("rests", [False, True])
def test_days_that_such_coins_paid_go_and_are_coins_again_when_it_is_won(rests: bool) -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        await till.have()
        await till.top_up(20, ref="r-3")
        await till.have(extend=True)
        assert await till.balance() == 10
        await till.let_pass(1)
        if rests:
            await till.do(pause)
        await till.hear("disputed")
        assert await till.owes() == 1, "the day that has begun"
        assert await till.balance() == 20, "those who paid the next month have it back"
        assert isinstance(await till.membership(), Expired)
        (gone,) = till.happened(UnusedDaysRefunded)
        assert isinstance(gone, UnusedDaysRefunded)
        assert gone.reason is None
        assert len(till.happened(DebtIncurred)) == 1
        await till.let_pass(40)
        assert isinstance(await till.membership(), Expired)
        await till.hear("paid")
        assert (await till.owes(), await till.balance()) == (0, 29)

    live(history)


def test_days_that_are_used_up_end_no_membership_that_others_pay() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        await till.have()
        await till.top_up(20, ref="r-3")
        await till.let_pass(35)
        assert await till.balance() == 10, "it renewed"
        await till.hear("disputed")
        assert await till.owes() == 10
        assert isinstance(await till.membership(), Active)

    live(history)


def test_gifts_of_such_coins_are_taken_away_and_brought_back() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        await till.house.befriend(till.anna, till.bela)
        await till.list(4)
        order = await till.offer()
        waiting = await till.offer()
        await till.accept(order)
        await till.house.settle()
        await till.hear("disputed")
        (gone,) = till.happened(BelongingRevoked)
        assert isinstance(gone, BelongingRevoked)
        assert (gone.member, gone.order) == (till.bela, order)
        assert await till.owes() == 0, "what waits in escrow is taken from there"
        assert await till.refused(gifts.accept, waiting) == "gift-unpaid"
        await till.house.run(gifts.decline, waiting, till.bela)
        assert (await till.owes(), await till.balance()) == (0, 0)
        await till.hear("paid")
        assert await till.balance() == 6
        gained = [one for one in till.happened(BelongingGained) if isinstance(one, BelongingGained)]
        assert [one.member for one in gained] == [till.bela] * 2

    live(history)


def test_a_gift_that_waits_is_as_it_was_when_the_payment_is_won() -> None:
    async def history() -> None:
        till = Disputed()
        await till.stock()
        await till.buy(16)
        await till.pay()
        order = await till.offer()
        before = await till.all_that_is()
        await till.hear("disputed")
        wallet = await till.wallet()
        (hold,) = wallet.holds
        assert coins_in(wallet.in_hold(hold)) == 4, "those of the other payment stay"
        assert (await till.owes(), await till.balance()) == (0, 0)
        assert await till.refused(gifts.accept, order) == "gift-unpaid"
        await till.hear("paid")
        assert await till.all_that_is() == before
        await till.accept(order)
        await till.house.settle()
        assert [one.member for one in till.gained()] == [till.anna, till.bela]
        assert await till.balance() == 7

    live(history)


def test_a_gift_that_ran_out_meanwhile_gives_its_coins_back_once_they_are_paid() -> None:
    async def history() -> None:
        till = Disputed()
        await till.stock()
        await till.buy(16)
        await till.pay()
        await till.offer()
        await till.hear("disputed")
        await till.let_pass(8)
        assert (await till.wallet()).holds == ()
        assert await till.balance() == 4
        await till.hear("paid")
        assert await till.balance() == 14

    live(history)


@pytest.mark.parametrize("hears_first", [True, False])
def test_a_gift_is_taken_away_whether_or_not_its_recipient_had_it_yet(hears_first: bool) -> None:
    """
    The chargeback and the policy that hands over an accepted gift are in different cells, and
    either may come first.
    """

    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        await till.house.befriend(till.anna, till.bela)
        await till.list(4)
        order = await till.offer()
        await till.house.settle()
        await till.accept(order)
        if hears_first:
            await till.house.settle()
        await till.lose()
        await till.house.settle()
        assert till.orders(OrderRevoked) == [order]
        assert await till.owes() == 0
        assert isinstance(await till.has(order), Nothing)
        await till.hear("paid")
        assert isinstance(await till.has(order), Owned)
        assert await till.balance() == 6

    live(history)


def test_a_gift_that_was_used_up_is_owed() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        await till.house.befriend(till.anna, till.bela)
        await till.list(4, valid_days=2)
        order = await till.offer()
        await till.accept(order)
        await till.house.settle()
        await till.let_pass(3)
        await till.hear("disputed")
        assert till.orders(OrderRevoked) == []
        assert await till.owes() == 4

    live(history)


def test_turns_that_nobody_carried_in_time_come_to_how_it_stands() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        await till.pay()
        order = await till.buy(3)
        before = await till.all_that_is()
        for state in ("disputed", "paid", "refunded", "paid"):
            await till.hear(state, carried=False)
        await till.house.settle()
        assert await till.all_that_is() == before
        assert not till.happened(LotReversed, LotRestored)
        await till.hear("disputed", carried=False)
        await till.hear("paid", carried=False)
        await till.hear("charged_back", carried=False)
        await till.house.settle()
        assert till.orders(OrderRevoked) == [order]
        assert await till.balance() == 0

    live(history)


def test_a_payment_that_is_taken_back_before_its_coins_came_brings_none() -> None:
    async def history() -> None:
        till = Disputed()
        await till.sit()
        till.rail.says = Seen("pending", 1_000)
        await till.top_up(10, "slow", "r-2")
        await till.hear("paid", carried=False)
        await till.hear("refunded", carried=False)
        await till.house.settle()
        assert await till.balance() == 0
        await till.hear("paid")
        assert await till.balance() == 10

    live(history)
