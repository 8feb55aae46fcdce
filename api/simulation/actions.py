"""
Each thing a member can do, as one request on something that exists and that the member may see.

Why it exists: mix.py says how often, this says how. One builder a kind, all of one shape: given
the Random, the world and the acting member it returns the action, or None when the member has
nothing to do it with. A request that depends on what somebody else wrote before carries that
position as Homezone-At-Least: a person acts on what the screen shows.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from api.simulation import texts
from api.simulation.client import Method, Request
from api.simulation.world import Comment, Post, To, World

AUDIENCES: Mapping[To, int] = {"public": 45, "friends": 45, "only_me": 5, "list": 5}
LISTED_MAX = 12
# How far back a reader goes: the odds of passing over a post for the next older one.
OLDER_POST_ODDS = 0.6
# How many authors a member looks at before finding nothing to read.
AUTHORS_TRIED_MAX = 4
MOOD_SHARE = 0.3
LOCATION_SHARE = 0.1


class Action(msgspec.Struct, frozen=True):
    """The request, and what the world will need to learn from its answer."""

    request: Request
    post: Post | None = None
    comment: Comment | None = None
    other: int | None = None

    @property
    def kind(self) -> str:
        return self.request.kind

    @property
    def actor(self) -> int:
        return self.request.actor


Build = Callable[[Random, World, int], Action | None]


def act(
    kind: str,
    actor: int,
    method: Method,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    after: str | None = None,
    post: Post | None = None,
    comment: Comment | None = None,
    other: int | None = None,
) -> Action:
    return Action(Request(kind, actor, method, path, body, after), post, comment, other)


# What is within a member's sight.


def _recent(random: Random, posts: Sequence[Post]) -> Post:
    newest = len(posts) - 1
    while newest > 0 and random.random() < OLDER_POST_ODDS:
        newest -= 1
    return posts[newest]


def post_in_sight(random: Random, world: World, actor: int, own_share: float = 0.05) -> Post | None:
    """A recent post of a friend, of a followed space, or now and then of one's own."""
    if random.random() < own_share and (own := world.posts_of(actor)):
        return _recent(random, own)
    for _ in range(AUTHORS_TRIED_MAX):
        follows = world.follows(actor)
        circle = follows if follows and random.random() < 0.1 else world.friends(actor)
        if circle and (posts := world.seen_posts(actor, random.choice(circle))):
            return _recent(random, posts)
    return None


def _own_post(random: Random, world: World, actor: int) -> Post | None:
    posts = world.posts_of(actor)
    return _recent(random, posts) if posts else None


def friend_of(random: Random, world: World, actor: int) -> int | None:
    friends = [each for each in world.friends(actor) if not world.estranged(actor, each)]
    return random.choice(friends) if friends else None


# Posts.


def audience(random: Random, world: World, actor: int) -> dict[str, Any]:
    """An Audience for a post of this member; a certified space speaks to everyone."""
    if actor in world.spaces:
        return {"to": "public"}
    to = random.choices(list(AUDIENCES), list(AUDIENCES.values()))[0]
    friends = world.friends(actor)
    if to != "list":
        return {"to": to}
    if not friends:
        return {"to": "friends"}
    listed = random.sample(friends, min(len(friends), random.randint(1, LISTED_MAX)))
    return {"to": "list", "list": sorted(listed)}


def shuoshuo(random: Random, world: World, actor: int) -> Action:
    body: dict[str, Any] = {
        "kind": "shuoshuo",
        "text": texts.shuoshuo(random, texts.language_of(actor)),
        "audience": audience(random, world, actor),
    }
    if random.random() < MOOD_SHARE:
        body["mood"] = texts.mood(random)
    if actor in world.consenting and random.random() < LOCATION_SHARE:
        body["location"] = texts.city(random)
    return act("shuoshuo", actor, "POST", "/v1/posts", body)


def diary(random: Random, world: World, actor: int) -> Action:
    written = texts.diary(random, texts.language_of(actor))
    body = {
        "kind": "diary",
        "title": written.title,
        "text": written.text,
        "mood": texts.mood(random),
        "audience": audience(random, world, actor),
    }
    return act("diary", actor, "POST", "/v1/posts", body)


def share(random: Random, world: World, actor: int) -> Action | None:
    """Only what everyone may see is shared, so that a share never shows more than its origin."""
    post = post_in_sight(random, world, actor, own_share=0.0)
    if post is None or post.to != "public" or post.kind == "share":
        return None
    body = {
        "kind": "share",
        "text": texts.comment(random, texts.language_of(actor)),
        "share_of": post.id,
        "audience": {"to": random.choice(("public", "friends"))},
    }
    return act("share", actor, "POST", "/v1/posts", body, after=post.position, post=post)


def edit(random: Random, world: World, actor: int) -> Action | None:
    post = _own_post(random, world, actor)
    if post is None:
        return None
    if post.kind == "diary":
        written = texts.diary(random, texts.language_of(actor))
        body = {"title": written.title, "text": written.text}
    else:
        body = {"text": texts.shuoshuo(random, texts.language_of(actor))}
    return act("edit", actor, "PATCH", f"/v1/posts/{post.id}", body, post=post)


def change_audience(random: Random, world: World, actor: int) -> Action | None:
    post = _own_post(random, world, actor)
    if post is None:
        return None
    body = audience(random, world, actor)
    return act("audience", actor, "PUT", f"/v1/posts/{post.id}/audience", body, post=post)


def delete(post: Post) -> Action:
    return act("delete", post.author, "DELETE", f"/v1/posts/{post.id}", post=post)


# Comments and likes.


def comment(random: Random, world: World, actor: int) -> Action | None:
    post = post_in_sight(random, world, actor)
    if post is None:
        return None
    body = {"text": texts.comment(random, texts.language_of(actor))}
    path = f"/v1/posts/{post.id}/comments"
    return act("comment", actor, "POST", path, body, after=post.position, post=post)


def reply(random: Random, world: World, actor: int) -> Action | None:
    post = post_in_sight(random, world, actor, own_share=0.4)
    if post is None or not post.comments:
        return None
    earlier = random.choice(post.comments)
    if world.estranged(actor, earlier.author):
        return None
    body = {
        "text": texts.comment(random, texts.language_of(actor)),
        "reply_to": earlier.id,
    }
    path = f"/v1/posts/{post.id}/comments"
    return act("reply", actor, "POST", path, body, after=earlier.position, post=post)


def uncomment(random: Random, world: World, actor: int) -> Action | None:
    post = post_in_sight(random, world, actor)
    own = [each for each in post.comments if each.author == actor] if post else []
    if post is None or not own:
        return None
    chosen = random.choice(own)
    path = f"/v1/comments/{chosen.id}"
    return act("uncomment", actor, "DELETE", path, post=post, comment=chosen)


def like(random: Random, world: World, actor: int) -> Action | None:
    post = post_in_sight(random, world, actor)
    if post is None or actor in post.likers:
        return None
    path = f"/v1/posts/{post.id}/like"
    return act("like", actor, "PUT", path, after=post.position, post=post)


def unlike(random: Random, world: World, actor: int) -> Action | None:
    post = post_in_sight(random, world, actor)
    if post is None or actor not in post.likers:
        return None
    return act("unlike", actor, "DELETE", f"/v1/posts/{post.id}/like", post=post)


# Spaces.


def visit(random: Random, world: World, actor: int) -> Action | None:
    other = friend_of(random, world, actor)
    return None if other is None else act("visit", actor, "POST", f"/v1/spaces/{other}/visits", {})


def message(random: Random, world: World, actor: int) -> Action | None:
    """A word on a friend's board, which is there for whoever sees the page."""
    other = friend_of(random, world, actor)
    if other is None:
        return None
    body = {"text": texts.comment(random, texts.language_of(actor))}
    return act("message", actor, "POST", f"/v1/spaces/{other}/messages", body)
