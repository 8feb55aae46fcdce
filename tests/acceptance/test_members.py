"""
Members and relations, as clients meet them: accounts, profiles, friends, blocks, follows, lists.
"""

import random
import threading
from itertools import count
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, RunningHomezone

_NUMBERS = count(40_000_000_001)


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def account(**more: Any) -> dict[str, Any]:
    return {
        "qq": next(_NUMBERS),
        "nickname": "李白",
        "real_name": "李太白",
        "birth_date": "2001-02-03",
        **more,
    }


def friends(member: Client, state: str = "friends") -> list[int]:
    return [one["qq"] for one in member.walk("/v1/me/friends", state=state)]


# Accounts


def test_an_account_is_there_when_it_is_answered(each: RunningHomezone) -> None:
    asked = account()
    made = each.operator.post("/v1/accounts", asked).ok(201)
    assert made.json["qq"] == asked["qq"]
    assert made.json["nickname"] == "李白"
    assert made.json["status"] == "active"
    assert "李太白" not in made.body.decode(), "a real name is for compliance alone"
    assert "2001-02-03" not in made.body.decode()
    member = each.client(asked["qq"])
    me = member.get("/v1/me").ok(200).json
    assert (me["id"], me["qq"], me["position"]) == (made.json["id"], asked["qq"], made.position)
    member.publish()


def test_a_number_has_one_account(each: RunningHomezone) -> None:
    asked = account()
    each.operator.post("/v1/accounts", asked).ok(201)
    before = each.heads()
    again = each.operator.post("/v1/accounts", asked).refused(409, "qq-taken")
    assert again.fields == ["/qq"]
    assert each.heads() == before


def test_of_many_claims_of_a_number_at_once_one_is_granted(homezone: RunningHomezone) -> None:
    qq = next(_NUMBERS)
    operators = [homezone.client(10_100 + number, "operator") for number in range(6)]
    statuses: list[int] = []

    def claim(operator: Client) -> None:
        statuses.append(operator.post("/v1/accounts", account(qq=qq)).status)

    threads = [threading.Thread(target=claim, args=(one,)) for one in operators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 5


def test_only_operators_open_accounts(homezone: RunningHomezone) -> None:
    member = homezone.member()
    for role in ("member", "moderator", "compliance", "auditor"):
        caller = homezone.client(member.qq, role)
        caller.post("/v1/accounts", account()).refused(403, "forbidden")
    homezone.with_token(None).post("/v1/accounts", account()).refused(401)


def test_staff_have_no_space_of_their_own(homezone: RunningHomezone) -> None:
    """A token of another role acts under another id, even for a number that has an account."""
    member = homezone.member()
    post = member.publish(to="only_me").json["id"]
    for role in ("moderator", "compliance", "auditor", "operator"):
        staff = homezone.client(member.qq, role)
        for path in ("/v1/me", "/v1/feed", f"/v1/posts/{post}", f"/v1/spaces/{member.qq}"):
            staff.get(path).refused(403, "forbidden")
        staff.post("/v1/posts", {}).refused(403, "forbidden")
        staff.delete(f"/v1/posts/{post}").refused(403, "forbidden")


def test_a_new_nickname_shows_everywhere_at_once(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.befriend(reader)
    written = author.publish()
    author.comment(written.json["id"]).ok()
    reader.get("/v1/feed", at_least=each.everything()).ok()
    changed = author.patch("/v1/me", {"nickname": "青莲居士"}).ok(200)
    assert author.get("/v1/me").json["nickname"] == "青莲居士"
    assert changed.json["id"] == author.get("/v1/me").json["id"]
    feed = reader.get("/v1/feed").json["items"]
    assert [post["author"]["nickname"] for post in feed] == ["青莲居士"]
    assert reader.get(f"/v1/spaces/{author.qq}").json["nickname"] == "青莲居士"
    comments = reader.get(f"/v1/posts/{written.json['id']}/comments").json["items"]
    assert [one["author"]["nickname"] for one in comments] == ["青莲居士"]
    assert reader.get("/v1/me/friends").json["items"][0]["nickname"] == "青莲居士"


# Friends


def test_a_friendship_is_asked_for_and_accepted(each: RunningHomezone) -> None:
    one, other = each.members(2)
    asked = one.put(f"/v1/me/friends/{other.qq}").ok(200)
    assert asked.json["state"] == "outgoing"
    assert (friends(one, "outgoing"), friends(other, "incoming")) == ([other.qq], [one.qq])
    assert one.get(f"/v1/spaces/{other.qq}").json["relation"]["friend"] == "outgoing"
    assert other.get(f"/v1/spaces/{one.qq}").json["relation"]["friend"] == "incoming"
    assert friends(one) == friends(other) == []
    assert other.put(f"/v1/me/friends/{one.qq}").ok(200).json["state"] == "friends"
    for here, there in ((one, other), (other, one)):
        assert friends(here) == [there.qq]
        assert friends(here, "incoming") == friends(here, "outgoing") == []
        assert here.get(f"/v1/spaces/{there.qq}").json["relation"]["friend"] == "friends"


@pytest.mark.parametrize("who", ["asker", "asked"])
def test_a_request_is_withdrawn_or_declined(homezone: RunningHomezone, who: str) -> None:
    one, other = homezone.members(2)
    one.put(f"/v1/me/friends/{other.qq}").ok()
    here, there = (one, other) if who == "asker" else (other, one)
    here.delete(f"/v1/me/friends/{there.qq}").ok(200)
    for member in (one, other):
        for state in ("friends", "incoming", "outgoing"):
            assert friends(member, state) == []
    other.put(f"/v1/me/friends/{one.qq}").ok()
    assert friends(one, "incoming") == [other.qq], "either may ask anew"


def test_either_ends_a_friendship_for_both(each: RunningHomezone) -> None:
    one, other = each.members(2)
    for here, there in ((one, other), (other, one)):
        one.befriend(other)
        post = there.publish(to="friends").json["id"]
        here.get(f"/v1/posts/{post}", at_least=each.everything()).ok(200)
        here.delete(f"/v1/me/friends/{there.qq}").ok(200)
        assert friends(one) == friends(other) == []
        here.get(f"/v1/posts/{post}").refused(404)
        assert here.get("/v1/feed").json["items"] == []


def test_two_who_ask_at_once_are_friends(homezone: RunningHomezone) -> None:
    for _ in range(5):
        one, other = homezone.members(2)
        threads = [
            threading.Thread(target=here.put, args=(f"/v1/me/friends/{there.qq}",))
            for here, there in ((one, other), (other, one))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (friends(one), friends(other)) == ([other.qq], [one.qq])


def test_friends_are_listed_the_latest_first_and_once_each(each: RunningHomezone) -> None:
    member = each.member()
    others = each.members(12)
    for other in others:
        member.befriend(other)
    expected = [other.qq for other in reversed(others)]
    for limit in (1, 5, 12, 100):
        listed = [one["qq"] for one in member.walk("/v1/me/friends", limit=limit)]
        assert listed == expected


# Blocks


def test_who_is_blocked_finds_nobody_there(each: RunningHomezone) -> None:
    """Blocked, deleted and never there look alike, to the byte."""
    author, other = each.members(2)
    author.befriend(other)
    post = author.publish().json["id"]
    comment = author.comment(post).json["id"]
    gone = author.publish().json["id"]
    author.delete(f"/v1/posts/{gone}").ok()
    author.put(f"/v1/me/blocks/{other.qq}").ok(200)
    nobody, nothing = 99_999_999_997, "01a2073e-07bf-8001-96ce-f91acd0057ea"
    for method, there, never in (
        ("GET", f"/v1/spaces/{author.qq}", f"/v1/spaces/{nobody}"),
        ("GET", f"/v1/spaces/{author.qq}/posts", f"/v1/spaces/{nobody}/posts"),
        ("GET", f"/v1/spaces/{author.qq}/timeline", f"/v1/spaces/{nobody}/timeline"),
        ("PUT", f"/v1/me/friends/{author.qq}", f"/v1/me/friends/{nobody}"),
        ("PUT", f"/v1/me/follows/{author.qq}", f"/v1/me/follows/{nobody}"),
        ("GET", f"/v1/posts/{post}", f"/v1/posts/{nothing}"),
        ("GET", f"/v1/posts/{post}/comments", f"/v1/posts/{nothing}/comments"),
        ("GET", f"/v1/posts/{post}/likes", f"/v1/posts/{nothing}/likes"),
        ("PUT", f"/v1/posts/{post}/like", f"/v1/posts/{nothing}/like"),
        ("DELETE", f"/v1/posts/{post}/like", f"/v1/posts/{nothing}/like"),
        ("DELETE", f"/v1/posts/{post}", f"/v1/posts/{nothing}"),
        ("DELETE", f"/v1/comments/{comment}", f"/v1/comments/{nothing}"),
        ("GET", f"/v1/posts/{gone}", f"/v1/posts/{nothing}"),
        ("DELETE", f"/v1/posts/{gone}", f"/v1/posts/{nothing}"),
    ):
        refusals = [other.request(method, path) for path in (there, never)]
        shown = [(reply.refused(404, "not-found").body, reply.headers.keys()) for reply in refusals]
        assert shown[0] == shown[1], (method, there)
    for body in ({"text": "x"}, {"text": "x", "reply_to": comment}):
        here = other.post(f"/v1/posts/{post}/comments", body).refused(404)
        assert here.body == other.post(f"/v1/posts/{nothing}/comments", body).body
    for share in (post, gone, nothing):
        refused = other.share(share).refused(422, "no-such-post")
        assert refused.fields == ["/share_of"]
        assert refused.body == other.share(nothing).body


def test_a_block_holds_both_ways_and_ends_the_friendship(each: RunningHomezone) -> None:
    one, other = each.members(2)
    one.befriend(other)
    post = other.publish().json["id"]
    one.put(f"/v1/me/blocks/{other.qq}").ok(200)
    assert [blocked["qq"] for blocked in one.walk("/v1/me/blocks")] == [other.qq]
    assert other.walk("/v1/me/blocks") == []
    assert friends(one) == friends(other) == []
    one.get(f"/v1/posts/{post}").refused(404)
    assert one.get("/v1/feed", at_least=each.everything()).json["items"] == []
    one.put(f"/v1/me/friends/{other.qq}").refused(409, "blocked-by-you")
    shown = one.get(f"/v1/spaces/{other.qq}").ok(200).json
    assert shown["relation"] == {"friend": "none", "follows": False, "blocked": True}
    assert shown["posts"] == []
    one.delete(f"/v1/me/blocks/{other.qq}").ok(200)
    one.get(f"/v1/posts/{post}").ok(200)
    assert friends(one) == [], "the friendship does not come back"
    assert one.walk("/v1/me/blocks") == []


def test_nobody_acts_on_themselves(homezone: RunningHomezone) -> None:
    one = homezone.member()
    for what in ("friends", "blocks", "follows"):
        one.put(f"/v1/me/{what}/{one.qq}").refused(422, "not-yourself")
    refused = one.put("/v1/me/lists", {"name": "me", "members": [one.qq]})
    refused.refused(422, "not-yourself")


# Follows and certification


def test_a_certified_space_has_followers(each: RunningHomezone) -> None:
    brand, reader = each.members(2)
    post = brand.publish()
    private = brand.publish(to="friends")
    reader.put(f"/v1/me/follows/{brand.qq}").refused(409, "not-certified")
    named = {"type": "brand", "name": "商务印书馆"}
    each.operator.put(f"/v1/spaces/{brand.qq}/certification", named).ok(200)
    reader.put(f"/v1/me/follows/{brand.qq}").ok(200)
    space = reader.get(f"/v1/spaces/{brand.qq}").ok(200).json
    assert space["certification"] == named
    assert space["relation"]["follows"] is True
    assert [one["qq"] for one in reader.walk("/v1/me/follows")] == [brand.qq]
    feed = reader.get("/v1/feed", at_least=each.everything()).json["items"]
    assert [one["id"] for one in feed] == [post.json["id"]]
    assert feed[0]["author"]["certification"] == named
    reader.get(f"/v1/posts/{private.json['id']}").refused(404)
    each.operator.delete(f"/v1/spaces/{brand.qq}/certification").ok(200)
    assert reader.get("/v1/feed").json["items"] == []
    each.operator.put(f"/v1/spaces/{brand.qq}/certification", named).ok(200)
    assert len(reader.get("/v1/feed").json["items"]) == 1
    reader.delete(f"/v1/me/follows/{brand.qq}").ok(200)
    assert reader.get("/v1/feed").json["items"] == []
    assert reader.walk("/v1/me/follows") == []


@pytest.mark.parametrize("kind", ["brand", "agency", "shop", "media", "celebrity"])
def test_every_type_of_certification(homezone: RunningHomezone, kind: str) -> None:
    member = homezone.member()
    path = f"/v1/spaces/{member.qq}/certification"
    homezone.operator.put(path, {"type": kind, "name": "n"}).ok(200)
    assert member.get("/v1/me").json["certification"] == {"type": kind, "name": "n"}
    for role in ("member", "moderator", "compliance", "auditor"):
        caller = homezone.client(member.qq, role)
        caller.put(path, {"type": kind, "name": "n"}).refused(403, "forbidden")
        caller.delete(path).refused(403, "forbidden")


def test_blocked_and_followed_members_are_listed_once_each(homezone: RunningHomezone) -> None:
    member = homezone.member()
    others = homezone.members(9)
    for other in others:
        homezone.operator.put(
            f"/v1/spaces/{other.qq}/certification", {"type": "shop", "name": "s"}
        ).ok()
        member.put(f"/v1/me/follows/{other.qq}").ok()
    assert {one["qq"] for one in member.walk("/v1/me/follows", limit=2)} == {
        one.qq for one in others
    }
    for other in others:
        member.put(f"/v1/me/blocks/{other.qq}").ok()
    blocked = [one["qq"] for one in member.walk("/v1/me/blocks", limit=4)]
    assert sorted(blocked) == sorted(one.qq for one in others)
    assert member.walk("/v1/me/follows") == [], "who is blocked is not followed"


# Named lists


def test_a_named_list_decides_at_the_moment_of_reading(each: RunningHomezone) -> None:
    author, one, other = each.members(3)
    saved = author.put("/v1/me/lists", {"name": "家人", "members": [one.qq]}).ok(200)
    post = author.publish(to="家人").json["id"]
    one.get(f"/v1/posts/{post}", at_least=each.everything()).ok(200)
    other.get(f"/v1/posts/{post}").refused(404)
    replaced = author.put("/v1/me/lists", {"name": "家人", "members": [other.qq]}).ok(200)
    assert replaced.json["id"] == saved.json["id"], "a name has one list"
    one.get(f"/v1/posts/{post}").refused(404)
    other.get(f"/v1/posts/{post}").ok(200)
    listed = author.walk("/v1/me/lists")
    assert [one["name"] for one in listed] == ["家人"]
    assert [member["qq"] for member in listed[0]["members"]] == [other.qq]
    assert other.walk("/v1/me/lists") == [], "whoever is on a list is not told"
    author.delete(f"/v1/me/lists/{saved.json['id']}").ok(200)
    other.get(f"/v1/posts/{post}").refused(404)
    author.get(f"/v1/posts/{post}").ok(200)
    refused = author.post(
        "/v1/posts",
        {"kind": "shuoshuo", "text": "x", "audience": {"to": "list", "name": "家人"}},
    )
    assert refused.refused(422, "no-such-list").fields == ["/audience/name"]
    other.delete(f"/v1/me/lists/{saved.json['id']}").refused(404)


# Suspension


def test_a_suspension_stops_tokens_already_issued(each: RunningHomezone) -> None:
    member, other = each.members(2)
    member.befriend(other)
    post = member.publish().json["id"]
    theirs = other.publish().json["id"]
    path = f"/v1/accounts/{member.qq}/suspension"
    each.operator.put(path, {"reason": "stolen"}).ok(200)
    nobody = 99_999_999_997
    for reply in (
        member.get("/v1/me"),
        member.get("/v1/feed"),
        member.get(f"/v1/posts/{post}"),
        member.get(f"/v1/posts/{theirs}"),
        member.get(f"/v1/posts/{theirs}/comments"),
        member.get(f"/v1/posts/{theirs}/likes"),
        member.get(f"/v1/spaces/{other.qq}"),
        member.get(f"/v1/spaces/{other.qq}/posts"),
        member.get(f"/v1/spaces/{other.qq}/timeline"),
        member.get(f"/v1/spaces/{nobody}"),
        member.get("/v1/me/friends"),
        member.get("/v1/me/blocks"),
        member.get("/v1/me/follows"),
        member.get("/v1/me/lists"),
        member.patch("/v1/me", {"nickname": "x"}),
        member.post("/v1/posts", {"kind": "shuoshuo", "text": "x", "audience": {"to": "public"}}),
        member.patch(f"/v1/posts/{post}", {"text": "x"}),
        member.put(f"/v1/posts/{post}/audience", {"to": "public"}),
        member.delete(f"/v1/posts/{post}"),
        member.comment(theirs),
        member.put(f"/v1/posts/{theirs}/like"),
        member.delete(f"/v1/posts/{theirs}/like"),
        member.put(f"/v1/me/friends/{other.qq}"),
        member.delete(f"/v1/me/friends/{other.qq}"),
        member.put(f"/v1/me/friends/{nobody}"),
        member.put(f"/v1/me/blocks/{other.qq}"),
        member.put("/v1/me/lists", {"name": "l", "members": []}),
        member.put("/v1/me/lists", {"name": "l", "members": [nobody]}),
    ):
        reply.refused(403, "suspended")
    other.get(f"/v1/posts/{post}").ok(200)
    for role in ("member", "moderator", "auditor"):
        each.client(other.qq, role).put(path, {"reason": "x"}).refused(403, "forbidden")
        each.client(other.qq, role).delete(path).refused(403, "forbidden")
    each.operator.delete(path).ok(200)
    member.get("/v1/me").ok(200)
    member.publish()


def test_the_circle_of_two_survives_any_order_of_moves(homezone: RunningHomezone) -> None:
    """Both sides always agree on how they stand, whatever was tried in whatever order."""
    chance = random.Random(7)
    one, other = homezone.members(2)
    for _ in range(60):
        here, there = chance.choice([(one, other), (other, one)])
        what = chance.choice(["friends", "friends", "friends", "blocks"])
        method = chance.choice(["PUT", "PUT", "DELETE"])
        here.request(method, f"/v1/me/{what}/{there.qq}")
        states = {
            (bool(friends(one, mine)), bool(friends(other, theirs)))
            for mine, theirs in (
                ("friends", "friends"),
                ("outgoing", "incoming"),
                ("incoming", "outgoing"),
            )
        }
        blocked = one.walk("/v1/me/blocks") or other.walk("/v1/me/blocks")
        if blocked:
            assert states == {(False, False)}
        else:
            assert (True, False) not in states
            assert (False, True) not in states
