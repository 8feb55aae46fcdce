"""
How what was wrong is undone, and the ladder climbed again without it.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from domain.decision import Measure, Penalty, Strike
from domain.ids import cell_of, derive
from domain.ladder import GRAVITY, LADDER
from domain.standing import STANDING, overturn
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StandingEvent,
    StrikeExpired,
    StrikeReversed,
)
from tests.domain.casework import NOW, decision_id
from tests.domain.given import given
from tests.domain.penalties import PENALTIES, WHY, Member, climbed, imposed, struck, undone
from tests.domain.people import ANNA


def overturning(number: int, *history: StandingEvent) -> Any:
    """A decision is overturned by a later one."""
    return given(STANDING, *history).when(overturn, ANNA, decision_id(number), decision_id(99), NOW)


def reversed_strike(number: int) -> StrikeReversed:
    """By that later decision."""
    return StrikeReversed(ANNA, decision_id(number), decision_id(99))


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


def strikes(*weights: int) -> Member:
    """A member with strikes of these weights, a day apart."""
    member = Member()
    for number, weight in enumerate(weights, 1):
        at = NOW + timedelta(days=number - 1)
        member.penalise(number, Penalty(Strike(weight, 180)), at)
    return member


def in_force(member: Member) -> list[tuple[str, float | None]]:
    """The sanctions in force: of which kind, and how many days from the beginning they last."""
    return [
        (one.kind, None if one.until is None else (one.until - NOW) / timedelta(days=1))
        for one in member.standing.sanctions
    ]


THIRD_DAY = NOW + timedelta(days=2)


def test_what_the_strikes_left_would_have_brought_takes_the_place_of_what_goes() -> None:
    """Each from its own day on: not a suspension for one strike, and not nothing either."""
    member = strikes(3, 3)
    assert in_force(member) == [("restriction", 7), ("suspension", 31)]
    first, lifted, other, instead = member.overturn(1, THIRD_DAY)
    assert isinstance(first, StrikeReversed)
    assert isinstance(lifted, SanctionLifted)
    assert isinstance(other, SanctionLifted)
    assert instead == SanctionImposed(
        ANNA, derive(cell_of(ANNA), "sanction of the ladder", decision_id(2), decision_id(1_001)),
        "restriction", decision_id(2), WHY, True, 3, LADDER.version, (decision_id(2),),
        NOW + timedelta(days=8),
    )  # fmt: skip
    assert in_force(member) == [("restriction", 8)]


def test_it_stands_to_its_end_while_the_strikes_left_reach_the_rung() -> None:
    member = strikes(3, 3, 3)
    assert in_force(member) == [("restriction", 7), ("suspension", 31)]
    # The third alone would have brought it on the third day: it lasts no longer for that.
    assert [type(one) for one in member.overturn(2, THIRD_DAY)] == [StrikeReversed]
    assert in_force(member) == [("restriction", 7), ("suspension", 31)]
    member.overturn(3, THIRD_DAY)
    assert in_force(member) == [("restriction", 7)]


def test_what_a_measure_kept_from_climbing_climbs_once_it_is_overturned() -> None:
    member = Member()
    member.penalise(1, Penalty(measure=Measure("suspension", 60)))
    member.penalise(2, Penalty(Strike(6, 180)))
    assert in_force(member) == [("suspension", 60)]
    member.overturn(1, THIRD_DAY)
    assert in_force(member) == [("suspension", 30)]
    assert member.shows()[0] == "Suspended"


def test_a_measure_that_is_over_is_overturned_all_the_same() -> None:
    member = Member()
    member.penalise(1, Penalty(measure=Measure("restriction", 1)))
    member.live_until(THIRD_DAY)
    (lifted,) = member.overturn(1, THIRD_DAY)
    assert isinstance(lifted, SanctionLifted)
    assert (lifted.why, member.overturn(1, THIRD_DAY)) == ("overturned", ())


def test_a_sanction_outlives_that_its_strikes_expire() -> None:
    """A ban is for good, though the strikes that led to it are not."""
    member, much_later = strikes(6, 4, 1), NOW + timedelta(days=400)
    member.live_until(much_later)
    member.overturn(3, much_later)
    assert in_force(member) == [("ban", None)]


def test_an_older_strike_tells_no_reason_and_brings_nothing_new() -> None:
    older = [
        msgspec.structs.replace(struck(number, 3), given_at=None, reason=None, ladder=None)
        for number in (1, 2)
    ]
    climb = (older[0], climbed(1, "restriction", 3, 7, 1), older[1])
    suspended = climbed(2, "suspension", 6, 30, 1, 2)
    overturning(2, *climb, suspended).then(reversed_strike(2), undone(2))
    overturning(1, *climb, suspended).then(reversed_strike(1), undone(2))


LIGHT = st.builds(
    lambda weight, days: Penalty(Strike(weight, days)), st.integers(1, 5), st.integers(5, 60)
)
OVERTURNED = st.integers(0, 15)
STEPS = st.one_of(
    LIGHT, LIGHT, PENALTIES, OVERTURNED, st.timedeltas(timedelta(hours=1), timedelta(days=9))
)


@settings(max_examples=500)
@generated(st.lists(STEPS, min_size=8, max_size=40))
def test_what_is_left_is_what_the_decisions_left_would_have_brought(
    steps: list[Penalty | int | timedelta],
) -> None:
    """Whatever is decided, ends and is overturned; beside a member who never knew the latter."""
    member, now = Member(), NOW
    taken: dict[int, tuple[Penalty, datetime]] = {}
    for number, step in enumerate(steps, 1):
        if isinstance(step, Penalty):
            taken[number] = step, now
            member.penalise(number, step, now)
        elif isinstance(step, timedelta):
            now += step
            member.live_until(now)
        elif taken:
            wrong = sorted(taken)[step % len(taken)]
            del taken[wrong]
            before = {kind: member.end(kind, now) for kind in GRAVITY}
            changed = member.overturn(wrong, now)
            never = Member()
            for each, (penalty, at) in taken.items():
                never.live_until(at)
                never.penalise(each, penalty, at)
            never.live_until(now)
            assert changed
            for kind in GRAVITY:
                ends = never.end(kind, now, by_ladder=True), before[kind]
                expected = None if None in ends else min(one for one in ends if one)
                assert member.end(kind, now, by_ladder=True) == expected, kind
                assert (member.end(kind, now) or now) <= (before[kind] or now), "and no longer"
            assert member.standing.weight(now) == never.standing.weight(now)
        kinds = {one.kind for one in member.standing.sanctions}
        gravest = "Banned" if "ban" in kinds else "Suspended" if "suspension" in kinds else "Active"
        state, restriction = member.shows()
        assert (state, restriction is not None) == (gravest, "restriction" in kinds)


@generated(st.lists(PENALTIES, min_size=1, max_size=12), st.data())
def test_undoing_every_decision_leaves_nothing(penalties: list[Penalty], data: Any) -> None:
    member = Member()
    for number, penalty in enumerate(penalties, 1):
        member.penalise(number, penalty)
        assert all(strike.weight > 0 for strike in member.standing.strikes)
        assert member.standing.weight(NOW) >= 0
        kinds = {one.kind for one in member.standing.sanctions}
        gravest = "Banned" if "ban" in kinds else "Suspended" if "suspension" in kinds else "Active"
        state, restriction = member.shows()
        assert (state, restriction is not None) == (gravest, "restriction" in kinds)
    for number in data.draw(st.permutations(range(1, len(penalties) + 1))):
        member.overturn(number)
        assert member.standing.weight(NOW) >= 0
    assert member.standing.weight(NOW) == 0
    assert member.standing.sanctions == ()
    assert member.shows() == ("Active", None)


@generated(st.lists(PENALTIES, max_size=8), PENALTIES)
def test_a_reversal_undoes_exactly(before: list[Penalty], penalty: Penalty) -> None:
    """What was in force before a decision, and nothing else, is in force once it is overturned."""
    member = Member()
    for number, earlier in enumerate(before, 1):
        member.penalise(number, earlier)
    weight, sanctions, shown = (
        member.standing.weight(NOW),
        {one.id for one in member.standing.sanctions},
        member.shows(),
    )
    member.penalise(50, penalty)
    member.overturn(50)
    assert member.standing.weight(NOW) == weight
    assert {one.id for one in member.standing.sanctions} == sanctions
    assert member.shows() == shown
