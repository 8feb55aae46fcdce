"""
What posts carry: whom they mention, who may comment, where they were written, and what they share.
"""

from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, Reply, RunningHomezone

UNKNOWN = 99_999_999_999


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def attempt(author: Client, **more: Any) -> Reply:
    said = {"kind": "shuoshuo", "text": "低头思故乡", "audience": {"to": "public"}}
    return author.post("/v1/posts", {**said, **more})


def read(member: Client, post: str, homezone: RunningHomezone) -> Any:
    return member.get(f"/v1/posts/{post}", at_least=homezone.everything()).ok(200).json


def mentions(member: Client, post: str, homezone: RunningHomezone) -> list[int]:
    return [one["qq"] for one in read(member, post, homezone).get("mentions", [])]


def mentioning(member: Client, homezone: RunningHomezone) -> list[str]:
    found = member.walk("/v1/me/mentions", at_least=homezone.everything(), limit=1)
    return [item["id"] for item in found]


# Mentions


def test_a_post_mentions_whom_its_text_names_and_who_is_named_beside_it(
    each: RunningHomezone,
) -> None:
    author, one, other, reader = each.members(4)
    text = f"@{one.qq} 来 x@{other.qq} @{UNKNOWN} @{author.qq}, @{one.qq}。"
    post = author.publish(text, mentions=[other.qq, UNKNOWN]).ok(201).json["id"]
    assert mentions(reader, post, each) == [other.qq, one.qq]
    assert mentioning(one, each) == mentioning(other, each) == [post]
    assert mentioning(reader, each) == mentioning(author, each) == []
    one.patch("/v1/me", {"nickname": "新名"}).ok(200)
    shown = read(reader, post, each)["mentions"]
    assert {"qq": one.qq, "nickname": "新名"} in shown, "as they are called now"


def test_an_edit_finds_anew_whom_the_text_mentions(each: RunningHomezone) -> None:
    author, one, other, third = each.members(4)
    post = author.publish(f"@{one.qq}", mentions=[third.qq]).json["id"]
    path = f"/v1/posts/{post}"
    author.patch(path, {"text": f"@{other.qq}"}).ok(200)
    assert mentions(author, post, each) == [third.qq, other.qq]
    assert mentioning(one, each) == []
    assert mentioning(other, each) == [post]
    author.patch(path, {"mentions": []}).ok(200)
    assert mentions(author, post, each) == [other.qq]
    author.patch(path, {"mood": "思乡"}).ok(200)
    assert mentions(author, post, each) == [other.qq]
    author.delete(path).ok()
    assert mentioning(other, each) == []


def test_a_mention_of_whoever_may_not_see_the_post_does_nothing(each: RunningHomezone) -> None:
    author, friend, stranger, blocking = each.members(4)
    author.befriend(friend)
    blocking.put(f"/v1/me/blocks/{author.qq}").ok()
    text = f"@{friend.qq} @{stranger.qq} @{blocking.qq} @{UNKNOWN}"
    post = author.publish(text, to="friends").json["id"]
    assert mentions(author, post, each) == [friend.qq]
    assert mentioning(stranger, each) == mentioning(blocking, each) == []
    public = author.publish(text).json["id"]
    assert mentions(author, public, each) == [friend.qq, stranger.qq]
    assert mentioning(blocking, each) == []
    author.put(f"/v1/posts/{public}/audience", {"to": "only_me"}).ok()
    assert mentions(author, public, each) == []
    assert mentioning(stranger, each) == []


def test_nobody_is_shown_a_mention_of_whom_a_block_hides_from_them(each: RunningHomezone) -> None:
    author, named, reader, other = each.members(4)
    post = author.publish(f"@{named.qq}").json["id"]
    named.put(f"/v1/me/blocks/{reader.qq}").ok()
    other.put(f"/v1/me/blocks/{named.qq}").ok()
    assert mentions(reader, post, each) == mentions(other, post, each) == []
    assert mentions(author, post, each) == mentions(named, post, each) == [named.qq]
    named.put(f"/v1/me/blocks/{author.qq}").ok()
    assert mentions(author, post, each) == [], "a block ends it at once"
    assert mentioning(named, each) == []


def test_mentions_are_at_most_twenty(each: RunningHomezone) -> None:
    author, named = each.members(2)
    before = " ".join(f"@{UNKNOWN - number}" for number in range(20))
    post = author.publish(f"{before} @{named.qq}").ok(201).json["id"]
    assert mentions(author, post, each) == []
    attempt(author, mentions=[named.qq] * 21).refused(422, "out-of-bounds")


# Who may comment


def test_its_author_says_who_may_comment(each: RunningHomezone) -> None:
    author, friend, stranger = each.members(3)
    author.befriend(friend)
    post = author.publish(commenting="friends").ok(201).json["id"]
    shown = {one.qq: read(one, post, each) for one in (author, friend, stranger)}
    assert {one["commenting"] for one in shown.values()} == {"friends"}
    assert [one.get("can_comment", True) for one in shown.values()] == [True, True, False]
    author.comment(post)
    comment = friend.comment(post).ok(201).json["id"]
    stranger.comment(post).refused(403, "comments-closed")
    stranger.comment(post, reply_to=comment).refused(403, "comments-closed")
    version = shown[author.qq]["version"]
    path = f"/v1/posts/{post}"
    author.patch(path, {"commenting": "nobody"}).ok(200)
    for one in (author, friend, stranger):
        one.comment(post).refused(403, "comments-closed")
    now = read(stranger, post, each)
    assert (now["commenting"], now["comments"]) == ("nobody", 2), "what was said stays"
    assert now["version"] == version + 1
    heads = each.heads()
    author.patch(path, {"commenting": "nobody"}).ok(200)
    assert each.heads() == heads
    author.patch(path, {"commenting": "everyone", "text": "随便说"}).ok(200)
    stranger.comment(post).ok(201)
    again = read(stranger, post, each)
    assert ("commenting" in again, again["text"], again["version"]) == (
        False,
        "随便说",
        version + 3,
    )
    stranger.patch(path, {"commenting": "nobody"}).refused(403, "not-yours")
    author.patch(path, {"commenting": "fans"}).refused(400, "invalid")


def test_who_may_not_see_a_post_is_not_told_who_may_comment(each: RunningHomezone) -> None:
    author, stranger = each.members(2)
    post = author.publish(to="friends", commenting="nobody").json["id"]
    stranger.comment(post).refused(404)


# Location


def test_a_location_takes_consent_that_was_recorded(each: RunningHomezone) -> None:
    author = each.member()
    refused = attempt(author, location="江陵").refused(403, "consent-missing")
    assert refused.fields == ["/location"]
    plain = author.publish().ok(201).json["id"]
    path = f"/v1/posts/{plain}"
    author.patch(path, {"location": "江陵"}).refused(403, "consent-missing")
    assert "location_consent" not in author.get("/v1/me").json
    given = author.patch("/v1/me", {"location_consent": True}).ok(200)
    assert author.get("/v1/me").json["location_consent"] is True
    again = author.patch("/v1/me", {"location_consent": True}).ok(200)
    assert again.position == given.position
    placed = author.publish(location="江陵").ok(201).json["id"]
    author.patch(path, {"location": "长安"}).ok(200)
    author.patch("/v1/me", {"location_consent": False, "nickname": "游子"}).ok(200)
    me = author.get("/v1/me").json
    assert ("location_consent" in me, me["nickname"]) == (False, "游子")
    attempt(author, location="江陵").refused(403, "consent-missing")
    assert read(author, placed, each)["location"] == "江陵", "what was published stays"
    author.patch(f"/v1/posts/{placed}", {"text": "不知何处"}).ok(200)
    author.patch(f"/v1/posts/{placed}", {"location": None}).ok(200)
    assert "location" not in read(author, placed, each)


# Shares


def test_of_what_it_shares_a_share_shows_what_its_viewer_may_see(each: RunningHomezone) -> None:
    author, sharer, blocked, stranger = each.members(4)
    author.befriend(sharer)
    author.put(f"/v1/me/blocks/{blocked.qq}").ok()
    for_friends = author.publish("只给朋友", to="friends").json["id"]
    withdrawn, deleted = author.publish("收回").json["id"], author.publish("删去").json["id"]
    shares = [sharer.share(one).json["id"] for one in (for_friends, withdrawn, deleted)]
    author.put(f"/v1/posts/{withdrawn}/audience", {"to": "only_me"}).ok()
    author.delete(f"/v1/posts/{deleted}").ok()

    def shown(member: Client) -> list[dict[str, Any]]:
        plain = ("id", "position", "published_at")
        posts = [read(member, share, each) for share in shares]
        return [{name: one[name] for name in one if name not in plain} for one in posts]

    never, gone, lost = shown(stranger)
    assert never == gone == lost, "never seen, withdrawn and deleted look alike"
    assert "share" not in never
    assert "share_of" not in never
    assert shown(blocked) == [never] * 3
    friends_view = read(sharer, shares[0], each)
    assert friends_view["share"]["text"] == "只给朋友"
    assert friends_view["share_of"] == for_friends


def test_a_share_of_a_share_is_of_the_original(each: RunningHomezone) -> None:
    author, sharer, third, stranger = each.members(4)
    author.befriend(sharer)
    author.befriend(third)
    original = author.publish("原文", to="friends").json["id"]
    share = sharer.share(original).json["id"]
    again = third.share(share).json["id"]
    assert read(third, again, each)["share"]["id"] == original
    # The share can be seen by all, and what it is of cannot: there is nothing to share.
    stranger.share(share).refused(422, "no-such-post")
    author.delete(f"/v1/posts/{original}").ok()
    third.share(share).refused(422, "no-such-post")
    assert "share" not in read(third, again, each)
