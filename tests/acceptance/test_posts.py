"""
Posts, comments, likes, the feed and spaces, as clients meet them.
"""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, RunningHomezone

NOTHING = "00000000-0000-8000-8000-000000000000"


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]


# Posts


def test_a_post_reads_as_it_was_written(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.patch("/v1/me", {"location_consent": True}).ok(200)
    before = datetime.now(UTC)
    said = {"text": "床前明月光\n🌕", "mood": "思乡", "location": "江陵"}
    written = author.post(
        "/v1/posts", {"kind": "shuoshuo", "audience": {"to": "public"}, **said}
    ).ok(201)
    assert written.json["state"] == "published"
    post = reader.get(f"/v1/posts/{written.json['id']}", at_least=written.position).ok(200).json
    assert post == {
        "id": written.json["id"],
        "author": {"qq": author.qq, "nickname": f"m{author.qq}"},
        "kind": "shuoshuo",
        "published_at": post["published_at"],
        "likes": 0,
        "comments": 0,
        "shares": 0,
        "liked": False,
        "position": written.position,
        "version": 1,
        "state": "published",
        **said,
    }
    assert before <= datetime.fromisoformat(post["published_at"]) <= datetime.now(UTC)
    own = author.get(f"/v1/posts/{written.json['id']}").json
    assert own == {**post, "audience": "public"}, "only the author is told whom it is for"


def test_a_diary_has_a_title(each: RunningHomezone) -> None:
    author = each.member()
    diary = {"kind": "diary", "title": "静夜思", "text": "疑是地上霜", "audience": {"to": "public"}}
    post = author.post("/v1/posts", diary).ok(201).json["id"]
    assert author.get(f"/v1/posts/{post}").json["title"] == "静夜思"
    untitled = {name: value for name, value in diary.items() if name != "title"}
    assert author.post("/v1/posts", untitled).refused(400, "invalid").fields == ["/title"]
    titled = {**diary, "kind": "shuoshuo"}
    assert author.post("/v1/posts", titled).refused(400, "invalid").fields == ["/title"]


def test_an_edit_changes_what_it_names(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.patch("/v1/me", {"location_consent": True}).ok(200)
    post = author.publish(mood="思乡", location="江陵").json["id"]
    path = f"/v1/posts/{post}"
    first = author.get(path).json
    assert "edited_at" not in first
    author.patch(path, {"text": "疑是地上霜"}).ok(200)
    second = author.get(path).json
    assert (second["text"], second["mood"], second["location"]) == ("疑是地上霜", "思乡", "江陵")
    assert second["edited_at"] > first["published_at"] == second["published_at"]
    assert second["position"] == first["position"], "an edit does not move it"
    author.patch(path, {"mood": None, "location": "长安"}).ok(200)
    third = reader.get(path, at_least=each.everything()).json
    assert "mood" not in third
    assert (third["text"], third["location"]) == ("疑是地上霜", "长安")
    before = each.heads()
    author.patch(path, {}).ok(200)
    assert each.heads() == before
    assert author.patch(path, {"text": ""}).refused(422, "too-short").fields == ["/text"]
    assert author.patch(path, {"text": None}).refused(400, "invalid").fields == ["/text"]
    refused = author.patch(path, {"title": "x"}).refused(422, "title-unexpected")
    assert refused.fields == ["/title"]
    assert author.patch(path, {"kind": "diary"}).refused(400, "invalid").fields == ["/kind"]
    reader.patch(path, {"text": "x"}).refused(403, "not-yours")
    assert each.heads() == before


def test_a_deleted_post_is_gone_from_everywhere_at_once(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.befriend(reader)
    post = author.publish().json["id"]
    comment = reader.comment(post).json["id"]
    reader.put(f"/v1/posts/{post}/like").ok()
    share = reader.share(post).ok(201).json["id"]
    everything = each.everything()
    assert reader.get(f"/v1/posts/{share}", at_least=everything).json["share"]["id"] == post
    reader.delete(f"/v1/posts/{post}").refused(403, "not-yours")
    author.delete(f"/v1/posts/{post}").ok(200)
    for member in (author, reader):
        for path in (f"/v1/posts/{post}", f"/v1/posts/{post}/comments", f"/v1/posts/{post}/likes"):
            member.get(path).refused(404)
        assert post not in ids(member.walk("/v1/feed"))
        assert post not in ids(member.walk(f"/v1/spaces/{author.qq}/posts"))
        assert post not in ids(member.get(f"/v1/spaces/{author.qq}").json["posts"])
        for owner in (author, reader):
            timeline = member.walk(f"/v1/spaces/{owner.qq}/timeline")
            assert post not in [item["post"]["id"] for item in timeline]
        shared = member.get(f"/v1/posts/{share}").ok(200)
        assert "share" not in shared.json
        assert "share_of" not in shared.json
    reader.comment(post).refused(404)
    reader.put(f"/v1/posts/{post}/like").refused(404)
    reader.share(post).refused(422, "no-such-post")
    author.patch(f"/v1/posts/{post}", {"text": "x"}).refused(404)
    author.put(f"/v1/posts/{post}/audience", {"to": "public"}).refused(404)
    # One's own words and likes under it may still be taken back.
    reader.delete(f"/v1/comments/{comment}").ok(200)
    reader.delete(f"/v1/posts/{post}/like").ok(200)


def test_whom_a_post_is_for(each: RunningHomezone) -> None:
    author, friend, listed, other = each.members(4)
    author.befriend(friend)
    author.put("/v1/me/lists", {"name": "同窗", "members": [listed.qq]}).ok()
    seen: dict[str, set[int]] = {}
    for name, to in (
        ("public", "public"),
        ("friends", "friends"),
        ("only_me", "only_me"),
        ("given", [listed]),
        ("named", "同窗"),
        ("nobody", []),
    ):
        post = author.publish(to=to).json["id"]
        seen[name] = {
            member.qq
            for member in (author, friend, listed, other)
            if member.get(f"/v1/posts/{post}", at_least=each.everything()).status == 200
        }
        for changed in ("only_me", [other], "public"):
            body = {"to": "list", "list": [other.qq]} if changed == [other] else {"to": changed}
            author.put(f"/v1/posts/{post}/audience", body).ok(200)
            assert (friend.get(f"/v1/posts/{post}").status == 200) is (changed == "public")
            assert (other.get(f"/v1/posts/{post}").status == 200) is (changed != "only_me")
    assert seen == {
        "public": {author.qq, friend.qq, listed.qq, other.qq},
        "friends": {author.qq, friend.qq},
        "only_me": {author.qq},
        "given": {author.qq, listed.qq},
        "named": {author.qq, listed.qq},
        "nobody": {author.qq},
    }


def test_an_audience_names_a_list_or_a_name(homezone: RunningHomezone) -> None:
    author, other = homezone.members(2)
    author.put("/v1/me/lists", {"name": "l", "members": []}).ok()
    for to, status, problem, field in (
        ({"to": "list"}, 422, "list-or-name", "/audience"),
        ({"to": "list", "list": [other.qq], "name": "l"}, 422, "list-or-name", "/audience"),
        ({"to": "list", "name": "m"}, 422, "no-such-list", "/audience/name"),
        ({"to": "list", "list": [other.qq, 99_999_999_998]}, 422, "no-such-member",
         "/audience/list/1"),
        ({"to": "everyone"}, 400, "invalid", "/audience/to"),
        ({"to": "public", "list": [other.qq]}, 400, "invalid", "/audience/list"),
        ({}, 400, "invalid", "/audience/to"),
    ):  # fmt: skip
        body = {"kind": "shuoshuo", "text": "x", "audience": to}
        reply = author.post("/v1/posts", body).refused(status, problem)
        assert reply.fields == [field], to


# Shares


def test_a_share_shows_its_original_to_whom_it_is_for(each: RunningHomezone) -> None:
    author, sharer, other = each.members(3)
    author.befriend(sharer)
    post = author.publish("只给朋友", to="friends").json["id"]
    share = sharer.share(post, "好诗").ok(201).json["id"]
    everything = each.everything()
    shown = sharer.get(f"/v1/posts/{share}", at_least=everything).json
    assert (shown["text"], shown["share_of"]) == ("好诗", post)
    assert shown["share"]["text"] == "只给朋友"
    assert shown["share"]["author"]["qq"] == author.qq
    hidden = other.get(f"/v1/posts/{share}", at_least=everything).ok(200)
    assert hidden.json["text"] == "好诗"
    assert "share" not in hidden.json
    assert "share_of" not in hidden.json
    assert post not in hidden.body.decode()
    other.share(post).refused(422, "no-such-post")
    author.put(f"/v1/posts/{post}/audience", {"to": "public"}).ok()
    assert other.get(f"/v1/posts/{share}").json["share"]["id"] == post
    again = other.share(share).ok(201).json["id"]
    shown = other.get(f"/v1/posts/{again}", at_least=each.everything()).json
    assert shown["share"]["id"] == post, "a share of a share points at the original"


def test_a_share_of_what_one_no_longer_sees_is_refused(homezone: RunningHomezone) -> None:
    author, sharer, other = homezone.members(3)
    post = author.publish().json["id"]
    share = sharer.share(post).ok(201).json["id"]
    author.put(f"/v1/me/blocks/{other.qq}").ok()
    reply = other.share(share).refused(422, "no-such-post")
    assert reply.body == other.share(NOTHING).body


# Comments and likes


def test_comments_stand_in_threads_oldest_first(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    post = author.publish().json["id"]
    path = f"/v1/posts/{post}/comments"
    first = reader.comment(post, "一").ok(201)
    second = author.comment(post, "二", first.json["id"]).ok(201)
    third = reader.comment(post, "三", second.json["id"]).ok(201)
    fourth = author.comment(post, "四").ok(201)
    shown = reader.get(path, at_least=each.everything()).ok(200).json["items"]
    assert ids(shown) == [one.json["id"] for one in (first, second, third, fourth)]
    assert [one["text"] for one in shown] == ["一", "二", "三", "四"]
    assert [one["thread"] for one in shown] == [first.json["id"]] * 3 + [fourth.json["id"]]
    assert [one["reply_to"] for one in shown] == [
        None, first.json["id"], second.json["id"], None
    ]  # fmt: skip
    assert [one["author"]["qq"] for one in shown] == [reader.qq, author.qq, reader.qq, author.qq]
    assert [one["position"] for one in shown] == [
        one.position for one in (first, second, third, fourth)
    ]
    elsewhere = author.publish().json["id"]
    refused = reader.comment(elsewhere, "x", first.json["id"]).refused(422, "no-such-comment")
    assert refused.fields == ["/reply_to"]
    reader.delete(f"/v1/comments/{first.json['id']}").ok(200)
    assert len(reader.get(path).json["items"]) == 3, "the answers to it stay"
    reader.comment(post, "x", first.json["id"]).refused(422, "no-such-comment")


def test_who_may_delete_a_comment(each: RunningHomezone) -> None:
    author, reader, other = each.members(3)
    post = author.publish().json["id"]
    mine, theirs = reader.comment(post).json["id"], other.comment(post).json["id"]
    reader.delete(f"/v1/comments/{theirs}").refused(403, "not-yours")
    reader.delete(f"/v1/comments/{mine}").ok(200)
    author.delete(f"/v1/comments/{theirs}").ok(200)
    assert author.get(f"/v1/posts/{post}/comments").json["items"] == []
    assert author.get(f"/v1/posts/{post}").json["comments"] == 0
    reader.delete(f"/v1/comments/{theirs}").refused(404)
    author.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
    hidden = author.comment(post).json["id"]
    reader.delete(f"/v1/comments/{hidden}").refused(404, "not-found")


def test_likes_are_listed_the_latest_first(each: RunningHomezone) -> None:
    author, one, other = each.members(3)
    post = author.publish().json["id"]
    one.put(f"/v1/posts/{post}/like").ok()
    other.put(f"/v1/posts/{post}/like").ok()
    reply = author.get(f"/v1/posts/{post}/likes", at_least=each.everything()).json["items"]
    assert [like["member"]["qq"] for like in reply] == [other.qq, one.qq]
    assert one.get(f"/v1/posts/{post}").json["liked"] is True
    assert author.get(f"/v1/posts/{post}").json["liked"] is False
    one.delete(f"/v1/posts/{post}/like").ok()
    one.put(f"/v1/posts/{post}/like").ok()
    reply = author.get(f"/v1/posts/{post}/likes", at_least=each.everything()).json["items"]
    assert [like["member"]["qq"] for like in reply] == [one.qq, other.qq]


def test_counts_are_exact_under_fire(each: RunningHomezone) -> None:
    """Many like, unlike, comment and delete at once; the counts are what stands in the end."""
    author = each.member()
    post = author.publish().json["id"]
    members = each.members(8)
    comments: dict[int, int] = {}
    failures: list[object] = []

    def act(member: Client, number: int) -> None:
        left = 0
        try:
            for turn in range(6):
                member.put(f"/v1/posts/{post}/like").ok()
                written = member.comment(post, f"{turn}").ok(201).json["id"]
                left += 1
                if turn % 2:
                    member.delete(f"/v1/posts/{post}/like").ok()
                    member.delete(f"/v1/comments/{written}").ok()
                    left -= 1
            if number % 2:
                member.put(f"/v1/posts/{post}/like").ok()
            comments[number] = left
        except Exception as error:  # noqa: BLE001  told below
            failures.append(error)

    threads = [
        threading.Thread(target=act, args=(member, number)) for number, member in enumerate(members)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    everything = each.everything()
    shown = author.get(f"/v1/posts/{post}", at_least=everything).json
    assert (shown["likes"], shown["comments"]) == (4, sum(comments.values()))
    assert len(author.walk(f"/v1/posts/{post}/comments", limit=7)) == shown["comments"]
    assert len(author.walk(f"/v1/posts/{post}/likes", limit=3)) == shown["likes"]


# Feed, space, timeline


def test_the_feed_holds_posts_by_friends_newest_first(each: RunningHomezone) -> None:
    reader, one, other, stranger = each.members(4)
    reader.befriend(one)
    before_friendship = other.publish("before").json["id"]
    reader.befriend(other)
    authors = [one, other] * 3
    posts = [before_friendship, *(each_one.publish().json["id"] for each_one in authors)]
    stranger.publish("not for the feed")
    reader.publish("one's own")
    feed = reader.get("/v1/feed", at_least=each.everything()).ok(200).json
    assert ids(feed["items"]) == posts[::-1]
    assert feed["next"] is None
    assert ids(reader.walk("/v1/feed", limit=2)) == posts[::-1]


def test_a_space_shows_who_it_is_and_the_latest_posts(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    posts = [author.publish(str(number)).json["id"] for number in range(12)]
    author.publish("hidden", to="only_me")
    space = reader.get(f"/v1/spaces/{author.qq}", at_least=each.everything()).ok(200).json
    assert (space["qq"], space["nickname"]) == (author.qq, f"m{author.qq}")
    assert space["relation"] == {"friend": "none", "follows": False, "blocked": False}
    assert ids(space["posts"]) == posts[:1:-1]
    assert author.get(f"/v1/spaces/{author.qq}").json["relation"]["friend"] == "self"
    assert ids(reader.walk(f"/v1/spaces/{author.qq}/posts", limit=5)) == posts[::-1]


def test_a_share_shows_its_original_wherever_a_timeline_meets_it(homezone: RunningHomezone) -> None:
    author, sharer, other = homezone.members(3)
    original = author.publish().json["id"]
    share = sharer.share(original).json["id"]
    hidden = author.publish(to=[sharer]).json["id"]
    sharer.put(f"/v1/posts/{hidden}/like").ok()
    sharer.put(f"/v1/posts/{share}/like").ok()
    # Between the two that the other sees stands one that is passed over: the page is read in two.
    path = f"/v1/spaces/{sharer.qq}/timeline"
    first = other.get(path, limit=1, at_least=homezone.everything()).ok(200).json["items"][0]
    assert (first["kind"], first["post"]["id"]) == ("like", share)
    assert first["post"]["share"]["id"] == original


def test_a_timeline_holds_everything_a_member_did_by_month(each: RunningHomezone) -> None:
    member, other = each.members(2)
    theirs = other.publish().json["id"]
    post = member.publish().json["id"]
    comment = member.comment(theirs, "好").json["id"]
    member.put(f"/v1/posts/{theirs}/like").ok()
    path = f"/v1/spaces/{member.qq}/timeline"
    done = other.get(path, at_least=each.everything()).ok(200).json["items"]
    assert [(one["kind"], one["post"]["id"]) for one in done] == [
        ("like", theirs), ("comment", theirs), ("post", post)
    ]  # fmt: skip
    assert done[1]["comment"]["id"] == comment
    month = f"{datetime.now(UTC):%Y-%m}"
    assert {one["month"] for one in done} == {month}
    assert len(other.walk(path, month=month, limit=1)) == 3
    assert other.walk(path, month="2001-02") == []
    for wrong in ("2001-13", "2001", "x", "2001-2"):
        assert other.get(path, month=wrong).refused(400, "invalid").fields == ["month"]
    other.put(f"/v1/posts/{theirs}/audience", {"to": "only_me"}).ok()
    assert [one["kind"] for one in member.walk(path)] == ["post"]
    assert len(other.walk(path)) == 3


# Lists


def test_pages_are_full_past_many_hidden_posts(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.befriend(reader)
    visible = []
    for number in range(90):
        shown = number % 30 == 0
        post = author.publish(str(number), to="friends" if shown else "only_me").json["id"]
        if shown:
            visible.append(post)
    everything = each.everything()
    for limit in (1, 7, 20, 100):
        for path in ("/v1/feed", f"/v1/spaces/{author.qq}/posts"):
            found = reader.walk(path, limit=limit, at_least=everything)
            assert ids(found) == visible[::-1], path
        timeline = reader.walk(f"/v1/spaces/{author.qq}/timeline", limit=limit)
        assert [one["post"]["id"] for one in timeline] == visible[::-1]


def test_a_walk_meets_what_stays_exactly_once_whatever_else_happens(
    each: RunningHomezone,
) -> None:
    author, reader = each.members(2)
    author.befriend(reader)
    stays = [author.publish(f"stays {number}").json["id"] for number in range(40)]
    goes = [author.publish(f"goes {number}").json["id"] for number in range(20)]
    target = stays[0]
    remarks = [author.comment(target, str(number)).json["id"] for number in range(30)]
    reader.get("/v1/feed", at_least=each.everything()).ok()
    stop = threading.Event()

    def disturb() -> None:
        left = list(goes)
        writer = each.client(author.qq)
        number = 0
        while not stop.is_set() and number < 30:
            number += 1
            writer.publish(f"new {number}")
            writer.comment(target, f"new {number}").ok()
            writer.patch(f"/v1/posts/{stays[number % 40]}", {"text": f"stays {number}"}).ok()
            if left:
                writer.delete(f"/v1/posts/{left.pop()}").ok()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for path, wanted in (
            ("/v1/feed", stays),
            (f"/v1/spaces/{author.qq}/posts", stays),
            (f"/v1/posts/{target}/comments", remarks),
        ):
            met = ids(reader.walk(path, limit=3))
            assert len(met) == len(set(met)), path
            assert set(wanted) <= set(met), path
            assert [one for one in met if one in set(wanted)] in (wanted, wanted[::-1])
    finally:
        stop.set()
        thread.join()
