"""
A membership, from its trial to its end.
"""

from datetime import UTC, datetime, timedelta

import pytest

from domain import membership_moves as decisions
from domain.membership_events import MonthsPaid, RenewalFailed, UnusedDaysRefunded
from domain.membership_periods import DAY, months_after
from domain.membership_states import Active, Cancelled, Expired, PastDue, Paused, Unpaid
from domain.plans import QUOTA_ORDINARY, level, storage_quota
from tests.domain.coins import NOON
from tests.domain.memberships import Story, kinds
from tests.domain.people import sealed

SECOND = timedelta(seconds=1)
#: November has 30 days: 30 from the 22nd at noon.
MONTH_END = datetime(2026, 12, 22, 12, tzinfo=UTC)


def test_a_month_is_bought_with_coins_and_ends_on_its_day_of_the_month() -> None:
    story = Story(coins=15)
    (paid,) = story.have(1)
    assert isinstance(paid, MonthsPaid)
    assert (paid.how, paid.period.since, paid.period.until) == ("bought", NOON, MONTH_END)
    assert story.state == "active"
    assert story.coins() == 5
    assert story.benefits(MONTH_END - SECOND)


@pytest.mark.parametrize(
    ("since", "months", "until"),
    [
        ("2027-01-31", 1, "2027-02-28"),
        ("2027-02-28", 1, "2027-03-31"),
        ("2027-12-31", 2, "2028-02-29"),
        ("2026-11-30", 12, "2027-11-30"),
    ],
)
def test_a_term_ends_on_the_anchors_day_or_the_months_last(
    since: str, months: int, until: str
) -> None:
    anchor = 30 if since == "2026-11-30" else 31
    start = datetime.fromisoformat(f"{since}T12:00:00+08:00")
    assert months_after(start, months, anchor) == datetime.fromisoformat(f"{until}T12:00:00+08:00")


def test_not_enough_coins_buy_nothing() -> None:
    story = Story(coins=9)
    assert story.refused(decisions.subscribe, story.id(), 1)[0] == "insufficient-coins"
    assert story.events == []


def test_asked_twice_it_is_bought_once() -> None:
    story = Story()
    story.have(1)
    assert story.have(1, at=NOON + DAY) == []
    assert story.coins() == 90


def test_it_renews_at_the_end_of_each_term_by_a_name_of_its_own() -> None:
    story = Story(coins=30)
    story.have(1)
    assert story.until(MONTH_END - SECOND) == []
    (renewed,) = story.until(MONTH_END)
    assert isinstance(renewed, MonthsPaid)
    assert (renewed.how, renewed.period.since) == ("renewed", MONTH_END)
    assert story.until(MONTH_END) == [], "a timer that runs twice"
    other = Story(coins=30)
    other.have(1)
    (same,) = other.until(MONTH_END + 3 * DAY)
    assert same == renewed, "a timer that runs late"


def test_a_renewal_that_was_ended_lasts_to_the_end_of_what_was_paid() -> None:
    story = Story()
    story.have(1)
    assert kinds(story.when(decisions.cancel, at=NOON + DAY)) == ["MembershipCancelled"]
    assert story.when(decisions.cancel, at=NOON + DAY) == []
    assert isinstance(story.membership, Cancelled)
    assert story.benefits(MONTH_END - SECOND)
    assert not story.benefits(MONTH_END)
    assert kinds(story.until(MONTH_END)) == ["MembershipExpired"]
    assert story.coins() == 90


def test_renewal_can_be_resumed_for_nothing() -> None:
    story = Story()
    story.have(1)
    story.when(decisions.cancel)
    assert kinds(story.have(1, at=NOON + DAY)) == ["RenewalResumed"]
    assert story.state == "active"
    assert story.coins() == 90


def test_what_cannot_be_paid_is_tried_again_after_2_5_7_and_7_days() -> None:
    story = Story(coins=10)
    story.have(1)
    events = story.until(MONTH_END + 40 * DAY)
    tried = [one.effective_at - MONTH_END for one in events]
    assert tried == [0 * DAY, 2 * DAY, 7 * DAY, 14 * DAY, 21 * DAY]
    assert kinds(events) == ["RenewalFailed"] * 4 + ["MembershipExpired"]
    failed = [one for one in events if isinstance(one, RenewalFailed)]
    assert [one.after.state for one in failed] == ["past_due", "past_due", "unpaid", "unpaid"]
    assert isinstance(story.membership, Expired)


def test_benefits_last_for_a_grace_of_seven_days() -> None:
    story = Story(coins=10)
    story.have(1)
    story.until(MONTH_END)
    assert isinstance(story.membership, PastDue)
    assert story.benefits(MONTH_END + 7 * DAY - SECOND)
    assert not story.benefits(MONTH_END + 7 * DAY)
    story.until(MONTH_END + 7 * DAY)
    assert isinstance(story.membership, Unpaid)
    assert not story.benefits(MONTH_END + 7 * DAY)


def test_a_timer_that_is_late_takes_no_benefits_away() -> None:
    story = Story(coins=10)
    story.have(1)
    assert story.benefits(MONTH_END + 6 * DAY), "whether it was renewed or not"
    story.when(decisions.cancel)
    assert not story.benefits(MONTH_END), "nothing would have renewed it"


def test_what_is_paid_in_the_grace_begins_where_it_was_due() -> None:
    story = Story(coins=10)
    story.have(1)
    story.until(MONTH_END)
    story.top_up(10, at=MONTH_END + DAY)
    (paid,) = story.until(MONTH_END + 2 * DAY)
    assert isinstance(paid, MonthsPaid)
    assert paid.period.since == MONTH_END
    assert paid.period.until == datetime(2027, 1, 22, 12, tzinfo=UTC)


def test_what_is_paid_after_the_grace_begins_then() -> None:
    story = Story(coins=10)
    story.have(1)
    story.until(MONTH_END + 8 * DAY)
    story.top_up(10, at=MONTH_END + 9 * DAY)
    (paid,) = story.until(MONTH_END + 14 * DAY)
    assert isinstance(paid, MonthsPaid)
    assert paid.period.since == MONTH_END + 14 * DAY


def test_what_is_owed_can_be_paid_at_once_and_given_up() -> None:
    story = Story(coins=10)
    story.have(1)
    story.until(MONTH_END)
    story.top_up(10, at=MONTH_END)
    (paid,) = story.have(1, at=MONTH_END + DAY)
    assert paid.after.state == "active"
    again = MONTH_END + 31 * DAY
    story.until(again)
    assert story.state == "past_due"
    assert kinds(story.when(decisions.cancel, at=again + DAY)) == ["MembershipExpired"]
    assert not story.benefits(again + DAY)


def test_who_had_a_grace_for_nothing_has_no_other_for_a_year() -> None:
    story = Story(coins=10)
    story.have(1)
    story.until(MONTH_END)
    story.when(decisions.cancel, at=MONTH_END + 6 * DAY)
    story.top_up(10, at=MONTH_END + 6 * DAY)
    story.have(1, at=MONTH_END + 6 * DAY)
    again = MONTH_END + 37 * DAY
    assert story.periods[0].until == again
    assert not story.benefits(again), "also where a timer is late"
    (failed,) = story.until(again)
    assert (failed.after.state, failed.after.lapsed_at) == ("unpaid", again)
    assert story.points(again + DAY) == story.points(again) - 5
    story.top_up(200, at=again)
    story.have(12, at=again + DAY)
    story.when(decisions.cancel, at=again + 2 * DAY)
    story.have(12, at=again + 2 * DAY)
    story.until(story.periods[-1].until)
    story.until(end := story.periods[-1].until)
    assert (story.coins(), story.state) == (0, "past_due")
    assert story.benefits(end + 6 * DAY), "a year has passed"


def test_a_grace_that_lapsed_was_for_nothing_too_and_one_that_was_paid_for_was_not() -> None:
    story, other = Story(coins=10), Story(coins=10)
    for one, paid_at in ((story, MONTH_END + 8 * DAY), (other, MONTH_END + 6 * DAY)):
        one.have(1)
        one.until(paid_at)
        one.top_up(10, at=paid_at)
        one.have(1, at=paid_at)
        one.until(one.periods[-1].until)
    assert (story.state, other.state) == ("unpaid", "past_due")


def test_a_longer_term_begins_now_and_the_unused_days_come_back() -> None:
    story = Story(coins=110)
    story.have(1)
    taken, paid = story.have(12, at=NOON + 12 * DAY - SECOND)
    assert isinstance(taken, UnusedDaysRefunded)
    assert isinstance(paid, MonthsPaid)
    assert taken.cuts[0].days == 18
    assert story.coins() == 110 - 10 + 6 - 100, "18 of 30 days of 10 coins"
    assert paid.period.until == datetime(2027, 12, 4, 11, 59, 59, tzinfo=UTC)
    assert (story.state, story.periods[0].daily) == ("active", 15)


def test_an_upgrade_that_cannot_be_paid_changes_nothing() -> None:
    story = Story(coins=50)
    story.have(1)
    before = story.wallet
    assert story.refused(decisions.subscribe, story.id(), 12, at=NOON + DAY)[0] == (
        "insufficient-coins"
    )
    assert story.wallet == before
    assert isinstance(story.membership, Active)


def test_a_shorter_term_begins_at_the_renewal_and_may_be_taken_back() -> None:
    story = Story(coins=200)
    story.have(12)
    assert kinds(story.have(1, at=NOON + DAY)) == ["TermChanged"]
    assert kinds(story.have(12, at=NOON + DAY)) == ["TermChanged"], "no year is bought for it"
    story.have(1, at=NOON + DAY)
    (renewed,) = story.until(datetime(2027, 11, 22, 12, tzinfo=UTC))
    assert isinstance(renewed, MonthsPaid)
    assert renewed.period.months == 1
    assert story.coins() == 200 - 100 - 10


def test_a_term_no_longer_than_what_was_paid_gives_nothing_back() -> None:
    story = Story(coins=200)
    story.have(12)
    story.when(decisions.extend, story.id(), 1)
    assert kinds(story.have(3, at=NOON + DAY)) == ["TermChanged"]
    assert [one.months for one in story.periods] == [12, 1]
    assert story.coins() == 200 - 100 - 10
    last = NOON + 366 * DAY
    assert story.until(last) == [], "the year is over, and the month runs"
    assert kinds(story.have(6, at=last)) == ["UnusedDaysRefunded", "MonthsPaid"]


def test_a_further_term_follows_what_was_paid() -> None:
    story = Story(coins=30)
    story.have(1)
    (paid,) = story.when(decisions.extend, story.id(), 1, at=NOON + DAY)
    assert isinstance(paid, MonthsPaid)
    assert (paid.how, paid.period.since) == ("extended", MONTH_END)
    assert story.until(MONTH_END) == [], "it is paid until January"
    far = Story(coins=1_000)
    far.have(12)
    far.when(decisions.extend, far.id(), 12)
    far.when(decisions.extend, far.id(), 12)
    assert far.refused(decisions.extend, far.id(), 1) == ("too-far-ahead", "/months")


def test_a_further_term_does_not_renew_what_was_to_end() -> None:
    story = Story(coins=100)
    story.have(1)
    story.when(decisions.cancel)
    extended = story.when(decisions.extend, story.id(), 1, at=NOON + DAY)
    assert kinds(extended) == ["MonthsPaid", "MembershipCancelled"]
    assert (extended[-1].after.state, extended[-1].after.renews) == ("cancelled", False)
    assert kinds(story.until(NOON + 400 * DAY)) == ["MembershipExpired"]
    assert story.coins() == 80


def test_a_trial_is_free_once_and_then_renews() -> None:
    story = Story(coins=10)
    (started,) = story.when(decisions.start_trial, story.id(), 1)
    assert started.after.state == "trialing"
    assert story.when(decisions.start_trial, story.id(), 1) == []
    assert story.have(1) == [], "it will renew as it is"
    assert story.coins() == 10
    (paid,) = story.until(NOON + 7 * DAY)
    assert isinstance(paid, MonthsPaid)
    assert paid.period.since == NOON + 7 * DAY
    assert story.refused(decisions.start_trial, story.id(), 1, at=NOON + 8 * DAY) == (
        "trial-used",
        "/trial",
    )


def test_a_trial_without_coins_is_over_when_it_ends() -> None:
    story = Story(coins=0)
    story.when(decisions.start_trial, story.id(), 1)
    assert kinds(story.until(NOON + 30 * DAY)) == ["MembershipExpired"]
    assert story.points(NOON + 30 * DAY) == 0


def test_days_that_rest_are_kept() -> None:
    story = Story(coins=30)
    story.have(1)
    story.when(decisions.extend, story.id(), 1)
    assert kinds(story.when(decisions.pause, at=NOON + 9 * DAY + SECOND)) == ["MembershipPaused"]
    assert isinstance(story.membership, Paused)
    assert not story.benefits(NOON + 10 * DAY)
    assert story.points(NOON + 50 * DAY) == 100, "it neither grows nor decays"
    assert story.refused(decisions.subscribe, story.id(), 1, at=NOON + 10 * DAY) == (
        "membership-paused",
        None,
    )
    later = NOON + 50 * DAY
    (resumed,) = story.when(decisions.resume, at=later)
    assert story.when(decisions.resume, at=later) == []
    assert resumed.after.until == later + 20 * DAY + 31 * DAY
    assert story.state == "active"
    assert story.coins() == 10


def test_the_day_that_had_begun_is_used_once_however_often_they_rest() -> None:
    story, other = Story(coins=10), Story(coins=10)
    story.have(1)
    other.have(1)
    for second in range(1, 40):
        story.when(decisions.pause, at=NOON + second * SECOND)
        story.when(decisions.resume, at=NOON + second * SECOND + SECOND / 2)
    assert story.points(NOON + 60 * SECOND) == 10
    assert story.benefits(NOON + 60 * SECOND), "the day is paid, and goes on"
    assert story.periods[0].since == NOON + DAY
    assert story.periods[-1].until == MONTH_END
    assert story.points(MONTH_END) == other.points(MONTH_END) == 300


def test_what_rests_keeps_its_value_however_often() -> None:
    story, other = Story(coins=100), Story(coins=100)
    story.have(12)
    other.have(12)
    for day in range(60):
        story.when(decisions.pause, at=NOON + day * DAY)
        story.when(decisions.resume, at=NOON + day * DAY)
    at = NOON + 60 * DAY
    (back,) = story.when(decisions.refund, story.id(), sealed("moved"), at=at)
    (same,) = other.when(decisions.refund, other.id(), sealed("moved"), at=at)
    assert isinstance(back, UnusedDaysRefunded)
    assert isinstance(same, UnusedDaysRefunded)
    assert back.cuts[0].unearned == same.cuts[0].unearned == 305 * 27 + 85
    assert story.wallet == other.wallet
    assert story.coins() == 100 * 305 // 365


def test_a_term_that_ends_on_the_last_of_a_month_does_so_after_a_short_rest() -> None:
    story = Story(coins=30)
    start = datetime(2027, 1, 31, 4, tzinfo=UTC)
    story.have(1, at=start)
    story.when(decisions.pause, at=start + SECOND)
    story.when(decisions.resume, at=start + 2 * SECOND)
    story.until(start + 28 * DAY)
    assert story.periods[-1].until == datetime(2027, 3, 31, 4, tzinfo=UTC)


def test_a_rest_ends_by_itself_after_ninety_days() -> None:
    story = Story(coins=10)
    story.have(1)
    story.when(decisions.pause, at=NOON + DAY)
    (resumed,) = story.until(NOON + 91 * DAY)
    assert resumed.effective_at == NOON + 91 * DAY
    assert story.benefits(NOON + 100 * DAY)


def test_it_rests_ninety_days_in_all_until_it_is_paid_again() -> None:
    story = Story(coins=20)
    story.have(1)
    story.when(decisions.pause, at=NOON + DAY)
    story.when(decisions.resume, at=NOON + 61 * DAY)
    (paused,) = story.when(decisions.pause, at=NOON + 62 * DAY)
    assert paused.after.due == NOON + 92 * DAY, "30 days are left of 90"
    story.until(NOON + 92 * DAY)
    at = NOON + 93 * DAY
    assert story.refused(decisions.pause, at=at) == ("pause-used-up", None)
    story.until(story.periods[-1].until)
    renewed = story.periods[-1].since
    (paused,) = story.when(decisions.pause, at=renewed + DAY)
    assert paused.after.due == renewed + 91 * DAY


def test_renewal_can_be_ended_while_it_rests() -> None:
    story = Story(coins=30)
    story.have(1)
    story.when(decisions.pause, at=NOON + DAY)
    story.when(decisions.cancel, at=NOON + 2 * DAY)
    assert story.state == "paused"
    story.when(decisions.resume, at=NOON + 3 * DAY)
    assert story.state == "cancelled"


def test_nothing_rests_where_nothing_was_paid() -> None:
    story = Story()
    assert story.refused(decisions.pause) == ("nothing-unused", None)
    story.when(decisions.start_trial, story.id(), 1)
    assert story.refused(decisions.pause) == ("nothing-unused", None)


def test_unused_days_are_refunded_in_whole_coins_and_to_the_fen() -> None:
    story = Story(coins=100)
    story.have(12)
    at = NOON + 100 * DAY + SECOND
    (refunded,) = story.when(decisions.refund, story.id(), sealed("moved"), at=at)
    assert isinstance(refunded, UnusedDaysRefunded)
    (cut,) = refunded.cuts
    assert cut.days == 365 - 101
    assert sum(part.coins for part in cut.back) == 100 * 264 // 365 == 72
    assert cut.kept.coins + 72 == 100
    assert story.coins() == 72
    assert isinstance(story.membership, Expired)
    assert story.refused(decisions.refund, story.id(), sealed("again"), at=at) == (
        "nothing-unused",
        None,
    )


def test_days_that_rest_are_refunded_too() -> None:
    story = Story(coins=10)
    story.have(1)
    story.when(decisions.pause, at=NOON + 15 * DAY)
    story.when(decisions.refund, story.id(), sealed("moved"), at=NOON + 40 * DAY)
    assert story.coins() == 5


def test_a_cut_says_what_its_days_had_still_to_earn() -> None:
    story = Story(coins=10)
    story.have(1)
    (refunded,) = story.when(decisions.refund, story.id(), sealed("moved"), at=NOON + 10 * DAY)
    assert isinstance(refunded, UnusedDaysRefunded)
    (cut,) = refunded.cuts
    assert (cut.since, cut.unearned) == (NOON + 10 * DAY, 20 * 33)
    assert sum(part.fen for part in cut.back) == 600


def test_growth_comes_with_paid_days_and_decays_without() -> None:
    story = Story(coins=10)
    story.have(1)
    assert story.points(NOON) == 0
    assert story.points(NOON + 3 * DAY) == 30
    story.until(MONTH_END + 7 * DAY)
    assert story.points(MONTH_END + 7 * DAY) == 300, "the grace neither grows nor decays"
    assert story.points(MONTH_END + 10 * DAY) == 285
    story.until(MONTH_END + 30 * DAY)
    assert story.points(MONTH_END + 30 * DAY) == 300 - 5 * 23
    assert story.points(MONTH_END + 300 * DAY) == 0


@pytest.mark.parametrize(
    ("points", "reached", "gigabytes"), [(0, 1, 25), (599, 1, 25), (600, 2, 50), (24_000, 8, 500)]
)
def test_levels_give_storage(points: int, reached: int, gigabytes: int) -> None:
    assert level(points) == reached
    assert storage_quota(reached) == gigabytes * QUOTA_ORDINARY // 3
    assert storage_quota(None) == QUOTA_ORDINARY


def test_nothing_is_renewed_for_who_is_gone() -> None:
    story = Story()
    story.have(1)
    assert story.closed(NOON + DAY) == [], "what was paid is used up"
    assert kinds(story.closed(MONTH_END + DAY)) == ["MembershipExpired"]
    assert story.closed(MONTH_END + DAY) == []
    assert story.points(MONTH_END) == 300
    assert story.coins() == 90


def test_days_that_rest_come_back_to_who_is_gone() -> None:
    story = Story(coins=10)
    story.have(1)
    story.when(decisions.pause, at=NOON + 15 * DAY)
    assert story.closed(NOON + 104 * DAY) == []
    over = story.closed(NOON + 200 * DAY)
    assert kinds(over) == ["MembershipResumed", "UnusedDaysRefunded", "MembershipExpired"]
    assert {one.effective_at for one in over} == {NOON + 105 * DAY}, "as of when it was due"
    assert isinstance(story.membership, Expired)
    assert story.coins() == 5
