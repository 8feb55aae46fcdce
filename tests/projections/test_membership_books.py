"""
The books of memberships: whatever happens to one, what was billed is earned, deferred, refunded or
at rest, to the fen, and no day earns what was taken back from it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from hypothesis import given, settings

from domain.event import Event
from domain.membership_events import MembershipPaused, MembershipResumed
from domain.money import china_day
from domain.recognition import Step, earned_by, steps
from domain.wallet_events import CoinsRefunded, CoinsSpent
from projections.postings import DAYS, DAYS_PAUSED, DAYS_REFUNDED, SOLD, Posting, entry
from tests.domain.coins import NOON
from tests.domain.memberships import Story
from tests.domain.test_membership_machine import STEPS, live
from tests.domain.test_membership_machine import Step as Move

EVER = date(2100, 1, 1)


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_what_was_billed_is_earned_deferred_refunded_or_at_rest(moves: Sequence[Move]) -> None:
    story, end = live(moves, [])
    postings = list(posted(story))
    left = Counter[str]()
    for one in postings:
        left[one.account] += one.credit - one.debit
    assert sum(left.values()) == 0
    spent = [one for one in story.moved if isinstance(one, CoinsSpent)]
    billed = sum(part.fen for one in spent for part in one.parts)
    back = refunded(story)
    assert left[SOLD] == back - billed
    if story.state != "paused":
        assert left[DAYS_PAUSED] == 0, "nothing is stranded"
    if not any(isinstance(one, CoinsRefunded) for one in story.moved):
        assert left[DAYS_REFUNDED] == 0, "a rest settles nothing"
    days = rates(postings)
    settled = left[DAYS_REFUNDED]
    for day in range(0, (china_day(end) - china_day(NOON)).days + 1, 11):
        at = china_day(NOON) + timedelta(days=day)
        assert earned_by(days, at) <= earned_by(days, at + timedelta(days=1)), "no day earns less"
    for at in (china_day(end), EVER):
        deferred = left[DAYS] - earned_by(days, at)
        assert deferred >= 0
        assert billed == earned_by(days, at) + settled + deferred + back + left[DAYS_PAUSED]
    assert earned_by(days, EVER) == left[DAYS], "what is owed at last is what days earn"


def posted(story: Story) -> Iterator[Posting]:
    """All that a story posts in yuan, top-ups aside."""
    rested = [one for one in story.events if isinstance(one, MembershipPaused | MembershipResumed)]
    events: list[Event] = [*story.moved, *rested]
    for event in events:
        made = entry(event)
        if made is not None and made.what != "top_up":
            yield from (one for one in made.postings if one.commodity == "CNY")


def refunded(story: Story) -> int:
    """What the coins had cost that came back."""
    events = [one for one in story.moved if isinstance(one, CoinsRefunded)]
    return sum(one.part.fen for event in events for one in event.returned)


def rates(postings: Sequence[Posting]) -> tuple[Step, ...]:
    """What is earned a day."""
    return tuple(
        step
        for one in postings
        if one.term is not None
        for step in steps(one.credit - one.debit, one.term)
    )
