"""
Who is whose friend: a scale-free, clustered graph of members.

Why it exists: a feed's cost depends on how friendships are spread. A random graph has no hubs and
no circles of friends, so it hides exactly what is dear in a network: the post of somebody
everybody knows, and the post seen by many who know one another.

Where it comes from: growth by preferential attachment with triad formation (P. Holme and B. J.
Kim, "Growing scale-free networks with tunable clustering", Physical Review E 65, 026107, 2002),
except that the number of friends a newcomer makes is drawn from an exponential distribution and
not fixed, so that members with few friends exist too. The mean degree is that of the LDBC Social
Network Benchmark, n^(0.512 - 0.028·log10 n), fitted there to Facebook.
"""

from array import array
from collections.abc import Iterator, Sequence
from math import log10
from random import Random

import msgspec

FRIENDS_MAX = 5_000
TRIAD_PROBABILITY = 0.9
# After so many draws of members already chosen, or full, a newcomer takes whoever is free.
DRAWS_MAX = 32


class FriendGraph(msgspec.Struct, frozen=True):
    """Members are 0..n-1; `friends[m]` holds each friend of m once, and friendship is mutual."""

    friends: Sequence[Sequence[int]]

    def friendships(self) -> Iterator[tuple[int, int]]:
        """Each friendship once, the earlier member first."""
        for member, friends in enumerate(self.friends):
            for friend in friends:
                if member < friend:
                    yield member, friend

    def friendship_count(self) -> int:
        return sum(map(len, self.friends)) // 2

    def mean_degree(self) -> float:
        return 2 * self.friendship_count() / len(self.friends) if self.friends else 0.0


def mean_degree(members: int) -> float:
    """The LDBC benchmark's mean number of friends in a network of so many members."""
    if members < 2:
        return 0.0
    return float(min(members - 1, members ** (0.512 - 0.028 * log10(members))))


def friend_graph(random: Random, members: int, friends_max: int = FRIENDS_MAX) -> FriendGraph:
    """Grow a graph of `members` members; the same random state gives the same graph."""
    assert members >= 0
    assert friends_max >= 1
    friends = [array("I") for _ in range(members)]
    # Every member once for each friendship: a uniform draw from it is preferential attachment.
    endpoints = array("I")
    owed = round(members * mean_degree(members) / 2)
    for newcomer in range(1, members):
        # What is still owed, over who is still to come: so rounding and caps correct themselves.
        share = owed / (members - newcomer)
        wanted = max(1, round(share * random.expovariate(1.0)))
        if newcomer == members - 1:
            wanted = max(1, owed)
        wanted = min(newcomer, wanted, friends_max)
        chosen = _attach(random, newcomer, wanted, friends, endpoints, friends_max)
        friends[newcomer].extend(chosen)
        for friend in chosen:
            friends[friend].append(newcomer)
            endpoints.append(friend)
            endpoints.append(newcomer)
        owed = max(0, owed - len(chosen))
    return FriendGraph(friends)


def _attach(
    random: Random,
    newcomer: int,
    wanted: int,
    friends: Sequence[Sequence[int]],
    endpoints: Sequence[int],
    friends_max: int,
) -> list[int]:
    """Whom a newcomer befriends: by popularity, and mostly friends of the one befriended before."""
    chosen: dict[int, None] = {}  # a dict keeps the order, which a set would not promise
    uniform = random.random
    introducer = -1
    while len(chosen) < wanted:
        for _ in range(DRAWS_MAX):
            if introducer >= 0 and uniform() < TRIAD_PROBABILITY:
                circle = friends[introducer]
            else:
                circle, introducer = endpoints, -1
            candidate = circle[int(uniform() * len(circle))] if circle else 0
            if candidate not in chosen and len(friends[candidate]) < friends_max:
                break
        else:
            candidate = _anybody_free(random, newcomer, chosen, friends, friends_max)
            if candidate < 0:
                break
        chosen[candidate] = None
        # One introducer opens a whole circle; the first member has no friends to introduce yet.
        if introducer < 0 and friends[candidate]:
            introducer = candidate
    return list(chosen)


def _anybody_free(
    random: Random,
    newcomer: int,
    chosen: dict[int, None],
    friends: Sequence[Sequence[int]],
    friends_max: int,
) -> int:
    """The first free member from a random start, or -1 if nobody has room."""
    start = int(random.random() * newcomer)
    for step in range(newcomer):
        candidate = (start + step) % newcomer
        if candidate not in chosen and len(friends[candidate]) < friends_max:
            return candidate
    return -1
