"""
Whatever a rail says of a payment, in whichever order and to whomever asks: it is credited once at
most, as soon as the rail is asked while it has the money, and counts for a minor if and only if it
may still come to something.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain import allowance as allowances
from domain import payment as decisions
from domain.allowance import ALLOWANCE
from domain.event import Refused
from domain.ids import MemberId
from domain.payment import (
    LOOKS,
    PAYMENT,
    Failed,
    PaymentClaimed,
    PaymentEvent,
    PaymentFailed,
    PaymentPending,
    PaymentSettled,
    PaymentTurned,
    RailState,
    Unclaimed,
    Waiting,
)
from tests.domain.coins import NOON, payment
from tests.domain.people import ANNA, BELA, sealed

REFERENCE = sealed("4200001889")
BORN = date(2012, 1, 1)
COINS = 50


class Rail(RuleBasedStateMachine):
    """One payment, the rail that it was made on, and two minors who say that it was theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.says: tuple[RailState, int] = ("pending", COINS * 100)
        self.state = PAYMENT.initial
        self.history: list[PaymentEvent] = []
        self.allowances = {ANNA: ALLOWANCE.initial, BELA: ALLOWANCE.initial}
        #: Whether somebody who waits has been told that it is paid.
        self.heard_paid = False

    def happen(self, events: Sequence[PaymentEvent]) -> None:
        """Live, with what the same append changes of the minor's month."""
        for event in events:
            self.history.append(event)
            self.state = PAYMENT.evolve(self.state, event, len(self.history))
            allowance, which = self.allowances[event.member], payment(1)
            match event:
                case PaymentClaimed(fen=fen):
                    moved = allowances.take(allowance, event.member, BORN, which, fen, NOON)
                case PaymentFailed():
                    moved = allowances.give_back(allowance, event.member, which)
                case PaymentSettled():
                    moved = allowances.take_again(allowance, event.member, which)
                case PaymentPending() | PaymentTurned():
                    moved = ()
            self.allowances[event.member] = ALLOWANCE.fold(moved, allowance)

    @initialize(state=st.sampled_from(["pending", "failed", "paid"]))
    def begin(self, state: RailState) -> None:
        self.says = (state, COINS * 100)
        self.claim(ANNA)

    @rule(state=st.sampled_from(["failed", "pending", "paid"]), ask=st.booleans())
    def change_its_mind(self, state: RailState, ask: bool) -> None:
        """It may tell us so, too."""
        self.says = (state, COINS * 100)
        if ask:
            self.hear()

    @rule()
    def forget_it(self) -> None:
        self.says = ("unknown", 0)

    @rule()
    def find_another_amount(self) -> None:
        self.says = ("paid", 1)

    @rule(member=st.sampled_from([ANNA, BELA]))
    def claim(self, member: MemberId) -> None:
        claimed = PaymentClaimed(member, "demo", REFERENCE, COINS, COINS * 100, NOON)
        with suppress(Refused):
            self.happen(decisions.claim(self.state, claimed, *self.says))
            if isinstance(self.state, Waiting | Failed):
                self.hear()

    @rule()
    def hear(self) -> None:
        if isinstance(self.state, Waiting | Failed):
            self.heard_paid |= self.says == ("paid", COINS * 100)
            self.happen(decisions.hasten(self.state, *self.says, NOON))

    @rule(times=st.integers(1, len(LOOKS)))
    def look_again(self, times: int) -> None:
        """A timer, perhaps one that is late or was answered already."""
        for _ in range(times):
            waiting = isinstance(self.state, Waiting)
            self.heard_paid |= waiting and self.says == ("paid", COINS * 100)
            self.happen(decisions.look_again(self.state, *self.says, NOON))

    @invariant()
    def it_is_one_members_and_settles_once(self) -> None:
        claims = [event for event in self.history if isinstance(event, PaymentClaimed)]
        settled = [event for event in self.history if isinstance(event, PaymentSettled)]
        assert len(claims) <= 1
        assert len(settled) <= 1
        assert len({event.member for event in self.history}) <= 1
        assert not settled or self.history[-1] is settled[0], "nothing follows"

    @invariant()
    def what_was_heard_to_be_paid_is_settled(self) -> None:
        settled = any(isinstance(event, PaymentSettled) for event in self.history)
        assert settled or not self.heard_paid

    @invariant()
    def it_counts_unless_it_came_to_nothing(self) -> None:
        counted = sum(one.of_month("2026-11") for one in self.allowances.values())
        counts = not isinstance(self.state, Unclaimed | Failed)
        assert counted == (COINS * 100 if counts else 0)


TestRail = Rail.TestCase
TestRail.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
