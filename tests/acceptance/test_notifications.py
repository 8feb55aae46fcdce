"""
Notifications over HTTP: what others did, once each, as far as it is still there to be seen.
"""

from typing import Any

import pytest

from commands.notices import WantedKinds
from domain.notices import KINDS
from projections.notices import HOW
from tests.support.homezone import Client, RunningHomezone
from tests.support.waiting import eventually


def told(homezone: RunningHomezone, member: Client) -> list[Any]:
    """All notifications of a member, those of badges aside: they come when they come."""
    items = member.walk("/v1/me/notifications", at_least=homezone.everything())
    return [one for one in items if one["kind"] != "badge"]


def kinds(homezone: RunningHomezone, member: Client) -> list[tuple[str, int]]:
    """The kind of each, and how many members it counts."""
    return [(one["kind"], one["count"]) for one in told(homezone, member)]


def unread(homezone: RunningHomezone, member: Client) -> Any:
    """The count of what is unread."""
    return member.get("/v1/me/notifications/unread", at_least=homezone.everything()).ok(200).json


def quiet(homezone: RunningHomezone, number: int) -> list[Client]:
    """Members who hear of no badges."""
    members = homezone.members(number)
    for one in members:
        one.patch("/v1/me/notifications/preferences", {"kinds": {"badge": False}}).ok(200)
    return members


def test_likes_of_a_post_are_one_notification(homezone: RunningHomezone) -> None:
    author, *fans = quiet(homezone, 5)
    post = author.publish().json["id"]
    for fan in fans:
        fan.put(f"/v1/posts/{post}/like").ok(200)
    author.put(f"/v1/posts/{post}/like").ok(200)
    (one,) = told(homezone, author)
    assert (one["kind"], one["count"], one["post"], one["unread"]) == ("like", 4, post, True)
    assert [member["qq"] for member in one["members"]] == [fan.qq for fan in fans[:0:-1]]
    assert unread(homezone, author)["count"] == 1
    fans[3].delete(f"/v1/posts/{post}/like").ok(200)
    (one,) = told(homezone, author)
    assert (one["count"], one["members"][0]["qq"]) == (3, fans[2].qq)
    assert told(homezone, fans[0]) == []


def test_whoever_is_answered_hears_of_it_once(homezone: RunningHomezone) -> None:
    author, first, second = quiet(homezone, 3)
    post = author.publish().json["id"]
    comment = first.comment(post).ok(201).json["id"]
    answer = second.comment(post, "也疑", reply_to=comment).ok(201).json["id"]
    second.comment(post, "三疑", reply_to=comment).ok(201)
    second.comment(post, "四疑", reply_to=answer).ok(201)
    author.comment(post, "举头", reply_to=comment).ok(201)
    assert kinds(homezone, author) == [("comment", 2)]
    assert kinds(homezone, first) == [("reply", 2)]
    assert kinds(homezone, second) == []
    (one,) = told(homezone, first)
    assert "text" not in str(one), "references, and no words"
    assert one["members"][0]["qq"] == author.qq


def test_what_is_blocked_or_gone_is_in_no_list_and_no_count(homezone: RunningHomezone) -> None:
    author, one, two = quiet(homezone, 3)
    post = author.publish().json["id"]
    for fan in (one, two):
        fan.put(f"/v1/posts/{post}/like").ok(200)
    comment = one.comment(post).ok(201).json["id"]
    assert kinds(homezone, author) == [("comment", 1), ("like", 2)]
    # By either side, and back again.
    for blocker, other in ((author, one), (one, author)):
        blocker.put(f"/v1/me/blocks/{other.qq}").ok(200)
        assert kinds(homezone, author) == [("like", 1)]
        assert unread(homezone, author)["count"] == 1
        blocker.delete(f"/v1/me/blocks/{other.qq}").ok(200)
        assert kinds(homezone, author) == [("comment", 1), ("like", 2)]
    one.delete(f"/v1/comments/{comment}").ok(200)
    assert kinds(homezone, author) == [("like", 2)]
    author.delete(f"/v1/posts/{post}").ok(200)
    assert told(homezone, author) == []
    assert unread(homezone, author)["count"] == 0


def test_an_answer_goes_with_the_post_it_is_under(homezone: RunningHomezone) -> None:
    author, first, second = quiet(homezone, 3)
    for friend in (first, second):
        author.befriend(friend)
    post = author.publish(to="friends").json["id"]
    comment = first.comment(post).ok(201).json["id"]
    second.comment(post, "也疑", reply_to=comment).ok(201)
    assert ("reply", 1) in kinds(homezone, first)
    author.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok(200)
    assert ("reply", 1) not in kinds(homezone, first)
    author.put(f"/v1/posts/{post}/audience", {"to": "friends"}).ok(200)
    assert ("reply", 1) in kinds(homezone, first)


def test_a_share_is_told_while_both_posts_are_there(homezone: RunningHomezone) -> None:
    author, one, two = quiet(homezone, 3)
    author.befriend(one)
    post = author.publish().json["id"]
    first = one.share(post, "好", "friends").ok(201).json["id"]
    two.share(first).refused(422, "no-such-post")
    second = two.share(post).ok(201).json["id"]
    again = one.share(second).ok(201).json["id"]
    (shared,) = [of for of in told(homezone, author) if of["kind"] == "share"]
    assert (shared["post"], shared["count"], shared["latest"]) == (post, 2, again)
    one.delete(f"/v1/posts/{again}").ok(200)
    two.put(f"/v1/posts/{second}/audience", {"to": "only_me"}).ok(200)
    (shared,) = [of for of in told(homezone, author) if of["kind"] == "share"]
    assert (shared["count"], shared["latest"]) == (1, first)
    author.delete(f"/v1/me/friends/{one.qq}").ok()
    assert [of for of in told(homezone, author) if of["kind"] == "share"] == []


def test_who_is_mentioned_hears_of_it_once(homezone: RunningHomezone) -> None:
    author, one, two = quiet(homezone, 3)
    post = author.publish(f"@{one.qq} 明月几时有").json["id"]
    (mention,) = told(homezone, one)
    assert (mention["kind"], mention["post"], mention["count"]) == ("mention", post, 1)
    one.put("/v1/me/notifications/read", {"until": mention["until"]}).ok()
    author.patch(f"/v1/posts/{post}", {"text": f"@{one.qq} @{two.qq} 把酒问青天"}).ok()
    assert unread(homezone, one)["count"] == 0, "it mentioned them before"
    assert kinds(homezone, two) == [("mention", 1)]
    author.patch(f"/v1/posts/{post}", {"text": f"@{two.qq} 不知天上宫阙"}).ok()
    assert kinds(homezone, one) == []
    author.put(f"/v1/posts/{post}/audience", {"to": "only_me"}).ok()
    assert kinds(homezone, two) == []


def test_messages_on_ones_board_are_told_to_its_owner(homezone: RunningHomezone) -> None:
    owner, one, two = quiet(homezone, 3)
    written = [
        of.post(f"/v1/spaces/{owner.qq}/messages", {"text": "好"}).ok(201).json["id"]
        for of in (one, two, owner)
    ]
    (message,) = told(homezone, owner)
    assert (message["kind"], message["count"], message["latest"]) == ("message", 2, written[1])
    two.delete(f"/v1/messages/{written[1]}").ok()
    assert kinds(homezone, owner) == [("message", 1)]
    owner.put(f"/v1/me/blocks/{one.qq}").ok()
    assert kinds(homezone, owner) == []


def test_friendship_is_told_while_it_is_so(homezone: RunningHomezone) -> None:
    one, two = quiet(homezone, 2)
    one.put(f"/v1/me/friends/{two.qq}").ok()
    eventually(lambda: kinds(homezone, two) == [("friend_request", 1)])
    two.put(f"/v1/me/friends/{one.qq}").ok()
    eventually(lambda: kinds(homezone, one) == [("friend_accepted", 1)])
    assert told(homezone, two) == []
    (told_one,) = told(homezone, one)
    assert told_one["members"][0]["qq"] == two.qq
    two.delete(f"/v1/me/friends/{one.qq}").ok()
    assert told(homezone, one) == []


def test_read_marks_go_up_to_a_place_and_never_back(homezone: RunningHomezone) -> None:
    author, fan, other = quiet(homezone, 3)
    first, second = (author.publish(text).json["id"] for text in ("一", "二"))
    fan.put(f"/v1/posts/{first}/like").ok(200)
    fan.put(f"/v1/posts/{second}/like").ok(200)
    newest, oldest = told(homezone, author)
    # One alone.
    mark = {"until": newest["until"], "id": newest["id"]}
    author.put("/v1/me/notifications/read", mark).ok(200)
    assert [one["unread"] for one in told(homezone, author)] == [False, True]
    assert unread(homezone, author)["count"] == 1
    # All of them.
    place = unread(homezone, author)["until"]
    marked = author.put("/v1/me/notifications/read", {"until": place}).ok(200).position
    assert [one["unread"] for one in told(homezone, author)] == [False, False]
    assert unread(homezone, author) == {"count": 0, "more": False, "until": place}
    for earlier in ({"until": oldest["until"]}, mark):
        again = author.put("/v1/me/notifications/read", earlier).ok(200)
        assert again.position == marked, "a mark never goes back"
    # What comes later is unread again.
    other.put(f"/v1/posts/{first}/like").ok(200)
    assert [one["unread"] for one in told(homezone, author)] == [True, False]
    author.put("/v1/me/notifications/read", {"until": "16-1"}).refused(422, "no-such-positions")
    author.put("/v1/me/notifications/read", {"until": "1-1,1-2"}).refused(422, "no-such-positions")


def test_each_kind_can_be_wanted_or_not() -> None:
    assert WantedKinds.__struct_fields__ == KINDS == tuple(HOW)


@pytest.mark.parametrize("kind", ["like", "comment"])
def test_a_kind_that_is_not_wanted_is_left_out(homezone: RunningHomezone, kind: str) -> None:
    author, fan = quiet(homezone, 2)
    post = author.publish().json["id"]
    fan.put(f"/v1/posts/{post}/like").ok(200)
    fan.comment(post).ok(201)
    author.patch("/v1/me/notifications/preferences", {"kinds": {kind: False}}).ok(200)
    assert author.get("/v1/me/notifications/preferences").json["kinds"][kind] is False
    assert author.get("/v1/me/notifications/preferences").json["kinds"]["gift"] is True
    assert [one for one, _ in kinds(homezone, author)] == [
        one for one in ("comment", "like") if one != kind
    ]
    assert unread(homezone, author)["count"] == 1
    author.patch("/v1/me/notifications/preferences", {"kinds": {kind: True}}).ok(200)
    assert unread(homezone, author)["count"] == 2
    author.patch("/v1/me/notifications/preferences", {"kinds": {"nothing": True}}).refused(
        400, "invalid"
    )


def test_a_walk_meets_each_notification_once(homezone: RunningHomezone) -> None:
    author, fan, other = quiet(homezone, 3)
    posts = [author.publish(f"第{number}").json["id"] for number in range(9)]
    for post in posts:
        fan.put(f"/v1/posts/{post}/like").ok(200)
    for post in posts[::2]:
        other.put(f"/v1/posts/{post}/like").ok(200)
    for post in posts[1::2]:
        fan.delete(f"/v1/posts/{post}/like").ok(200)
    walked = author.walk("/v1/me/notifications", at_least=homezone.everything(), limit=2)
    assert [one["post"] for one in walked] == posts[::2][::-1]
    assert [one["count"] for one in walked] == [2] * 5
