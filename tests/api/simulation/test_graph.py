"""Friend graphs are simple, of the right mean degree, heavy-tailed and clustered, by seed."""

from random import Random
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from api.simulation.graph import FriendGraph, friend_graph, mean_degree

seeds = st.integers(0, 2**32)


def clustering(graph: FriendGraph, members: list[int]) -> float:
    """The mean, over these members, of how many pairs of their friends are friends."""
    found = []
    for member in members:
        friends = set(graph.friends[member])
        if len(friends) > 1:
            ties = sum(len(friends.intersection(graph.friends[friend])) for friend in friends)
            found.append(ties / (len(friends) * (len(friends) - 1)))
    return sum(found) / len(found)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, members=st.integers(0, 300))
def test_a_graph_is_simple_and_friendship_mutual(seed: int, members: int) -> None:
    graph = friend_graph(Random(seed), members)
    assert len(graph.friends) == members
    pairs = list(graph.friendships())
    assert len(set(pairs)) == len(pairs) == graph.friendship_count()
    for member, friends in enumerate(graph.friends):
        assert member not in friends
        assert len(set(friends)) == len(friends)
        assert all(member in graph.friends[friend] for friend in friends)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, members=st.integers(0, 200))
def test_the_seed_decides_everything(seed: int, members: int) -> None:
    one, other = (list(friend_graph(Random(seed), members).friendships()) for _ in range(2))
    assert one == other


@settings(max_examples=30, deadline=None)
@given(seed=seeds, members=st.integers(2, 200), friends_max=st.integers(1, 12))
def test_nobody_has_more_friends_than_allowed(seed: int, members: int, friends_max: int) -> None:
    graph = friend_graph(Random(seed), members, friends_max)
    assert max(map(len, graph.friends)) <= friends_max


@settings(max_examples=10, deadline=None)
@given(seed=seeds, members=st.integers(400, 3_000))
def test_the_mean_degree_is_the_formulas(seed: int, members: int) -> None:
    graph = friend_graph(Random(seed), members)
    assert abs(graph.mean_degree() - mean_degree(members)) < 0.05 * mean_degree(members)


def test_the_formula_gives_the_values_of_the_benchmark() -> None:
    assert mean_degree(0) == mean_degree(1) == 0.0
    assert round(mean_degree(1_000), 1) == 19.2
    assert round(mean_degree(10_000), 1) == 39.8


@settings(max_examples=5, deadline=None)
@given(seed=seeds)
def test_few_have_very_many_friends_and_friends_of_friends_are_friends(seed: int) -> None:
    members = 4_000
    graph = friend_graph(Random(seed), members)
    degrees = sorted(map(len, graph.friends))
    mean = graph.mean_degree()
    # A random graph's degrees are Poisson: none would reach even twice the mean here.
    assert degrees[-1] > 8 * mean
    assert degrees[members // 2] < 0.9 * mean
    sample = Random(seed).sample(range(members), 200)
    assert clustering(graph, sample) > 10 * mean / members


def test_a_hundred_thousand_members_take_seconds() -> None:
    began = process_time()
    graph = friend_graph(Random(1), 100_000)
    assert process_time() - began < 30.0
    assert max(map(len, graph.friends)) <= 5_000
