"""
The simulator finds what is wrong with money: bugs that are planted, one at a time, each in a rule
that keeps coins, days or books from being what they must not be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeAlias
from unittest import mock

import msgspec
import pytest

from api.billing import closing, moments
from api.routes import billing
from commands import memberships, relations
from commands.relations import stopping_member
from domain import (
    allowance,
    belonging,
    lots,
    membership_moves,
    membership_periods,
    membership_states,
    payment,
)
from domain.account import Banned, stopping
from domain.belonging import BelongingGained
from domain.charge import Charge
from domain.event import Recorded
from domain.ids import LotId, derive
from domain.lots import Returned
from domain.membership import MEMBERSHIP
from domain.membership_events import MembershipCancelled, MembershipResumed, MonthsPaid
from domain.membership_states import NeverHad, Paused, Subscription
from domain.payment import PaymentSettled
from domain.plans import GRACE
from domain.recognition import Step, Term
from domain.wallet_events import BonusGranted, CoinsCaptured, CoinsHeld, CoinsRefunded
from projections import turnovers
from projections.arming import ARMING
from projections.engine.policies import PolicyRunner
from projections.ledger import Ledger
from projections.reading import decorations
from projections.rows import Change
from projections.wallets import Wallets
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.test_planted import (
    PLAN,
    checkpoints_not_guarded,
    keys_not_known,
    timers_by_the_clock,
    versions_not_checked,
)

Planted: TypeAlias = Any
Rows: TypeAlias = Callable[[Recorded, Iterator[Change]], Iterator[Change]]

MONEYED = msgspec.structs.replace(
    PLAN,
    money=0.9,
    rounds=3,
    moves=90,
    apps=0,
    temper=msgspec.structs.replace(PLAN.temper, rail_lost=0.1),
)

#: What shows only where something is late is looked for where days are leapt over often.
LATE = msgspec.structs.replace(MONEYED, rounds=6, moves=24)
#: What takes a year of somebody is looked for where few live for long.
LONG = msgspec.structs.replace(LATE, members=3, rounds=9)
#: What becomes of members who are barred is looked for where staff decide, too.
BARRED = msgspec.structs.replace(MONEYED, moderation=0.4)


def _rows(model: Any, twisted: Rows) -> Planted:
    """A read model that writes something else of an event."""
    rows = model.rows
    return mock.patch.object(
        model, "rows", lambda self, recorded: twisted(recorded, rows(self, recorded))
    )


def _forgotten(event: Any) -> Planted:
    """An event after which nothing is done that is due."""
    return mock.patch.dict(ARMING, {event: lambda _: iter(())})


# Payments


def what_is_pending_is_paid() -> Planted:
    """A look at a rail that hears what it wants to hear."""
    look_again = payment.look_again

    def trusting(of: Any, _state: Any, _fen: int, at: Any) -> Any:
        return look_again(of, "paid", of.claim.fen, at) if hasattr(of, "claim") else ()

    return mock.patch.object(payment, "look_again", trusting)


def who_notifies_is_believed() -> Planted:
    """A notification after which nobody asks the rail."""
    look_again = payment.look_again
    return mock.patch.object(
        payment, "hasten", lambda of, _state, _fen, at: look_again(of, "paid", of.claim.fen, at)
    )


def what_is_paid_is_not_credited() -> Planted:
    """A policy that moves on from a payment that was settled."""
    answer = PolicyRunner._answer

    async def careless(runner: Any, policy: Any, recorded: Recorded, place: Any) -> bool:
        if isinstance(recorded.event, PaymentSettled):
            return True
        return await answer(runner, policy, recorded, place)

    @contextmanager
    def planted() -> Iterator[None]:
        with (
            mock.patch.object(PolicyRunner, "_answer", careless),
            mock.patch.object(PolicyRunner, "react_now", mock.AsyncMock()),
        ):
            yield

    return planted()


def minors_pay_like_others() -> Planted:
    """A limit that is for nobody."""
    return mock.patch.object(allowance, "minor", return_value=False)


# Coins


def paid_coins_go_first() -> Planted:
    """Bonus coins that wait until they expire."""
    turn = lots._turn
    return mock.patch.object(lots, "_turn", lambda lot: (-turn(lot)[0], turn(lot)[1]))


def bonus_coins_stay() -> Planted:
    """Bonus coins that no timer takes."""
    return _forgotten(BonusGranted)


def holds_are_never_let_go() -> Planted:
    """Coins that are held for ever."""
    return _forgotten(CoinsHeld)


def a_captured_hold_is_shown() -> Planted:
    """A wallet that goes on saying what is held no longer."""

    def deaf(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        return iter(()) if isinstance(recorded.event, CoinsCaptured) else changes

    return _rows(Wallets, deaf)


def expired_coins_come_back_for_good() -> Planted:
    """Coins that come back with more time than they had left."""
    give_back = lots.give_back

    def generous(*arguments: Any) -> Any:
        return tuple(
            one
            if one.expires_at is None
            else Returned(one.part, one.into, one.expires_at + timedelta(days=1))
            for one in give_back(*arguments)
        )

    return mock.patch("domain.wallet_moves.give_back", generous)


def coins_come_back_as_others() -> Planted:
    """A refund into a lot of its own."""
    give_back = lots.give_back

    def elsewhere(*arguments: Any) -> Any:
        at, cause = arguments[3], arguments[4]
        return tuple(
            Returned(one.part, LotId(derive(0, "x", one.into, cause)), at + timedelta(days=9))
            for one in give_back(*arguments)
        )

    return mock.patch("domain.wallet_moves.give_back", elsewhere)


# Orders


def what_is_refunded_is_kept() -> Planted:
    """A full refund that leaves its buyer the item."""
    return mock.patch.object(belonging, "take_back", return_value=())


def refunds_are_not_counted() -> Planted:
    """An order that can be refunded again and again."""

    def forgetful(self: Charge, refund: Any, _parts: Any) -> Charge:
        return msgspec.structs.replace(self, refunds=(*self.refunds, refund))

    return mock.patch.object(Charge, "without", forgetful)


def things_never_expire() -> Planted:
    """Something that was bought for a day, and stays."""
    return _forgotten(BelongingGained)


def lapsed_looks_show() -> Planted:
    """A space that wears what its owner has no longer."""
    return mock.patch.object(decorations, "shown", lambda look, _: look)


# Memberships


def renewals_are_forgotten() -> Planted:
    """A membership that nobody renews, and nobody ends."""
    return _forgotten(MonthsPaid)


def the_day_that_has_begun_is_refunded() -> Planted:
    """A cut that gives back a day that is under way."""
    day = timedelta(days=1)

    def rounded_down(since: Any, until: Any, at: Any) -> int:
        return int(min((until - since) // day, max(0, (at - since) // day)))

    return mock.patch.object(membership_periods, "days_used", rounded_down)


def a_rest_keeps_its_benefits() -> Planted:
    """A membership that rests and gives everything all the same."""
    benefits_until = membership_states.benefits_until

    def generous(membership: Any) -> Any:
        rests = isinstance(membership, Paused)
        return membership.resumes_at if rests else benefits_until(membership)

    return mock.patch.object(membership_states, "benefits_until", generous)


def a_rest_rounds_coins() -> Planted:
    """Days that keep only the whole coins that a refund of them would give."""
    parked = membership_moves._parked

    def rounded(one: Any, used: int) -> Any:
        left = one.days - used
        coins = membership_periods._last(one.parts, left, one.before + one.days)
        return msgspec.structs.replace(parked(one, used), parts=coins, before=0)

    return mock.patch.object(membership_moves, "_parked", rounded)


def each_rest_is_the_first() -> Planted:
    """A membership that may rest for 90 days each time."""
    evolve = MEMBERSHIP.evolve

    def forgetful(membership: Any, event: Any, version: int) -> Any:
        after = evolve(membership, event, version)
        if isinstance(after, NeverHad) or not isinstance(event, MembershipResumed):
            return after
        of = msgspec.structs.replace(after.of, rested=timedelta())
        return msgspec.structs.replace(after, of=of)

    return mock.patch.object(MEMBERSHIP, "evolve", forgetful)


def a_grace_follows_another() -> Planted:
    """A grace for nothing, whenever there was one just before."""
    return mock.patch.object(Subscription, "grace", return_value=GRACE)


def further_days_renew() -> Planted:
    """A renewal that was ended, and begins again with the next days that are paid."""
    extend = membership_moves.extend

    def eager(course: Any, *arguments: Any) -> None:
        extend(course, *arguments)
        if course.events and isinstance(course.events[-1], MembershipCancelled):
            course.events.pop()

    return mock.patch.object(membership_moves, "extend", eager)


def any_term_takes_the_place_of_another() -> Planted:
    """A year that is given back for a month."""

    def paid(_months: Any, periods: Any, at: Any) -> bool:
        return any(one.until > at and not one.free for one in periods)

    return mock.patch.object(membership_moves, "_longer", paid)


def who_is_suspended_goes_on() -> Planted:
    """A rest that who is suspended ends, too."""

    async def resume(plan: Any, work: Any) -> Any:
        member = await stopping_member(work)
        return await memberships._move(member, plan, work, membership_moves.resume)

    return mock.patch.object(memberships, "resume", resume)


def who_is_banned_ends_renewal() -> Planted:
    """A banned member, and a membership that listens."""

    def any_member(account: Any) -> Any:
        return account if isinstance(account, Banned) else stopping(account)

    return mock.patch.object(relations, "stopping", any_member)


# The books


def refunds_are_not_booked() -> Planted:
    """Coins that come back, and books that do not hear of it."""

    def deaf(recorded: Recorded, changes: Iterator[Change]) -> Iterator[Change]:
        return iter(()) if isinstance(recorded.event, CoinsRefunded) else changes

    return _rows(Ledger, deaf)


def days_are_earned_at_once() -> Planted:
    """Revenue that does not wait for the days that it was paid for."""

    def hasty(amount: int, term: Term) -> tuple[Step, ...]:
        after = term.first + timedelta(days=1)
        return (Step(term.first, amount), Step(after, -amount))

    return mock.patch.object(turnovers, "steps", hasty)


def the_past_is_as_now() -> Planted:
    """Books of an earlier moment with what came later in them."""
    sums_at = moments.sums_at

    async def late(app: Any, _at: Any) -> Any:
        return await sums_at(app, await app.log.heads())

    return mock.patch.object(billing, "sums_at", late)


def a_closed_month_takes_more() -> Planted:
    """A late posting that is counted in its own month, though that is closed."""
    return mock.patch.object(closing, "period_of", lambda month, *_: month)


@contextmanager
def stretches_are_forgotten() -> Iterator[None]:
    """Sums of the last stretch alone."""
    add = turnovers.turned

    def last(recorded: Recorded, *posted: Any) -> Any:
        return () if recorded.position % 3 == 0 else add(recorded, *posted)

    with mock.patch("projections.ledger.turned", last):
        yield


PLANS = {
    a_closed_month_takes_more: LATE,
    a_grace_follows_another: LONG,
    who_is_suspended_goes_on: BARRED,
    who_is_banned_ends_renewal: BARRED,
}


@pytest.mark.parametrize(
    "plant",
    [
        what_is_pending_is_paid,
        who_notifies_is_believed,
        what_is_paid_is_not_credited,
        minors_pay_like_others,
        paid_coins_go_first,
        bonus_coins_stay,
        holds_are_never_let_go,
        a_captured_hold_is_shown,
        expired_coins_come_back_for_good,
        coins_come_back_as_others,
        what_is_refunded_is_kept,
        refunds_are_not_counted,
        things_never_expire,
        lapsed_looks_show,
        renewals_are_forgotten,
        the_day_that_has_begun_is_refunded,
        a_rest_keeps_its_benefits,
        a_rest_rounds_coins,
        each_rest_is_the_first,
        a_grace_follows_another,
        further_days_renew,
        any_term_takes_the_place_of_another,
        who_is_suspended_goes_on,
        who_is_banned_ends_renewal,
        refunds_are_not_booked,
        days_are_earned_at_once,
        the_past_is_as_now,
        a_closed_month_takes_more,
        stretches_are_forgotten,
        keys_not_known,
        versions_not_checked,
        timers_by_the_clock,
        checkpoints_not_guarded,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_planted_is_found(plant: Any) -> None:
    found = first_failure(plant, PLANS.get(plant, MONEYED))
    assert found is not None, f"not found in {SEEDS_MAX} seeds"
