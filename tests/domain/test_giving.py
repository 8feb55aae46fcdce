"""
Who may be given anything: a friend who can act, and nobody else.
"""

import pytest

from domain.account import Account, Active, Banned, Names, NoAccount, Suspended
from domain.circle import Tie
from domain.event import Refused
from domain.giving import may_give
from domain.ids import MemberId
from tests.domain.people import ANNA, BELA, bond, sealed

NAMES = Names(sealed("10002"), sealed("Bela"))
ACTIVE = Active(BELA, 1, NAMES)
FRIENDS = (Tie("friends", bond(1)), Tie("friends", bond(1)))


def test_a_friend_who_can_act_may_be_given_something() -> None:
    may_give(ANNA, BELA, *FRIENDS, ACTIVE)


@pytest.mark.parametrize(
    ("recipient", "ties", "account", "problem"),
    [
        (ANNA, FRIENDS, ACTIVE, "not-yourself"),
        (BELA, FRIENDS, NoAccount(), "no-such-member"),
        (BELA, (Tie(), Tie()), ACTIVE, "not-friends"),
        (BELA, (Tie("outgoing", bond(1)), Tie("incoming", bond(1))), ACTIVE, "not-friends"),
        (BELA, (Tie("friends", bond(1)), Tie(blocked=True)), ACTIVE, "not-friends"),
        (BELA, (Tie(), Tie()), Banned(BELA, bond(2), 2, NAMES), "not-friends"),
        (BELA, FRIENDS, Suspended(BELA, 2, NAMES), "recipient-suspended"),
        (BELA, FRIENDS, Banned(BELA, bond(2), 2, NAMES), "recipient-banned"),
    ],
)
def test_nobody_else_may(
    recipient: MemberId, ties: tuple[Tie, Tie], account: Account, problem: str
) -> None:
    """Of somebody who is no friend, nothing is told by the refusal."""
    with pytest.raises(Refused) as refused:
        may_give(ANNA, recipient, *ties, account)
    assert (refused.value.problem, refused.value.field) == (problem, "/gift_to")
