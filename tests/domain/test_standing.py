"""
Standings: strikes and how they expire, the ladder, and how what was wrong is undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from domain.account import ACCOUNT, Account, Active, Banned, NoAccount
from domain.account_events import (
    AccountBanned,
    AccountEvent,
    AccountOpened,
    AccountRestricted,
    AccountSuspended,
    BanLifted,
    RestrictionEnded,
)
from domain.decision import Measure, Penalty, SanctionKind, Strike
from domain.event import Refused
from domain.ids import CaseId, cell_of, derive, mint
from domain.sanctions import settle
from domain.standing import (
    LADDER,
    STANDING,
    Standing,
    end_sanction,
    expire_strike,
    overturn,
    penalise,
    standing_stream,
)
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.people import ANNA, identity, sealed

CASE = CaseId(mint(0, 1, 70))
WHY = sealed("why")
HALF_A_YEAR = NOW + timedelta(days=180)


def struck(number: int, weight: int = 1, expires_at: datetime = HALF_A_YEAR) -> StrikeGiven:
    """A strike that a decision gave."""
    return StrikeGiven(ANNA, decision_id(number), CASE, weight, expires_at)


def sanction(number: int, *, by_ladder: bool = True) -> Any:
    """The id of a decision's sanction."""
    name = "sanction of the ladder" if by_ladder else "sanction"
    return derive(cell_of(ANNA), name, decision_id(number))


def climbed(
    number: int, kind: SanctionKind, weight: int, days: int | None, *strikes: int
) -> SanctionImposed:
    """A sanction of the ladder, on the strikes of these decisions."""
    return SanctionImposed(
        ANNA, sanction(number), kind, decision_id(number), WHY, True, weight, LADDER.version,
        tuple(map(decision_id, strikes)), None if days is None else NOW + timedelta(days=days),
    )  # fmt: skip


def imposed(number: int, kind: SanctionKind, days: int | None) -> SanctionImposed:
    """A sanction that a decision imposed itself."""
    until = None if days is None else NOW + timedelta(days=days)
    return SanctionImposed(
        ANNA, sanction(number, by_ladder=False), kind, decision_id(number), WHY, False, 0,
        LADDER.version, (), until,
    )  # fmt: skip


def penalty_of(number: int, penalty: Penalty, at: datetime = NOW) -> tuple[Any, ...]:
    """The arguments of a penalty."""
    return (ANNA, CASE, decision_id(number), penalty, WHY, at)


def test_a_standing_is_in_the_members_cell() -> None:
    assert cell_of(standing_stream(ANNA)) == cell_of(ANNA)


def test_a_strike_weighs_for_its_time() -> None:
    given(STANDING).when(penalise, *penalty_of(1, Penalty(Strike(2, 180)))).then(struck(1, 2))
    standing = given(STANDING, struck(1, 2), struck(2, 3, NOW + timedelta(days=30))).state
    assert standing.weight(NOW) == 5
    # Whether or not a timer has come round to say so.
    assert standing.weight(NOW + timedelta(days=30)) == 2
    assert standing.weight(HALF_A_YEAR) == 0


@pytest.mark.parametrize(
    ("before", "weight", "kind", "days"),
    [
        (0, 2, None, None),
        (0, 3, "restriction", 7),
        (2, 1, "restriction", 7),
        (0, 5, "restriction", 7),
        (0, 6, "suspension", 30),
        (5, 4, "suspension", 30),
        (0, 10, "ban", None),
        (9, 1, "ban", None),
        (9, 10, "ban", None),
    ],
)
def test_strikes_climb_the_ladder(
    before: int, weight: int, kind: SanctionKind | None, days: int | None
) -> None:
    earlier = (struck(1, before),) if before else ()
    on = (1, 2) if before else (2,)
    expected: tuple[StandingEvent, ...] = (struck(2, weight),)
    if kind is not None:
        expected += (climbed(2, kind, before + weight, days, *on),)
    strike = Penalty(Strike(weight, 180))
    given(STANDING, *earlier).when(penalise, *penalty_of(2, strike)).then(*expected)


def test_a_rung_brings_its_sanction_once_while_that_is_in_force() -> None:
    on_rung = given(STANDING, struck(1, 3), climbed(1, "restriction", 3, 7, 1))
    on_rung.when(penalise, *penalty_of(2, Penalty(Strike(1, 180)))).then(struck(2))
    # Once it is over, who goes on is restricted again.
    later = NOW + timedelta(days=7)
    until = later + timedelta(days=180)
    again = SanctionImposed(
        ANNA, sanction(2), "restriction", decision_id(2), WHY, True, 4, LADDER.version,
        (decision_id(1), decision_id(2)), later + timedelta(days=7),
    )  # fmt: skip
    on_rung.when(penalise, *penalty_of(2, Penalty(Strike(1, 180)), later)).then(
        struck(2, 1, until), again
    )


def test_strikes_that_are_over_do_not_climb() -> None:
    later = HALF_A_YEAR
    given(STANDING, struck(1, 9)).when(
        penalise, *penalty_of(2, Penalty(Strike(1, 180)), later)
    ).then(struck(2, 1, later + timedelta(days=180)))


def test_a_decision_imposes_a_sanction_itself() -> None:
    for kind, days in (("restriction", 3), ("suspension", 30), ("ban", None)):
        measure = Penalty(measure=Measure(kind, days))  # type: ignore[arg-type]
        given(STANDING).when(penalise, *penalty_of(1, measure)).then(
            imposed(1, kind, days)  # type: ignore[arg-type]
        )


def test_a_graver_rung_comes_on_top_of_what_was_decided() -> None:
    both = Penalty(Strike(6, 180), Measure("restriction", 7))
    first, second, third = penalise(Standing(), *penalty_of(1, both))
    assert first == struck(1, 6)
    assert isinstance(second, SanctionImposed)
    assert isinstance(third, SanctionImposed)
    assert (second.kind, second.by_ladder) == ("restriction", False)
    assert (third.kind, third.by_ladder) == ("suspension", True)
    # But none as grave.
    milder = Penalty(Strike(6, 180), Measure("ban", None))
    assert len(penalise(Standing(), *penalty_of(1, milder))) == 2


def test_timers_end_what_they_were_set_for() -> None:
    standing = given(STANDING, struck(1), imposed(2, "restriction", 7))
    standing.when(expire_strike, ANNA, decision_id(1), HALF_A_YEAR).then(
        StrikeExpired(ANNA, decision_id(1), HALF_A_YEAR)
    )
    standing.when(expire_strike, ANNA, decision_id(1), NOW).then_nothing()
    standing.when(expire_strike, ANNA, decision_id(9), HALF_A_YEAR).then_nothing()
    which, due = sanction(2, by_ladder=False), NOW + timedelta(days=7)
    lifted = SanctionLifted(ANNA, which, "expired", due)
    standing.when(end_sanction, ANNA, which, due).then(lifted)
    standing.when(end_sanction, ANNA, which, NOW).then_nothing()
    ended = given(STANDING, struck(1), imposed(2, "restriction", 7), lifted)
    ended.when(end_sanction, ANNA, which, due).then_nothing()
    reversed_ = StrikeReversed(ANNA, decision_id(1), decision_id(5))
    given(STANDING, struck(1), reversed_).when(
        expire_strike, ANNA, decision_id(1), HALF_A_YEAR
    ).then_nothing()


# What was wrong


def overturning(number: int, *history: StandingEvent) -> Any:
    """A decision is overturned by a later one."""
    return given(STANDING, *history).when(overturn, ANNA, decision_id(number), decision_id(99), NOW)


def reversed_strike(number: int) -> StrikeReversed:
    """By that later decision."""
    return StrikeReversed(ANNA, decision_id(number), decision_id(99))


def undone(number: int, *, by_ladder: bool = True) -> SanctionLifted:
    """By that later decision."""
    which = sanction(number, by_ladder=by_ladder)
    return SanctionLifted(ANNA, which, "overturned", NOW, decision_id(99))


def test_an_overturned_decision_leaves_nothing_behind() -> None:
    overturning(1, struck(1)).then(reversed_strike(1))
    overturning(1, struck(1), reversed_strike(1)).then_nothing()
    overturning(1).then_nothing()
    direct = (struck(1), imposed(1, "ban", None), imposed(2, "ban", None))
    overturning(1, *direct).then(reversed_strike(1), undone(1, by_ladder=False))


def test_an_expired_strike_is_reversed_all_the_same() -> None:
    expired = StrikeExpired(ANNA, decision_id(1), NOW)
    overturning(1, struck(1, 1, NOW), expired).then(reversed_strike(1))


def test_the_ladders_sanction_goes_with_the_weight_that_it_stands_on() -> None:
    climb = (struck(1, 2), struck(2, 1), climbed(2, "restriction", 3, 7, 1, 2))
    overturning(2, *climb).then(reversed_strike(2), undone(2))
    # Not only with the last strike: any of them bore it.
    overturning(1, *climb).then(reversed_strike(1), undone(2))


def test_it_stands_while_the_strikes_left_reach_the_rung() -> None:
    climb = (struck(1, 3), struck(2, 3), climbed(2, "suspension", 6, 30, 1, 2), struck(3, 3))
    overturning(2, *climb).then(reversed_strike(2))
    both = (*climb, reversed_strike(2))
    overturning(3, *both).then(reversed_strike(3), undone(2))


def test_a_sanction_outlives_that_its_strikes_expire() -> None:
    """A ban is for good, though the strikes that led to it are not."""
    climb = (struck(1, 6), struck(2, 4), climbed(2, "ban", 10, None, 1, 2), struck(3, 1))
    gone = StrikeExpired(ANNA, decision_id(1), NOW)
    overturning(3, *climb, gone).then(reversed_strike(3))


# What the account shows


OPENED = AccountOpened(ANNA, identity("anna"))


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


# Whatever is decided


PENALTIES = st.one_of(
    st.builds(lambda weight, days: Penalty(Strike(weight, days)), st.integers(1, 10),
              st.integers(1, 200)),
    st.builds(lambda days: Penalty(measure=Measure("restriction", days)), st.integers(1, 60)),
    st.builds(
        lambda weight, days: Penalty(Strike(weight, 180), Measure("suspension", days)),
        st.integers(1, 10),
        st.integers(1, 60),
    ),
    st.just(Penalty(measure=Measure("ban", None))),
)  # fmt: skip


class Member:
    """A member to whom decisions happen; every change settles the account."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.account: Account = given(ACCOUNT, OPENED).state

    def do(self, events: Sequence[StandingEvent], at: datetime) -> None:
        self.account = ACCOUNT.fold(settle(self.account, self.standing, events, at), self.account)
        self.standing = STANDING.fold(events, self.standing)

    def shows(self) -> tuple[str, UUID | None]:
        """Whether the member may act, and what keeps them from publishing."""
        assert not isinstance(self.account, NoAccount)
        return type(self.account).__name__, self.account.restriction


@generated(st.lists(PENALTIES, min_size=1, max_size=12), st.data())
def test_undoing_every_decision_leaves_nothing(penalties: list[Penalty], data: Any) -> None:
    member = Member()
    for number, penalty in enumerate(penalties, 1):
        member.do(penalise(member.standing, *penalty_of(number, penalty)), NOW)
        assert all(strike.weight > 0 for strike in member.standing.strikes)
        assert member.standing.weight(NOW) >= 0
        kinds = {one.kind for one in member.standing.sanctions}
        gravest = "Banned" if "ban" in kinds else "Suspended" if "suspension" in kinds else "Active"
        state, restriction = member.shows()
        assert (state, restriction is not None) == (gravest, "restriction" in kinds)
    for number in data.draw(st.permutations(range(1, len(penalties) + 1))):
        by = decision_id(1_000 + number)
        member.do(overturn(member.standing, ANNA, decision_id(number), by, NOW), NOW)
        assert member.standing.weight(NOW) >= 0
    assert member.standing.weight(NOW) == 0
    assert member.standing.sanctions == ()
    assert member.shows() == ("Active", None)


@generated(st.lists(PENALTIES, max_size=8), PENALTIES)
def test_a_reversal_undoes_exactly(before: list[Penalty], penalty: Penalty) -> None:
    """What was in force before a decision, and nothing else, is in force once it is overturned."""
    member = Member()
    for number, earlier in enumerate(before, 1):
        member.do(penalise(member.standing, *penalty_of(number, earlier)), NOW)
    weight, sanctions, shown = (
        member.standing.weight(NOW),
        {one.id for one in member.standing.sanctions},
        member.shows(),
    )
    member.do(penalise(member.standing, *penalty_of(50, penalty)), NOW)
    member.do(overturn(member.standing, ANNA, decision_id(50), decision_id(51), NOW), NOW)
    assert member.standing.weight(NOW) == weight
    assert {one.id for one in member.standing.sanctions} == sanctions
    assert member.shows() == shown


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
