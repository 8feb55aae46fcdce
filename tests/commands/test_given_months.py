"""
Months of a membership for a friend in another cell: paid when they are accepted, had once, and owed
when their payment is taken back after that.
"""

import pytest

from commands.gifts import GiveMonths
from commands.orders import RefundOrder, refund
from domain.ids import OrderId
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_events import MembershipCancelled, MonthsPaid
from domain.membership_states import Cancelled, Membership, NeverHad
from domain.order import OrderRestored, OrderRevoked
from domain.plans import Months
from domain.wallet_events import CoinsCaptured
from projections.postings import DAYS, ESCROW, MEMBERSHIPS, entry
from tests.commands.house import STAFF, live, to
from tests.commands.test_chargebacks import Disputed
from tests.commands.test_gifts import BELA_QQ


class Friends(Disputed):
    """Anna, who paid for 10 coins that may be taken back, and Bela, who has no membership."""

    async def meet(self) -> None:
        await self.sit()
        await self.pay()
        await self.house.befriend(self.anna, self.bela)

    async def give(self, months: Months = 1) -> OrderId:
        handler, command = self.house.gifts.offer_months, GiveMonths("yellow", months, BELA_QQ)
        made = await self.house.run(handler, command, self.anna)
        await self.house.settle()
        return OrderId(made.id)

    async def membership(self) -> Membership:
        stream = membership_stream(self.bela, "yellow")
        state: Membership = (await self.house.streams.load(MEMBERSHIP, stream)).state
        return state


def test_months_are_had_once_they_are_accepted_and_are_earned_by_the_day() -> None:
    async def history() -> None:
        till = Friends()
        await till.meet()
        order = await till.give()
        assert await till.balance() == 0
        assert isinstance(await till.membership(), NeverHad)
        for _ in range(2):
            await till.accept(order)
            await till.house.settle()
        assert isinstance(await till.membership(), Cancelled)
        assert len(till.happened(MonthsPaid, MembershipCancelled)) == 2
        (paid,) = till.happened(CoinsCaptured)
        posted = entry(paid)
        assert posted is not None
        assert {(one.account, one.debit - one.credit) for one in posted.postings} == {
            (ESCROW, 10), (MEMBERSHIPS, -10), ("liability:coins-sold", 1000), (DAYS, -1000),
        }  # fmt: skip
        refusal = till.house.refusal(to(refund, order), RefundOrder("no"), STAFF)
        assert (await refusal)[0] == "gift-accepted"

    live(history)


def test_months_that_are_declined_are_nobodys() -> None:
    async def history() -> None:
        till = Friends()
        await till.meet()
        await till.decline(await till.give())
        await till.house.settle()
        assert await till.balance() == 10
        assert isinstance(await till.membership(), NeverHad)
        assert till.happened(CoinsCaptured) == []

    live(history)


@pytest.mark.parametrize("hears_first", [True, False])
def test_months_whose_payment_is_taken_back_are_owed_if_they_are_had(hears_first: bool) -> None:
    async def history() -> None:
        till = Friends()
        await till.meet()
        order = await till.give()
        await till.accept(order)
        if hears_first:
            await till.house.settle()
        await till.lose()
        await till.house.settle()
        assert await till.owes() == (10 if hears_first else 0)
        assert till.orders(OrderRevoked) == ([] if hears_first else [order])
        assert isinstance(await till.membership(), Cancelled if hears_first else NeverHad)
        await till.hear("paid")
        assert till.orders(OrderRestored) == till.orders(OrderRevoked)
        assert isinstance(await till.membership(), Cancelled)
        assert len(till.happened(MonthsPaid)) == 1
        assert await till.owes() == 0

    live(history)
