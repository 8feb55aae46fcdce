"""
What an answer teaches the simulator about the world.

Why it exists: actions are drawn from what the server has confirmed, never from what was merely
asked for, so only a successful answer changes the world, in this one place.
"""

from random import Random

from api.simulation.actions import Action
from api.simulation.client import Answer
from api.simulation.mix import fate_s
from api.simulation.world import Comment, Post, World


def learn(random: Random, world: World, action: Action, answer: Answer) -> None:
    """Take a successful write into the world; a read or a refusal changes nothing."""
    if not answer.ok or action.request.shape != "write":
        return
    if action.kind in ("shuoshuo", "diary", "share", "poll"):
        _published(random, world, action, answer)
    elif action.kind == "profile":
        assert action.request.body is not None
        if action.request.body.get("location_consent"):
            world.consenting.add(action.actor)
    elif action.post is not None:
        _touched(world, action, action.post, answer)
    elif action.other is not None:
        _related(world, action, action.other)


def _published(random: Random, world: World, action: Action, answer: Answer) -> None:
    # A post that is held or private is nobody else's to see; its author finds it on the next look.
    if answer.body.get("state", "published") != "published":
        return
    assert action.request.body is not None
    audience = action.request.body["audience"]
    listed = tuple(audience.get("list", ()))
    asked = action.request.body.get("poll", {})
    post = Post(
        id=answer.id,
        author=action.actor,
        kind=action.kind,
        posted_at_s=world.now_s,
        position=answer.position,
        to=audience["to"],
        listed=listed,
        options=len(asked.get("options", ())),
        choose=asked.get("choose", 0),
    )
    world.publish(post)
    delay_s = fate_s(random)
    if delay_s is not None:
        world.doom(post, delay_s)


def _touched(world: World, action: Action, post: Post, answer: Answer) -> None:
    match action.kind:
        case "delete":
            world.withdraw(post)
        case "edit":
            post.position = answer.position
        case "audience":
            assert action.request.body is not None
            post.to = action.request.body["to"]
            post.listed = tuple(action.request.body.get("list", ()))
            post.position = answer.position
        case "comment" | "reply":
            post.comments.append(Comment(answer.id, action.actor, answer.position))
        case "uncomment":
            if action.comment is not None and action.comment in post.comments:
                post.comments.remove(action.comment)
        case "like":
            post.likers.add(action.actor)
        case "unlike":
            post.likers.discard(action.actor)
        case "vote":
            pass  # Whoever voted may vote again, and nobody else's screen depends on it.
        case kind:
            raise AssertionError(f"{kind} does not touch a post")


def _related(world: World, action: Action, other: int) -> None:
    actor = action.actor
    match action.kind:
        case "ask":
            # Asking somebody who had asked first is accepting.
            if (other, actor) in world.asks:
                world.asks.remove((other, actor))
                world.befriend(actor, other)
            else:
                world.asks.append((actor, other))
        case "accept":
            world.befriend(actor, other)
        case "unfriend":
            world.unfriend(actor, other)
        case "block":
            world.block(actor, other)
        case "unblock":
            world.unblock(actor, other)
        case "follow":
            world.follow(actor, other)
        case "unfollow":
            world.unfollow(actor, other)
        case kind:
            raise AssertionError(f"{kind} does not relate two members")
