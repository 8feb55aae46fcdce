"""
Who is there before anything happens: accounts, certified spaces, friendships and follows, made
over HTTP.

Why it exists: the workload needs a network to act in, and a store is filled like any other,
through the doors. All of it is a function of the seed: a second run with the same seed meets its
own members again (409 for an account is fine, a friendship that stands is a no-op), so a store
can be filled further or measured again.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import msgspec

from api.simulation import texts
from api.simulation.client import Request
from api.simulation.graph import friend_graph
from api.simulation.world import World

# Tencent's own official number; here, whoever runs the simulation.
OPERATOR_QQ = 10_000
QQ_MIN, QQ_MAX = 100_000, 9_999_999_999
MEMBERS_PER_SPACE = 500
SPACES_MAX = 50
FOLLOWING_SHARE = 0.2


class Population(msgspec.Struct, frozen=True):
    """QQ numbers; friendships and follows are pairs of them, each once."""

    members: Sequence[int]
    spaces: Sequence[int]
    friendships: Sequence[tuple[int, int]]
    follows: Sequence[tuple[int, int]]

    def world(self) -> World:
        """The world once all of it has been made."""
        world = World(self.members, self.spaces)
        for one, other in self.friendships:
            world.befriend(one, other)
        for member, space in self.follows:
            world.follow(member, space)
        return world


def populate(seed: int, users: int) -> Population:
    """The members and their relations; more users of the same seed are these and others."""
    assert users >= 1
    members = list(_numbers(Random(f"{seed} members"), users, taken=()))
    spaces_count = min(SPACES_MAX, 1 + users // MEMBERS_PER_SPACE)
    spaces = list(_numbers(Random(f"{seed} spaces"), spaces_count, taken=members))
    graph = friend_graph(Random(f"{seed} friends"), users)
    friendships = [(members[one], members[other]) for one, other in graph.friendships()]
    random = Random(f"{seed} follows")
    follows = [
        (member, random.choice(spaces)) for member in members if random.random() < FOLLOWING_SHARE
    ]
    return Population(members, spaces, friendships, follows)


def _numbers(random: Random, count: int, taken: Iterable[int]) -> Iterator[int]:
    seen = set(taken)
    while count:
        qq = random.randint(QQ_MIN, QQ_MAX)
        if qq not in seen:
            seen.add(qq)
            count -= 1
            yield qq


def account(qq: int) -> Request:
    """The account of a member; who it is depends on the number alone."""
    person = texts.person(Random(qq), texts.language_of(qq))
    return account_of(qq, person)


def account_of(qq: int, person: texts.Person) -> Request:
    body: dict[str, Any] = {
        "qq": qq,
        "nickname": person.nickname,
        "real_name": person.real_name,
        "birth_date": person.birth_date.isoformat(),
    }
    return Request("account", OPERATOR_QQ, "POST", "/v1/accounts", body, role="operator")


def certification(qq: int, space: texts.CertifiedSpace) -> Request:
    body = {"type": space.type, "name": space.name}
    path = f"/v1/spaces/{qq}/certification"
    return Request("certify", OPERATOR_QQ, "PUT", path, body, role="operator")


def friendship(pair: tuple[int, int]) -> tuple[Request, Request]:
    """One asks, the other accepts: to be sent in this order."""
    one, other = pair
    return (
        Request("befriend", one, "PUT", f"/v1/me/friends/{other}"),
        Request("befriend", other, "PUT", f"/v1/me/friends/{one}"),
    )


def follow(pair: tuple[int, int]) -> Request:
    member, space = pair
    return Request("follow", member, "PUT", f"/v1/me/follows/{space}")
