"""
Message boards over HTTP: who writes, who sees, who takes away, and what people decide of it.
"""

from typing import Any

from tests.acceptance.moderation.asking import case_about, decide, decisions, staff
from tests.acceptance.screened import HELD, PREVIEWED, REFUSED, each
from tests.support.homezone import Client, Reply, RunningHomezone

__all__ = ["each"]


def write(author: Client, owner: Client, text: str = "踩踩", reply_to: str | None = None) -> Reply:
    """Write on a board."""
    said = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
    return author.post(f"/v1/spaces/{owner.qq}/messages", said)


def board(viewer: Client, owner: Client, **options: Any) -> list[str]:
    """What stands on a board, for a viewer."""
    items = viewer.walk(f"/v1/spaces/{owner.qq}/messages", **options)
    return [item["text"] for item in items]


def arrange(owner: Client, **changes: Any) -> Reply:
    """Arrange a home page."""
    return owner.patch("/v1/me/space", changes)


def test_messages_stand_in_threads_newest_first(each: RunningHomezone) -> None:
    owner, one, two = each.members(3)
    first = write(one, owner, "first").ok(201).json["id"]
    answer = write(owner, owner, "answer", first).ok(201).json["id"]
    write(two, owner, "second").ok(201)
    assert board(two, owner) == ["second", "answer", "first"]
    assert board(two, owner, limit=1) == ["second", "answer", "first"]
    items = one.walk(f"/v1/spaces/{owner.qq}/messages")
    assert [item["thread"] == first for item in items] == [False, True, True]
    assert (items[1]["id"], items[1]["reply_to"]) == (answer, first)
    write(two, one, "elsewhere", first).refused(422, "no-such-message")
    shown = two.get(f"/v1/spaces/{owner.qq}").ok(200).json
    assert [message["text"] for message in shown["messages"]] == ["second", "answer", "first"]


def test_messages_are_taken_away_by_their_authors_and_by_the_boards_owner(
    each: RunningHomezone,
) -> None:
    owner, one, two = each.members(3)
    mine, theirs = (write(one, owner, text).ok(201).json["id"] for text in ("mine", "theirs"))
    two.delete(f"/v1/messages/{mine}").refused(403, "not-yours")
    one.delete(f"/v1/messages/{mine}").ok(200)
    owner.delete(f"/v1/messages/{theirs}").ok(200)
    one.delete(f"/v1/messages/{theirs}").ok(200)
    two.delete(f"/v1/messages/{theirs}").refused(404)
    assert board(one, owner) == board(owner, owner) == []


def test_a_board_is_for_whom_its_owner_says(each: RunningHomezone) -> None:
    owner, friend, stranger = each.members(3)
    owner.befriend(friend)
    said = write(stranger, owner, "hello").ok(201).json["id"]
    arrange(owner, privacy={"messages": "friends"}).ok(200)
    assert board(friend, owner) == ["hello"]
    stranger.get(f"/v1/spaces/{owner.qq}/messages").refused(404, "not-found")
    write(stranger, owner).refused(404, "not-found")
    friend.delete(f"/v1/messages/{said}").refused(403, "not-yours")
    body = {"subject": {"kind": "message", "id": said}, "category": "spam"}
    each.member().post("/v1/reports", body).refused(404, "not-found")
    assert "messages" not in stranger.get(f"/v1/spaces/{owner.qq}").ok(200).json
    stranger.delete(f"/v1/messages/{said}").ok(200)
    owner.delete(f"/v1/me/friends/{friend.qq}").ok()
    friend.get(f"/v1/spaces/{owner.qq}/messages").refused(404, "not-found")
    arrange(owner, privacy={"messages": "only_me"}).ok(200)
    write(owner, owner, "a note to myself").ok(201)
    assert board(owner, owner) == ["a note to myself"]


def test_a_board_is_closed_or_for_friends_to_write_on(each: RunningHomezone) -> None:
    owner, friend, stranger = each.members(3)
    owner.befriend(friend)
    arrange(owner, board="friends").ok(200)
    write(friend, owner, "by a friend").ok(201)
    write(stranger, owner).refused(403, "board-for-friends")
    arrange(owner, board="nobody").ok(200)
    write(friend, owner).refused(403, "board-closed")
    write(owner, owner, "by its owner").ok(201)
    assert board(stranger, owner) == ["by its owner", "by a friend"]
    for viewer, may in ((owner, True), (friend, False), (stranger, False)):
        assert viewer.get(f"/v1/spaces/{owner.qq}").ok(200).json["may_write"] is may


def test_nobody_meets_whom_they_blocked_on_a_board(each: RunningHomezone) -> None:
    owner, one, two = each.members(3)
    said = write(one, owner, "one").ok(201).json["id"]
    two.put(f"/v1/me/blocks/{one.qq}").ok()
    assert board(two, owner) == []
    assert two.get(f"/v1/spaces/{owner.qq}").json["messages"] == []
    write(two, owner, "two").ok(201)
    assert board(one, owner) == ["one"]
    write(two, owner, "an answer", said).refused(422, "no-such-message")
    two.delete(f"/v1/messages/{said}").refused(404)
    owner.put(f"/v1/me/blocks/{two.qq}").ok()
    two.get(f"/v1/spaces/{owner.qq}/messages").refused(404, "not-found")
    write(two, owner).refused(404, "not-found")
    assert board(owner, owner) == ["one"]


def test_messages_wait_for_their_authors_alone(each: RunningHomezone) -> None:
    owner, one, other = each.members(3)
    write(one, owner, REFUSED).refused(422, "not-published")
    waiting = write(one, owner, f"oh {HELD}").ok(201)
    assert waiting.json["state"] == "held"
    write(one, owner, f"oh {PREVIEWED}").ok(201)
    states = [item["state"] for item in one.walk(f"/v1/spaces/{owner.qq}/messages")]
    assert states == ["private_view", "held"]
    for viewer in (owner, other):
        assert board(viewer, owner) == []
        assert viewer.get(f"/v1/spaces/{owner.qq}").json["messages"] == []
    assert len(one.get(f"/v1/spaces/{owner.qq}").json["messages"]) == 2
    write(other, owner, "what?", waiting.json["id"]).refused(422, "no-such-message")
    owner.delete(f"/v1/messages/{waiting.json['id']}").refused(404)
    one.delete(f"/v1/messages/{waiting.json['id']}").ok(200)


def test_people_decide_of_messages(each: RunningHomezone) -> None:
    owner, one, other = each.members(3)
    moderator = staff(each)
    waiting = write(one, owner, f"oh {HELD}").ok(201)
    plain = write(one, owner, "plain").ok(201)
    case = case_about(moderator, waiting.json["id"], at_least=waiting.position)
    assert case["subject"]["kind"] == "message"
    decide(moderator, case["id"], "approve").ok(201)
    assert board(other, owner) == [f"oh {HELD}", "plain"], "as new as its approval"
    body = {"subject": {"kind": "message", "id": plain.json["id"]}, "category": "spam"}
    reported = other.post("/v1/reports", body).ok(201)
    case = case_about(moderator, plain.json["id"], at_least=reported.position)
    told = decide(moderator, case["id"], "unpublish").ok(201)
    assert board(other, owner) == board(one, owner) == [f"oh {HELD}"]
    subjects = [one["subject"]["id"] for one in decisions(one, at_least=told.position)]
    assert plain.json["id"] in subjects
    other.post("/v1/reports", body).refused(404, "not-found")
    decide(moderator, case["id"], "restore").refused(409, "case-closed")
    again = staff(each)
    named = again.post("/v1/moderation/cases", {"subject": body["subject"]})
    decide(again, named.ok(201).json["id"], "restore").ok(201)
    assert board(other, owner) == [f"oh {HELD}", "plain"]
