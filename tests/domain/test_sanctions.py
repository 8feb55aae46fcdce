"""
What the account shows of the sanctions in force, and how they end.
"""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from domain.account import ACCOUNT, Active, Banned
from domain.account_events import (
    AccountBanned,
    AccountEvent,
    AccountRestricted,
    AccountSuspended,
    BanLifted,
    RestrictionEnded,
)
from domain.decision import Penalty
from domain.event import Refused
from domain.sanctions import settle
from domain.standing import (
    STANDING,
    Standing,
    end_sanction,
    penalise,
)
from domain.standing_events import (
    StandingEvent,
)
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.penalties import (
    OPENED,
    PENALTIES,
    WHY,
    Member,
    imposed,
    penalty_of,
    sanction,
    undone,
)
from tests.domain.people import ANNA


def settled(
    history: Sequence[AccountEvent], before: Sequence[StandingEvent], *events: StandingEvent
) -> tuple[AccountEvent, ...]:
    """What an account goes through."""
    return settle(
        given(ACCOUNT, OPENED, *history).state, given(STANDING, *before).state, events, NOW
    )


def suspended(number: int, days: int) -> AccountSuspended:
    """By a decision."""
    until = NOW + timedelta(days=days)
    which = sanction(number, by_ladder=False)
    return AccountSuspended(ANNA, which, WHY, until, decision_id(number))


def restricted(number: int, days: int) -> AccountRestricted:
    """By a decision."""
    until = NOW + timedelta(days=days)
    return AccountRestricted(ANNA, sanction(number, by_ladder=False), until, decision_id(number))


def banned(number: int) -> AccountBanned:
    """By a decision."""
    return AccountBanned(ANNA, sanction(number, by_ladder=False), decision_id(number))


def test_a_sanction_shows_on_the_account() -> None:
    assert settled((), (), imposed(1, "restriction", 7)) == (restricted(1, 7),)
    assert settled((), (), imposed(1, "suspension", 30)) == (suspended(1, 30),)
    assert settled((), (), imposed(1, "ban", None)) == (banned(1),)


def test_the_longest_of_several_restrictions_shows() -> None:
    week, month = imposed(1, "restriction", 7), imposed(2, "restriction", 30)
    assert settled([restricted(1, 7)], [week], month) == (restricted(2, 30),)
    assert settled([restricted(2, 30)], [month], week) == ()
    ended = RestrictionEnded(ANNA, sanction(2, by_ladder=False), NOW)
    back = settled([restricted(2, 30)], [month, week], undone(2, by_ladder=False))
    assert back == (ended, restricted(1, 7))


def test_what_is_lifted_uncovers_what_is_in_force_beneath() -> None:
    month, ban = imposed(1, "suspension", 30), imposed(2, "ban", None)
    lifted = BanLifted(ANNA, sanction(2, by_ladder=False), decision_id(99))
    assert settled([suspended(1, 30)], [month], ban) == (banned(2),)
    assert settled([suspended(1, 30), banned(2)], [month, ban], undone(2, by_ladder=False)) == (
        lifted,
        suspended(1, 30),
    )
    # A ban that another took the place of shows in turn.
    other = imposed(3, "ban", None)
    assert settled([banned(2)], [ban, other], undone(2, by_ladder=False)) == (lifted, banned(3))


def test_nobody_has_no_standing() -> None:
    with pytest.raises(Refused, match="not-found"):
        settle(ACCOUNT.initial, Standing(), [imposed(1, "ban", None)], NOW)


@generated(st.lists(PENALTIES, min_size=1, max_size=6))
def test_whatever_ends_by_itself_ends(penalties: list[Penalty]) -> None:
    member = Member()
    for number, penalty in enumerate(penalties, 1):
        member.do(penalise(member.standing, *penalty_of(number, penalty)), NOW)
    ends = {one.until for one in member.standing.sanctions if one.until is not None}
    for due in sorted(ends):
        for one in member.standing.sanctions:
            member.do(end_sanction(member.standing, ANNA, one.id, due), due)
        kinds = {one.kind for one in member.standing.sanctions}
        gravest = "Banned" if "ban" in kinds else "Suspended" if "suspension" in kinds else "Active"
        state, restriction = member.shows()
        assert (state, restriction is not None) == (gravest, "restriction" in kinds)
    assert all(one.kind == "ban" for one in member.standing.sanctions)
    assert isinstance(member.account, Active | Banned)
