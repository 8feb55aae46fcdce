"""
What the simulator knows of the network: who is whose friend, and which posts can be seen by whom.

Why it exists: an action must refer to things that exist and that the acting member may see, or
the workload would measure refusals. It is a model of what the clients' screens would show, learnt
only from answers; it is not a copy of the server's rules, and a refusal that it did not foresee
(two members acting at once) is counted, not fatal.

Time here is simulated: seconds since the run began, advanced by each action, so that "within 8
minutes of posting" means the same at any speed. Memory is bounded: the latest posts of each
member are remembered, older ones are let go.
"""

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import Literal

import msgspec

To = Literal["public", "friends", "only_me", "list"]

POSTS_REMEMBERED_PER_MEMBER = 20
COMMENTS_REMEMBERED_PER_POST = 8
# How often a member does anything, reads included: about once in ten waking minutes.
ACTIONS_PER_MEMBER_PER_DAY = 100.0
DAY_S = 86_400.0


class Comment(msgspec.Struct, frozen=True):
    id: str
    author: int
    position: str


class Post(msgspec.Struct):
    """A live post; `position` is that of its latest change, for reads that depend on it."""

    id: str
    author: int
    kind: str
    posted_at_s: float
    position: str
    to: To
    listed: tuple[int, ...] = ()
    live: bool = True
    #: Of a poll: how many options it has, and how many of them one may choose.
    options: int = 0
    choose: int = 0
    comments: deque[Comment] = msgspec.field(
        default_factory=lambda: deque(maxlen=COMMENTS_REMEMBERED_PER_POST)
    )
    likers: set[int] = msgspec.field(default_factory=set)


class World:
    def __init__(self, members: Sequence[int], spaces: Sequence[int]) -> None:
        assert members
        assert len(set(members) | set(spaces)) == len(members) + len(spaces)
        self.members = members
        self.spaces = spaces
        self.now_s = 0.0
        self._friends: dict[int, list[int]] = {member: [] for member in members}
        self._follows: dict[int, list[int]] = {}
        self._blocks: set[tuple[int, int]] = set()
        self._posts: dict[int, deque[Post]] = {}
        self._fates: list[tuple[float, int, Post]] = []
        self._fates_count = 0
        #: Visits that the posts made so far bring, and that are yet to be made.
        self.visits_owed = 0
        self.asks: deque[tuple[int, int]] = deque(maxlen=1_000)
        #: Whose posts may say where they are.
        self.consenting: set[int] = set()

    # Time.

    def advance(self, random: Random) -> None:
        """One action passes: arrivals are a Poisson process over all members."""
        per_second = len(self.members) * ACTIONS_PER_MEMBER_PER_DAY / DAY_S
        self.now_s += random.expovariate(per_second)

    def doom(self, post: Post, delay_s: float) -> None:
        """The author will delete this post so much later."""
        self._fates_count += 1  # breaks ties, because posts have no order
        heappush(self._fates, (post.posted_at_s + delay_s, self._fates_count, post))

    def doomed(self) -> Post | None:
        """The next post whose time has come, if any; it is handed out once."""
        while self._fates and self._fates[0][0] <= self.now_s:
            post = heappop(self._fates)[2]
            if post.live:
                return post
        return None

    # Relations.

    def befriend(self, one: int, other: int) -> None:
        assert one != other
        if other not in self._friends[one]:
            self._friends[one].append(other)
            self._friends[other].append(one)

    def unfriend(self, one: int, other: int) -> None:
        if other in self._friends[one]:
            self._friends[one].remove(other)
            self._friends[other].remove(one)

    def friends(self, member: int) -> Sequence[int]:
        return self._friends.get(member, ())

    def follow(self, member: int, space: int) -> None:
        assert space in self.spaces
        follows = self._follows.setdefault(member, [])
        if space not in follows:
            follows.append(space)

    def unfollow(self, member: int, space: int) -> None:
        if space in self.follows(member):
            self._follows[member].remove(space)

    def follows(self, member: int) -> Sequence[int]:
        return self._follows.get(member, ())

    def block(self, member: int, other: int) -> None:
        self._blocks.add((member, other))

    def unblock(self, member: int, other: int) -> None:
        self._blocks.discard((member, other))

    def blocked(self, member: int) -> list[int]:
        return [other for blocker, other in self._blocks if blocker == member]

    def some_block(self, random: Random) -> tuple[int, int] | None:
        """Any blocker and whom they block; sorted, because a set promises no order."""
        return random.choice(sorted(self._blocks)) if self._blocks else None

    def estranged(self, one: int, other: int) -> bool:
        """Whether either has blocked the other."""
        return (one, other) in self._blocks or (other, one) in self._blocks

    # Posts.

    def publish(self, post: Post) -> None:
        posts = self._posts.setdefault(post.author, deque(maxlen=POSTS_REMEMBERED_PER_MEMBER))
        # The oldest falls out of sight, but if it is to be deleted it still will be.
        posts.append(post)

    def withdraw(self, post: Post) -> None:
        post.live = False
        posts = self._posts.get(post.author)
        if posts is not None and any(each is post for each in posts):
            self._posts[post.author] = deque(
                (each for each in posts if each is not post), maxlen=POSTS_REMEMBERED_PER_MEMBER
            )

    def posts_of(self, author: int) -> Sequence[Post]:
        """Those remembered, oldest first."""
        return self._posts.get(author, ())

    def may_see(self, viewer: int, post: Post) -> bool:
        if viewer == post.author:
            return True
        if self.estranged(viewer, post.author):
            return False
        match post.to:
            case "public":
                return True
            case "friends":
                return viewer in self.friends(post.author)
            case "list":
                return viewer in post.listed and viewer in self.friends(post.author)
            case "only_me":
                return False

    def seen_posts(self, viewer: int, author: int) -> list[Post]:
        return [post for post in self.posts_of(author) if self.may_see(viewer, post)]
