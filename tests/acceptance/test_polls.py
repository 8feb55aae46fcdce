"""
Polls, as clients meet them: what is asked, votes, results, and the end.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, RunningHomezone


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def ask(
    author: Client, to: str = "public", options: Any = ("杏花", "桃花", "梅花"), **poll: Any
) -> str:
    body = {
        "kind": "poll",
        "text": "何时归",
        "audience": {"to": to},
        "poll": {"options": list(options), **poll},
    }
    answer = author.post("/v1/posts", body).ok(201)
    post: str = answer.json["id"]
    return post


def vote(member: Client, post: str, *options: int) -> Any:
    return member.put(f"/v1/posts/{post}/vote", {"options": list(options)})


def poll_of(member: Client, post: str, **more: Any) -> Any:
    return member.get(f"/v1/posts/{post}", **more).ok(200).json["poll"]


def votes(poll: Any) -> list[int | None]:
    return [option.get("votes") for option in poll["options"]]


def test_a_poll_shows_what_it_asks_and_its_results_to_whoever_voted(each: RunningHomezone) -> None:
    author, voter, other = each.members(3)
    post = ask(author)
    assert poll_of(voter, post, at_least=each.everything()) == {
        "options": [{"text": "杏花"}, {"text": "桃花"}, {"text": "梅花"}],
        "choose": 1,
        "closed": False,
    }
    assert vote(voter, post, 1).ok(200).json["state"] == "voted"
    poll = poll_of(voter, post)
    assert (votes(poll), poll["voters"], poll["voted"]) == ([0, 1, 0], 1, [1])
    own = poll_of(author, post, at_least=each.everything())
    assert (votes(own), own["voters"], own.get("voted")) == ([0, 1, 0], 1, None)
    assert votes(poll_of(other, post)) == [None, None, None]
    assert "voters" not in poll_of(other, post)


def test_a_vote_may_be_changed_and_said_twice_it_counts_once(each: RunningHomezone) -> None:
    author, voter = each.members(2)
    post = ask(author, choose=2)
    first = vote(voter, post, 2, 0).ok(200)
    again = vote(voter, post, 0, 2, 2).ok(200)
    assert again.position == first.position
    assert votes(poll_of(voter, post)) == [1, 0, 1]
    vote(voter, post, 1).ok(200)
    poll = poll_of(voter, post)
    assert (votes(poll), poll["voters"], poll["voted"]) == ([0, 1, 0], 1, [1])
    keyed = {"options": [0, 1]}
    path, key = f"/v1/posts/{post}/vote", uuid4().hex
    voter.put(path, keyed, key=key).ok(200)
    voter.put(path, keyed, key=key).ok(200)
    assert votes(poll_of(voter, post)) == [1, 1, 0]


def test_a_vote_is_for_options_that_there_are_and_no_more_than_may_be_chosen(
    each: RunningHomezone,
) -> None:
    author, voter = each.members(2)
    post = ask(author)
    assert vote(voter, post, 3).refused(422, "no-such-option").fields == ["/options"]
    assert vote(voter, post, 0, 1).refused(422, "choose-too-many").fields == ["/options"]
    vote(voter, post).refused(422, "out-of-bounds")
    vote(voter, post, -1).refused(422, "out-of-bounds")
    vote(voter, author.publish().json["id"], 0).refused(409, "not-a-poll")
    vote(voter, "00000000-0000-8000-8000-000000000000", 0).refused(404)
    assert votes(poll_of(author, post, at_least=each.everything())) == [0, 0, 0]


@pytest.mark.parametrize(
    ("poll", "status", "problem", "field"),
    [
        ({"options": ["杏花"]}, 422, "out-of-bounds", "/poll/options"),
        ({"options": ["x"] * 21}, 422, "out-of-bounds", "/poll/options"),
        ({"options": ["x", ""]}, 422, "out-of-bounds", "/poll/options/1"),
        ({"options": ["x", "y"], "choose": 3}, 422, "choose-too-many", "/poll/choose"),
        ({"options": ["x", "y"], "choose": 0}, 422, "out-of-bounds", "/poll/choose"),
        (
            {"options": ["x", "y"], "closes_at": "2020-01-01T00:00:00Z"},
            422,
            "in-the-past",
            "/poll/closes_at",
        ),
        (
            {"options": ["x", "y"], "closes_at": "9999-12-31T23:59:59-12:00"},
            422,
            "too-far-ahead",
            "/poll/closes_at",
        ),
        (None, 400, "invalid", "/poll"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    homezones: Homezones, poll: Any, status: int, problem: str, field: str
) -> None:
    homezone = homezones(16)
    body = {"kind": "poll", "text": "?", "audience": {"to": "public"}, "poll": poll}
    refused = homezone.member().post("/v1/posts", body).refused(status, problem)
    assert refused.fields == [field]


def test_a_poll_never_changes_what_it_asks(each: RunningHomezone) -> None:
    author = each.member()
    post = ask(author)
    path = f"/v1/posts/{post}"
    author.patch(path, {"poll": {"options": ["a", "b"]}}).refused(400, "invalid")
    author.patch(path, {"text": "几时回"}).ok(200)
    assert [one["text"] for one in poll_of(author, post)["options"]] == ["杏花", "桃花", "梅花"]


def test_the_audience_gates_vote_and_results(each: RunningHomezone) -> None:
    author, friend, blocked, stranger = each.members(4)
    author.befriend(friend)
    post = ask(author, "friends")
    vote(friend, post, 0).ok(200)
    vote(stranger, post, 0).refused(404)
    public = ask(author)
    vote(blocked, public, 2).ok(200)
    author.put(f"/v1/me/blocks/{blocked.qq}").ok()
    vote(blocked, public, 1).refused(404)
    blocked.get(f"/v1/posts/{public}").refused(404)
    assert votes(poll_of(author, public)) == [0, 0, 1], "what was voted counts on"
    author.put(f"/v1/posts/{public}/audience", {"to": "only_me"}).ok()
    vote(friend, public, 0).refused(404)
    author.delete(f"/v1/posts/{public}").ok()
    vote(author, public, 0).refused(404)


def test_a_poll_in_a_share_and_in_every_list(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    post = ask(author)
    share = friend.share(post).ok(201).json["id"]
    vote(friend, post, 0).ok(200)
    everything = each.everything()
    shared = author.get(f"/v1/posts/{share}", at_least=everything).json["share"]
    assert votes(shared["poll"]) == [1, 0, 0]
    for path in ("/v1/feed", f"/v1/spaces/{author.qq}/posts"):
        (found,) = [item for item in friend.walk(path) if item["id"] == post]
        assert found["poll"]["voted"] == [0], path
    home = friend.get(f"/v1/spaces/{author.qq}").json["posts"]
    assert [item["poll"]["voted"] for item in home if item["id"] == post] == [[0]]
    timeline = friend.walk(f"/v1/spaces/{author.qq}/timeline")
    assert timeline[0]["post"]["poll"]["voted"] == [0]


def test_counts_are_exact_when_everybody_votes_at_once(homezones: Homezones) -> None:
    homezone = homezones(16)
    author = homezone.member()
    post = ask(author, options=["a", "b", "c", "d"], choose=2)
    voters = homezone.members(8)

    def insist(voter: Client) -> tuple[int, ...]:
        """Several of one's clients at once, each with another opinion."""
        again = [homezone.client(voter.qq) for _ in range(4)]
        choices = [(0,), (1, 2), (3,), (0, 3)]
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda pair: vote(pair[0], post, *pair[1]).ok(200),
                    zip(again, choices, strict=True),
                )
            )
        chosen: list[int] = poll_of(voter, post, at_least=homezone.everything())["voted"]
        return tuple(chosen)

    with ThreadPoolExecutor(8) as pool:
        chosen = list(pool.map(insist, voters))
    poll = poll_of(author, post, at_least=homezone.everything())
    assert poll["voters"] == 8
    assert votes(poll) == [sum(option in one for one in chosen) for option in range(4)]


def test_a_poll_closes_by_its_time_and_then_tells_everybody(each: RunningHomezone) -> None:
    author, voter, other = each.members(3)
    closes_at = datetime.now(UTC) + timedelta(seconds=1.5)
    post = ask(author, closes_at=closes_at.isoformat())
    vote(voter, post, 0).ok(200)
    again = threading.Event()
    while datetime.now(UTC) < closes_at:
        again.wait(0.02)
    vote(other, post, 0).refused(409, "poll-closed")
    vote(voter, post, 1).refused(409, "poll-closed")
    poll = poll_of(other, post)
    assert (poll["closed"], votes(poll), poll["voters"]) == (True, [1, 0, 0], 1)
    auditor = each.client(10_012, "auditor")
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while True:
        events = auditor.get("/v1/audit/events", stream=post).ok(200).json["items"]
        if [one["type"] for one in events][-1:] == ["post.poll_closed.v1"]:
            break
        assert datetime.now(UTC) < deadline, "the timer records that it closed"
        again.wait(0.05)
    assert len(events) == 2
