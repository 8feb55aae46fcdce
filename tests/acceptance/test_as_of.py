"""
The past, as auditors see it: any read as of a moment.
"""

from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import RunningHomezone

#: What answers of the present alone: what is of no moment, has moments of its own, or is a file.
PRESENT = {
    "/docs", "/healthz", "/metrics", "/openapi.json", "/problems/{name}",
    "/readyz", "/v1/audit/checkpoint", "/v1/audit/events", "/v1/audit/exports/{id}/content",
    "/v1/audit/keys", "/v1/audit/proofs/{position}",
    "/v1/audit/streams/{id}", "/v1/audit/tile/entries/{bundle}", "/v1/audit/tile/{tile}",
    "/v1/audit/visibility",
    "/v1/me/exports/{id}/content", "/v1/moderation/backtests/{id}",
    "/v1/moderation/cases/{id}/content", "/v1/moderation/decisions.csv",
    "/v1/moderation/decisions.ndjson", "/v1/photos/{id}/content", "/v1/stream", "/v1/stream/ws",
    "/v1/transparency/requests",
}  # fmt: skip
SEALED = {"sealed": True}
PURPOSE = {"Homezone-Purpose": "a court order: 2026-11"}


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def back(homezone: RunningHomezone, path: str, at: str, **query: Any) -> Any:
    """An auditor's read, for a purpose."""
    reader = homezone.client(10_031, "auditor")
    asked = urlencode({**query, "as_of": at})
    return reader.request("GET", f"{path}?{asked}", headers=PURPOSE)


def test_a_post_is_as_it_was(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    post = author.publish("一", "friends").json["id"]
    first = each.everything()
    author.request("PATCH", f"/v1/posts/{post}", {"text": "二"}).ok()
    friend.comment(post, "三").ok()
    second = each.everything()
    author.delete(f"/v1/posts/{post}").ok()
    path = f"/v1/posts/{post}"
    before, after = back(each, path, first).ok(200).json, back(each, path, second).ok(200).json
    assert (before["text"], before["comments"]) == ("一", 0)
    assert (after["text"], after["comments"]) == ("二", 1)
    assert back(each, path, each.everything()).status == 404
    (comment,) = back(each, f"{path}/comments", second).ok(200).json["items"]
    assert comment["text"] == "三"


def test_without_a_purpose_nothing_is_opened(each: RunningHomezone) -> None:
    author = each.member()
    post = author.publish("一", mood="思乡").json["id"]
    reader = each.client(10_031, "auditor")
    shown = reader.get(f"/v1/posts/{post}", as_of=each.everything()).ok(200).json
    assert (shown["text"], shown["mood"]) == (SEALED, SEALED)
    assert shown["author"] == {"qq": SEALED, "nickname": SEALED}
    for path in ("/v1/me", "/v1/feed", f"/v1/spaces/{author.qq}", f"/v1/spaces/{author.qq}/posts"):
        reader.get(path, as_of=each.everything(), viewer=author.qq).ok(200)


def test_that_somebody_looked_is_recorded_with_the_purpose(each: RunningHomezone) -> None:
    author = each.member()
    post = author.publish().json["id"]
    at = each.everything()
    back(each, f"/v1/posts/{post}", at, viewer=author.qq).ok(200)
    reader = each.client(10_031, "auditor")
    query = {"type": "disclosure.past_read.v1", "from": at}
    (event,) = reader.get("/v1/audit/events", **query).ok(200).json["items"]
    me = author.get("/v1/me").json["id"]
    told = event["data"]
    assert (told["surface"], told["at"], told["purpose"]) == ("read_post", at, SEALED)
    assert sorted(told["streams"]) == sorted([me, post])


def test_whose_screen_it_is(each: RunningHomezone) -> None:
    author, friend, stranger = each.members(3)
    author.befriend(friend)
    post = author.publish("一", "friends").json["id"]
    at, path = each.everything(), f"/v1/posts/{post}"
    assert "audience" not in back(each, path, at, viewer=friend.qq).ok(200).json
    assert back(each, path, at, viewer=stranger.qq).status == 404
    assert back(each, path, at).ok(200).json["audience"] == "friends", "as its author saw it"
    own = back(each, f"/v1/spaces/{author.qq}", at).ok(200).json
    assert own["relation"]["friend"] == "self"
    assert back(each, "/v1/feed", at).refused(400).fields == ["viewer"]
    wallet = each.client(author.qq, "auditor").get("/v1/me/friends", as_of=at).ok(200).json
    assert len(wallet["items"]) == 1, "a number of one's own is one's own screen"
    assert back(each, path, at, viewer=99_999_999).status == 404


def test_who_was_suspended_saw_nothing(each: RunningHomezone) -> None:
    member = each.member()
    before = each.everything()
    suspension = {"reason": "x", "until": "2099-01-01T00:00:00Z"}
    each.operator.put(f"/v1/accounts/{member.qq}/suspension", suspension).ok()
    after = each.everything()
    back(each, "/v1/feed", before, viewer=member.qq).ok(200)
    back(each, "/v1/feed", after, viewer=member.qq).refused(403, "suspended")


def test_a_moment_is_named_in_three_ways(each: RunningHomezone) -> None:
    author = each.member()
    written = author.publish("一")
    post, path = written.json["id"], f"/v1/posts/{written.json['id']}"
    edited = author.patch(path, {"text": "二"}).ok()
    cell, first = written.position.split("-")
    assert back(each, path, written.position).ok(200).json["text"] == "一"
    assert back(each, path, edited.position).ok(200).json["text"] == "二"
    assert back(each, path, f"{cell}-{int(first) - 1}").status == 404
    reader = each.client(10_031, "auditor")
    events = reader.get(f"/v1/audit/streams/{post}").ok(200).json["events"]
    times = [one["recorded_at"] for one in events]
    assert [back(each, path, at).ok(200).json["text"] for at in times] == ["一", "二"]
    shanghai = datetime.fromisoformat(times[1]).astimezone(timezone(timedelta(hours=8)))
    assert back(each, path, shanghai.isoformat()).ok(200).json["text"] == "二"


def test_before_the_first_event_there_is_nobody(each: RunningHomezone) -> None:
    member = each.member()
    for at in ("2001-01-01T00:00:00Z", "0-0"):
        back(each, "/v1/me", at, viewer=member.qq).refused(403, "no-account")


def test_what_has_not_been_is_no_past(each: RunningHomezone) -> None:
    member = each.member()
    beyond = each.ends()[0] + 1_000
    for at in (f"0-{beyond}", "4095-1", "2999-01-01T00:00:00Z", "0-1,0-2", "yesterday", ""):
        refusal = back(each, "/v1/me", at, viewer=member.qq).refused(400)
        assert refusal.fields == ["as_of"], at
    assert back(each, "/v1/me", "0-1", viewer=1).refused(400).fields == ["viewer"]


def test_auditors_alone_look_back(each: RunningHomezone) -> None:
    member = each.member()
    at = each.everything()
    member.get("/v1/me", as_of=at).refused(403)
    for role in ("moderator", "compliance", "operator"):
        each.client(10_032, role).get("/v1/me", as_of=at, viewer=member.qq).refused(403)
    each.client(10_031, "auditor").get("/v1/me").refused(403)


def test_pages_of_the_past_follow_each_other(each: RunningHomezone) -> None:
    author = each.member()
    posts = [author.publish(str(number)).json["id"] for number in range(5)]
    at = each.everything()
    for post in posts[:3]:
        author.delete(f"/v1/posts/{post}").ok()
    path, found = f"/v1/spaces/{author.qq}/posts", list[str]()
    more: dict[str, str] = {}
    while True:
        page = back(each, path, at, limit=2, **more).ok(200).json
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert found == posts[::-1]
    first = back(each, path, at, limit=2).ok(200).json["next"]
    other = back(each, path, each.everything(), limit=2, cursor=first)
    assert other.refused(400).fields == ["cursor"], "a walk stays at its moment"


def test_cases_and_books_are_as_they_were(each: RunningHomezone) -> None:
    author, reporter = each.members(2)
    post = author.publish().json["id"]
    report = {"subject": {"kind": "post", "id": post}, "category": "spam"}
    before = each.everything()
    reporter.post("/v1/reports", report).ok(201)
    moderator, cases = each.client(10_033, "moderator"), "/v1/moderation/cases"
    open_ = moderator.walk(cases, at_least=each.everything(), limit=100)
    (case,) = [one["id"] for one in open_ if one["subject"]["id"] == post]
    author.post("/v1/me/topups", {"coins": 7, "rail": "demo", "rail_ref": uuid4().hex}).ok(201)
    between = each.everything()
    moderator.post(f"/v1/moderation/cases/{case}/claim").ok()
    after, path = each.everything(), f"/v1/moderation/cases/{case}"
    assert back(each, path, before).status == 404
    assert back(each, path, between).ok(200).json["state"] == "open"
    claimed = back(each, path, after).ok(200).json
    assert (claimed["state"], claimed["trail"][-1]["type"]) == ("claimed", "case.claimed.v1")
    assert case not in {one["id"] for one in back(each, cases, before, limit=100).json["items"]}
    coins = [_coins(back(each, "/v1/billing/trial-balance", at)) for at in (before, between)]
    assert coins[1] - coins[0] == 7


def _coins(balance: Any) -> int:
    """All coins that members paid for, whatever became of them."""
    rows = balance.ok(200).json["items"]
    return sum(row["credit"] for row in rows if row["commodity"] == "QC")


def test_every_read_says_whether_it_looks_back(each: RunningHomezone) -> None:
    reader = each.client(10_031, "auditor")
    paths = each.with_token(None).get("/openapi.json").json["paths"]
    reads = {path: one["get"] for path, one in paths.items() if "get" in one}
    back_ = {
        path
        for path, read in reads.items()
        if any(one["name"] == "as_of" for one in read["parameters"])
    }
    assert set(reads) - back_ == PRESENT
    for path in sorted(path for path in PRESENT if path.startswith("/v1")):
        asked = path.replace("{position}", "0-1").replace("{id}", str(uuid4()))
        asked = asked.replace("{bundle}", "000").replace("{tile}", "0/000")
        refusal = reader.get(asked, as_of="0-1")
        refusal.refused(400)
        assert refusal.fields == ["as_of"], path
