"""Asking and voting: a poll takes the lines of a poem, and whoever sees it may choose."""

from random import Random

from api.simulation import texts
from api.simulation.actions import Action, act, audience, post_in_sight
from api.simulation.world import Post, World

# How many posts a member passes over before finding nothing to vote on.
POSTS_TRIED_MAX = 20


def poll(random: Random, world: World, actor: int) -> Action:
    """Which line of a poem is liked best, or which ones."""
    language = texts.language_of(actor)
    options = texts.options(random, language)
    body = {
        "kind": "poll",
        "text": texts.comment(random, language),
        "poll": {"options": options, "choose": random.randint(1, len(options) - 1)},
        "audience": audience(random, world, actor),
    }
    return act("poll", actor, "POST", "/v1/posts", body)


def vote(random: Random, world: World, actor: int) -> Action | None:
    """For one option or as many as may be chosen; again, another vote takes its place."""
    post = _poll_in_sight(random, world, actor)
    if post is None:
        return None
    count = random.randint(1, post.choose)
    body = {"options": sorted(random.sample(range(post.options), count))}
    path = f"/v1/posts/{post.id}/vote"
    return act("vote", actor, "PUT", path, body, after=post.position, post=post)


def _poll_in_sight(random: Random, world: World, actor: int) -> Post | None:
    for _ in range(POSTS_TRIED_MAX):
        post = post_in_sight(random, world, actor)
        if post is not None and post.options:
            return post
    return None
