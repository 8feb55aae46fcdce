"""
Streams over HTTP: who is told what, and that coming back misses nothing and repeats nothing.
"""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.stream import Hub
from api.stream.connection import Connection
from api.stream.cursor import StreamCursor
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, audience, running_homezone
from tests.support.listening import Item, Listener, listening


@pytest.fixture(autouse=True)
def often(homezone: RunningHomezone) -> Iterator[None]:
    """Heartbeats often: they tell a test how far a stream has come."""
    hub = homezone.homezone.hub
    usual, hub.heartbeat_seconds = hub.heartbeat_seconds, 0.05
    yield
    hub.heartbeat_seconds = usual


def now(homezone: RunningHomezone, *listeners: Listener) -> None:
    """Wait until everybody has been told of everything so far."""
    everything = homezone.everything()
    for listener in listeners:
        listener.until(everything)


def test_a_post_appears_to_those_it_is_for(homezone: RunningHomezone) -> None:
    author, friend, stranger = homezone.members(3)
    author.befriend(friend)
    with listening(homezone, author, friend, stranger) as (own, friends, strangers):
        post = author.publish("床前明月光", "friends").json
        now(homezone, own, friends, strangers)
    assert strangers.items == []
    (item,) = friends.items
    assert item["kind"] == "post.appeared"
    assert (item["id"], item["position"]) == (post["id"], post["position"])
    assert item["author"]["qq"] == author.qq
    assert item["post"] == friend.get(f"/v1/posts/{post['id']}").json
    assert own.kinds() == ["post.appeared"]
    assert own.items[0]["post"]["audience"] == "friends"


def test_what_happens_to_a_post(homezone: RunningHomezone) -> None:
    author, friend = homezone.members(2)
    author.befriend(friend)
    with listening(homezone, friend, author) as (friends, own):
        post = author.publish("疑是地上霜").json["id"]
        now(homezone, friends, own)
        author.patch(f"/v1/posts/{post}", {"text": "举头望明月"}).ok()
        now(homezone, friends, own)
        author.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
        author.patch(f"/v1/posts/{post}", {"text": "低头思故乡"}).ok()
        now(homezone, friends, own)
        author.put(f"/v1/posts/{post}/audience", {"to": "public"}).ok()
        now(homezone, friends, own)
        author.delete(f"/v1/posts/{post}").ok()
        now(homezone, friends, own)
    kinds = ["appeared", "changed", "withdrawn", "appeared", "withdrawn"]
    assert friends.kinds() == [f"post.{kind}" for kind in kinds]
    assert friends.items[1]["post"]["text"] == "举头望明月"
    assert friends.items[2] == {"kind": "post.withdrawn", "id": post}
    assert friends.items[3]["post"]["text"] == "低头思故乡"
    # Whom it is for is the author's business, and changes on the author's other devices.
    kinds = ["appeared", "changed", "changed", "changed", "changed", "withdrawn"]
    assert own.kinds() == [f"post.{kind}" for kind in kinds]


def test_who_never_saw_it_is_not_told_that_it_went(homezone: RunningHomezone) -> None:
    author, friend = homezone.members(2)
    author.befriend(friend)
    with listening(homezone, friend) as (friends,):
        post = author.publish("独上高楼", "only_me").json["id"]
        author.patch(f"/v1/posts/{post}", {"text": "望尽天涯路"}).ok()
        author.put(f"/v1/posts/{post}/audience", audience([])).ok()
        author.delete(f"/v1/posts/{post}").ok()
        now(homezone, friends)
        assert friends.items == []


def test_a_change_of_audience_is_told_to_whom_it_moves(homezone: RunningHomezone) -> None:
    author, both, first, second = homezone.members(4)
    for friend in (both, first, second):
        author.befriend(friend)
    with listening(homezone, both, first, second) as streams:
        post = author.publish("春眠不觉晓", [both, first]).json["id"]
        now(homezone, *streams)
        author.put(f"/v1/posts/{post}/audience", audience([both, second])).ok()
        now(homezone, *streams)
        assert [one.kinds() for one in streams] == [
            ["post.appeared"],
            ["post.appeared", "post.withdrawn"],
            ["post.appeared"],
        ]


def test_a_named_list_takes_its_posts_along(homezone: RunningHomezone) -> None:
    author, stays, leaves, joins = homezone.members(4)
    for friend in (stays, leaves, joins):
        author.befriend(friend)
    saved = {"name": "family", "members": [stays.qq, leaves.qq]}
    which = author.put("/v1/me/lists", saved).ok().json["id"]
    posts = {author.publish(text, "family").json["id"] for text in ("处处闻啼鸟", "夜来风雨声")}
    author.publish("花落知多少", "only_me")
    with listening(homezone, stays, leaves, joins) as (one, two, three):
        author.put("/v1/me/lists", {"name": "family", "members": [stays.qq, joins.qq]}).ok()
        now(homezone, one, two, three)
        assert one.items == []
        assert two.kinds() == ["post.withdrawn"] * 2
        assert three.kinds() == ["post.appeared"] * 2
        assert {item["id"] for item in two.items} == posts
        assert {item["id"] for item in three.items} == posts
        author.delete(f"/v1/me/lists/{which}").ok()
        now(homezone, one, two, three)
        assert one.kinds() == ["post.withdrawn"] * 2
        assert two.kinds() == ["post.withdrawn"] * 2
        assert three.kinds() == ["post.appeared"] * 2 + ["post.withdrawn"] * 2
        cursors = three.cursors
    for told, cursor in enumerate(cursors, 1):
        with listening(homezone, joins, after=cursor) as (again,):
            now(homezone, again)
            assert again.kinds() == ["post.withdrawn"] * min(2, 4 - told)


def test_comments_and_likes(homezone: RunningHomezone) -> None:
    author, friend, commenter, stranger = homezone.members(4)
    author.befriend(friend)
    post = author.publish("红豆生南国").json["id"]
    with listening(homezone, author, friend, commenter, stranger) as streams:
        own, friends, commenters, strangers = streams
        first = commenter.comment(post, "春来发几枝").ok().json["id"]
        now(homezone, *streams)
        answer = friend.comment(post, "愿君多采撷", reply_to=first).ok().json["id"]
        friend.put(f"/v1/posts/{post}/like").ok()
        now(homezone, *streams)
        friend.delete(f"/v1/posts/{post}/like").ok()
        author.delete(f"/v1/comments/{answer}").ok()
        now(homezone, *streams)
    assert sorted(own.kinds()) == sorted(
        ["comment.appeared"] * 2 + ["like.appeared", "like.withdrawn", "comment.withdrawn"]
    )
    listed = {one["id"]: one for one in author.walk(f"/v1/posts/{post}/comments")}
    assert own.items[0]["comment"] == listed[first]
    assert own.items[0]["on"] == post
    likes = [one for one in own.items if one["kind"].startswith("like.")]
    assert likes[0]["author"]["qq"] == friend.qq
    assert likes[0]["id"] == likes[1]["id"]
    assert commenters.kinds() == ["comment.appeared", "comment.withdrawn"]
    assert commenters.items[0]["comment"]["text"] == "愿君多采撷"
    assert commenters.items[1] == {"kind": "comment.withdrawn", "id": answer, "on": post}
    assert friends.items == strangers.items == []


def test_messages_on_ones_own_board(homezone: RunningHomezone) -> None:
    owner, friend, blocked = homezone.members(3)
    owner.befriend(friend)
    owner.put(f"/v1/me/blocks/{blocked.qq}").ok()
    path = f"/v1/spaces/{owner.qq}/messages"
    with listening(homezone, owner, friend) as (boards, readers):
        first = friend.post(path, {"text": "踩踩"}).ok().json["id"]
        answer = owner.post(path, {"text": "回踩", "reply_to": first}).ok().json["id"]
        blocked.post(path, {"text": "踩踩"}).refused(404)
        friend.post(f"/v1/spaces/{friend.qq}/messages", {"text": "其他"}).ok()
        now(homezone, boards, readers)
        friend.delete(f"/v1/messages/{first}").ok()
        now(homezone, boards, readers)
    assert boards.kinds() == ["message.appeared"] * 2 + ["message.withdrawn"]
    assert [item["id"] for item in boards.items] == [first, answer, first]
    shown = boards.items[0]
    assert (shown["message"]["text"], shown["author"]["qq"]) == ("踩踩", friend.qq)
    assert boards.items[2] == {"kind": "message.withdrawn", "id": first}
    assert readers.kinds() == ["message.appeared"], "of one's own board alone"


def test_what_a_block_had_hidden_goes_unsaid(homezone: RunningHomezone) -> None:
    author, commenter = homezone.members(2)
    post = author.publish("劝君更尽一杯酒").json["id"]
    with listening(homezone, author) as (own,):
        start = own.cursor
        comment = commenter.comment(post).ok().json["id"]
        commenter.put(f"/v1/posts/{post}/like").ok()
        now(homezone, own)
        commenter.put(f"/v1/me/blocks/{author.qq}").ok()
        commenter.delete(f"/v1/comments/{comment}").ok()
        commenter.delete(f"/v1/posts/{post}/like").ok()
        now(homezone, own)
        assert own.kinds() == ["comment.appeared", "like.appeared"]
    with listening(homezone, author, after=start) as (again,):
        now(homezone, again)
        assert again.items == []


def test_friendship_comes_and_goes(homezone: RunningHomezone) -> None:
    ann, bob = homezone.members(2)
    ann.publish("此物最相思", "friends")
    with listening(homezone, ann, bob) as (anns, bobs):
        ann.put(f"/v1/me/friends/{bob.qq}").ok()
        now(homezone, anns, bobs)
        assert bobs.kinds() == ["friend.requested"]
        assert bobs.items[0]["author"]["qq"] == ann.qq
        bob.put(f"/v1/me/friends/{ann.qq}").ok()
        now(homezone, anns, bobs)
        assert anns.kinds() == ["friend.accepted", "author.appeared"]
        assert bobs.kinds() == ["friend.requested", "author.appeared"]
        ann.delete(f"/v1/me/friends/{bob.qq}").ok()
        now(homezone, anns, bobs)
        assert anns.kinds()[2:] == ["author.withdrawn"]
        assert bobs.kinds()[2:] == ["friend.ended", "author.withdrawn"]
        assert bobs.items[2]["how"] == "ended"
        ann.put(f"/v1/me/friends/{bob.qq}").ok()
        now(homezone, bobs)
        ann.delete(f"/v1/me/friends/{bob.qq}").ok()
        now(homezone, bobs)
        assert bobs.kinds()[4:] == ["friend.requested", "friend.ended"]
        assert bobs.items[-1]["how"] == "withdrawn"


def test_a_followed_space_is_a_source_while_it_is_certified(homezone: RunningHomezone) -> None:
    shop, fan = homezone.members(2)
    certificate = f"/v1/spaces/{shop.qq}/certification"
    homezone.operator.put(certificate, {"type": "brand", "name": "商务印书馆"}).ok()
    with listening(homezone, fan) as (fans,):
        fan.put(f"/v1/me/follows/{shop.qq}").ok()
        now(homezone, fans)
        shop.publish("新书", "public")
        shop.publish("内部", "friends")
        now(homezone, fans)
        shop.put(f"/v1/me/friends/{fan.qq}").ok()
        now(homezone, fans)
        fan.put(f"/v1/me/friends/{shop.qq}").ok()
        now(homezone, fans)
        fan.delete(f"/v1/me/friends/{shop.qq}").ok()
        now(homezone, fans)
        homezone.operator.delete(certificate).ok()
        shop.publish("无人知晓", "public")
        now(homezone, fans)
    assert fans.kinds() == [
        "author.appeared",
        "post.appeared",
        "friend.requested",
        "author.appeared",
        # What was for friends is gone, the rest stays: drop all, and read again.
        "author.withdrawn",
        "author.appeared",
        "author.withdrawn",
    ]


def test_a_block_ends_it_all(homezone: RunningHomezone) -> None:
    ann, bob = homezone.members(2)
    ann.befriend(bob)
    post = bob.publish("相思").json["id"]
    ann.comment(post).ok()
    with listening(homezone, ann, bob) as (anns, bobs):
        bob.put(f"/v1/me/blocks/{ann.qq}").ok()
        bob.delete(f"/v1/posts/{post}").ok()
        ann.publish("无题")
        now(homezone, anns, bobs)
        assert anns.kinds() == ["friend.ended", "author.withdrawn", "post.appeared"]
        assert bobs.kinds() == ["author.withdrawn", "post.withdrawn"]


def test_two_devices_hear_the_same(homezone: RunningHomezone) -> None:
    author, friend = homezone.members(2)
    author.befriend(friend)
    with listening(homezone, friend, friend) as (phone, desk):
        author.publish("其一")
        now(homezone, phone, desk)
        phone.close()
        author.publish("其二")
        now(homezone, desk)
        assert len(phone.items) == 1
        assert len(desk.items) == 2
        assert phone.items == desk.items[:1]


def test_a_suspension_ends_the_stream(homezone: RunningHomezone) -> None:
    author, friend = homezone.members(2)
    author.befriend(friend)
    with listening(homezone, friend) as (friends,):
        suspension = f"/v1/accounts/{friend.qq}/suspension"
        homezone.operator.put(suspension, {"reason": "spam"}).ok()
        friends.wait_for_end()
        author.publish("不可见")
        assert friends.items == []
        friend.get("/v1/stream").refused(403, "suspended")
        homezone.operator.delete(suspension).ok()
        with listening(homezone, friend, after=friends.cursor) as (again,):
            now(homezone, again)
            assert again.kinds() == ["post.appeared"]


def test_a_suspension_while_a_stream_catches_up_ends_it(
    homezone: RunningHomezone, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = homezone.member()

    listen = Hub.listen

    async def late(hub: Hub, connection: Connection, start: StreamCursor) -> None:
        # Decided after the stream began and before the hub takes it on.
        suspension = f"/v1/accounts/{member.qq}/suspension"
        suspended = await asyncio.to_thread(homezone.operator.put, suspension, {"reason": "spam"})
        cell, position = map(int, suspended.ok().position.split("-"))
        await hub.reach({cell: position})
        await listen(hub, connection, start)

    monkeypatch.setattr(Hub, "listen", late)
    with listening(homezone, member) as (stream,):
        stream.wait_for_end()


def test_a_token_that_runs_out_ends_the_stream(homezone: RunningHomezone) -> None:
    member = homezone.member()
    brief = homezone.with_token(homezone.token(member.qq, ttl=timedelta(seconds=2)))
    with listening(homezone, brief) as (stream,):
        stream.wait_for_end()


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "0", "0-1,0-2", "99-0", "0-999999999", "0--1", "0-0+", "0-0+0.0", "0-0+1.1",
        "0-0,1-0+", "0-0+0.1+0.1",
    ],
)  # fmt: skip
def test_an_id_that_never_was_one_is_refused(homezone: RunningHomezone, cursor: str) -> None:
    reply = homezone.member().request("GET", "/v1/stream", headers={"Last-Event-ID": cursor})
    assert reply.refused(400, "invalid").fields == ["Last-Event-ID"]


def test_a_part_of_what_has_not_happened_is_refused(homezone: RunningHomezone) -> None:
    member = homezone.member()
    after = {"Last-Event-ID": f"{homezone.everything()}+0.1"}
    assert member.request("GET", "/v1/stream", headers=after).refused(400).fields == [
        "Last-Event-ID"
    ]


def test_heartbeats_move_the_cursor_of_those_who_hear_nothing(homezone: RunningHomezone) -> None:
    quiet, loud, friend = homezone.members(3)
    loud.befriend(friend)
    with listening(homezone, quiet) as (stream,):
        before = stream.cursor
        loud.publish("喧")
        now(homezone, stream)
        assert stream.items == []
        assert stream.cursor != before


def test_nothing_is_missed_from_any_cursor(homezone: RunningHomezone) -> None:
    """Some events mean several things: a connection may break between any two of them."""
    ann, bob = homezone.members(2)
    with listening(homezone, bob) as (whole,):
        start = whole.cursor
        ann.put(f"/v1/me/friends/{bob.qq}").ok()
        now(homezone, whole)
        bob.put(f"/v1/me/friends/{ann.qq}").ok()
        now(homezone, whole)
        post = ann.publish("一").json["id"]
        now(homezone, whole)
        ann.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
        ann.put(f"/v1/me/blocks/{bob.qq}").ok()
        now(homezone, whole)
    kinds = ["post.withdrawn", "friend.ended", "author.withdrawn"]
    appeared = ["friend.requested", "author.appeared", "post.appeared"]
    assert whole.kinds() == appeared + kinds
    for told, cursor in enumerate([start, *whole.cursors]):
        with listening(homezone, bob, after=cursor) as (rest,):
            now(homezone, rest)
            leaving = [one for one in whole.items[told:] if one["kind"] in kinds]
            assert rest.items == leaving


def test_coming_and_going_while_others_write(homezone: RunningHomezone) -> None:
    """Nothing falls between catching up and joining, however busy it is."""
    viewer, *authors = homezone.members(4)
    for author in authors:
        author.befriend(viewer)
    published: dict[int, list[str]] = {author.qq: [] for author in authors}

    def write(author: Client) -> None:
        for number in range(40):
            published[author.qq].append(author.publish(f"{number}").json["id"])

    with listening(homezone, viewer) as (start,):
        cursor = start.cursor
    threads = [threading.Thread(target=write, args=(author,)) for author in authors]
    for thread in threads:
        thread.start()
    told: list[Item] = []
    while any(thread.is_alive() for thread in threads):
        with listening(homezone, viewer, after=cursor) as (stream,):
            stream.pause()
        told += stream.items
        cursor = stream.cursor
    with listening(homezone, viewer, after=cursor) as (stream,):
        now(homezone, stream)
    told += stream.items
    assert {
        author: [item["id"] for item in told if item["author"]["qq"] == author]
        for author in published
    } == published


def test_two_servers_tell_the_same(server_url: str, tmp_path: Path) -> None:
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path, cells=4) as one,
        running_homezone(url, tmp_path, cells=4) as other,
    ):
        one.homezone.hub.heartbeat_seconds = other.homezone.hub.heartbeat_seconds = 0.05
        author, friend = one.members(2)
        author.befriend(friend)
        there = Client(("127.0.0.1", other.port), author.token, author.qq)
        with listening(one, friend) as (near,), listening(other, friend) as (far,):
            for number in range(5):
                author.publish(f"{number}")
                there.publish(f"{number}")
            now(one, near, far)
            assert near.items == far.items
            assert len(near.items) == 10
            half = near.cursors[4]
        with listening(other, friend, after=half) as (rest,):
            now(one, rest)
            assert rest.items == near.items[5:]
        there.close()
