"""
What members do with one another: friends, blocks, follows, and their own profile.

Why it exists: these are rare beside posts and reads, but they are what makes visibility change
under a reader's eyes, so a workload without them never meets the dear cases. Builders have the
same shape as those in actions.py.
"""

# ruff: noqa: ARG001 - every builder has the same shape, whatever it needs of it

from random import Random

from api.simulation import texts
from api.simulation.actions import Action, act
from api.simulation.world import World


def ask(random: Random, world: World, actor: int) -> Action | None:
    """People meet through people: a friend of a friend, rarely a stranger."""
    friends = world.friends(actor)
    circle = world.friends(random.choice(friends)) if friends and random.random() < 0.8 else None
    other = random.choice(circle or world.members)
    if other == actor or other in friends or world.estranged(actor, other):
        return None
    return act("ask", actor, "PUT", f"/v1/me/friends/{other}", other=other)


def accept(random: Random, world: World, actor: int) -> Action | None:
    """Whoever was asked first answers; the drawn member does not matter."""
    if not world.asks:
        return None
    asker, asked = world.asks.popleft()
    if world.estranged(asker, asked):
        return None
    return act("accept", asked, "PUT", f"/v1/me/friends/{asker}", other=asker)


def unfriend(random: Random, world: World, actor: int) -> Action | None:
    friends = world.friends(actor)
    if not friends:
        return None
    other = random.choice(friends)
    return act("unfriend", actor, "DELETE", f"/v1/me/friends/{other}", other=other)


def block(random: Random, world: World, actor: int) -> Action | None:
    other = random.choice(world.members)
    if other == actor or other in world.blocked(actor):
        return None
    return act("block", actor, "PUT", f"/v1/me/blocks/{other}", other=other)


def unblock(random: Random, world: World, actor: int) -> Action | None:
    """Some blocker, because the drawn member has most likely blocked nobody."""
    pair = world.some_block(random)
    if pair is None:
        return None
    blocker, other = pair
    return act("unblock", blocker, "DELETE", f"/v1/me/blocks/{other}", other=other)


def follow(random: Random, world: World, actor: int) -> Action | None:
    if not world.spaces or actor in world.spaces:
        return None
    space = random.choice(world.spaces)
    if space in world.follows(actor):
        return None
    return act("follow", actor, "PUT", f"/v1/me/follows/{space}", other=space)


def unfollow(random: Random, world: World, actor: int) -> Action | None:
    follows = world.follows(actor)
    if not follows:
        return None
    space = random.choice(follows)
    return act("unfollow", actor, "DELETE", f"/v1/me/follows/{space}", other=space)


def profile(random: Random, world: World, actor: int) -> Action:
    """Half of those who touch their profile let their posts say where they are."""
    body: dict[str, object] = {"nickname": texts.nickname(random, texts.language_of(actor))}
    if random.random() < 0.5:
        body["location_consent"] = True
    return act("profile", actor, "PATCH", "/v1/me", body)
