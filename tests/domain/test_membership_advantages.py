"""
No member gains by moving a membership about, in whichever order: benefits are paid for, but for a
trial and a grace a year, and rests are as long as they may be.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.membership_events import (
    MembershipPaused,
    MembershipResumed,
    MonthsPaid,
    TrialStarted,
    UnusedDaysRefunded,
)
from domain.membership_periods import DAY
from domain.membership_states import Paused
from domain.plans import GRACE, GRACE_AGAIN, PAUSE_MAX
from tests.domain.coins import NOON
from tests.domain.memberships import Story
from tests.domain.test_membership_machine import FEW, STEPS, Step, live

#: What somebody does who has coins for a month at most, and pays late.
LATE = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 200), st.integers(750, 1_000)),
        st.sampled_from(["top_up", "have", "have", "trial", "cancel", "pause", "resume"]),
        st.just(1),
        st.just(10),
    ),
    min_size=6,
    max_size=24,
)


@FEW
@given(st.one_of(STEPS, LATE))
def test_benefits_are_paid_but_for_a_trial_and_a_grace_a_year(steps: Sequence[Step]) -> None:
    story, end = live(steps, [])
    last = max((one.effective_at for one in story.events), default=NOON)
    graces = 1 + (last - NOON) // GRACE_AGAIN
    assert had(story, end) <= used(story, end) + graces * GRACE


@FEW
@given(st.one_of(STEPS, LATE))
def test_nothing_rests_longer_than_its_payments_let_it(steps: Sequence[Step]) -> None:
    story, _ = live(steps, [])
    since, rested = NOON, timedelta()
    for event in story.events:
        match event:
            case MonthsPaid():
                rested = timedelta()
            case MembershipPaused(effective_at=at):
                since = at
            case MembershipResumed(effective_at=at):
                rested += at - since
                assert rested <= PAUSE_MAX
            case _:
                pass


def had(story: Story, end: datetime) -> timedelta:
    """For how long there were benefits."""
    moments = [*(one.effective_at for one in story.events), end]
    total = timedelta()
    for event, (since, until) in zip(story.events, pairwise(moments), strict=True):
        if (last := event.after.benefits_until) is not None:
            total += max(min(last, until) - since, timedelta())
    return total


def used(story: Story, end: datetime) -> timedelta:
    """The days that were paid, or free as a trial, and have begun; each as long as a day."""
    days = 0
    for event in story.events:
        match event:
            case MonthsPaid(period=period) | TrialStarted(trial=period):
                days += period.days
            case UnusedDaysRefunded(cuts=cuts):
                days -= sum(one.days for one in cuts)
            case _:
                pass
    if isinstance(story.membership, Paused):
        days -= sum(one.days for one in story.membership.parked)
    days -= sum(one.days - one.used(end) for one in story.periods)
    return days * DAY
