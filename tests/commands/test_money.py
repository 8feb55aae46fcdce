"""
Coins in commands: payments across cells, and what runs out of time by itself.
"""

from datetime import timedelta

import msgspec
import pytest

from commands.executor import Answer
from commands.mall import ListItem, list_item
from commands.orders import PlaceOrder, RefundOrder, place, refund
from commands.payments import TopUp
from commands.rails import RailUnavailable, Seen
from commands.wallets import GrantBonus, grant_bonus
from commands.work import Outcome, Work
from domain import wallet_moves as decisions
from domain.belonging import BelongingExpired, BelongingTakenBack
from domain.event import Event
from domain.ids import LotId, MemberId, OrderId, cell_of, mint
from domain.lots import allocate
from domain.payment import LOOKS, PaymentClaimed, PaymentFailed, PaymentPending, PaymentSettled
from domain.wallet import WALLET, Wallet, wallet_stream
from domain.wallet_events import (
    BonusExpired,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletToppedUp,
)
from tests.commands.bench import Bench
from tests.commands.house import STAFF, House, live, to


class Slow:
    """A rail that says what it is told to."""

    def __init__(self) -> None:
        self.says: Seen | None = Seen("pending", 1_000)

    async def look_up(self, _reference: str, _asked_fen: int, /) -> Seen:
        if self.says is None:
            raise RailUnavailable("away")
        return self.says


class Till(Bench):
    """A bench at which Anna has coins and can spend them."""

    def __init__(self, house: House | None = None) -> None:
        super().__init__(house)
        self.rail = Slow()
        self.house.rails["slow"] = self.rail

    async def top_up(self, coins: int = 10, rail: str = "demo", ref: str = "r-1") -> Answer:
        command = TopUp(coins, rail, ref)
        answer = await self.house.run(self.house.payments.top_up, command, self.anna)
        await self.house.settle()
        return answer

    async def grant(self, coins: int, days: int) -> LotId:
        command = GrantBonus(coins, days, "hello")
        return LotId((await self.house.run(to(grant_bonus, self.anna), command, STAFF)).id)

    async def buy(self, price: int, days: int | None = None) -> OrderId:
        listed = await self.house.run(
            list_item, ListItem("theme", "雪", price, valid_days=days), STAFF
        )
        order = await self.house.run(place, PlaceOrder(listed.id), self.anna)
        return OrderId(order.id)

    async def hold(self, coins: int, hours: int) -> OrderId:
        """What an order that is not fulfilled at once will do."""
        member, order = self.anna, OrderId(mint(0, cell_of(self.anna), 77))
        stream, until = wallet_stream(member), self.house.clock.now() + timedelta(hours=hours)

        async def holding(_: None, work: Work) -> Outcome:
            wallet = await work.load(WALLET, stream)
            at = work.context.effective_at
            events = decisions.hold(wallet, member, order, coins, until, at)
            work.append(WALLET, stream, member, events)
            return Outcome(order, (stream, work.version(stream) + 1))

        await self.house.run(holding, None, member)
        return order

    async def capture(self, command: tuple[OrderId, int], work: Work) -> Outcome:
        """Spend of what is held."""
        (order, coins), stream = command, wallet_stream(self.anna)
        wallet, at = await work.load(WALLET, stream), work.context.effective_at
        work.append(
            WALLET, stream, self.anna, decisions.capture(wallet, self.anna, order, coins, at)
        )
        return Outcome(order, (stream, work.version(stream) + 1))

    async def void(self, order: OrderId, work: Work) -> Outcome:
        """Let go of what is held."""
        stream = wallet_stream(self.anna)
        wallet, at = await work.load(WALLET, stream), work.context.effective_at
        events = decisions.void(wallet, self.anna, order, at)
        work.append(WALLET, stream, self.anna, events)
        return Outcome(order, (stream, work.version(stream) + len(events)))

    async def wallet(self) -> Wallet:
        state: Wallet = (await self.house.streams.load(WALLET, wallet_stream(self.anna))).state
        return state

    async def balance(self) -> int:
        return (await self.wallet()).balance(self.house.clock.now())

    async def let_pass(self, days: int) -> None:
        """Time passes, and whatever is due meanwhile happens at its time."""
        until = self.house.clock.now() + timedelta(days=days)
        while (due := self.armed()) and due[0].due <= until:
            await self.fire(due[0])
            await self.house.settle()
        self.house.clock.set(until)

    def happened(self, *kinds: type[Event]) -> list[Event]:
        return [one.event for one in self.house.events() if isinstance(one.event, kinds)]


def test_a_claim_in_one_cell_becomes_coins_in_another() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        answer = await till.top_up(10)
        assert (answer.cell, answer.state, answer.status) == (0, "settled", 201)
        (lot,) = (await till.wallet()).lots
        assert lot.id == answer.id
        assert await till.balance() == 10
        (bought,) = [one for one in till.house.events() if isinstance(one.event, WalletToppedUp)]
        assert bought.cell == cell_of(till.anna) != 0
        (claimed,) = till.happened(PaymentClaimed)
        assert isinstance(claimed, PaymentClaimed)
        assert b"r-1" not in msgspec.json.encode(claimed)
        assert till.house.vault.open(claimed.reference) == "r-1"
        for policy in till.house.policies:
            for one in till.house.events():
                if type(one.event) in policy.types:
                    await policy.react(one)
        assert await till.balance() == 10, "a policy that answers again does nothing"

    live(history)


def test_a_pending_payment_is_asked_after_for_a_week_and_then_given_up() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        answer = await till.top_up(10, "slow")
        assert (answer.state, answer.status) == ("pending", 202)
        await till.let_pass(30)
        assert len(till.happened(PaymentPending)) == len(LOOKS) - 1
        (failed,) = till.happened(PaymentFailed)
        assert isinstance(failed, PaymentFailed)
        assert failed.why == "expired"
        assert till.armed() == []
        assert await till.balance() == 0

    live(history)


def test_a_rail_that_is_away_is_asked_again_and_nothing_is_concluded() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up(10, "slow")
        (look,) = till.armed()
        till.rail.says = None
        with pytest.raises(RailUnavailable):
            await till.fire(look)
        assert till.armed() == [look], "the timer comes back to it"
        till.rail.says = Seen("paid", 1_000)
        await till.fire(look)
        await till.fire(look)
        await till.house.settle()
        assert len(till.happened(PaymentSettled)) == 1
        assert till.armed() == []
        assert await till.balance() == 10

    live(history)


def test_bonus_coins_expire_at_their_time_and_refunded_ones_again() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.grant(10, days=10)
        await till.let_pass(8)
        order = await till.buy(6)
        assert await till.balance() == 4
        await till.let_pass(10)
        (expired,) = till.happened(BonusExpired)
        assert isinstance(expired, BonusExpired)
        assert expired.coins == 4
        assert till.armed() == []
        await till.house.run(to(refund, order), RefundOrder("late"), STAFF)
        assert await till.balance() == 6
        await till.let_pass(1)
        assert await till.balance() == 6, "two days of life were left when they were spent"
        await till.let_pass(1)
        assert await till.balance() == 0
        assert len(till.happened(BonusExpired)) == 2
        assert till.armed() == []

    live(history)


def test_what_nobody_captures_is_free_again_when_the_hold_ends() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up(10)
        order = await till.hold(7, hours=24)
        assert await till.balance() == 3
        assert till.happened(CoinsHeld)
        await till.let_pass(1)
        (voided,) = till.happened(HoldVoided)
        assert isinstance(voided, HoldVoided)
        assert (voided.order, voided.why) == (order, "expired")
        assert await till.balance() == 10
        assert till.armed() == []

    live(history)


def test_what_is_held_is_captured_in_part_and_nothing_after_it_was_let_go() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up(10)
        order = await till.hold(7, hours=24)
        refusal = till.house.refusal
        assert await refusal(till.capture, (order, 8), till.anna) == ("held-less", None)
        await till.house.run(till.capture, (order, 3), till.anna)
        assert await till.balance() == 7, "the remainder is free again"
        kept = len(till.house.events())
        assert await refusal(till.capture, (order, 1), till.anna) == ("nothing-held", None)
        assert len(till.house.events()) == kept
        again = await till.hold(5, hours=24)
        await till.house.run(till.void, again, till.anna)
        await till.house.run(till.void, again, till.anna)
        assert len(till.happened(HoldVoided)) == 2, "the remainder, and the second hold, once"
        kept = len(till.house.events())
        assert await refusal(till.capture, (again, 5), till.anna) == ("nothing-held", None)
        assert len(till.house.events()) == kept
        await till.let_pass(2)
        assert await till.balance() == 7
        assert till.armed() == []

    live(history)


def test_coins_that_come_back_by_a_clock_that_is_behind_are_not_lost() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.grant(10, days=10)
        order = await till.buy(6)
        (ends,) = till.armed()
        await till.fire(ends)
        assert till.happened(BonusExpired)
        till.house.clock.set(ends.due - timedelta(minutes=1))
        await till.house.run(to(refund, order), RefundOrder("late"), STAFF)
        assert await till.balance() == 6
        await till.let_pass(10)
        assert await till.balance() == 0
        expired = [one for one in till.happened(BonusExpired) if isinstance(one, BonusExpired)]
        assert [one.coins for one in expired] == [4, 6]
        assert (await till.wallet()).lots == ()
        assert till.armed() == []

    live(history)


def test_what_was_bought_for_a_time_ends_and_may_be_refunded_after() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up(20)
        order, kept = await till.buy(3, days=5), await till.buy(4, days=5)
        await till.house.run(to(refund, kept), RefundOrder("no"), STAFF)
        assert len(till.happened(BelongingTakenBack)) == 1
        assert len(till.armed()) == 1
        await till.let_pass(5)
        (over,) = till.happened(BelongingExpired)
        assert isinstance(over, BelongingExpired)
        assert over.order == order
        await till.house.run(to(refund, order), RefundOrder("late"), STAFF)
        assert len(till.happened(BelongingTakenBack)) == 1, "what is gone stays gone"
        assert await till.balance() == 20

    live(history)


def test_a_member_who_may_not_act_neither_buys_nor_tops_up() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        stranger = MemberId(mint(0, 2, 99))
        run = till.house.refusal
        command = TopUp(1, "demo", "r-9")
        assert await run(till.house.payments.top_up, command, stranger) == ("not-found", None)
        assert await run(place, PlaceOrder(mint(0, 0, 1)), stranger) == ("not-found", None)
        assert not till.happened(PaymentClaimed)

    live(history)


def test_a_refund_that_fails_moves_nothing() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up(10)
        order = await till.buy(6)
        before = len(till.house.events())
        refusal = till.house.refusal
        too_much = RefundOrder("no", 7)
        assert await refusal(to(refund, order), too_much, STAFF) == ("refund-too-much", "/coins")
        nobodys = OrderId(mint(0, cell_of(till.anna), 5))
        assert await refusal(to(refund, nobodys), too_much, STAFF) == ("not-found", None)
        assert len(till.house.events()) == before
        assert not till.happened(CoinsRefunded)

    live(history)


def test_a_server_that_remembers_an_older_wallet_refunds_an_order_all_the_same() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        beside = till.house.beside()
        stream = wallet_stream(till.anna)
        await beside.streams.load(WALLET, stream)
        await till.top_up()
        order = await till.buy(3)
        remembered = await beside.streams.load(WALLET, stream)
        assert not remembered.state.lots, "it has not heard of the coins"
        answer = await beside.run(to(refund, order), RefundOrder("r"), STAFF)
        assert answer.state == "refunded"
        wallet = (await beside.streams.load(WALLET, stream)).state
        assert wallet.balance(beside.clock.now()) == 10

    live(history)


def test_what_was_decided_from_another_moment_and_does_not_fold_is_decided_again() -> None:
    """Nothing is queued before it is known what the events make of the state they go onto."""

    async def history() -> None:
        till = Till()
        await till.sit()
        await till.top_up()
        order = await till.buy(8)
        beside = till.house.beside()
        stream = wallet_stream(till.anna)
        await beside.streams.load(WALLET, stream)
        await till.house.run(to(refund, order), RefundOrder("r"), STAFF)
        tries = 0

        async def spending(_: None, work: Work) -> Outcome:
            nonlocal tries
            tries += 1
            await work.load(WALLET, stream)
            fresh = (await till.house.streams.load(WALLET, stream)).state
            now = work.context.effective_at
            allocated = allocate(fresh.lots, 5, now)
            spent = CoinsSpent(till.anna, OrderId(order), allocated, 1, now)
            work.append(WALLET, stream, till.anna, [spent])
            return Outcome(till.anna, (stream, work.version(stream) + 1))

        await beside.run(spending, None, till.anna)
        assert tries == 2, "once from what it remembered, once from the log"
        wallet = (await beside.streams.load(WALLET, stream)).state
        assert wallet.balance(beside.clock.now()) == 5

    live(history)


def test_a_decision_that_stumbles_over_what_the_log_says_is_a_defect() -> None:
    async def history() -> None:
        till = Till()
        await till.sit()
        tries = 0

        async def stumbling(_: None, work: Work) -> Outcome:
            nonlocal tries
            tries += 1
            await work.load(WALLET, wallet_stream(till.anna))
            raise KeyError("a lot that was never there")

        with pytest.raises(KeyError):
            await till.house.run(stumbling, None, till.anna)
        assert tries == 3

    live(history)
