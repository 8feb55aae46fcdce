"""
What each of those who hear of a case hears, and what nobody does.
"""

import pytest

from tests.acceptance.moderation.asking import (
    CORE,
    appeal,
    case_about,
    decide,
    decisions,
    policy,
    report,
    reported,
    trail,
)
from tests.support.homezone import Client, RunningHomezone


@pytest.mark.parametrize(
    ("told", "shown", "hidden"),
    [
        ("opaque", {"subject", "decided_at", "appeal"}, {"verdict", "clause", "explanation"}),
        ("notice", {"verdict", "ground", "clause", "category"}, {"explanation", "facts", "notes"}),
        ("full", {"verdict", "clause", "explanation", "facts", "notes"}, set[str]()),
    ],
)
def test_members_are_told_what_the_policy_said(
    author: Client, reporter: Client, moderator: Client, compliance: Client,
    told: str, shown: set[str], hidden: set[str],
) -> None:  # fmt: skip
    policy(compliance, told)
    assert compliance.get("/v1/moderation/disclosure-policy").ok(200).json["policy"] == told
    case = reported(reporter, moderator, author.publish().json["id"])
    for visibility in ("public", "internal"):
        note = {"note": f"{CORE}-{visibility}", "visibility": visibility}
        moderator.post(f"/v1/moderation/cases/{case}/notes", note).ok(201)
    decided = decide(moderator, case, note=f"{CORE}-for-staff", penalty="strike").ok(201)
    policy(compliance, "full" if told != "full" else "opaque")
    answer = author.get("/v1/me/decisions", at_least=decided.position).ok(200)
    (one,) = answer.json["items"]
    assert one["told"] == told, "as it was when it was decided"
    assert shown <= set(one)
    assert not hidden & set(one)
    assert f"{CORE}-internal" not in answer.body.decode()
    assert f"{CORE}-for-staff" not in answer.body.decode()
    assert (f"{CORE}-public" in answer.body.decode()) == (told == "full")
    assert (f"{CORE}-explanation" in answer.body.decode()) == (told == "full")


def test_nobody_is_told_of_others(
    author: Client, reporter: Client, moderator: Client, compliance: Client
) -> None:
    case = reported(reporter, moderator, author.publish().json["id"])
    decided = decide(moderator, case).ok(201)
    assert decisions(reporter, decided.position) == []
    appeal(reporter, decided.json["id"]).refused(404, "not-found")
    staff_ids = {one["actor"] for one in trail(moderator, case)["trail"]}
    told = (
        author.get("/v1/me/decisions").body.decode() + reporter.get("/v1/me/reports").body.decode()
    )
    me = author.get("/v1/me").json["id"]
    assert not [one for one in staff_ids - {me} if one in told], "nor by whom"
    for path in ("/v1/moderation/cases", f"/v1/moderation/cases/{case}",
                 "/v1/moderation/decisions.ndjson"):  # fmt: skip
        author.get(path).refused(403, "forbidden")
    for path in ("/v1/me/decisions", "/v1/me/standing", "/v1/me/reports"):
        moderator.get(path).refused(403, "forbidden")
    moderator.get("/v1/moderation/decisions.csv").refused(403, "forbidden")
    compliance.post(f"/v1/moderation/cases/{case}/claim").refused(403, "forbidden")


def test_a_report_that_comes_to_nothing_is_told_to_who_made_it_alone(
    author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    assert reporter.get("/v1/me/reports").ok(200).json["items"][0]["state"] == "open"
    decided = decide(moderator, case, "no_action").ok(201)
    (heard,) = reporter.walk("/v1/me/reports", at_least=decided.position)
    assert (heard["state"], heard["outcome"]) == ("decided", "no_action")
    assert heard["subject"] == {"kind": "post", "id": post}
    assert decisions(author, decided.position) == []


def test_one_reports_what_one_sees_and_once(
    author: Client, reporter: Client, moderator: Client
) -> None:
    hidden = author.publish(to="only_me").json["id"]
    assert report(reporter, hidden).status in (404, 422)
    post = author.publish().json["id"]
    report(author, post).refused(422, "own-subject")
    first = report(reporter, post).ok(201)
    assert report(reporter, post).ok(201).json["id"] == first.json["id"]
    assert case_about(moderator, post, at_least=first.position)["reports"] == 1
    assert len(reporter.walk("/v1/me/reports")) == 1


def test_nothing_of_a_case_leaks_into_metrics_or_problems(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish(f"{CORE}-text").json["id"]
    case = reported(reporter, moderator, post)
    decide(moderator, case).ok(201)
    refused = [
        decide(moderator, case),
        appeal(reporter, case),
        moderator.post(f"/v1/moderation/cases/{case}/claim"),
        moderator.post(f"/v1/moderation/cases/{case}/notes", {"note": f"{CORE}\x00"}),
        report(reporter, post, note="x" * 5_000 + CORE),
    ]
    assert all(one.status >= 400 for one in refused)
    metrics = homezone.with_token(None).get("/metrics").ok(200).body.decode()
    for text in (metrics, *(one.body.decode() for one in refused)):
        assert CORE not in text
        assert case not in text
        assert str(author.qq) not in text
