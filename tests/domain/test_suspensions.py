"""
What keeps a member from acting, in any order: an operator's suspension, and beside it the
suspensions, bans and restrictions that decisions brought.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from domain.account import (
    ACCOUNT,
    Account,
    Active,
    Banned,
    Nobody,
    Suspended,
    by_operator,
    status_of,
)
from domain.account_events import (
    AccountBanned,
    AccountEvent,
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    BanLifted,
)
from domain.decision import Measure, Penalty
from domain.ids import CaseId, mint
from domain.sanctions import settle
from domain.standing import STANDING, Standing, end_sanction, overturn, penalise
from domain.suspensions import reinstate, suspend
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, bond, identity, sealed

CASE = CaseId(mint(0, 1, 70))
WHY = sealed("why")
OPENED = AccountOpened(ANNA, identity("anna"))
MONTH = NOW + timedelta(days=30)
OPERATORS = AccountSuspended(ANNA, bond(1), sealed("stolen"), None)
DECIDED = AccountSuspended(ANNA, bond(2), WHY, MONTH, decision_id(2))
BANNED = AccountBanned(ANNA, bond(3), decision_id(3))


@pytest.mark.parametrize("first", [OPERATORS, DECIDED])
@pytest.mark.parametrize("ended", [OPERATORS, DECIDED])
def test_of_two_suspensions_each_ends_by_itself(
    first: AccountSuspended, ended: AccountSuspended
) -> None:
    second = DECIDED if first is OPERATORS else OPERATORS
    both = given(ACCOUNT, OPENED, first, second)
    over = AccountReinstated(ANNA, ended.suspension, NOW, "suspended")
    both.when(reinstate, NOW, ended.suspension).then(over)
    left = given(ACCOUNT, OPENED, first, second, over)
    assert isinstance(left.state, Suspended)
    (other,) = {OPERATORS.suspension, DECIDED.suspension} - {ended.suspension}
    left.when(reinstate, NOW, other).then(AccountReinstated(ANNA, other, NOW))


def test_an_operator_suspends_who_is_suspended_by_a_decision() -> None:
    decided = given(ACCOUNT, OPENED, DECIDED)
    decided.when(suspend, bond(1), OPERATORS.reason, None).then(OPERATORS)
    decided.when(reinstate, NOW).then_nothing()


def test_an_operator_suspends_and_reinstates_beneath_a_ban() -> None:
    banned = given(ACCOUNT, OPENED, BANNED)
    beneath = AccountSuspended(ANNA, bond(1), OPERATORS.reason, None, status="banned")
    banned.when(suspend, bond(1), OPERATORS.reason, None).then(beneath)
    over = AccountReinstated(ANNA, bond(1), NOW, "banned")
    given(ACCOUNT, OPENED, BANNED, beneath).when(reinstate, NOW).then(over)
    state = given(ACCOUNT, OPENED, BANNED, beneath, over).state
    assert isinstance(state, Banned)
    assert (state.by_operator, state.since) == (None, 4)


def test_of_two_decided_suspensions_the_longer_shows() -> None:
    shown = given(ACCOUNT, OPENED, OPERATORS, DECIDED)
    shown.when(suspend, DECIDED.suspension, WHY, MONTH, decision_id(2)).then_nothing()
    later = AccountSuspended(ANNA, bond(4), WHY, None, decision_id(4))
    shown.when(suspend, bond(4), WHY, None, decision_id(4)).then(later)
    # What gave way ends without a word: its own end is no business of the account's.
    given(ACCOUNT, OPENED, DECIDED, later).when(reinstate, MONTH, DECIDED.suspension).then_nothing()


# What was stored before the two stood beside each other


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([OPERATORS, BANNED], "banned"),
        # What went on beneath a ban was said again when that was lifted.
        ([OPERATORS, BANNED, BanLifted(ANNA, bond(3), decision_id(9)), OPERATORS], "suspended"),
        # Its time was over: it was not.
        ([OPERATORS, BANNED, BanLifted(ANNA, bond(3), decision_id(9))], "active"),
        ([DECIDED, BANNED, BanLifted(ANNA, bond(3), decision_id(9)), DECIDED], "suspended"),
        # A decision's waited until an operator's was over.
        ([OPERATORS, AccountReinstated(ANNA, bond(1), NOW), DECIDED], "suspended"),
        ([DECIDED, AccountReinstated(ANNA, bond(2), NOW)], "active"),
    ],
)
def test_older_histories_mean_what_they_meant(history: list[AccountEvent], state: str) -> None:
    account = given(ACCOUNT, OPENED, *history).state
    assert not isinstance(account, Nobody)
    assert status_of(account) == state
    if history[-1] is OPERATORS:
        assert by_operator(account) == OPERATORS


# Whatever happens, in whatever order


class Naive:
    """Who keeps a member from what: a set of reasons, each of which comes and goes by itself."""

    def __init__(self) -> None:
        self.reasons: dict[Any, tuple[str, datetime | None]] = {}

    def status(self) -> str:
        """What the account is."""
        kinds = {kind for kind, _ in self.reasons.values()}
        return "banned" if "ban" in kinds else "suspended" if "suspension" in kinds else "active"

    def restricted(self) -> bool:
        """Whether the member may not publish, were they to act."""
        return any(kind == "restriction" for kind, _ in self.reasons.values())

    def pass_until(self, now: datetime) -> None:
        """Whatever ends by itself does."""
        self.reasons = {
            one: (kind, until)
            for one, (kind, until) in self.reasons.items()
            if until is None or until > now
        }


class Real:
    """The same by events; ``row`` is what a read model shows, one event at a time."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.account: Account = given(ACCOUNT, OPENED).state
        self.row = "active"
        self.operators: dict[UUID, datetime] = {}

    def say(self, events: tuple[AccountEvent, ...]) -> None:
        """The account's own events."""
        self.account = ACCOUNT.fold(events, self.account)
        for event in events:
            match event:
                case AccountSuspended() | AccountReinstated() | BanLifted():
                    self.row = event.status
                case AccountBanned():
                    self.row = "banned"
                case _:
                    pass

    def settle(self, events: Any, at: datetime) -> None:
        """A standing's events, and what the account makes of them."""
        before = self.standing
        self.standing = STANDING.fold(events, before)
        self.say(settle(self.account, before, events, at))

    def pass_until(self, now: datetime) -> None:
        """Timers fire in due order, each for the moment it was due."""
        sanctions = [(one.until, one.id) for one in self.standing.sanctions if one.until]
        for due, which in sorted(
            [*sanctions, *((due, one) for one, due in self.operators.items())]
        ):
            if due > now:
                continue
            if which in self.operators:
                del self.operators[which]
                self.say(reinstate(self.account, due, which))
            else:
                self.settle(end_sanction(self.standing, ANNA, which, due), due)


DAYS = st.integers(1, 9)
STEPS = st.one_of(
    st.tuples(st.just("suspend"), st.none() | DAYS),
    st.tuples(st.just("reinstate"), st.none()),
    st.tuples(st.just("wait"), DAYS),
    st.tuples(st.sampled_from(["restriction", "suspension", "ban"]), DAYS),
    st.tuples(st.just("overturn"), st.integers(0, 9)),
)


@generated(st.lists(STEPS, max_size=25))
def test_a_member_acts_when_nothing_keeps_them_from_it(steps: list[tuple[str, Any]]) -> None:
    naive, real, now = Naive(), Real(), NOW
    for number, (what, much) in enumerate(steps):
        match what:
            case "suspend":
                until = None if much is None else now + timedelta(days=much)
                naive.reasons.setdefault("operator", ("suspension", until))
                events = suspend(real.account, bond(100 + number), WHY, until)
                if events and until is not None:
                    real.operators[bond(100 + number)] = until
                real.say(events)
            case "reinstate":
                naive.reasons.pop("operator", None)
                real.say(reinstate(real.account, now))
            case "wait":
                now += timedelta(days=much)
                naive.pass_until(now)
                real.pass_until(now)
            case "overturn":
                naive.reasons.pop(much, None)
                undone = overturn(real.standing, ANNA, decision_id(much), decision_id(99), now)
                real.settle(undone, now)
            case kind:
                until = None if kind == "ban" else now + timedelta(days=much)
                naive.reasons[number] = (kind, until)
                penalty = Penalty(measure=Measure(kind, None if kind == "ban" else much))  # type: ignore[arg-type]
                imposed = penalise(
                    real.standing, ANNA, CASE, decision_id(number), penalty, WHY, now
                )
                real.settle(imposed, now)
        assert isinstance(real.account, Active | Suspended | Banned)
        assert status_of(real.account) == real.row == naive.status()
        assert (real.account.restriction is not None) == naive.restricted()
