"""
Reads from memory tell what the database would: at the commit, whichever server wrote, and with
whatever has been forgotten in between.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from api.wiring.models import MODELS
from domain.sealed import KeyClass
from projections.recall.facts import Facts
from replay.rebuild import rebuild
from tests.acceptance.test_visibility import STEPS, History
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone

Servers = tuple[RunningHomezone, RunningHomezone]


@pytest.fixture(scope="module")
def servers(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Two servers of one store."""
    directory = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server_url))
        one = stack.enter_context(running_homezone(url, directory))
        other = stack.enter_context(running_homezone(url, directory))
        member = one.member()
        for server in (one, other):
            _until_fed(server, member.qq, one.everything())
        yield one, other


def _until_fed(server: RunningHomezone, qq: int, at_least: str) -> None:
    """A server feeds its read models from a process of its own, which begins a moment later."""
    reader = server.client(qq)
    for _ in range(12):
        if (reply := reader.get("/v1/feed", at_least=at_least)).status != 504:
            break
    reply.ok()


def recalled(server: RunningHomezone) -> int:
    """How many answers came from memory."""
    return server.homezone.recall.answered


def warm(server: RunningHomezone, reader: Client, at_least: str) -> list[Any]:
    """A feed that is answered from memory from now on."""
    reader.get("/v1/feed", at_least=at_least).ok()
    before = recalled(server)
    feed = reader.get("/v1/feed").ok().json["items"]
    assert recalled(server) == before + 1
    assert isinstance(feed, list)
    return feed


class Pair:
    """Su posts for Huang, who reads on the other server."""

    def __init__(self, servers: Servers) -> None:
        self.here, self.there = servers
        self.su, self.huang = self.here.members(2)
        self.su.befriend(self.huang)
        self.list = "close"
        body = {"name": self.list, "members": [self.huang.qq]}
        self.su.put("/v1/me/lists", body).ok()
        self.public = self.su.publish("空山不见人", to="public").json["id"]
        self.friends = self.su.publish("但闻人语响", to="friends").json["id"]
        self.listed = self.su.publish("返景入深林", to=self.list).json["id"]
        self.all = [self.listed, self.friends, self.public]
        self.reader = self.there.client(self.huang.qq)

    def unfriend(self, who: Client, other: Client) -> None:
        who.delete(f"/v1/me/friends/{other.qq}").ok()

    def block(self, who: Client, other: Client) -> None:
        who.put(f"/v1/me/blocks/{other.qq}").ok()


MOVES: dict[str, tuple[Callable[[Pair], Any], Callable[[Pair], list[str]]]] = {
    "delete": (
        lambda pair: pair.su.delete(f"/v1/posts/{pair.public}").ok(),
        lambda pair: [pair.listed, pair.friends],
    ),
    "hide": (
        lambda pair: pair.su.put(f"/v1/posts/{pair.friends}/audience", {"to": "only_me"}).ok(),
        lambda pair: [pair.listed, pair.public],
    ),
    "off the list": (
        lambda pair: pair.su.put("/v1/me/lists", {"name": pair.list, "members": []}).ok(),
        lambda pair: [pair.friends, pair.public],
    ),
    "unfriended": (lambda pair: pair.unfriend(pair.su, pair.huang), lambda _: []),
    "unfriends": (lambda pair: pair.unfriend(pair.huang, pair.su), lambda _: []),
    "blocked": (lambda pair: pair.block(pair.su, pair.huang), lambda _: []),
    "blocks": (lambda pair: pair.block(pair.huang, pair.su), lambda _: []),
}


@pytest.mark.parametrize("move", MOVES)
def test_what_one_server_withdraws_the_other_does_not_show(servers: Servers, move: str) -> None:
    pair = Pair(servers)
    feed = warm(pair.there, pair.reader, pair.here.everything())
    assert [post["id"] for post in feed] == pair.all
    act, left = MOVES[move]
    act(pair)
    after = pair.reader.get("/v1/feed").ok().json["items"]
    assert [post["id"] for post in after] == left(pair)


def test_counts_names_and_suspensions_cross_over_at_once(servers: Servers) -> None:
    pair = Pair(servers)
    warm(pair.there, pair.reader, pair.here.everything())
    pair.reader.get("/v1/me").ok()
    pair.huang.put(f"/v1/posts/{pair.public}/like").ok()
    pair.huang.comment(pair.public).ok()
    pair.su.patch("/v1/me", {"nickname": "东坡居士"}).ok()
    post = pair.reader.get("/v1/feed").ok().json["items"][-1]
    assert (post["likes"], post["comments"]) == (1, 1)
    assert post["author"]["nickname"] == "东坡居士"
    pair.huang.patch("/v1/me", {"nickname": "山谷道人"}).ok()
    assert pair.reader.get("/v1/me").json["nickname"] == "山谷道人"
    pair.here.operator.put(f"/v1/accounts/{pair.huang.qq}/suspension", {"reason": "x"}).ok()
    for path in ("/v1/feed", "/v1/me"):
        pair.reader.get(path).refused(403, "suspended")
    pair.here.operator.delete(f"/v1/accounts/{pair.huang.qq}/suspension").ok()
    assert len(pair.reader.get("/v1/feed").ok().json["items"]) == 3


def test_what_one_server_publishes_the_other_shows_when_asked_to(servers: Servers) -> None:
    pair = Pair(servers)
    warm(pair.there, pair.reader, pair.here.everything())
    for number in range(5):
        said = pair.su.publish(f"第{number}首").ok(201)
        feed = pair.reader.get("/v1/feed", at_least=said.position).ok().json["items"]
        assert feed[0]["id"] == said.json["id"]
        liked = pair.huang.put(f"/v1/posts/{said.json['id']}/like").ok()
        feed = pair.reader.get("/v1/feed", at_least=liked.position).ok().json["items"]
        assert (feed[0]["liked"], feed[0]["likes"]) == (True, 1)
        edited = pair.su.patch(f"/v1/posts/{said.json['id']}", {"text": "改"}).ok()
        feed = pair.reader.get("/v1/feed", at_least=edited.position).ok().json["items"]
        assert (feed[0]["text"], feed[0]["version"]) == ("改", 2)


class Either:
    """One client on either server, as chance has it."""

    def __init__(self, clients: list[Client], chance: random.Random) -> None:
        self.qq = clients[0].qq
        self._clients = clients
        self._chance = chance

    def __getattr__(self, name: str) -> Callable[..., Reply]:
        asked: Callable[..., Reply] = getattr(self._chance.choice(self._clients), name)
        return asked


def test_two_servers_show_what_the_model_says(servers: Servers) -> None:
    seed = int(os.environ.get("HOMEZONE_VISIBILITY_SEED", random.SystemRandom().getrandbits(32)))
    here, there = servers
    history = History(here, seed)
    either: Any = [
        Either([client, there.client(client.qq)], history.chance) for client in history.clients
    ]
    history.clients = either
    before = recalled(here), recalled(there)
    try:
        history.steps(STEPS // 2)
    except AssertionError as error:
        story = "\n".join(history.past)
        raise AssertionError(f"seed {seed}: {error}\n{story}") from error
    assert recalled(here) > before[0]
    assert recalled(there) > before[1]


def test_a_memory_too_small_for_anything_changes_nothing_but_speed(servers: Servers) -> None:
    seed = random.SystemRandom().getrandbits(32)
    here, _ = servers
    recall = here.homezone.recall
    large = recall.facts
    recall.facts, recall._tables = Facts(scale=12 / 20_000), None
    try:
        history = History(here, seed)
        history.steps(STEPS // 4)
        kinds = (recall.facts.members, recall.facts.posts, recall.facts.standings)
        assert all(kind.weight <= kind.capacity for kind in kinds)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        recall.facts, recall._tables = large, None


def test_a_walk_goes_on_from_memory_into_the_database(servers: Servers) -> None:
    """More than the shelves hold, by one author, and more than one page of it."""
    here, there = servers
    su, huang = here.members(2)
    su.befriend(huang)
    posts = [su.publish(f"{number}").json["id"] for number in range(60)]
    reader = there.client(huang.qq)
    walked = reader.walk("/v1/feed", limit=7, at_least=here.everything())
    assert [post["id"] for post in walked] == posts[::-1]
    for limit in (1, 8, 20, 40, 47, 60, 100):
        page = reader.get("/v1/feed", limit=limit).ok().json["items"]
        assert [post["id"] for post in page] == posts[::-1][:limit]
    for post in posts[30:]:
        su.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
    page = reader.get("/v1/feed", limit=20).ok().json["items"]
    assert [post["id"] for post in page] == posts[29:9:-1]


def test_a_share_shows_its_original_to_those_alone_who_may_see_it(servers: Servers) -> None:
    here, _ = servers
    su, huang, qin = here.members(3)
    su.befriend(huang)
    huang.befriend(qin)
    original = su.publish("十年生死两茫茫", to="friends").json["id"]
    share = huang.share(original, "转", to="friends").ok(201)
    wang = here.member()
    for friend in (huang, su):
        friend.befriend(wang)
    for reader, seen in ((wang, True), (qin, False), (wang, True), (qin, False)):
        feed = reader.get("/v1/feed", at_least=share.position).ok().json["items"]
        (shown,) = [post for post in feed if post["id"] == share.json["id"]]
        assert ("share" in shown) is seen


def test_made_up_ids_push_nothing_out(servers: Servers) -> None:
    pair = Pair(servers)
    warm(pair.there, pair.reader, pair.here.everything())
    before = pair.there.homezone.recall.facts.sizes()
    for _ in range(5):
        pair.reader.get(f"/v1/posts/{uuid4()}").refused(404, "not-found")
    assert pair.there.homezone.recall.facts.sizes() == before


def test_nothing_is_shown_that_its_key_could_not_open(servers: Servers) -> None:
    pair = Pair(servers)
    feed = warm(pair.there, pair.reader, pair.here.everything())
    assert feed[0]["text"] == "返景入深林"
    owner = UUID(pair.su.get("/v1/me").json["id"])
    assert pair.there.homezone.vault.destroy(owner, KeyClass.CONTENT)
    shown = pair.reader.get("/v1/feed").ok().json["items"]
    assert [post["text"] for post in shown] == [None, None, None]


def test_tables_that_were_put_in_place_are_read_anew(servers: Servers) -> None:
    """A rebuild mends what was damaged, and memory does not keep the damage."""
    pair = Pair(servers)
    homezone = pair.here.homezone
    pair.huang.put(f"/v1/posts/{pair.public}/like").ok()
    with homezone.database.owner.begin() as connection:
        connection.execute(text("UPDATE models.counters SET likes = 7"))
    feed = warm(pair.there, pair.reader, pair.here.everything())
    assert feed[-1]["likes"] == 7
    log, clock = homezone.log.reader, homezone.clock
    rebuild(log, homezone.database.owner, MODELS, clock, uuid4(), names=["counters"])
    assert pair.reader.get("/v1/feed").json["items"][-1]["likes"] == 1
