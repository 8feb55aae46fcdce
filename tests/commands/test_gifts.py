"""
Gifts in commands: across two cells and two servers, in time and out of time.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from commands import gifts
from commands.accounts import ReinstateAccount, SuspendAccount
from commands.executor import Answer
from commands.mall import ListItem, list_item
from commands.orders import PlaceOrder, RefundOrder, refund, refund_own
from commands.orders import place as place_order
from domain.belonging import BelongingExpired, BelongingGained, BelongingTakenBack
from domain.event import Refused
from domain.gift import GiftAccepted, GiftReturned
from domain.ids import MemberId, OrderId, cell_of
from domain.received_gift import GiftReceived, GiftSettled
from domain.wallet import wallet_stream
from domain.wallet_events import CoinsCaptured, CoinsHeld, HoldVoided
from tests.commands.house import STAFF, House, live, to
from tests.commands.test_money import Till

BELA_QQ = 10002


class Counter(Till):
    """A till at which Anna, who has 20 coins, buys for Bela, her friend in another cell."""

    def __init__(self, house: House | None = None) -> None:
        super().__init__(house or House(seed=3))

    async def stock(self, **terms: Any) -> None:
        await self.sit()
        await self.top_up(20)
        await self.house.befriend(self.anna, self.bela)
        await self.list(7, **terms)

    async def list(self, price: int, **terms: Any) -> None:
        """What is for sale from now on."""
        item = ListItem("theme", "雪", price, **terms)
        self.item = (await self.house.run(list_item, item, STAFF)).id

    async def offer(self) -> OrderId:
        command = PlaceOrder(self.item, gift_to=BELA_QQ)
        made = await self.house.run(self.house.gifts.offer, command, self.anna)
        assert made.state == "offered"
        return OrderId(made.id)

    async def accept(self, order: OrderId, by: MemberId | None = None) -> Answer:
        return await self.house.run(gifts.accept, order, by or self.bela)

    async def decline(self, order: OrderId) -> Answer:
        return await self.house.run(gifts.decline, order, self.bela)

    async def refused(self, handler: Any, order: OrderId, by: MemberId | None = None) -> str:
        return (await self.house.refusal(handler, order, by or self.bela))[0]


def test_a_gift_is_the_recipients_once_it_is_accepted() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock(valid_days=5)
        order = await till.offer()
        assert await till.balance() == 13
        await till.house.settle()
        (heard,) = till.happened(GiftReceived)
        assert isinstance(heard, GiftReceived)
        assert (heard.member, heard.sender, heard.order) == (till.bela, till.anna, order)
        await till.let_pass(1)
        first = await till.accept(order)
        again = await till.accept(order)
        assert (again.id, again.at, again.state) == (first.id, first.at, "accepted")
        await till.house.settle()
        (gained,) = till.happened(BelongingGained)
        assert isinstance(gained, BelongingGained)
        assert gained.member == till.bela
        assert gained.expires_at == till.house.clock.now() + timedelta(days=5)
        assert cell_of(till.bela) != cell_of(till.anna)
        assert await till.refused(gifts.decline, order) == "gift-accepted"
        assert await till.balance() == 13
        await till.let_pass(6)
        (over,) = till.happened(BelongingExpired)
        assert isinstance(over, BelongingExpired)
        assert over.member == till.bela
        assert till.armed() == []

    live(history)


def test_a_gift_that_is_declined_is_nobodys_and_its_coins_are_back() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        lots = (await till.wallet()).lots
        order = await till.offer()
        assert (await till.decline(order)).state == "declined"
        assert (await till.wallet()).lots == lots, "the very lots"
        assert (await till.decline(order)).state == "declined"
        assert await till.refused(gifts.accept, order) == "gift-over"
        await till.house.settle()
        assert [type(one) for one in till.happened(GiftReceived, GiftSettled)] == [
            GiftReceived, GiftSettled,
        ]  # fmt: skip
        assert not till.happened(BelongingGained)
        assert till.armed() == []

    live(history)


def test_a_gift_that_nobody_answers_goes_back_after_seven_days() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        granted = await till.grant(5, days=2)
        order = await till.offer()
        await till.let_pass(6)
        assert await till.balance() == 18
        await till.let_pass(1)
        (returned,) = till.happened(GiftReturned)
        assert isinstance(returned, GiftReturned)
        assert returned.why == "expired"
        assert await till.balance() == 25, "and the bonus has the life it had left"
        (anew,) = [lot for lot in (await till.wallet()).lots if lot.left.coins == 5]
        assert anew.id != granted
        assert await till.refused(gifts.accept, order) == "gift-over"
        assert (await till.decline(order)).state == "expired"
        (settled,) = till.happened(GiftSettled)
        assert isinstance(settled, GiftSettled)
        assert settled.how == "expired"

    live(history)


def test_nobody_can_answer_once_time_is_over_though_the_timer_is_late() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        order = await till.offer()
        (deadline,) = till.armed()
        assert deadline.kind == "gift-expires"
        till.house.clock.set(deadline.due)
        assert await till.refused(gifts.accept, order) == "gift-over"
        assert await till.refused(gifts.decline, order) == "gift-over"
        await till.fire(deadline, timedelta(days=3))
        await till.fire(deadline, timedelta(days=4))
        assert len(till.happened(HoldVoided)) == 1
        assert await till.balance() == 20

    live(history)


async def _outcome(run: Coroutine[Any, Any, Any]) -> str:
    try:
        answer = await run
    except Refused as no:
        return no.problem
    return str(getattr(answer, "state", None))


def test_accepting_declining_and_running_out_at_once_have_one_outcome() -> None:
    """On two servers, each of which believes what it has in memory until the log says no."""

    async def history(seed: int) -> None:
        till = Counter(House(seed=seed, delay_seconds=0.001))
        await till.stock()
        order = await till.offer()
        (deadline,) = till.armed()
        other = till.house.beside(seed=seed + 100, delay_seconds=0.001)
        # The other server's clock is ahead: it believes the time is over.
        till.house.clock.set(deadline.due - timedelta(seconds=1))
        other.clock.set(deadline.due)
        fired = other.timers.fire(deadline.kind, deadline.id, deadline.subject, deadline.due)
        racing = [
            _outcome(till.house.run(gifts.accept, order, till.bela)),
            _outcome(other.run(gifts.accept, order, till.bela)),
            _outcome(till.house.run(gifts.decline, order, till.bela)),
            _outcome(fired),
        ]
        await asyncio.gather(*racing[seed % 4 :], *racing[: seed % 4])
        await till.house.settle()
        decided = till.happened(GiftAccepted, GiftReturned)
        assert len(decided) == 1
        accepted = isinstance(decided[0], GiftAccepted)
        assert len(till.happened(CoinsCaptured)) == accepted
        assert len(till.happened(HoldVoided)) == (not accepted)
        assert len(till.happened(BelongingGained)) == accepted
        till.house.streams.forget(wallet_stream(till.anna))
        assert await till.balance() == (13 if accepted else 20)

    for seed in range(8):
        live(partial(history, seed))


def test_gifts_are_for_friends_who_can_act() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()

        async def no(qq: int) -> tuple[str, str | None]:
            command = PlaceOrder(till.item, gift_to=qq)
            return await till.house.refusal(till.house.gifts.offer, command, till.anna)

        assert await no(10001) == ("not-yourself", "/gift_to")
        assert await no(10003) == ("not-friends", "/gift_to")
        assert await no(99999) == ("no-such-member", "/gift_to")
        accounts = till.house.accounts
        await till.house.run(to(accounts.suspend, till.bela), SuspendAccount("stolen"), STAFF)
        assert await no(BELA_QQ) == ("recipient-suspended", "/gift_to")
        await till.house.run(accounts.reinstate, ReinstateAccount(till.bela), STAFF)
        # Only one half of it is over yet; the other will hear of it.
        await till.house.tie(till.bela, till.anna, "unfriend")
        assert await no(BELA_QQ) == ("not-friends", "/gift_to")
        assert not till.happened(CoinsHeld)
        assert await till.balance() == 20

    live(history)


def test_what_comes_after_the_offer_changes_nothing_about_it() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        first, second = await till.offer(), await till.offer()
        await till.house.tie(till.bela, till.anna, "block")
        accounts = till.house.accounts
        await till.house.run(to(accounts.suspend, till.anna), SuspendAccount("stolen"), STAFF)
        await till.house.settle()
        assert (await till.accept(first)).state == "accepted"
        assert (await till.decline(second)).state == "declined"
        assert await till.balance() == 13, "be it that the sender cannot act"

    live(history)


def test_a_gift_is_nobody_elses() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        order, own = await till.offer(), await till.buy(3)
        for by in (till.anna, till.carl):
            assert await till.refused(gifts.accept, order, by) == "not-found"
            assert await till.refused(gifts.decline, order, by) == "not-found"
        assert await till.refused(gifts.accept, own, till.anna) == "not-found"

    live(history)


def test_a_refunded_gift_is_taken_back_from_the_recipient() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock(refund_days=9)
        order = await till.offer()
        waits = to(refund, order)
        assert (await till.house.refusal(waits, RefundOrder("no"), STAFF))[0] == "gift-waits"
        await till.accept(order)
        own = to(refund_own, order)
        assert (await till.house.refusal(own, RefundOrder("no"), till.anna))[0] == "gift-accepted"
        assert (await till.house.refusal(own, RefundOrder("no"), till.bela))[0] == "not-found"
        await till.house.run(to(refund, order), RefundOrder("no", 2), STAFF)
        await till.house.settle()
        assert not till.happened(BelongingTakenBack)
        whole = await till.house.run(to(refund, order), RefundOrder("no"), STAFF)
        await till.house.settle()
        (taken,) = till.happened(BelongingTakenBack)
        assert isinstance(taken, BelongingTakenBack)
        assert (taken.member, taken.refund) == (till.bela, whole.id)
        assert await till.balance() == 20
        again = await till.house.run(to(refund, order), RefundOrder("no"), STAFF)
        assert again.id == whole.id

    live(history)


def test_a_gift_that_was_refunded_before_anybody_heard_is_never_handed_over() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock()
        order = await till.offer()
        await till.accept(order)
        await till.house.run(to(refund, order), RefundOrder("no"), STAFF)
        await till.house.settle()
        assert not till.happened(BelongingGained)
        settled = till.happened(GiftSettled)
        assert [one.how for one in settled if isinstance(one, GiftSettled)] == ["refunded"]

    live(history)


def test_buyers_give_back_within_the_items_days_and_whole() -> None:
    async def history() -> None:
        till = Counter()
        await till.stock(refund_days=3)
        house, buy = till.house, PlaceOrder(till.item)
        first = OrderId((await house.run(place_order, buy, till.anna)).id)
        second = OrderId((await house.run(place_order, buy, till.anna)).id)
        for_good = await till.buy(1)

        async def no(order: OrderId, command: RefundOrder, by: MemberId) -> str:
            return (await till.house.refusal(to(refund_own, order), command, by))[0]

        why = RefundOrder("it looked different")
        assert await no(for_good, why, till.anna) == "not-refundable"
        assert await no(first, why, till.bela) == "not-found"
        assert await no(first, RefundOrder("a part", 2), till.anna) == "refund-in-full"
        done = await till.house.run(to(refund_own, first), why, till.anna)
        assert done.state == "refunded"
        assert await till.balance() == 12
        assert len(till.happened(BelongingTakenBack)) == 1
        await till.let_pass(3)
        again = await till.house.run(to(refund_own, first), why, till.anna)
        assert (again.id, again.at) == (done.id, done.at), "the same for ever"
        assert await no(second, why, till.anna) == "refund-too-late"
        assert await till.balance() == 12

    live(history)


@pytest.mark.parametrize("answered", ["first", "claimed"])
def test_who_is_suspended_meanwhile_hears_the_first_answer_again(answered: str) -> None:
    """
    Such a refusal comes before it is known in which cell the key's answer is. It is the first one,
    too, where a server had claimed the key and was killed before it answered.
    """

    async def history() -> None:
        till = Counter()
        await till.stock()
        order = await till.offer()
        assert cell_of(order) != cell_of(till.bela)
        if answered == "first":
            await till.accept(order)
            refusal = till.house.refusal(gifts.decline, order, till.bela, "k")
            assert (await refusal)[0] == "gift-accepted"
        else:
            context = till.house.context(till.bela, "k")
            await till.house.executor._claim(context, cell_of(order))
        suspend = to(till.house.accounts.suspend, till.bela)
        await till.house.run(suspend, SuspendAccount("stolen"), STAFF)
        expected = "gift-accepted" if answered == "first" else "suspended"
        for _ in range(2):
            again = await till.house.refusal(gifts.decline, order, till.bela, "k")
            assert again[0] == expected
        await till.house.run(till.house.accounts.reinstate, ReinstateAccount(till.bela), STAFF)
        again = await till.house.refusal(gifts.decline, order, till.bela, "k")
        assert again[0] == expected

    live(history)
