"""
What streams are for: an app that read the feed once and applies what it is told holds the feed,
whatever happens, and however often it loses the connection.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.ids import cell_of
from tests.support.homezone import Client, RunningHomezone, audience
from tests.support.listening import Item, Listener, listening

AUTHORS = 3


@pytest.fixture(autouse=True)
def often(homezone: RunningHomezone) -> Iterator[None]:
    """Heartbeats often: they tell a test how far a stream has come."""
    hub = homezone.homezone.hub
    usual, hub.heartbeat_seconds = hub.heartbeat_seconds, 0.02
    yield
    hub.heartbeat_seconds = usual


class App:
    """
    What an app keeps: the texts of all posts in its feed, by id; and every item it was told.
    """

    def __init__(self, viewer: Client) -> None:
        self.viewer = viewer
        self.told: list[Item] = []
        self.cursor: str | None = None
        self.posts: dict[str, tuple[int, str]] = {}

    def take(self, stream: Listener) -> None:
        """Apply what is new."""
        for item in stream.items:
            self.told.append(item)
            self.apply(item)
        stream.items.clear()
        self.cursor = stream.cursor

    def apply(self, item: Item) -> None:
        match item["kind"]:
            case "post.appeared" | "post.changed":
                self.posts[item["id"]] = (item["author"]["qq"], item["post"]["text"])
            case "post.withdrawn":
                self.posts.pop(item["id"], None)
            case "author.withdrawn" | "author.appeared":
                author = item["author"]["qq"]
                self.posts = {key: one for key, one in self.posts.items() if one[0] != author}
                if item["kind"] == "author.appeared":
                    everything = feed(self.viewer).items()
                    self.posts |= {key: one for key, one in everything if one[0] == author}
            case _:
                pass


def feed(viewer: Client) -> dict[str, tuple[int, str]]:
    """Texts of all posts that belong in an app, by id: the feed's and one's own."""
    items = viewer.walk("/v1/feed", limit=100)
    items += viewer.walk(f"/v1/spaces/{viewer.qq}/posts", limit=100)
    return {item["id"]: (item["author"]["qq"], item["text"]) for item in items}


class World:
    """A viewer, some authors, and what they do by number."""

    def __init__(self, homezone: RunningHomezone) -> None:
        self.viewer, *self.authors = homezone.members(AUTHORS + 1)
        self.homezone = homezone
        self.posts: list[tuple[Client, str]] = []
        self.comments: list[tuple[Client, str]] = []
        shop = self.authors[-1]
        self.certificate = f"/v1/spaces/{shop.qq}/certification"
        self.certify()
        self.authors[0].befriend(self.viewer)
        self.viewer.put(f"/v1/me/follows/{shop.qq}").ok()

    def certify(self) -> None:
        body = {"type": "shop", "name": "商务印书馆"}
        self.homezone.operator.put(self.certificate, body).ok()

    def do(self, what: str, who: int, which: int) -> None:
        """One thing that may or may not be possible just now."""
        author, viewer = self.authors[who % AUTHORS], self.viewer
        actor = viewer if who >= AUTHORS else author
        ties: dict[str, Callable[[Client, Client], Any]] = {
            "ask": lambda one, two: one.put(f"/v1/me/friends/{two.qq}"),
            "unfriend": lambda one, two: one.delete(f"/v1/me/friends/{two.qq}"),
            "block": lambda one, two: one.put(f"/v1/me/blocks/{two.qq}"),
            "unblock": lambda one, two: one.delete(f"/v1/me/blocks/{two.qq}"),
            "follow": lambda one, two: one.put(f"/v1/me/follows/{two.qq}"),
            "unfollow": lambda one, two: one.delete(f"/v1/me/follows/{two.qq}"),
        }
        if what in ties:
            ties[what](actor, viewer if actor is author else author)
        elif what == "publish":
            post = actor.publish(f"{len(self.posts)}", self.audience(actor, which)).json["id"]
            self.posts.append((actor, post))
        elif what == "list":
            self.save_list(author, which)
        elif what == "certify":
            self.certify() if which % 2 else self.homezone.operator.delete(self.certificate)
        elif what == "uncomment" and self.comments:
            writer, comment = self.comments[which % len(self.comments)]
            writer.delete(f"/v1/comments/{comment}")
        elif self.posts:
            self.about_post(what, actor, which)

    def about_post(self, what: str, actor: Client, which: int) -> None:
        owner, post = self.posts[which % len(self.posts)]
        match what:
            case "edit":
                owner.patch(f"/v1/posts/{post}", {"text": f"{post}/{which}"})
            case "audience":
                body = audience(self.audience(owner, which))
                owner.put(f"/v1/posts/{post}/audience", body)
            case "delete":
                owner.delete(f"/v1/posts/{post}")
            case "comment":
                answered = self.comments[-1][1] if self.comments and which % 2 else None
                said = actor.comment(post, f"{which}", answered)
                if said.status == 201:
                    self.comments.append((actor, said.json["id"]))
            case "like":
                actor.put(f"/v1/posts/{post}/like")
            case "unlike":
                actor.delete(f"/v1/posts/{post}/like")
            case _:
                pass

    def audience(self, owner: Client, which: int) -> Any:
        listed = [self.viewer] if owner is not self.viewer else [self.authors[0]]
        if which % 6 == 5 and owner is not self.viewer:
            self.save_list(owner, which)
            return "some"
        return ["public", "friends", "only_me", listed, [], "friends"][which % 6]

    def save_list(self, owner: Client, which: int) -> None:
        members = [[], [self.viewer.qq]][which // 6 % 2]
        owner.put("/v1/me/lists", {"name": "some", "members": members}).ok()


MOVES = [
    "publish", "publish", "edit", "audience", "audience", "delete", "list", "comment", "uncomment",
    "like", "unlike", "ask", "ask", "unfriend", "block", "unblock", "follow", "unfollow", "certify",
]  # fmt: skip
#: What happens; and whether the app on the move has a connection after it.
STEP = st.tuples(st.sampled_from(MOVES), st.integers(0, 2 * AUTHORS - 1), st.integers(0, 59))
STEPS = st.lists(st.tuples(STEP, st.integers(0, 3)), min_size=10, max_size=30)


@settings(
    max_examples=8,
    deadline=None,
    # A failing history is told as it is: to find a shorter one takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_an_app_holds_the_feed(
    homezone: RunningHomezone, steps: list[tuple[tuple[str, int, int], int]]
) -> None:
    world = World(homezone)
    home, mobile = App(world.viewer), App(world.viewer)
    moving: Listener | None = Listener(homezone, world.viewer)
    try:
        with listening(homezone, world.viewer) as (fixed,):
            for (what, who, which), luck in [*steps, (("none", 0, 0), 3)]:
                world.do(what, who, which)
                everything = homezone.everything()
                home.take(fixed.until(everything))
                assert home.posts == feed(world.viewer)
                if moving is not None and luck == 0:
                    moving.until(everything)
                    mobile.take(moving)
                    moving.close()
                    moving = None
                elif moving is None and luck == 3:
                    moving = Listener(homezone, world.viewer, mobile.cursor)
                if moving is not None:
                    moving.until(everything)
                    check_shown(world.viewer, moving.items)
                    mobile.take(moving)
                    assert mobile.posts == home.posts
    finally:
        if moving is not None:
            moving.close()
    assert_same_but_for_what_is_gone(home.told, mobile.told)


def check_shown(viewer: Client, items: list[Item]) -> None:
    """What was just told is what the viewer may read just now."""
    last = {item["id"]: item for item in items if item["kind"].startswith("post.")}
    for item in last.values():
        if item["kind"] == "post.withdrawn":
            assert set(item) == {"kind", "id"}
        else:
            assert viewer.get(f"/v1/posts/{item['id']}").ok(200).json == item["post"]


def assert_same_but_for_what_is_gone(whole: list[Item], resumed: list[Item]) -> None:
    """In each cell the same in the same order; only what had gone again may be left out."""
    for cell in range(16):
        here, there = in_cell(cell, whole), in_cell(cell, resumed)
        rest = iter(there)
        upcoming = next(rest, None)
        for item in here:
            if upcoming is not None and same(item, upcoming):
                upcoming = next(rest, None)
            else:
                assert item["kind"].endswith((".appeared", ".changed", ".requested", ".accepted"))
                if item["kind"].startswith("post."):
                    assert went(item, whole), item
        assert upcoming is None, "told more, or in another order"


def in_cell(cell: int, items: list[Item]) -> list[Item]:
    return [item for item in items if cell_of_item(item) == cell]


def cell_of_item(item: Item) -> int:
    place: str | None = item.get("position")
    return int(place.partition("-")[0]) if place else cell_of(UUID(item["id"]))


def same(one: Item, other: Item) -> bool:
    """The same transition; what came with it is of its own time."""
    return all(one.get(name) == other.get(name) for name in ("kind", "id", "position", "on"))


def went(item: Item, others: list[Item]) -> bool:
    """Whether the post of an item was withdrawn, itself or with all of its author's."""
    author = item["author"]["qq"]
    return any(
        one["id"] == item["id"]
        if one["kind"] == "post.withdrawn"
        else one["kind"] == "author.withdrawn" and one["author"]["qq"] == author
        for one in others
    )
