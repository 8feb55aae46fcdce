"""
Standings: strikes and how they expire, and the ladder that they climb.
"""

from datetime import timedelta

import pytest

from domain.decision import Measure, Penalty, SanctionKind, Strike
from domain.ids import cell_of
from domain.ladder import LADDER
from domain.standing import (
    STANDING,
    Standing,
    end_sanction,
    expire_strike,
    penalise,
    standing_stream,
)
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeReversed,
)
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.penalties import HALF_A_YEAR, WHY, climbed, imposed, penalty_of, sanction, struck
from tests.domain.people import ANNA


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
        struck(2, 1, until, later), again
    )


def test_strikes_that_are_over_do_not_climb() -> None:
    later = HALF_A_YEAR
    given(STANDING, struck(1, 9)).when(
        penalise, *penalty_of(2, Penalty(Strike(1, 180)), later)
    ).then(struck(2, 1, later + timedelta(days=180), later))


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
