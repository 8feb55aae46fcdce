"""
What members look at.

Why it exists: reads outnumber writes 50 to 1, so what is read, and how recent it is, decides most
of a run's numbers. Builders have the same shape as those in actions.py. Each read asks for what
the reader's screen showed before, by the position of the newest thing it depends on.
"""

# ruff: noqa: ARG001 - every builder has the same shape, whatever it needs of it

from random import Random

from api.simulation.actions import Action, act, friend_of, post_in_sight
from api.simulation.client import at_least
from api.simulation.world import World


def feed(random: Random, world: World, actor: int) -> Action:
    return act("feed", actor, "GET", "/v1/feed")


def post(random: Random, world: World, actor: int) -> Action | None:
    seen = post_in_sight(random, world, actor)
    if seen is None:
        return None
    return act("post", actor, "GET", f"/v1/posts/{seen.id}", after=seen.position, post=seen)


def comments(random: Random, world: World, actor: int) -> Action | None:
    seen = post_in_sight(random, world, actor)
    if seen is None:
        return None
    path = f"/v1/posts/{seen.id}/comments"
    # A comment lives in its writer's cell, the post in its author's: the screen showed both.
    after = at_least(seen.position, *(each.position for each in seen.comments))
    return act("comments", actor, "GET", path, after=after, post=seen)


def likes(random: Random, world: World, actor: int) -> Action | None:
    seen = post_in_sight(random, world, actor)
    if seen is None:
        return None
    path = f"/v1/posts/{seen.id}/likes"
    return act("likes", actor, "GET", path, after=seen.position, post=seen)


def own_space(random: Random, world: World, actor: int) -> Action:
    own = world.posts_of(actor)
    after = at_least(*(each.position for each in own))
    return act("own space", actor, "GET", f"/v1/spaces/{actor}", after=after)


def friends_space(random: Random, world: World, actor: int) -> Action | None:
    other = friend_of(random, world, actor)
    if other is None:
        return None
    return act("friend's space", actor, "GET", f"/v1/spaces/{other}", other=other)


def friends_posts(random: Random, world: World, actor: int) -> Action | None:
    other = friend_of(random, world, actor)
    if other is None:
        return None
    return act("friend's posts", actor, "GET", f"/v1/spaces/{other}/posts", other=other)


def friends(random: Random, world: World, actor: int) -> Action:
    return act("friends", actor, "GET", "/v1/me/friends?state=friends")


def board(random: Random, world: World, actor: int) -> Action | None:
    other = friend_of(random, world, actor)
    return None if other is None else act("board", actor, "GET", f"/v1/spaces/{other}/messages")


def notifications(random: Random, world: World, actor: int) -> Action:
    return act("notifications", actor, "GET", "/v1/me/notifications")


def unread(random: Random, world: World, actor: int) -> Action:
    return act("unread", actor, "GET", "/v1/me/notifications/unread")
