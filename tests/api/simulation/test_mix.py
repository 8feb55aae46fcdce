"""The mix keeps its proportions, and every action is on something its actor may see."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from api.simulation.actions import Action
from api.simulation.client import Answer
from api.simulation.learning import learn
from api.simulation.mix import READS, deletion_delay_s, next_action
from api.simulation.population import populate
from api.simulation.world import World


def answered(action: Action, number: int) -> Answer:
    """A server that says yes to everything."""
    position = f"{action.actor % 16}-{number}"
    return Answer(200, {"id": f"id-{number}", "position": position}, None, unexpected=False)


def history(seed: int, users: int, count: int, *, writes_only: bool = False) -> list[Action]:
    """The actions of a run in which everything succeeds, checked as they come."""
    world, random, drawn = populate(seed, users).world(), Random(seed), []
    for number in range(1, count + 1):
        action = next_action(random, world, writes_only=writes_only)
        check(world, action)
        learn(random, world, action, answered(action, number))
        drawn.append(action)
    return drawn


def check(world: World, action: Action) -> None:
    post, actor = action.post, action.actor
    if post is not None:
        assert world.may_see(actor, post)
        assert post.live
        if action.kind in ("edit", "audience", "delete"):
            assert post.author == actor
    if action.kind == "vote":
        assert post is not None
        assert action.request.body is not None
        chosen = action.request.body["options"]
        assert 1 <= len(set(chosen)) == len(chosen) <= post.choose < post.options > max(chosen)
    if action.comment is not None:
        assert action.comment.author == actor
    assert action.other != actor


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), users=st.integers(1, 60))
def test_actions_are_on_what_exists_and_is_seen(seed: int, users: int) -> None:
    history(seed, users, 600, writes_only=seed % 2 == 0)


def test_the_seed_decides_everything() -> None:
    assert [a.request for a in history(7, 50, 800)] == [a.request for a in history(7, 50, 800)]


def test_reads_outnumber_writes_fifty_to_one() -> None:
    drawn = [action for action in history(1, 100, 30_000) if action.kind != "visit"]
    reads = sum(action.kind in READS for action in drawn)
    assert 40 < reads / (len(drawn) - reads) < 60


def test_there_are_ten_visits_to_a_post() -> None:
    kinds = Counter(action.kind for action in history(6, 100, 60_000))
    posts = kinds["shuoshuo"] + kinds["diary"] + kinds["share"] + kinds["poll"]
    assert 8 < kinds["visit"] / posts < 12


def test_posts_outnumber_comments_and_comments_shares() -> None:
    kinds = Counter(action.kind for action in history(2, 300, 20_000, writes_only=True))
    posts, comments = kinds["shuoshuo"] + kinds["diary"], kinds["comment"] + kinds["reply"]
    assert posts > comments > kinds["share"] > 0
    assert all(
        kinds[kind]
        for kind in (
            "delete",
            "edit",
            "audience",
            "ask",
            "accept",
            "follow",
            "message",
            "poll",
            "vote",
        )
    )


def test_half_of_deletions_come_within_eight_minutes_and_some_after_days() -> None:
    random = Random(3)
    delays = [deletion_delay_s(random) for _ in range(20_000)]
    assert abs(sum(delay <= 8 * 60 for delay in delays) / len(delays) - 0.5) < 0.02
    assert max(delays) > 86_400


def test_only_what_everyone_may_see_is_shared() -> None:
    for action in history(4, 200, 10_000, writes_only=True):
        if action.kind == "share":
            assert action.post is not None
            assert action.request.body is not None
            assert action.request.body["share_of"] == action.post.id


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), fewer=st.integers(1, 50), more=st.integers(0, 50))
def test_more_users_of_a_seed_are_the_same_ones_and_others(
    seed: int, fewer: int, more: int
) -> None:
    small, large = populate(seed, fewer), populate(seed, fewer + more)
    assert list(large.members)[:fewer] == list(small.members)
    assert not set(large.members) & set(large.spaces)


def test_a_refusal_teaches_nothing() -> None:
    world, random = populate(5, 10).world(), Random(5)
    refused = Answer(409, None, "409 /problems/x", unexpected=False)
    for _ in range(200):
        learn(random, world, next_action(random, world, writes_only=True), refused)
    assert not any(world.posts_of(member) for member in world.members)
