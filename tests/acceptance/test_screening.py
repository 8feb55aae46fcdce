"""
Rules, as compliance publishes them and as members meet them: refused, held, previewed, flagged.

The words that are looked for are made up here; none ship.
"""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone

#: Said by no other test: servers are shared, and these rules stay in force.
REFUSED, HELD, PREVIEWED, FLAGGED = "zwackelfrum", "青瓷风筝坊", "quibbleton", "纸鹤灯塔"
HEIGHTENED = "snorkwhistle"


def rule(id: str, phrase: str, action: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "match": {"phrase": phrase}, "action": action, "category": "made-up", **more}


RULES = [
    rule("r", REFUSED, "block"),
    rule("h", HELD, "hold"),
    rule("p", PREVIEWED, "private_view"),
    rule("f", FLAGGED, "flag"),
    rule("l", HEIGHTENED, "block", from_level=2),
]


def compliance(homezone: RunningHomezone) -> Client:
    return homezone.client(10_012, "compliance")


def rules(homezone: RunningHomezone, name: str = "house", rules: Any = RULES, **more: Any) -> Reply:
    path = f"/v1/moderation/rules/{name}"
    return compliance(homezone).put(path, {"rules": rules, **more})


def say(client: Client, text: str, **more: Any) -> Reply:
    body = {"kind": "shuoshuo", "text": text, "audience": {"to": "public"}, **more}
    return client.post("/v1/posts", body)


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1, with rules in force."""
    homezone = homezones(request.param)
    rules(homezone).ok(200)
    return homezone


def events(homezone: RunningHomezone, stream: str) -> list[dict[str, Any]]:
    reader = homezone.client(10_011, "auditor")
    found: list[dict[str, Any]] = reader.get(f"/v1/audit/streams/{stream}").ok(200).json["events"]
    return found


# Outcomes


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
    assert screening["sets"][0]["name"] == "house"
    assert len(screening["sets"][0]["hash"]) == 64


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
    diary = {"kind": "diary", "title": "t", "text": "t", "audience": {"to": "public"}}
    for field in ("title", "text", "mood", "location"):
        word = REFUSED if field != "mood" else "-".join(REFUSED[:5]) + REFUSED[5:]
        author.post("/v1/posts", {**diary, field: word}).refused(422, "not-published")
    author.post("/v1/posts", diary).ok(201)


def test_comments_wait_for_their_authors_alone_and_count_for_nobody_else(
    each: RunningHomezone,
) -> None:
    author, one, other = each.members(3)
    post = author.publish().json["id"]
    one.comment(post, REFUSED).refused(422, "not-published")
    one.comment(post, "plain").ok(201)
    waiting = one.comment(post, f"oh {HELD}").ok(201)
    assert waiting.json["state"] == "held"
    fresh = each.everything()
    for viewer, number in ((one, 2), (author, 1), (other, 1)):
        assert viewer.get(f"/v1/posts/{post}", at_least=fresh).json["comments"] == number
        listed = viewer.walk(f"/v1/posts/{post}/comments", at_least=fresh)
        assert len(listed) == number
        assert [item["state"] for item in listed] == ["published", "held"][:number]
    other.comment(post, "what?", waiting.json["id"]).refused(422, "no-such-comment")
    author.delete(f"/v1/comments/{waiting.json['id']}").refused(404)
    one.delete(f"/v1/comments/{waiting.json['id']}").ok(200)
    fresh = each.everything()
    assert one.get(f"/v1/posts/{post}", at_least=fresh).json["comments"] == 1


def test_nicknames_are_looked_at(each: RunningHomezone) -> None:
    member, other = each.members(2)
    member.patch("/v1/me", {"nickname": REFUSED}).refused(422, "not-published")
    waiting = member.patch("/v1/me", {"nickname": HELD}).ok(200)
    assert waiting.json["state"] == "held"
    space = f"/v1/spaces/{member.qq}"
    assert other.get(space, at_least=each.everything()).json["nickname"] == f"m{member.qq}"
    member.patch("/v1/me", {"nickname": "青莲"}).ok(200)
    assert other.get(space, at_least=each.everything()).json["nickname"] == "青莲"


def test_no_account_begins_with_a_name_that_cannot_be_shown(each: RunningHomezone) -> None:
    for at, word in enumerate((REFUSED, HELD, PREVIEWED)):
        body = {
            "qq": 7_000_001 + at,
            "nickname": word,
            "real_name": "李太白",
            "birth_date": "2001-02-03",
        }
        refused = each.operator.post("/v1/accounts", body).refused(422, "not-published")
        assert refused.fields == ["/nickname"]
        each.operator.post("/v1/accounts", {**body, "nickname": "fine"}).ok(201)


def test_streams_tell_only_its_author_of_what_waits(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    say(author, HELD).ok(201)
    marked = author.publish("the mark").json["id"]
    stream = friend.get("/v1/feed", at_least=each.everything()).json["items"]
    assert [one["id"] for one in stream] == [marked]


# Rule sets


def test_a_rule_set_is_versioned_whole(each: RunningHomezone) -> None:
    first = rules(each, "versioned", [rule("a", "blimfizz", "flag")]).ok(200)
    same = rules(each, "versioned", [rule("a", "blimfizz", "flag")]).ok(200)
    second = rules(each, "versioned", [rule("b", "glonkdor", "hold")], allow=["glonkdora"]).ok(200)
    assert [one.json["version"] for one in (first, same, second)] == [1, 1, 2]
    assert first.json["hash"] == same.json["hash"] != second.json["hash"]
    shown = compliance(each).get("/v1/moderation/rules/versioned").ok(200).json
    assert (shown["version"], shown["hash"], shown["allow"]) == (
        2,
        second.json["hash"],
        ["glonkdora"],
    )
    assert shown["rules"] == [rule("b", "glonkdor", "hold")]
    book = compliance(each).get("/v1/moderation/rules").ok(200).json
    assert {"name": "versioned", "version": 2, "hash": second.json["hash"]} in book["sets"]
    stream = events(each, first.json["id"])
    assert [one["type"] for one in stream] == ["rules.published.v1"]
    author = each.member()
    assert say(author, "blimfizz").json["state"] == "published", "no longer looked for"
    assert say(author, "glonkdor").json["state"] == "held"
    rules(each, "versioned", []).ok(200)
    assert say(author, "glonkdor").json["state"] == "published"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ([rule("e", " \u200b", "hold")], "/rules/0/match/phrase"),
        ([rule("a", "x1x2", "hold"), rule("a", "y1y2", "hold")], "/rules/1/id"),
        ([{**rule("x", "x", "flag"), "match": {"regex": "(?=a)"}}], "/rules/0/match/regex"),
        ([{**rule("x", "x", "flag"), "match": {}}], "/rules/0/match"),
    ],
)
def test_a_bad_rule_refuses_the_whole_set(each: RunningHomezone, wrong: Any, pointer: str) -> None:
    heads = each.heads()
    refused = rules(each, "bad", wrong).refused(422, "bad-rule")
    assert refused.fields == [pointer]
    assert wrong[-1]["id"] in refused.json["detail"]
    assert each.heads() == heads
    compliance(each).get("/v1/moderation/rules/bad").refused(404, "not-found")


def test_rules_are_for_compliance_alone(each: RunningHomezone) -> None:
    for role in ("member", "moderator", "auditor", "operator"):
        somebody = each.client(each.member().qq, role)
        somebody.put("/v1/moderation/rules/house", {"rules": []}).refused(403)
        somebody.get("/v1/moderation/rules/house").refused(403)
        somebody.put("/v1/moderation/level", {"level": 0, "reason": "x"}).refused(403)


def test_words_that_are_allowed_are_no_hit(each: RunningHomezone) -> None:
    rules(each, "allowing", [rule("a", "wimblefrot", "block")], allow=["wimblefrot hall"]).ok(200)
    author = each.member()
    say(author, "wimblefrot").refused(422)
    say(author, "at wimblefrot hall").ok(201)
    say(author, "at WIMBLEFROT hall").refused(422)


# The level


def test_a_raised_level_counts_until_it_ends_by_itself(each: RunningHomezone) -> None:
    author, staff = each.member(), compliance(each)
    say(author, HEIGHTENED).ok(201)
    until = datetime.now(UTC) + timedelta(seconds=1.5)
    level = {"level": 2, "until": until.isoformat(), "reason": "a wave"}
    staff.put("/v1/moderation/level", level).ok(200)
    say(author, HEIGHTENED).refused(422, "not-published")
    book = staff.get("/v1/moderation/rules").json
    assert (book["level"], datetime.fromisoformat(book["until"])) == (2, until)
    deadline = time.monotonic() + 15
    while say(author, HEIGHTENED).status != 201:
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.05)
    assert datetime.now(UTC) >= until
    assert staff.get("/v1/moderation/rules").json["level"] == 0


def test_a_level_has_an_end_that_is_ahead_and_not_far(each: RunningHomezone) -> None:
    staff = compliance(each)
    put = staff.put
    put("/v1/moderation/level", {"level": 2, "reason": "x"}).refused(422, "until-missing")
    past = {"level": 2, "reason": "x", "until": "2020-01-01T00:00:00Z"}
    put("/v1/moderation/level", past).refused(422, "in-the-past")
    far = {"level": 2, "reason": "x", "until": "2036-01-01T00:00:00Z"}
    put("/v1/moderation/level", far).refused(422, "too-far-ahead")
    put("/v1/moderation/level", {"level": 4, "reason": "x"}).refused(422)
    put("/v1/moderation/level", {"level": 0, "reason": "calm"}).ok(200)


# Never under old rules


def test_nothing_passes_once_its_rule_is_answered(homezone: RunningHomezone) -> None:
    """Members publish all the while; whatever is sent after the answer is refused, everywhere."""
    members = homezone.members(12)
    word = "frobnagle"
    answered: list[float] = []

    def go_on(member: Client) -> list[tuple[float, int]]:
        said: list[tuple[float, int]] = []
        while not answered or time.monotonic() < answered[0] + 0.3:
            sent = time.monotonic()
            said.append((sent, say(member, word).status))
        return said

    with ThreadPoolExecutor(len(members)) as threads:
        running = [threads.submit(go_on, member) for member in members]
        time.sleep(0.3)
        rules(homezone, "sudden", [rule("s", word, "block")]).ok(200)
        answered.append(time.monotonic())
        said = [one for done in running for one in done.result()]
    assert any(status == 201 for _, status in said), "it could be said before"
    after = {status for sent, status in said if sent > answered[0]}
    assert after == {422}


def test_another_server_screens_by_the_same_rules(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        one = running_homezone(url, tmp_path, cells=3)
        with one as first:
            author = first.member()
            assert say(author, "frumplewort").json["state"] == "published"
            with running_homezone(url, tmp_path, cells=3) as second:
                there = second.with_token(second.token(author.qq), author.qq)
                assert say(there, "frumplewort").json["state"] == "published"
                rules(first, "here", [rule("f", "frumplewort", "hold")]).ok(200)
                assert say(there, "frumplewort").json["state"] == "held", "it was told of nothing"
                rules(second, "here", []).ok(200)
                assert say(author, "frumplewort").json["state"] == "published"


def test_rules_are_in_force_after_a_restart(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, cells=2) as homezone:
            author = homezone.member()
            rules(homezone).ok(200)
        with running_homezone(url, tmp_path, cells=2) as homezone:
            again = homezone.with_token(homezone.token(author.qq), author.qq)
            say(again, REFUSED).refused(422, "not-published")
            assert say(again, HELD).json["state"] == "held"


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
