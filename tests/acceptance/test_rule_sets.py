"""
Rules, as compliance publishes them: whole, versioned, with a level of sensitivity.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.screened import HEIGHTENED, compliance, each, events, rule, rules, say
from tests.support.homezone import RunningHomezone

__all__ = ["each"]


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
