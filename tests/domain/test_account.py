"""
Accounts: one number, one identity, one standing.
"""

from datetime import UTC, datetime

from domain.account import (
    ACCOUNT,
    DIRECTORY_CELL,
    NUMBER,
    Active,
    Names,
    Suspended,
    account_stream,
    acting,
    change_nickname,
    claim,
    number_stream,
    open_account,
)
from domain.account_events import (
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    NicknameChanged,
    NumberClaimed,
)
from domain.ids import cell_of
from domain.suspensions import reinstate, suspend
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, bond, identity, sealed

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OPENED = AccountOpened(ANNA, identity("anna"))
SUSPENDED = AccountSuspended(ANNA, bond(1), sealed("spam"), NOON)
REINSTATED = AccountReinstated(ANNA, bond(1), NOON)


def test_a_number_that_nobody_has_is_claimed() -> None:
    given(NUMBER).when(claim, ANNA, identity("anna")).then(NumberClaimed(ANNA, identity("anna")))


NAMES = Names(identity("anna").qq, identity("anna").nickname)


def test_a_number_never_changes_hands() -> None:
    claimed = given(NUMBER, NumberClaimed(ANNA, identity("anna")))
    claimed.when(claim, BELA, identity("bela")).then_refused("qq-taken", "/qq")
    claimed.when(claim, ANNA, identity("anna")).then_refused("qq-taken", "/qq")


def test_a_claimed_number_opens_an_account_once() -> None:
    given(ACCOUNT).when(open_account, ANNA, identity("anna")).then(OPENED)
    given(ACCOUNT, OPENED).when(open_account, ANNA, identity("anna")).then_nothing()
    given(ACCOUNT, OPENED, SUSPENDED).when(open_account, ANNA, identity("anna")).then_nothing()


def test_a_member_changes_their_nickname() -> None:
    renamed = NicknameChanged(ANNA, sealed("little anna"))
    given(ACCOUNT, OPENED).when(change_nickname, sealed("little anna")).then(renamed)


def test_a_suspended_member_may_not_act_until_reinstated() -> None:
    opened = given(ACCOUNT, OPENED)
    opened.when(suspend, bond(1), sealed("spam"), NOON).then(SUSPENDED)
    suspended = given(ACCOUNT, OPENED, SUSPENDED)
    suspended.when(change_nickname, sealed("x")).then_refused("suspended")
    suspended.when(reinstate, NOON).then(REINSTATED)
    assert acting(given(ACCOUNT, OPENED, SUSPENDED, REINSTATED).state) == Active(
        ANNA, since=3, names=NAMES
    )


def test_of_two_suspensions_the_earlier_stands() -> None:
    suspended = given(ACCOUNT, OPENED, SUSPENDED)
    suspended.when(suspend, bond(2), sealed("again"), None).then_nothing()
    assert suspended.state == Suspended(ANNA, since=2, names=NAMES, by_operator=SUSPENDED)


def test_a_timer_ends_the_suspension_it_was_set_for_and_no_later_one() -> None:
    given(ACCOUNT, OPENED, SUSPENDED).when(reinstate, NOON, bond(1)).then(REINSTATED)
    later = AccountSuspended(ANNA, bond(2), sealed("again"), None)
    again = given(ACCOUNT, OPENED, SUSPENDED, REINSTATED, later)
    again.when(reinstate, NOON, bond(1)).then_nothing()


def test_who_may_act_needs_no_reinstatement() -> None:
    given(ACCOUNT, OPENED).when(reinstate, NOON).then_nothing()


def test_nobody_is_not_found() -> None:
    nobody = given(ACCOUNT)
    nobody.when(change_nickname, sealed("x")).then_refused("not-found")
    nobody.when(suspend, bond(1), sealed("spam"), None).then_refused("not-found")
    nobody.when(reinstate, NOON).then_refused("not-found")


def test_a_nickname_changes_nothing_about_the_standing() -> None:
    renamed = NicknameChanged(ANNA, sealed("x"))
    assert given(ACCOUNT, OPENED, renamed).state == Active(
        ANNA, since=1, names=Names(NAMES.qq, sealed("x"), said=2)
    )


def test_numbers_live_in_the_directory_and_accounts_with_their_members() -> None:
    assert cell_of(number_stream(b"blinded")) == DIRECTORY_CELL
    assert number_stream(b"blinded") == number_stream(b"blinded") != number_stream(b"another")
    assert account_stream(ANNA) == ANNA
