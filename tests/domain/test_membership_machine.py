"""
However time advances, a membership comes to the same; and whatever happens to one, no coin, no fen
and no day is lost or made.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import given_months
from domain import membership_moves as decisions
from domain.catalogue import EVENTS
from domain.event import Refused, type_of
from domain.gift import GivenMonths
from domain.ids import OrderId
from domain.membership import MEMBERSHIP
from domain.membership_events import (
    MonthsPaid,
)
from domain.membership_states import NeverHad, growth
from domain.plans import TABLE, TABLES
from tests.domain.coins import DAY, NOON
from tests.domain.memberships import Story
from tests.domain.people import sealed

Act: TypeAlias = Literal[
    "top_up", "trial", "have", "extend", "cancel", "pause", "resume", "refund", "ban", "gift"
]
Step: TypeAlias = tuple[int, Act, Literal[1, 3, 6, 12], int]

STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 30), st.integers(0, 1_100)),
        st.sampled_from(
            ["top_up", "top_up", "trial", "have", "have", "extend", "cancel", "pause", "pause",
             "resume", "refund", "ban", "gift"]
        ),
        st.sampled_from([1, 1, 3, 6, 12]),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip
FEW = settings(max_examples=120, deadline=None)


def live(
    steps: Sequence[Step], stops: Sequence[int], *, blinks: bool = False
) -> tuple[Story, datetime]:
    """
    Live a history.

    :param steps: hours until something is done, what, for which term, and with how many coins.
    :param stops: hours between moments at which a timer comes round besides; none for never.
    :param blinks: whether it rests and goes on at once after everything that is done.
    """
    story, now = Story(coins=0), NOON
    for hours, act, months, coins in steps:
        then = now + timedelta(hours=hours)
        for stop in stops:
            if now + timedelta(hours=stop) < then:
                now += timedelta(hours=stop)
                story.until(now)
        now = then
        with suppress(Refused):
            do(story, act, months, coins, now)
        if blinks and story.state != "paused" and not story.gone:
            with suppress(Refused):
                story.when(decisions.pause, at=now)
                story.when(decisions.resume, at=now)
    end = now + timedelta(hours=6_000)
    for stop in stops:
        now += timedelta(hours=stop)
        story.until(now)
    story.until(end)
    return story, end


def do(story: Story, act: Act, months: int, coins: int, at: datetime) -> None:
    # Every history names its things alike, whatever is refused in between.
    which = story.id()
    if story.gone and act != "refund":
        # Only an operator acts for who is gone.
        return
    match act:
        case "top_up":
            # What has been due is not paid with coins that came later.
            story.until(at)
            story.top_up(coins, at=at)
        case "trial":
            story.when(decisions.start_trial, which, months, at=at)
        case "have":
            story.when(decisions.subscribe, which, months, at=at)
        case "extend":
            story.when(decisions.extend, which, months, at=at)
        case "cancel":
            story.when(decisions.cancel, at=at)
        case "pause":
            story.when(decisions.pause, at=at)
        case "resume":
            story.when(decisions.resume, at=at)
        case "refund":
            story.when(decisions.refund, which, sealed("no"), at=at)
        case "gift":
            given_by_a_friend(story, which, months, at)
        case "ban":
            story.until(at)
            story.gone = True


def given_by_a_friend(story: Story, which: OrderId, months: Any, at: datetime) -> None:
    daily = TABLES[TABLE].rates["yellow"][months].daily
    gift = GivenMonths("yellow", months, daily)
    story.when(given_months.receive, which, gift, at=at)


@FEW
@given(STEPS, st.lists(st.integers(1, 400), max_size=12))
def test_one_jump_of_the_clock_is_many_small_steps(
    steps: Sequence[Step], stops: Sequence[int]
) -> None:
    once, end = live(steps, [])
    often, _ = live(steps, stops)
    assert often.events == once.events
    assert often.moved == once.moved
    assert often.points(end) == once.points(end)


@FEW
@given(STEPS)
def test_what_is_stored_folds_to_what_was_lived(steps: Sequence[Step]) -> None:
    story, end = live(steps, [])
    stored = [EVENTS.decode(type_of(one), EVENTS.encode(one)) for one in story.events]
    assert MEMBERSHIP.fold(stored, NeverHad()) == story.membership
    assert growth(story.membership, end) >= 0


@FEW
@given(STEPS)
def test_points_are_of_the_days_that_were_paid(steps: Sequence[Step]) -> None:
    """As long as nothing lapses, points are those of every paid day that has begun."""
    story, end = live(steps, [])
    paid = [one.period for one in story.events if isinstance(one, MonthsPaid)]
    most = sum(one.daily * one.days for one in paid)
    for days in range(0, (end - NOON) // DAY, 17):
        assert 0 <= growth(story.membership, NOON + days * DAY) <= most


@FEW
@given(STEPS)
def test_resting_and_going_on_at_once_changes_nothing(steps: Sequence[Step]) -> None:
    """No day is used by it, no point is grown, no coin and no fen is moved."""
    once, end = live(steps, [])
    often, _ = live(steps, [], blinks=True)
    assert often.wallet == once.wallet
    assert often.state == once.state
    for days in range(0, (end - NOON) // DAY, 17):
        at = NOON + days * DAY
        assert often.points(max(at, last(often))) == once.points(max(at, last(often)))


def last(story: Story) -> datetime:
    """When something happened last."""
    return max((one.effective_at for one in story.events), default=NOON)
