"""
Polls: what may be asked, one vote each, changed until the poll closes, and its end.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.audience import Public
from domain.event import Refused
from domain.poll import VOTE, Poll, VoteCast, cast, check_poll, vote_stream
from domain.post import POST, Held, Live, TakenDown, close_poll, publish
from domain.post_events import PostContent, PostDeleted, PostPollClosed, PostPublished
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, BY_ANNA, CARL, sealed

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
OPTIONS = (sealed("杏花"), sealed("桃花"), sealed("梅花"))
POLL = Poll(OPTIONS, choose=2, closes_at=LATER)
SAID = PostContent(sealed("何时归"))
ASKED = PostPublished(ANNA, "poll", SAID, Public(), poll=POLL)
CLOSED = PostPollClosed(ANNA)


def vote(*options: int, former: tuple[int, ...] = ()) -> VoteCast:
    return VoteCast(BELA, BY_ANNA, ANNA, options, former)


def cast_at(at: datetime, *options: int, poll: Poll = POLL) -> Any:
    return (BELA, BY_ANNA, ANNA, poll, frozenset(options), at)


def test_a_poll_and_only_a_poll_has_options() -> None:
    asked = given(POST).when(publish, ANNA, "poll", SAID, Public(), None, None, POLL)
    asked.then(ASKED)
    nothing = given(POST).when(publish, ANNA, "poll", SAID, Public())
    nothing.then_refused("poll-of-what", "/poll")
    other = given(POST).when(publish, ANNA, "shuoshuo", SAID, Public(), None, None, POLL)
    other.then_refused("poll-of-what", "/poll")


@pytest.mark.parametrize(
    ("poll", "field"),
    [
        (Poll(OPTIONS, choose=4), "/poll/choose"),
        (Poll(OPTIONS, closes_at=NOON), "/poll/closes_at"),
        (Poll(OPTIONS, closes_at=NOON + timedelta(days=367)), "/poll/closes_at"),
    ],
)
def test_what_can_be_asked(poll: Poll, field: str) -> None:
    with pytest.raises(Refused) as refused:
        check_poll(poll, NOON)
    assert refused.value.field == field
    check_poll(Poll(OPTIONS, choose=3, closes_at=LATER), NOON)


def test_a_member_votes_and_changes_the_vote() -> None:
    given(VOTE).when(cast, *cast_at(NOON, 2, 0)).then(vote(0, 2))
    voted = given(VOTE, vote(0, 2))
    voted.when(cast, *cast_at(NOON, 0, 2)).then_nothing()
    voted.when(cast, *cast_at(NOON, 1)).then(vote(1, former=(0, 2)))


def test_a_vote_is_of_what_is_asked() -> None:
    given(VOTE).when(cast, *cast_at(NOON, 3)).then_refused("no-such-option", "/options")
    given(VOTE).when(cast, *cast_at(NOON, 0, 1, 2)).then_refused("choose-too-many", "/options")
    given(VOTE).when(cast, *cast_at(NOON)).then_refused("choose-too-many", "/options")


def test_no_vote_counts_once_the_time_has_come() -> None:
    given(VOTE).when(cast, *cast_at(LATER, 0)).then_refused("poll-closed")
    given(VOTE, vote(0)).when(cast, *cast_at(LATER, 0)).then_refused("poll-closed")
    just_before = LATER - timedelta(microseconds=1)
    given(VOTE).when(cast, *cast_at(just_before, 0)).then(vote(0))
    given(VOTE).when(cast, *cast_at(LATER, 0, poll=Poll(OPTIONS))).then(vote(0))


def test_each_member_has_one_vote_on_each_post() -> None:
    assert vote_stream(BELA, BY_ANNA) == vote_stream(BELA, BY_ANNA)
    assert vote_stream(BELA, BY_ANNA) != vote_stream(CARL, BY_ANNA)


def test_a_poll_is_closed_once_and_not_before_its_time() -> None:
    given(POST, ASKED).when(close_poll, NOON).then_nothing()
    given(POST, ASKED).when(close_poll, LATER).then(CLOSED)
    given(POST, ASKED, CLOSED).when(close_poll, LATER).then_nothing()
    given(POST, ASKED, PostDeleted(ANNA)).when(close_poll, LATER).then_nothing()
    endless = PostPublished(ANNA, "poll", SAID, Public(), poll=Poll(OPTIONS))
    given(POST, endless).when(close_poll, LATER).then_nothing()


def test_it_closes_also_while_nobody_sees_it() -> None:
    asked = given(POST, ASKED).state
    assert isinstance(asked, Live)
    for hidden in (Held(asked, "held", 1), TakenDown(asked, "published", 2)):
        (event,) = close_poll(hidden, LATER)
        after = POST.evolve(hidden, event, 3)
        assert close_poll(after, LATER) == ()
