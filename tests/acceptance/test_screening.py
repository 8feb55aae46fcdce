"""
What members meet when rules find something in what they post: refused, held, previewed, flagged.
"""

import json
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.screened import (
    FLAGGED,
    HELD,
    PREVIEWED,
    REFUSED,
    each,
    events,
    rule,
    rules,
    say,
)
from tests.support.homezone import RunningHomezone

__all__ = ["each"]


def test_what_is_refused_tells_nothing_and_is_kept(each: RunningHomezone) -> None:
    author = each.member()
    me = author.get("/v1/me").json["id"]
    before = each.everything()
    reply = say(author, f"a {REFUSED.upper()} of mine", mood="quiet")
    assert reply.refused(422, "not-published").json["errors"] == []
    assert "homezone-position" not in reply.headers
    for word in ("r", "house", "made-up", REFUSED, "rule"):
        assert word not in json.loads(reply.body)["detail"].split()
    assert author.walk(f"/v1/spaces/{author.qq}/posts", at_least=each.everything()) == []
    found = each.client(10_011, "auditor").walk("/v1/audit/events", **{"from": before}, owner=me)
    (kept,) = [one for one in found if one["type"] == "post.refused.v1"]
    assert kept["data"]["content"] == {"text": {"sealed": True}, "mood": {"sealed": True}}
    screening = kept["data"]["screening"]
    assert [(one["rule"], one["start"], one["end"]) for one in screening["hits"]] == [("r", 2, 13)]
    by_name = {one["name"]: one for one in screening["sets"]}
    assert len(by_name["house"]["hash"]) == 64


def test_a_retry_of_what_was_refused_is_refused_once(each: RunningHomezone) -> None:
    author = each.member()
    body = {"kind": "shuoshuo", "text": REFUSED, "audience": {"to": "public"}}
    author.post("/v1/posts", body, key="again").refused(422, "not-published")
    heads = each.heads()
    again = author.post("/v1/posts", body, key="again").refused(422, "not-published")
    assert again.headers["idempotency-replayed"] == "true"
    assert each.heads() == heads


@pytest.mark.parametrize(("word", "state"), [(HELD, "held"), (PREVIEWED, "private_view")])
def test_what_waits_is_there_for_its_author_alone(
    each: RunningHomezone, word: str, state: str
) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    plain = author.publish("plain")
    reply = say(author, f"see {word}").ok(201)
    assert reply.json["state"] == state
    post, fresh = reply.json["id"], each.everything()
    shown = author.get(f"/v1/posts/{post}", at_least=fresh).ok(200).json
    assert (shown["state"], shown["audience"], shown["text"]) == (state, "public", f"see {word}")
    assert ("notice" in shown) == (state == "private_view")
    if state == "private_view":
        assert "3 working days" in shown["notice"]["text"]
        due = datetime.fromisoformat(shown["notice"]["due"])
        assert due >= datetime.now(UTC) + timedelta(days=2, hours=23)
    mine = author.walk(f"/v1/spaces/{author.qq}/posts", at_least=fresh)
    assert [(one["id"], one["state"]) for one in mine] == [
        (post, state),
        (plain.json["id"], "published"),
    ]
    for path in ("/v1/feed", f"/v1/spaces/{author.qq}/posts", f"/v1/spaces/{author.qq}/timeline"):
        assert word not in friend.get(path, at_least=fresh).ok(200).body.decode()
    friend.get(f"/v1/posts/{post}", at_least=fresh).refused(404, "not-found")
    friend.put(f"/v1/posts/{post}/like").refused(404, "not-found")
    friend.comment(post).refused(404, "not-found")
    friend.share(post).refused(422, "no-such-post")
    author.comment(post).refused(409, "not-published-yet")


def test_what_waits_can_be_changed_and_deleted_and_goes_on_waiting(each: RunningHomezone) -> None:
    author, other = each.members(2)
    post = say(author, HELD).ok(201).json["id"]
    edited = author.patch(f"/v1/posts/{post}", {"text": "nothing to see"}).ok(200)
    assert edited.json["state"] == "held"
    narrowed = author.put(f"/v1/posts/{post}/audience", {"to": "friends"}).ok(200)
    assert narrowed.json["state"] == "held"
    shown = author.get(f"/v1/posts/{post}", at_least=each.everything()).json
    assert (shown["text"], shown["audience"], shown["state"]) == (
        "nothing to see",
        "friends",
        "held",
    )
    other.get(f"/v1/posts/{post}").refused(404)
    other.patch(f"/v1/posts/{post}", {"text": "mine"}).refused(404)
    author.delete(f"/v1/posts/{post}").ok(200)
    author.get(f"/v1/posts/{post}").refused(404)


def test_nobody_sees_what_it_said_before_it_was_approved(each: RunningHomezone) -> None:
    """The gate opens at the commit; what the post says follows, and until then it is not there."""
    author, other = each.members(2)
    post = say(author, f"nobody approved of {HELD}").ok(201).json["id"]
    for reader, status in ((author, 200), (other, 404)):
        reader.get(f"/v1/posts/{post}", at_least=each.everything()).ok(status)
    feeder = each.homezone.engine.pid
    assert feeder is not None
    os.kill(feeder, signal.SIGSTOP)
    try:
        author.patch(f"/v1/posts/{post}", {"text": "nothing to see"}).ok(200)
        approve(each, post)
        for path in (f"/v1/posts/{post}", f"/v1/spaces/{author.qq}/posts"):
            assert HELD not in other.get(path).body.decode()
    finally:
        os.kill(feeder, signal.SIGCONT)
    seen = other.get(f"/v1/posts/{post}", at_least=each.everything()).ok(200).json
    assert seen["text"] == "nothing to see"


def approve(homezone: RunningHomezone, post: str) -> None:
    moderator = homezone.client(10_013, "moderator")
    subject = {"subject": {"kind": "post", "id": post}}
    case = moderator.post("/v1/moderation/cases", subject).ok(201).json["id"]
    decision = {
        "verdict": "approve", "ground": "terms", "clause": "1", "category": "made-up",
        "explanation": "e", "facts": "f",
    }  # fmt: skip
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok()
    moderator.post(f"/v1/moderation/cases/{case}/decisions", decision).ok(201)


def test_what_is_flagged_is_published_and_looks_like_anything_else(each: RunningHomezone) -> None:
    author, other = each.members(2)
    reply = say(author, f"by the {FLAGGED}").ok(201)
    post, fresh = reply.json["id"], each.everything()
    plain = author.publish("plain")
    shown = other.get(f"/v1/posts/{post}", at_least=fresh).ok(200).json
    assert (reply.json["state"], shown["state"], shown["version"]) == ("published", "published", 1)
    assert shown["position"] == reply.position, "of the case its author hears nothing"
    like = other.get(f"/v1/posts/{plain.json['id']}", at_least=plain.position).json
    assert shown.keys() == like.keys()
    types = [one["type"] for one in events(each, post)]
    assert types == ["post.published.v1", "post.flagged.v1"]
    author.patch(
        f"/v1/posts/{post}", {"text": "plain now"}, headers={"If-Match": f'"{shown["version"]}"'}
    ).ok(200)


def test_an_edit_that_is_held_leaves_the_old_text_standing(each: RunningHomezone) -> None:
    author, other = each.members(2)
    post = author.publish("the old text").json["id"]
    reply = author.patch(f"/v1/posts/{post}", {"text": f"now {HELD}"}).ok(200)
    assert reply.json["state"] == "held"
    fresh = each.everything()
    seen = other.get(f"/v1/posts/{post}", at_least=fresh).ok(200).json
    assert (seen["text"], seen["version"], "edit_state" in seen) == ("the old text", 1, False)
    mine = author.get(f"/v1/posts/{post}", at_least=fresh).json
    assert (mine["text"], mine["state"], mine["edit_state"]) == (
        "the old text",
        "published",
        "held",
    )
    author.patch(f"/v1/posts/{post}", {"text": "an innocent one"}).ok(200)
    mine = author.get(f"/v1/posts/{post}", at_least=each.everything()).json
    assert (mine["text"], "edit_state" in mine) == ("an innocent one", False)


def test_an_edit_that_is_refused_shows_nowhere(each: RunningHomezone) -> None:
    author, other = each.members(2)
    post = author.publish("the old text").json["id"]
    before = other.get(f"/v1/posts/{post}", at_least=each.everything()).body
    author.patch(f"/v1/posts/{post}", {"text": REFUSED}).refused(422, "not-published")
    author.patch(f"/v1/posts/{post}", {"mood": REFUSED}).refused(422, "not-published")
    assert other.get(f"/v1/posts/{post}", at_least=each.everything()).body == before


def test_every_text_of_a_post_is_looked_at(each: RunningHomezone) -> None:
    author = each.member()
    author.patch("/v1/me", {"location_consent": True}).ok(200)
    diary = {"kind": "diary", "title": "t", "text": "t", "audience": {"to": "public"}}
    for field in ("title", "text", "mood", "location"):
        word = REFUSED if field != "mood" else "-".join(REFUSED[:5]) + REFUSED[5:]
        author.post("/v1/posts", {**diary, field: word}).refused(422, "not-published")
    author.post("/v1/posts", diary).ok(201)


def test_what_a_poll_asks_is_looked_at_with_its_text(each: RunningHomezone) -> None:
    author, other = each.members(2)
    poll = {"kind": "poll", "text": "t", "audience": {"to": "public"}}
    refused = author.post("/v1/posts", {**poll, "poll": {"options": ["a", REFUSED]}})
    refused.refused(422, "not-published")
    held = author.post("/v1/posts", {**poll, "poll": {"options": ["a", HELD]}}).ok(201)
    assert held.json["state"] == "held"
    path = f"/v1/posts/{held.json['id']}"
    assert author.get(path, at_least=each.everything()).json["poll"]["options"][1]["text"] == HELD
    other.get(path).refused(404)
    other.put(f"{path}/vote", {"options": [0]}).refused(404)
    author.put(f"{path}/vote", {"options": [0]}).refused(409, "not-published-yet")
    (event,) = [one for one in events(each, held.json["id"]) if one["type"] == "post.held.v1"]
    assert [hit["field"] for hit in event["data"]["screening"]["hits"]] == ["poll/options/1"]


def test_an_edit_of_a_poll_is_looked_at_with_what_it_asks(each: RunningHomezone) -> None:
    author = each.member()
    together = {**rule("o", "", "hold"), "match": {"all_of": ["wumperdink", "snelgrove"]}}
    rules(each, "options", [together]).ok(200)
    poll = {"kind": "poll", "text": "t", "audience": {"to": "public"}}
    asked = author.post("/v1/posts", {**poll, "poll": {"options": ["a", "wumperdink"]}}).ok(201)
    edited = author.patch(f"/v1/posts/{asked.json['id']}", {"text": "so snelgrove"}).ok(200)
    assert edited.json["state"] == "held"


def test_all_of_is_found_in_a_title_and_its_text_together(each: RunningHomezone) -> None:
    together = {**rule("t", "", "hold"), "match": {"all_of": ["plumquist", "dorfling"]}}
    rules(each, "together", [together]).ok(200)
    author = each.member()
    diary = {"kind": "diary", "audience": {"to": "public"}}
    apart = author.post("/v1/posts", {**diary, "title": "plumquist", "text": "so dorfling"})
    assert apart.ok(201).json["state"] == "held"
    (held,) = [one for one in events(each, apart.json["id"]) if one["type"] == "post.held.v1"]
    spans = [(one["field"], one["start"], one["end"]) for one in held["data"]["screening"]["hits"]]
    assert spans == [("text", 3, 11), ("title", 0, 9)]
    alone = author.post("/v1/posts", {**diary, "title": "plumquist", "text": "alone"}).ok(201)
    assert alone.json["state"] == "published"
    edited = author.patch(f"/v1/posts/{alone.json['id']}", {"text": "dorfling"}).ok(200)
    assert edited.json["state"] == "held", "the title that stands counts, too"


def test_what_takes_too_much_to_look_through_is_held_and_says_so(each: RunningHomezone) -> None:
    nested = [rule(f"n{length}", "ŋ" * length, "flag") for length in range(2, 101)]
    rules(each, "nested", nested).ok(200)
    author = each.member()
    reply = say(author, "ŋŋŋ " * 2_400 + "v").ok(201)
    assert reply.json["state"] == "held"
    (held,) = [one for one in events(each, reply.json["id"]) if one["type"] == "post.held.v1"]
    (unfinished, *found) = held["data"]["screening"]["hits"]
    assert (unfinished["unfinished"], unfinished["rule"]) == (True, "")
    assert {one["action"] for one in found} == {"flag"}
    staff = each.client(10_013, "moderator")
    queue = staff.walk("/v1/moderation/cases", at_least=each.everything(), queue="screening")
    (case,) = [one["id"] for one in queue if one["subject"]["id"] == reply.json["id"]]
    trail = staff.get(f"/v1/moderation/cases/{case}").ok(200).json["trail"]
    (said,) = [one["found"] for one in trail if one.get("found")]
    assert (said[0]["unfinished"], said[0]["rule"], said[0]["end"]) == (True, "", 9_601)


def test_streams_tell_only_its_author_of_what_waits(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    say(author, HELD).ok(201)
    marked = author.publish("the mark").json["id"]
    stream = friend.get("/v1/feed", at_least=each.everything()).json["items"]
    assert [one["id"] for one in stream] == [marked]


@pytest.mark.parametrize(
    ("method", "path", "problems"),
    [
        ("post", "/v1/posts", {"restricted", "not-published", "not-published-yet", "banned"}),
        ("patch", "/v1/posts/{id}", {"restricted", "not-published", "banned"}),
        ("post", "/v1/posts/{id}/comments", {"restricted", "not-published", "not-published-yet"}),
        ("put", "/v1/posts/{id}/like", {"not-published-yet"}),
        ("delete", "/v1/posts/{id}/like", {"not-published-yet"}),
        ("patch", "/v1/me", {"restricted", "not-published", "banned"}),
        ("post", "/v1/reports", {"banned"}),
        ("get", "/v1/me/reports", {"banned"}),
    ],
)
def test_the_document_names_what_screening_and_sanctions_answer(
    homezone: RunningHomezone, method: str, path: str, problems: set[str]
) -> None:
    document = homezone.client(10_000, "operator").get("/openapi.json").ok(200).json
    responses = document["paths"][path][method]["responses"].values()
    named = {name for one in responses for name in one.get("$ref", "").split(".")}
    assert problems <= named
