"""
What members do, and how often: the mix of actions as data, and the drawing of the next one.

Why it exists: rates are worth nothing without the mix they were measured with, so the mix is one
table that anyone can read and change. Reads outnumber writes 50 to 1; posts > comments > shares.
Whoever looks at a space has been there: visits, which are writes as well, come ten to a post.
How soon a post is deleted follows what was seen on Twitter: half of all deletions within 8
minutes, with a long tail (H. Almuhimedi et al., "Tweets Are Forever", CSCW 2013); a log-normal
delay with that median has both.

Drawing is pure but for the Random and the passing of simulated time. An action that finds nothing
to act on (no friend, no post in sight) becomes the simplest of its side: a look at the feed, or,
of the writes, a shuoshuo.
"""

from collections.abc import Mapping
from itertools import accumulate
from math import log
from random import Random

from api.simulation import actions, polls, reads, relations
from api.simulation.actions import Action, Build
from api.simulation.world import World

READS_PER_WRITE = 50
VISITS_PER_POST = 10
# How soon they come, of all that happens meanwhile.
VISIT_SHARE = 0.25
DELETED_SHARE = 0.04
DELETION_MEDIAN_S = 8 * 60.0
DELETION_SIGMA = 2.0
CERTIFIED_POST_SHARE = 0.02

READS: Mapping[str, tuple[int, Build]] = {
    "feed": (480, reads.feed),
    "post": (150, reads.post),
    "comments": (120, reads.comments),
    "friend's space": (90, reads.friends_space),
    "friend's posts": (60, reads.friends_posts),
    "likes": (40, reads.likes),
    "own space": (40, reads.own_space),
    "friends": (20, reads.friends),
    "board": (20, reads.board),
    "notifications": (40, reads.notifications),
    "unread": (60, reads.unread),
}
# Deletions are not drawn: each is the fate of a post, decided when the post appears.
WRITES: Mapping[str, tuple[int, Build]] = {
    "shuoshuo": (300, actions.shuoshuo),
    "diary": (60, actions.diary),
    "comment": (200, actions.comment),
    "reply": (60, actions.reply),
    "share": (50, actions.share),
    "poll": (12, polls.poll),
    "vote": (30, polls.vote),
    "like": (220, actions.like),
    "unlike": (12, actions.unlike),
    "edit": (20, actions.edit),
    "audience": (14, actions.change_audience),
    "uncomment": (6, actions.uncomment),
    "ask": (10, relations.ask),
    "accept": (8, relations.accept),
    "unfriend": (2, relations.unfriend),
    "block": (1, relations.block),
    "unblock": (1, relations.unblock),
    "follow": (14, relations.follow),
    "unfollow": (3, relations.unfollow),
    "profile": (9, relations.profile),
    "message": (30, actions.message),
}
_BY_SPACES = ("shuoshuo", "diary")
_POSTS = ("shuoshuo", "diary", "share", "poll")


class _Side:
    """The reads or the writes: weighted drawing with the cumulated weights made once."""

    def __init__(self, kinds: Mapping[str, tuple[int, Build]], fallback: Build) -> None:
        self._kinds = list(kinds)
        self._cumulated = list(accumulate(weight for weight, _ in kinds.values()))
        self._builds = {kind: build for kind, (_, build) in kinds.items()}
        self._fallback = fallback

    def draw(self, random: Random, world: World) -> Action:
        kind = random.choices(self._kinds, cum_weights=self._cumulated)[0]
        actor = _actor(random, world, kind)
        action = self._builds[kind](random, world, actor) or self._fallback(random, world, actor)
        assert action is not None, "a fallback needs nothing to act on"
        return action


_READS, _WRITES = _Side(READS, reads.feed), _Side(WRITES, actions.shuoshuo)
_VISITS = _Side({"visit": (1, actions.visit)}, reads.feed)


def next_action(random: Random, world: World, *, writes_only: bool = False) -> Action:
    """
    Let one action's time pass and say who does what.

    :param writes_only: leave out the reads, and the visits that come with them.
    """
    world.advance(random)
    doomed = world.doomed()
    if doomed is not None:
        return actions.delete(doomed)
    if world.visits_owed and not writes_only and random.random() < VISIT_SHARE:
        world.visits_owed -= 1
        return _VISITS.draw(random, world)
    if writes_only or random.random() * (READS_PER_WRITE + 1) < 1.0:
        drawn = _WRITES.draw(random, world)
        if drawn.kind in _POSTS:
            world.visits_owed += VISITS_PER_POST
        return drawn
    return _READS.draw(random, world)


def fate_s(random: Random) -> float | None:
    """Seconds until a new post will be deleted, or None for one that stays."""
    return deletion_delay_s(random) if random.random() < DELETED_SHARE else None


def deletion_delay_s(random: Random) -> float:
    """Seconds from posting to deletion, for a post that will be deleted."""
    return random.lognormvariate(log(DELETION_MEDIAN_S), DELETION_SIGMA)


def _actor(random: Random, world: World, kind: str) -> int:
    """Half the actions are anybody's; half are by the well-connected, who are the more active."""
    if kind in _BY_SPACES and world.spaces and random.random() < CERTIFIED_POST_SHARE:
        return random.choice(world.spaces)
    member = random.choice(world.members)
    friends = world.friends(member)
    # A random friend of a random member is met in proportion to how many friends they have.
    return random.choice(friends) if friends and random.random() < 0.5 else member
