"""
Memberships in commands: one append for coins and days, timers that are late or run twice, and what
purchases and looks rest on.
"""

from collections import Counter as Count
from datetime import timedelta
from typing import Any

from commands import decorations
from commands.accounts import SuspendAccount
from commands.decorations import ChangeDecoration, OrderedLook
from commands.executor import Answer
from commands.mall import ListItem, list_item
from commands.memberships import (
    RefundDays,
    Subscribe,
    cancel,
    pause,
    refund_days,
    resume,
    subscribe,
)
from commands.orders import PlaceOrder, RefundOrder, place, refund
from commands.work import Work
from domain.account_events import AccountBanned
from domain.belonging import BelongingGained
from domain.ids import MemberId, mint
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_events import (
    MembershipExpired,
    MembershipResumed,
    MonthsPaid,
    RenewalFailed,
)
from domain.membership_states import Membership
from domain.wallet_events import CoinsRefunded, CoinsSpent
from projections.postings import DAYS_PAUSED, entry
from tests.commands.bench import NORA, deciding
from tests.commands.house import STAFF, live, to
from tests.commands.test_money import Till


class Counter(Till):
    """A till at which Anna has memberships, too."""

    async def have(self, months: Any = 1, **more: bool) -> Answer:
        async def handle(command: Subscribe, work: Work) -> Any:
            return await subscribe("yellow", command, work)

        return await self.house.run(handle, Subscribe(months, **more), self.anna)

    async def do(self, handler: Any) -> Answer:
        async def handle(_: None, work: Work) -> Any:
            return await handler("yellow", work)

        return await self.house.run(handle, None, self.anna)

    async def refund_days(self) -> Answer:
        async def handle(command: RefundDays, work: Work) -> Any:
            return await refund_days(self.anna, "yellow", command, work)

        return await self.house.run(handle, RefundDays("moved"), STAFF)

    async def membership(self) -> Membership:
        stream = membership_stream(self.anna, "yellow")
        state: Membership = (await self.house.streams.load(MEMBERSHIP, stream)).state
        return state

    def told(self) -> list[tuple[str, Any, Any]]:
        """All that happened to memberships, and when it took effect."""
        return [
            (type(one).__name__, one.after, one.effective_at)  # type: ignore[attr-defined]
            for one in self.happened(MonthsPaid, RenewalFailed, MembershipExpired)
        ]


async def opened(coins: int) -> Counter:
    """A counter, and Anna with coins at it."""
    counter = Counter()
    await counter.sit()
    await counter.top_up(coins)
    return counter


def test_coins_and_days_are_one_append() -> None:
    async def history() -> None:
        counter = await opened(30)
        answer = await counter.have()
        assert counter.appended(answer) == [MonthsPaid, CoinsSpent]
        assert answer.state == "active"
        again = await counter.have()
        assert (again.written, again.at) == ((), answer.at), "because of what made it so"

    live(history)


def test_one_jump_of_the_clock_comes_to_the_same_as_many_steps() -> None:
    async def lived(steps: int) -> list[tuple[str, Any, Any]]:
        counter = await opened(30)
        await counter.have()
        for _ in range(120 // steps):
            await counter.let_pass(steps)
        assert counter.armed() == [], "it is over"
        return counter.told()

    async def history() -> None:
        once = await lived(120)
        assert [name for name, _, _ in once] == [
            *["MonthsPaid"] * 3,
            *["RenewalFailed"] * 4,
            "MembershipExpired",
        ]
        for steps in (1, 7, 40):
            assert (await lived(steps))[: len(once)] == once

    live(history)


def test_a_timer_that_is_late_or_runs_twice_pays_a_period_once() -> None:
    async def history() -> None:
        counter = await opened(30)
        await counter.have()
        (due,) = counter.armed()
        await counter.fire(due, late=timedelta(days=3))
        await counter.fire(due, late=timedelta(days=4))
        paid = counter.happened(MonthsPaid)
        assert len(paid) == 2
        assert paid[1].effective_at == due.due  # type: ignore[attr-defined]
        assert await counter.balance() == 10

    live(history)


def test_who_comes_before_the_timer_finds_what_was_due_done() -> None:
    async def history() -> None:
        counter = await opened(30)
        await counter.have()
        (due,) = counter.armed()
        counter.house.clock.set(due.due + timedelta(days=1))
        answer = await counter.do(cancel)
        assert answer.state == "cancelled"
        assert len(counter.happened(MonthsPaid)) == 2
        await counter.fire(due)
        assert len(counter.happened(MonthsPaid)) == 2
        assert await counter.balance() == 10

    live(history)


def test_a_rest_is_over_when_its_timer_says_so() -> None:
    async def history() -> None:
        counter = await opened(10)
        await counter.have()
        assert (await counter.do(pause)).state == "paused"
        await counter.let_pass(90)
        assert len(counter.happened(MembershipResumed)) == 1

    live(history)


def test_unused_days_return_to_the_very_lots_that_paid_them() -> None:
    async def history() -> None:
        counter = await opened(10)
        await counter.grant(5, days=60)
        await counter.have()
        await counter.let_pass(15)
        answer = await counter.refund_days()
        assert answer.state == "expired"
        (refunded,) = counter.happened(CoinsRefunded)
        assert isinstance(refunded, CoinsRefunded)
        assert {one.part.kind for one in refunded.returned} == {"paid"}, "bonus was spent first"
        assert await counter.balance() == 5 + 5
        assert counter.armed() != [], "the bonus still expires"
        await counter.let_pass(60)
        assert counter.armed() == []

    live(history)


def test_nobody_but_who_had_one_is_refunded() -> None:
    async def history() -> None:
        counter = await opened(10)
        stranger = MemberId(mint(0, 2, 99))

        async def handle(command: RefundDays, work: Work) -> Any:
            return await refund_days(stranger, "yellow", command, work)

        refusal = counter.house.refusal
        assert await refusal(handle, RefundDays("no"), STAFF) == ("not-found", None)

    live(history)


def test_an_item_for_members_takes_a_membership_at_the_purchase() -> None:
    async def history() -> None:
        counter = await opened(110)
        house = counter.house
        item = ListItem("theme", "雪", 3, members_only=True)
        listed = (await house.run(list_item, item, STAFF)).id
        level = ListItem("theme", "雪", 3, level_min=2)
        higher = (await house.run(list_item, level, STAFF)).id
        refused = ("members-only", "/item")
        assert await house.refusal(place, PlaceOrder(listed), counter.anna) == refused
        await counter.have(12)
        await house.run(place, PlaceOrder(listed), counter.anna)
        assert len(counter.happened(BelongingGained)) == 1
        low = ("level-too-low", "/item")
        assert await house.refusal(place, PlaceOrder(higher), counter.anna) == low
        await counter.let_pass(40)
        await house.run(place, PlaceOrder(higher), counter.anna)
        await counter.refund_days()
        assert await house.refusal(place, PlaceOrder(listed), counter.anna) == refused

    live(history)


def test_a_membership_that_ended_elsewhere_does_not_let_a_purchase_through() -> None:
    async def history() -> None:
        counter = await opened(100)
        house, other = counter.house, counter.house.beside()
        item = ListItem("theme", "雪", 3, members_only=True)
        listed = (await house.run(list_item, item, STAFF)).id
        await counter.have()
        await other.run(place, PlaceOrder(listed), counter.anna)
        await counter.refund_days()
        # The other server still remembers a membership; the log does not bear it out.
        refused = await other.refusal(place, PlaceOrder(listed), counter.anna)
        assert refused == ("members-only", "/item")
        assert len(counter.happened(BelongingGained)) == 1

    live(history)


def test_what_was_refunded_elsewhere_is_not_put_on() -> None:
    async def history() -> None:
        counter = await opened(100)
        order = await counter.buy(6)
        other = counter.house.beside()
        wearing = ChangeDecoration(theme=OrderedLook(order))
        await other.run(decorations.change, wearing, counter.anna)
        await other.run(decorations.change, ChangeDecoration(theme=None), counter.anna)
        await counter.house.run(to(refund, order), RefundOrder("no"), STAFF)
        refused = await other.refusal(decorations.change, wearing, counter.anna)
        assert refused == ("not-entitled", "/theme")

    live(history)


async def ban(counter: Counter) -> None:
    """Anna is banned, by two who agree."""
    await counter.report(counter.bela)
    await counter.claim()
    await counter.decide(deciding(penalty="ban"))
    await counter.confirm(NORA)
    assert counter.happened(AccountBanned)


def test_days_that_rest_come_back_to_who_is_banned() -> None:
    async def history() -> None:
        counter = await opened(10)
        await counter.have()
        await counter.let_pass(15)
        await counter.do(pause)
        await ban(counter)
        await counter.let_pass(89)
        assert not counter.happened(MembershipExpired)
        await counter.let_pass(1)
        (over,) = counter.happened(MembershipExpired)
        assert isinstance(over, MembershipExpired)
        assert over.why == "closed"
        assert await counter.balance() == 5
        left = Count[str]()
        for recorded in counter.house.events():
            made = entry(recorded.event)
            for one in () if made is None else made.postings:
                left[one.account] += one.credit - one.debit
        assert left[DAYS_PAUSED] == 0

    live(history)


def test_an_operator_renews_nothing_for_who_is_banned() -> None:
    async def history() -> None:
        counter = await opened(100)
        await counter.have()
        await ban(counter)
        (due,) = counter.armed()
        counter.house.clock.set(due.due + timedelta(days=1))

        async def handle(command: RefundDays, work: Work) -> Any:
            return await refund_days(counter.anna, "yellow", command, work)

        refused = ("nothing-unused", None)
        assert await counter.house.refusal(handle, RefundDays("moved"), STAFF) == refused
        assert len(counter.happened(MonthsPaid)) == 1

    live(history)


def test_who_is_suspended_can_let_a_plan_rest_and_not_go_on() -> None:
    async def history() -> None:
        counter = await opened(10)
        await counter.have()
        suspend = to(counter.house.accounts.suspend, counter.anna)
        await counter.house.run(suspend, SuspendAccount("stolen"), STAFF)
        assert (await counter.do(pause)).state == "paused"

        async def handle(_: None, work: Work) -> Any:
            return await resume("yellow", work)

        refused = ("suspended", None)
        assert await counter.house.refusal(handle, None, counter.anna) == refused
        await counter.let_pass(90)
        assert len(counter.happened(MembershipResumed)) == 1, "by itself, as anybody's"

    live(history)


def test_who_is_suspended_can_end_the_renewal_and_buy_nothing() -> None:
    async def history() -> None:
        counter = await opened(100)
        await counter.have()
        suspend = to(counter.house.accounts.suspend, counter.anna)
        await counter.house.run(suspend, SuspendAccount("stolen"), STAFF)

        async def handle(command: Subscribe, work: Work) -> Any:
            return await subscribe("yellow", command, work)

        refused = ("suspended", None)
        assert await counter.house.refusal(handle, Subscribe(3), counter.anna) == refused
        assert (await counter.do(cancel)).state == "cancelled"
        await counter.let_pass(60)
        assert len(counter.happened(MonthsPaid)) == 1
        assert await counter.balance() == 90

    live(history)


def test_who_is_banned_ends_nothing() -> None:
    async def history() -> None:
        counter = await opened(100)
        await counter.have()
        await ban(counter)

        async def handle(_: None, work: Work) -> Any:
            return await cancel("yellow", work)

        assert await counter.house.refusal(handle, None, counter.anna) == ("banned", None)

    live(history)


def test_nothing_is_renewed_for_who_is_banned() -> None:
    async def history() -> None:
        counter = await opened(100)
        await counter.have()
        await ban(counter)
        await counter.let_pass(60)
        (over,) = counter.happened(MembershipExpired)
        assert isinstance(over, MembershipExpired)
        assert over.why == "closed"
        assert len(counter.happened(MonthsPaid)) == 1

    live(history)
