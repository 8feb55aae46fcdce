"""
Months of a membership that a friend gave: they follow what is there, bring no coins back, and leave
renewal as it was.
"""

from datetime import timedelta
from typing import Final

import pytest

from domain import membership_moves as decisions
from domain.event import Refused
from domain.gift import GiftAccepted, GiftOffered
from domain.given_months import offered, receive, service
from domain.ids import OrderId, derive
from domain.membership_periods import DAY
from domain.membership_states import Active, Cancelled, Expired, PastDue, Paused
from domain.order import ORDER, Placed, refund
from domain.plans import Months
from tests.domain.coins import NOON, refund_id
from tests.domain.memberships import Story, kinds
from tests.domain.people import ANNA, BELA, sealed

WEEK: Final = timedelta(days=7)
GIFT: Final = OrderId(derive(1, "gift", b"1"))


def given(story: Story, months: Months = 1, days: int = 0) -> list[str]:
    """Months are received, so many days after noon."""
    _, _, what = offered("yellow", months)
    return kinds(story.when(receive, GIFT, what, at=NOON + days * DAY))


def length(story: Story) -> int:
    return sum(one.days for one in story.periods)


def test_who_has_nothing_has_them_at_once_and_nothing_renews() -> None:
    story = Story(coins=0)
    assert given(story) == ["MonthsPaid", "MembershipCancelled"]
    assert isinstance(story.membership, Cancelled)
    assert story.benefits(NOON + 29 * DAY)
    assert story.points(NOON + 3 * DAY) == 30
    story.until(NOON + 40 * DAY)
    assert isinstance(story.membership, Expired)
    assert story.moved == []


def test_they_follow_what_was_paid_and_it_renews_after_them_on_its_own_term() -> None:
    story = Story()
    story.have(1)
    spent = len(story.moved)
    assert given(story, months=3, days=2) == ["MonthsPaid", "TermChanged"]
    assert isinstance(story.membership, Active)
    assert story.membership.of.months == 1
    first, gift = story.periods
    assert gift.since == first.until
    assert len(story.moved) == spent
    (renewed,) = story.until(gift.until)
    assert kinds([renewed]) == ["MonthsPaid"]
    assert story.coins() == 80


def test_what_was_ended_stays_ended_and_lasts_longer() -> None:
    story = Story()
    story.have(1)
    story.when(decisions.cancel, at=NOON + DAY)
    given(story, days=2)
    assert isinstance(story.membership, Cancelled)
    assert length(story) == 30 + 31


def test_a_trial_goes_on_and_its_first_payment_is_later() -> None:
    story = Story()
    story.when(decisions.start_trial, story.id(), 1)
    given(story)
    assert isinstance(story.membership, Active)
    assert story.until(NOON + 30 * DAY) == []
    assert story.coins() == 100


def test_who_could_not_pay_is_helped_out_and_what_the_grace_gave_is_part_of_it() -> None:
    story = Story(coins=10)
    story.have(1)
    owed = story.periods[0].until
    story.until(owed + DAY)
    assert isinstance(story.membership, PastDue)
    given(story, days=(owed - NOON).days + 1)
    assert isinstance(story.membership, Active)
    assert story.periods[0].since == owed


def test_a_membership_that_rests_goes_on_resting_with_more_days() -> None:
    story = Story()
    story.have(1)
    story.when(decisions.pause, at=NOON + DAY)
    given(story, days=3)
    assert isinstance(story.membership, Paused)
    assert [one.days for one in story.membership.parked] == [29, 31]
    story.when(decisions.resume, at=NOON + 5 * DAY)
    assert length(story) == 60


def test_no_coins_come_back_for_them_and_a_longer_term_does_not_swallow_them() -> None:
    story = Story()
    given(story)
    assert story.refused(decisions.refund, refund_id(1), sealed("no"), at=NOON + DAY) == (
        "nothing-unused", None,
    )  # fmt: skip
    assert kinds(story.have(12, at=NOON + DAY)) == ["RenewalResumed", "TermChanged"]
    assert length(story) == 30
    assert story.coins() == 100


@pytest.mark.parametrize("months", [1, 12])
def test_the_sender_cannot_have_them_back_once_they_are_accepted(months: Months) -> None:
    item, terms, what = offered("green", months)
    offer = GiftOffered(ANNA, BELA, item, terms, 1, terms.price_coins, NOON + WEEK, NOON, what)
    placed = ORDER.fold((offer, GiftAccepted(ANNA, BELA, (), NOON)), ORDER.initial)
    assert isinstance(placed, Placed)
    with pytest.raises(Refused, match="gift-accepted"):
        refund(placed, refund_id(1), None, sealed("no"), NOON)
    assert service(what, NOON).plan == "green"
