"""
What an auditor sees of a moment is what members saw at that moment: histories are lived, every
screen is read on the way, and at the end each is read again as of then.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.test_albums import jpeg
from tests.acceptance.test_money import item
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, audience, running_homezone
from tests.support.tus import upload

PURPOSE = {"Homezone-Purpose": "equality"}
PEOPLE, MOVES, EVERY, SCREENS, PAIRS = 4, 110, 15, 90, 2

#: A screen: whose, its path, and what was on it.
Seen = tuple[int, str, int, Any]


class Life:
    """Members who do whatever comes to mind; much of it is refused, and that is as good."""

    def __init__(self, homezone: RunningHomezone, seed: int) -> None:
        self.homezone = homezone
        self.chance = random.Random(seed)
        self.people = homezone.members(PEOPLE)
        self.posts: list[str] = []
        self.comments: list[str] = []
        self.messages: list[str] = []
        self.albums: list[str] = []
        self.photos: list[str] = []
        self.orders: list[str] = []
        self.cases: list[str] = []
        self.goods = [item(homezone, 1), item(homezone, 2)]

    def move(self) -> None:
        """One of them does something."""
        actor = self.chance.choice(self.people)
        self.chance.choice(_MOVES)(self, actor)

    def other(self, actor: Client) -> Client:
        return self.chance.choice([one for one in self.people if one is not actor])

    def audience(self, actor: Client) -> Any:
        to: Any = self.chance.choice(["public", "friends", "only_me", "close", "given"])
        return audience([self.other(actor).qq] if to == "given" else to)

    def any(self, of: list[str]) -> str:
        return self.chance.choice(of) if of else "01a20742-f5a0-8002-be22-bb17fcd48d11"

    def paths(self, viewer: Client) -> Iterator[str]:
        """Every screen that a member has."""
        yield from (
            "/v1/me", "/v1/feed", "/v1/me/friends", "/v1/me/friends?state=incoming",
            "/v1/me/blocks", "/v1/me/follows", "/v1/me/lists", "/v1/me/wallet", "/v1/me/ledger",
            "/v1/me/items", "/v1/me/memberships", "/v1/me/notifications", "/v1/me/mentions",
            "/v1/me/notifications/unread", "/v1/me/notifications/preferences", "/v1/me/badges",
            "/v1/me/space", "/v1/me/space/decoration", "/v1/me/visitors", "/v1/me/storage",
            "/v1/me/gifts", "/v1/me/reports", "/v1/me/decisions", "/v1/me/standing",
            "/v1/mall/items", "/v1/feed?limit=2", "/v1/me/exports",
        )  # fmt: skip
        for owner in self.people:
            space = f"/v1/spaces/{owner.qq}"
            yield from (
                space, f"{space}/posts", f"{space}/timeline", f"{space}/albums",
                f"{space}/photos", f"{space}/messages", f"{space}/badges",
            )  # fmt: skip
        for post in self.posts[-12:]:
            yield from (
                f"/v1/posts/{post}",
                f"/v1/posts/{post}/comments",
                f"/v1/posts/{post}/likes",
            )
        for album in self.albums[-4:]:
            yield from (f"/v1/albums/{album}", f"/v1/albums/{album}/photos")
        yield from (f"/v1/photos/{photo}" for photo in self.photos[-4:])
        yield from (f"/v1/orders/{order}" for order in self.orders[-3:])


def _publish(life: Life, actor: Client) -> None:
    other = life.other(actor)
    body = {
        "kind": "shuoshuo",
        "text": f"@{other.qq} 一" if life.chance.random() < 0.3 else "二",
        "audience": life.audience(actor),
    }
    if life.photos and life.chance.random() < 0.4:
        body["images"] = [life.any(life.photos)]
    _keep(life.posts, actor.post("/v1/posts", body))


def _poll(life: Life, actor: Client) -> None:
    poll = {"options": ["甲", "乙", "丙"], "choose": 2}
    body = {"kind": "poll", "text": "?", "poll": poll, "audience": life.audience(actor)}
    _keep(life.posts, actor.post("/v1/posts", body))


def _share(life: Life, actor: Client) -> None:
    if life.posts:
        _keep(life.posts, actor.share(life.any(life.posts), "三"))


def _keep(where: list[str], reply: Reply) -> None:
    if reply.status == 201:
        where.append(reply.json["id"])


def _comment(life: Life, actor: Client) -> None:
    reply_to = life.any(life.comments) if life.chance.random() < 0.3 else None
    _keep(life.comments, actor.comment(life.any(life.posts), "四", reply_to))


def _message(life: Life, actor: Client) -> None:
    owner = life.chance.choice(life.people)
    _keep(life.messages, actor.post(f"/v1/spaces/{owner.qq}/messages", {"text": "五"}))


def _album(life: Life, actor: Client) -> None:
    body = {"title": "江南春", "audience": life.audience(actor)}
    _keep(life.albums, actor.post("/v1/albums", body))


def _photo(life: Life, actor: Client) -> None:
    if life.albums:
        body = {"upload": upload(actor, jpeg(life.chance.randrange(1000))), "caption": "六"}
        _keep(life.photos, actor.post(f"/v1/albums/{life.any(life.albums)}/photos", body))


def _buy(life: Life, actor: Client) -> None:
    body: dict[str, Any] = {"item": life.chance.choice(life.goods)}
    if life.chance.random() < 0.4:
        body["gift_to"] = life.other(actor).qq
    _keep(life.orders, actor.post("/v1/orders", body))


def _decide(life: Life, _: Client) -> None:
    moderator = life.homezone.client(10_021, "moderator")
    for case in moderator.get("/v1/moderation/cases", limit=100).ok(200).json["items"][:1]:
        life.cases.append(case["id"])
        path = f"/v1/moderation/cases/{case['id']}"
        moderator.post(f"{path}/claim")
        verdict = life.chance.choice(["unpublish", "no_action", "restore"])
        body = {
            "verdict": verdict, "ground": "terms", "clause": "3", "explanation": "七",
            "category": "spam", "facts": "八",
        }  # fmt: skip
        moderator.post(f"{path}/decisions", body)


def _suspend(life: Life, actor: Client) -> None:
    path = f"/v1/accounts/{actor.qq}/suspension"
    if life.chance.random() < 0.4:
        until = {"reason": "x", "until": "2099-01-01T00:00:00Z"}
        life.homezone.operator.put(path, until).ok()
    else:
        life.homezone.operator.delete(path)


def _certify(life: Life, actor: Client) -> None:
    path = f"/v1/spaces/{actor.qq}/certification"
    if life.chance.random() < 0.6:
        life.homezone.operator.put(path, {"type": "brand", "name": "九"})
    else:
        life.homezone.operator.delete(path)


def _told(method: str, path: str, body: Callable[[Life, Client], Any] | None = None) -> Any:
    """A move that is one request."""

    def move(life: Life, actor: Client) -> None:
        places = {
            "post": life.any(life.posts), "comment": life.any(life.comments),
            "message": life.any(life.messages), "album": life.any(life.albums),
            "photo": life.any(life.photos), "qq": life.other(actor).qq,
            "order": life.any(life.orders),
        }  # fmt: skip
        said = None if body is None else body(life, actor)
        reply = actor.request(method, path.format(**places), said)
        assert reply.status < 500, (method, path, reply.body)

    return move


_MOVES: list[Callable[[Life, Client], None]] = [
    *[_publish] * 5, *[_comment] * 4, _poll, _share, _message, _message, _album, *[_photo] * 2,
    _buy, _buy, _decide, *[_suspend] * 3, _certify,
    *[_told("PUT", "/v1/posts/{post}/like")] * 3,
    _told("DELETE", "/v1/posts/{post}/like"),
    _told("PUT", "/v1/posts/{post}/vote", lambda life, _: {"options": [life.chance.randrange(3)]}),
    _told("PATCH", "/v1/posts/{post}", lambda *_: {"text": "十"}),
    _told("DELETE", "/v1/posts/{post}"),
    _told("PUT", "/v1/posts/{post}/audience", lambda life, actor: life.audience(actor)),
    _told("DELETE", "/v1/comments/{comment}"),
    _told("DELETE", "/v1/messages/{message}"),
    *[_told("PUT", "/v1/me/friends/{qq}")] * 5,
    _told("DELETE", "/v1/me/friends/{qq}"),
    _told("PUT", "/v1/me/blocks/{qq}"),
    *[_told("DELETE", "/v1/me/blocks/{qq}")] * 2,
    _told("PUT", "/v1/me/follows/{qq}"),
    _told("DELETE", "/v1/me/follows/{qq}"),
    _told("PUT", "/v1/me/lists", lambda life, actor: {
        "name": "close", "members": [life.other(actor).qq]
    }),
    _told("POST", "/v1/spaces/{qq}/visits"),
    _told("PATCH", "/v1/me", lambda life, _: {"nickname": f"n{life.chance.randrange(9)}"}),
    _told("PATCH", "/v1/albums/{album}", lambda *_: {"title": "春江花月夜"}),
    _told("DELETE", "/v1/albums/{album}"),
    _told("PATCH", "/v1/photos/{photo}", lambda *_: {"caption": "十一"}),
    _told("DELETE", "/v1/photos/{photo}"),
    _told("POST", "/v1/me/topups", lambda life, _: {
        "coins": 30, "rail": "demo", "rail_ref": f"r{life.chance.randrange(10**9)}"
    }),
    _told("PUT", "/v1/me/memberships/yellow", lambda *_: {"months": 1}),
    _told("POST", "/v1/reports", lambda life, _: {
        "subject": {"kind": "post", "id": life.any(life.posts)}, "category": "spam"
    }),
]  # fmt: skip


@pytest.fixture(scope="module", params=[(16, 3), (1, 2)])
def lived(
    request: pytest.FixtureRequest, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningHomezone, Life, list[tuple[str, list[Seen]]]]]:
    """A history, and every screen on its way."""
    cells, seed = request.param
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path_factory.mktemp("past"), cells=cells) as homezone,
    ):
        life = Life(homezone, seed)
        seen: list[tuple[str, list[Seen]]] = []
        for number in range(MOVES):
            life.move()
            if number % EVERY == 0:
                seen.append(_look(homezone, life))
        yield homezone, life, seen


def _look(homezone: RunningHomezone, life: Life) -> tuple[str, list[Seen]]:
    """Every screen, while nothing happens; a policy may have something left to do."""
    while True:
        at = homezone.everything()
        screens: list[Seen] = []
        for viewer in life.people:
            for path in life.paths(viewer):
                reply = viewer.request("GET", path, at_least=at)
                screens.append((viewer.qq, path, reply.status, _plain(reply)))
        if homezone.everything() == at:
            return at, screens


def _plain(reply: Reply) -> Any:
    """What it says; cursors are of the one who asks."""
    said = reply.json
    if reply.status == 200 and isinstance(said, dict) and said.get("next") is not None:
        said["next"] = "more"
    return said if reply.status == 200 else said["type"]


def test_every_screen_is_as_it_was(lived: Any) -> None:
    homezone, life, seen = lived
    reader = homezone.client(10_011, "auditor")
    wrong: dict[str, tuple[Any, ...]] = {}
    for at, screens in seen:
        for qq, path, status, said in life.chance.sample(screens, min(len(screens), SCREENS)):
            mark = "&" if "?" in path else "?"
            asked = f"{path}{mark}as_of={quote(at)}&viewer={qq}"
            reply = reader.request("GET", asked, headers=PURPOSE)
            found = _plain(reply)
            if (reply.status, found) != (status, said):
                wrong.setdefault(_kind(path), (asked, status, said, reply.status, found))
    assert not wrong, "\n\n".join(f"{kind}: {what}" for kind, what in sorted(wrong.items()))


def test_visibility_is_what_reading_would_have_said_at_every_position(lived: Any) -> None:
    homezone, life, _ = lived
    if homezone.homezone.log.cells > 1:
        pytest.skip("positions of several cells have no one order to try them all in")
    author, other = homezone.members(2)
    post = author.publish("去而复来").json["id"]
    author.put(f"/v1/me/blocks/{other.qq}").ok()
    author.delete(f"/v1/me/blocks/{other.qq}").ok()
    # Whatever became of the others: this one went, and came back.
    pairs = [(post, other), *((post, viewer) for post in life.posts for viewer in life.people)]
    reader, head = homezone.client(10_011, "auditor"), homezone.ends()[0]
    told: list[tuple[str, int, list[tuple[int, int]]]] = []
    for post, viewer in pairs:
        query = {"post": post, "viewer": viewer.qq}
        said = reader.get("/v1/audit/visibility", **query).ok(200).json
        ends = [(_at(one["opened"]), _at(one["closed"]) or head + 1) for one in said["intervals"]]
        told.append((post, viewer.qq, ends))
    told.sort(key=lambda one: len(one[2]), reverse=True)
    assert len(told[0][2]) > 1, "a history in which nothing comes back tries nothing"
    for post, viewer, intervals in told[:PAIRS]:
        for position in range(1, head + 1):
            asked = f"/v1/posts/{post}?as_of=0-{position}&viewer={viewer}"
            seen = reader.request("GET", asked, headers=PURPOSE).status == 200
            expected = any(opened <= position < closed for opened, closed in intervals)
            assert seen == expected, (asked, intervals)


def _at(turned: Any) -> int:
    """A position in the one cell; 0 for none."""
    return 0 if turned is None else int(turned["position"].partition("-")[2])


def _kind(path: str) -> str:
    return "/".join(part for part in path.split("/") if not any(c.isdigit() for c in part[:5]))
