"""
The whole life of a case, from outside: reported, queued, claimed, decided, read by whom it
concerns, appealed, decided by somebody else; and what each of those who hear of it hears.
"""

import asyncio
import csv
import io
import json
from datetime import datetime
from importlib.resources import files
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import jsonschema
import pytest

from api.wiring.figures import case_figures
from api.wiring.models import MODELS
from commands.cases import FallOverdue, fall_overdue
from commands.timers import TIMER_ACTOR
from commands.work import Context
from domain.case import case_stream
from domain.case_events import CaseOpened
from domain.event import Recorded
from domain.ids import CaseId
from projections.reading import cases
from projections.reading.cases import QueueSizes
from replay.check import check
from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, Reply, RunningHomezone

_STAFF = count(11_000)
CORE = "unmistakable"
MODERATION = {"cases", "decisions", "reports", "standings"}
SCHEMA = jsonschema.Draft202012Validator(
    json.loads(files("api.moderation").joinpath("dsa-statement-v2.schema.json").read_text("utf-8")),
    format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
)


@pytest.fixture(params=[16, 1])
def homezone(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


@pytest.fixture
def author(homezone: RunningHomezone) -> Client:
    return homezone.member(f"{CORE}-nickname")


@pytest.fixture
def reporter(homezone: RunningHomezone) -> Client:
    return homezone.member()


@pytest.fixture
def moderator(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture
def another(homezone: RunningHomezone) -> Client:
    return staff(homezone)


@pytest.fixture(autouse=True)
def compliance(homezone: RunningHomezone) -> Client:
    """Who sees to it that members are told everything, unless a test says otherwise."""
    officer = staff(homezone, "compliance")
    policy(officer, "full")
    return officer


def staff(homezone: RunningHomezone, role: str = "moderator") -> Client:
    return homezone.client(next(_STAFF), role)


def policy(compliance: Client, told: str) -> None:
    compliance.put("/v1/moderation/disclosure-policy", {"policy": told}).ok(200)


def report(reporter: Client, post: str, **more: Any) -> Reply:
    body = {"subject": {"kind": "post", "id": post}, "category": "spam", **more}
    return reporter.post("/v1/reports", body)


def case_about(moderator: Client, subject: str, **query: Any) -> dict[str, Any]:
    """The case about something, out of the queues."""
    at_least = query.pop("at_least", None)
    found = moderator.walk("/v1/moderation/cases", limit=100, at_least=at_least, **query)
    (case,) = [one for one in found if one["subject"]["id"] == subject]
    return dict(case)


def reported(reporter: Client, moderator: Client, post: str, **more: Any) -> str:
    """The id of the case that a report opened."""
    position = report(reporter, post, **more).ok(201).position
    return str(case_about(moderator, post, at_least=position)["id"])


def decision(verdict: str = "unpublish", **more: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "ground": "terms",
        "clause": "4.2",
        "explanation": f"{CORE}-explanation",
        "category": "spam",
        "facts": f"{CORE}-facts",
        **more,
    }


def decide(moderator: Client, case: str, verdict: str = "unpublish", **more: Any) -> Reply:
    body = decision(verdict, **more)
    return moderator.post(f"/v1/moderation/cases/{case}/decisions", body)


def appeal(member: Client, decision: str, statement: str = f"{CORE}-statement") -> Reply:
    return member.post("/v1/appeals", {"decision": decision, "statement": statement})


def decisions(member: Client, at_least: str | None = None) -> list[dict[str, Any]]:
    return member.walk("/v1/me/decisions", at_least=at_least)


def trail(moderator: Client, case: str, purpose: str | None = None) -> dict[str, Any]:
    headers = {} if purpose is None else {"Homezone-Purpose": purpose}
    path = f"/v1/moderation/cases/{case}"
    return dict(moderator.request("GET", path, headers=headers).ok(200).json)


# A life


def test_a_report_is_decided_appealed_and_decided_by_somebody_else(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish(f"{CORE}-text").json["id"]
    since = report(reporter, post, note=f"{CORE}-report").ok(201).position
    case = case_about(moderator, post, queue="reports", at_least=since)
    assert (case["state"], case["cause"], case["reports"]) == ("open", "report", 1)
    assert not case["overdue"]

    where = f"/v1/moderation/cases/{case['id']}"
    moderator.post(f"{where}/claim").ok(200)
    another.post(f"{where}/claim").refused(409, "case-claimed")
    decide(another, case["id"]).refused(409, "case-claimed")
    mine = moderator.walk("/v1/moderation/cases", mine="true")
    assert [(one["id"], one["state"]) for one in mine] == [(case["id"], "claimed")]
    assert "claimed_until" in mine[0]

    decided = decide(moderator, case["id"], penalty="strike", note=f"{CORE}-for-staff").ok(201)
    assert decided.json["state"] == "decided"
    reporter.get(f"/v1/posts/{post}").refused(404)
    assert reporter.walk("/v1/me/reports", at_least=decided.position)[0]["outcome"] == "acted"

    (told,) = decisions(author, decided.position)
    assert told["id"] == decided.json["id"]
    assert (told["verdict"], told["ground"], told["clause"]) == ("unpublish", "terms", "4.2")
    assert told["explanation"] == f"{CORE}-explanation"
    assert told["facts"] == f"{CORE}-facts"
    assert told["consequences"]["strike_weight"] == 1
    assert told["appeal"]["until"] > told["decided_at"]
    standing = author.get("/v1/me/standing").ok(200).json
    assert (standing["weight"], standing["strikes"][0]["decision"]) == (1, told["id"])

    appealed = appeal(author, told["id"]).ok(201)
    appeal(author, told["id"]).refused(409, "already-appealed")
    again = case_about(another, post, queue="appeals", at_least=appealed.position)
    assert (again["id"], again["state"]) == (case["id"], "open")
    moderator.post(f"{where}/claim").refused(403, "same-person")
    restored = decide(another, case["id"], "restore").ok(201)

    assert reporter.get(f"/v1/posts/{post}").ok(200).json["text"] == f"{CORE}-text"
    answer, first = decisions(author, restored.position)
    assert (answer["answers"], answer["outcome"]) == (first["id"], "overturned")
    assert first["appeal"]["state"] == "overturned"
    standing = author.get("/v1/me/standing").ok(200).json
    assert (standing["weight"], standing["strikes"][0]["state"]) == (0, "reversed")
    appeal(author, answer["id"]).refused(409, "not-appealable")


def test_an_appeal_may_be_turned_down(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    decided = decide(moderator, case).ok(201)
    (told,) = decisions(author, decided.position)
    appeal(author, told["id"]).ok(201)
    upheld = decide(another, case, "no_action").ok(201)
    answer, first = decisions(author, upheld.position)
    assert (answer["outcome"], first["appeal"]["state"]) == ("upheld", "upheld")
    reporter.get(f"/v1/posts/{post}").refused(404)


def test_a_grave_decision_takes_two(
    homezone: RunningHomezone, author: Client, moderator: Client, another: Client
) -> None:
    opened = moderator.post(
        "/v1/moderation/cases", {"subject": {"kind": "member", "qq": author.qq}}
    ).ok(201)
    case = opened.json["id"]
    proposed = decide(moderator, case, "no_action", penalty="ban").ok(201)
    assert proposed.json["state"] == "proposed"
    author.get("/v1/feed").ok(200)
    assert decisions(author, proposed.position) == []
    waiting = moderator.walk("/v1/moderation/cases", state="proposed", at_least=proposed.position)
    assert case in [one["id"] for one in waiting]
    confirm = f"/v1/moderation/cases/{case}/confirmations"
    moderator.post(confirm, {"agree": True}).refused(403, "same-person")
    decide(another, case, "no_action").refused(409, "decision-proposed")
    confirmed = another.post(confirm, {"agree": True, "note": f"{CORE}-second"}).ok(201)
    assert confirmed.json["id"] == proposed.json["id"]

    # Tokens that were issued before stop at once, for all but the reasons and the appeal.
    for path in ("/v1/feed", "/v1/me", "/v1/me/reports", "/v1/me/lists"):
        author.get(path).refused(403)
    author.post("/v1/posts", {"kind": "shuoshuo", "text": "?", "audience": {"to": "public"}}).ok(
        403
    )
    (told,) = decisions(author, confirmed.position)
    assert told["consequences"]["sanctions"][0] == {"kind": "ban", "until": None}
    (sanction,) = author.get("/v1/me/standing").ok(200).json["sanctions"]
    assert (sanction["kind"], sanction["state"]) == ("ban", "in_force")
    appeal(author, told["id"]).ok(201)
    lifted = decide(staff(homezone), case, "approve").ok(201)
    author.get("/v1/feed", at_least=lifted.position).ok(200)
    assert author.get("/v1/me/standing").ok(200).json["sanctions"][0]["state"] == "overturned"


def test_who_is_suspended_reads_why_and_appeals_and_nothing_else(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    post = author.publish().json["id"]
    case = reported(reporter, moderator, post)
    penalty = {"kind": "suspension", "days": 3}
    decided = decide(moderator, case, penalty=penalty).ok(201)
    for path in ("/v1/me", "/v1/feed", "/v1/me/reports", f"/v1/posts/{post}"):
        author.get(path).refused(403, "suspended")
    report(author, post).refused(403, "suspended")
    author.patch("/v1/me", {"nickname": "?"}).refused(403, "suspended")
    (told,) = decisions(author, decided.position)
    (sanction,) = told["consequences"]["sanctions"]
    assert sanction["kind"] == "suspension"
    (imposed,) = author.get("/v1/me/standing").ok(200).json["sanctions"]
    assert (imposed["until"], imposed["decision"]) == (sanction["until"], told["id"])
    appeal(author, told["id"]).ok(201)
    lifted = decide(another, case, "restore").ok(201)
    author.get("/v1/feed", at_least=lifted.position).ok(200)


def test_without_agreement_nothing_is_decided(
    author: Client, moderator: Client, another: Client
) -> None:
    subject = {"kind": "member", "qq": author.qq}
    case = moderator.post("/v1/moderation/cases", {"subject": subject}).ok(201).json["id"]
    decide(moderator, case, "no_action", penalty="ban").ok(201)
    declined = another.post(f"/v1/moderation/cases/{case}/confirmations", {"agree": False}).ok(201)
    author.get("/v1/me").ok(200)
    assert decisions(author, declined.position) == []
    found = another.walk("/v1/moderation/cases", state="open", at_least=declined.position)
    assert case in [one["id"] for one in found]


# What is told


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


# The trail


def test_the_trail_tells_everything_in_its_order(
    author: Client, reporter: Client, moderator: Client, compliance: Client
) -> None:
    post = author.publish(f"{CORE}-first").json["id"]
    author.patch(f"/v1/posts/{post}", {"text": f"{CORE}-edited"}).ok(200)
    case = reported(reporter, moderator, post, note=f"{CORE}-report")
    decided = decide(moderator, case, penalty="strike").ok(201)
    body = trail(moderator, case)
    assert [one["type"] for one in body["trail"]] == [
        "post.published.v1", "post.edited.v1", "case.opened.v1", "case.reported.v1",
        "case.decided.v1", "post.unpublished.v1", "strike.given.v1",
    ]  # fmt: skip
    assert (body["id"], body["state"], body["standing"]["weight"]) == (case, "closed", 1)
    assert CORE not in json.dumps(body)
    by_type = {one["type"]: one for one in body["trail"]}
    me, who = author.get("/v1/me").json["id"], reporter.get("/v1/me").json["id"]
    assert by_type["case.reported.v1"]["actor"] == who
    assert by_type["case.reported.v1"]["data"]["note"] == {"sealed": True}
    assert by_type["case.decided.v1"]["told"] == [
        {"who": "member", "id": me, "what": "full"},
        {"who": "reporter", "id": who, "what": "acted"},
    ]
    assert body["trail"][-1]["position"] == decided.position, "one append, to its end"
    times = [one["at"] for one in body["trail"]]
    assert times == sorted(times)

    opened = json.dumps(trail(compliance, case, f"{CORE}-purpose"))
    for word in ("first", "edited", "report", "explanation", "facts"):
        assert f"{CORE}-{word}" in opened
    disclosed = compliance.get("/v1/audit/events", type="disclosure.read.v1").ok(200).json["items"]
    assert any(case in one["data"]["streams"] for one in disclosed), "who reads is read about"


def test_the_trail_shows_the_words_that_a_rule_found(
    author: Client, moderator: Client, compliance: Client
) -> None:
    rule = {"id": "r-7", "match": {"phrase": "zorblat"}, "action": "flag", "category": "fraud"}
    name = f"trail-{author.qq}"
    compliance.put(f"/v1/moderation/rules/{name}", {"rules": [rule]}).ok(200)
    try:
        post = author.publish("buy z o r b l a t here").json["id"]
        author.patch(f"/v1/posts/{post}", {"text": "nothing to see"}).ok(200)
    finally:
        compliance.put(f"/v1/moderation/rules/{name}", {"rules": []}).ok(200)
    case = moderator.post(
        "/v1/moderation/cases", {"subject": {"kind": "post", "id": post}}
    ).ok(201).json["id"]  # fmt: skip
    (flagged,) = [one for one in trail(moderator, case, "review")["trail"]
                  if one["type"] == "post.flagged.v1"]  # fmt: skip
    (hit,) = flagged["found"]
    assert (hit["set"], hit["version"], hit["rule"]) == (name, 1, "r-7")
    assert hit["quoted"] == "z o r b l a t", "as it was written then"
    (sealed,) = [one for one in trail(moderator, case)["trail"]
                 if one["type"] == "post.flagged.v1"]  # fmt: skip
    assert sealed["found"][0]["quoted"] == {"sealed": True}
    assert (sealed["found"][0]["start"], sealed["found"][0]["end"]) == (hit["start"], hit["end"])


# Queues


def test_queues_are_walked_oldest_due_first_each_case_once(
    homezone: RunningHomezone, reporter: Client, moderator: Client
) -> None:
    posts = [homezone.member().publish().json["id"] for _ in range(7)]
    for post in posts:
        report(reporter, post).ok(201)
    walked = moderator.walk("/v1/moderation/cases", limit=3, at_least=homezone.everything())
    due = [one["due_at"] for one in walked]
    assert due == sorted(due)
    found = [one["subject"]["id"] for one in walked]
    assert len(found) == len(set(found))
    assert set(posts) <= set(found)
    queue = [one["subject"]["id"] for one in moderator.walk(
        "/v1/moderation/cases", limit=2, queue="reports", state="open")]  # fmt: skip
    assert set(posts) <= set(queue)
    case = case_about(moderator, posts[0])["id"]
    moderator.post(f"/v1/moderation/cases/{case}/escalate", {"note": "hard"}).ok(200)
    assert case_about(moderator, posts[0], queue="escalated")["id"] == case
    again = moderator.walk("/v1/moderation/cases", queue="reports", limit=100)
    assert case not in [one["id"] for one in again]
    moderator.get("/v1/moderation/cases", state="lost").refused(400)
    moderator.get(f"/v1/moderation/cases/{posts[0]}").refused(404, "not-found")


def test_a_claim_can_be_released(
    author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    where = f"/v1/moderation/cases/{reported(reporter, moderator, author.publish().json['id'])}"
    moderator.post(f"{where}/release").refused(409, "not-claimed")
    moderator.post(f"{where}/claim").ok(200)
    another.post(f"{where}/release").refused(409, "case-claimed")
    moderator.post(f"{where}/release").ok(200)
    another.post(f"{where}/claim").ok(200)
    assert another.get("/v1/moderation/cases", mine="true").json["items"][0]["state"] == "claimed"


# Export


def test_statements_are_exported_as_the_database_takes_them(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client,
    compliance: Client,
) -> None:  # fmt: skip
    start = homezone.everything()
    made: dict[str, dict[str, Any]] = {}
    differing: list[dict[str, Any]] = [
        {"ground": "illegal", "category": "fraud"}, {"category": "plum-blossom"},
        {"penalty": {"kind": "suspension", "days": 7}},
    ]  # fmt: skip
    for number, more in enumerate(differing):
        whose = homezone.member(f"{CORE}-nick-{number}")
        post = whose.publish(f"{CORE}-text-{number}").json["id"]
        case = reported(reporter, moderator, post, note=f"{CORE}-report")
        note = {"note": f"{CORE}-public", "visibility": "public"}
        moderator.post(f"/v1/moderation/cases/{case}/notes", note).ok(201)
        decided = decide(moderator, case, note=f"{CORE}-staff", **more).ok(201)
        made[decided.json["id"]] = more
    cleared = reported(reporter, moderator, author.publish().json["id"])
    decide(moderator, cleared, "no_action").ok(201)

    answer = compliance.get("/v1/moderation/decisions.ndjson", **{"from": start}).ok(200)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    for line in lines:
        SCHEMA.validate(line)
    by_id = {line["puid"]: line for line in lines}
    assert set(by_id) == set(made), "what restricts nobody needs no statement"
    illegal, other, suspended = (by_id[one] for one in made)
    assert illegal["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert illegal["category"] == "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    assert illegal["source_type"] == "SOURCE_ARTICLE_16"
    assert other["category_specification_other"] == "plum-blossom"
    assert suspended["decision_account"] == "DECISION_ACCOUNT_SUSPENDED"
    assert suspended["end_date_account_restriction"] > suspended["application_date"]

    table = compliance.get("/v1/moderation/decisions.csv", **{"from": start}).ok(200)
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.body.decode(), newline="")))
    assert {row["puid"] for row in rows} == set(made)
    for exported in (answer.body.decode(), table.body.decode()):
        assert CORE not in exported, "no words of anybody"
        for client in (reporter, moderator):
            assert str(client.qq) not in exported

    until = compliance.get("/v1/moderation/decisions.ndjson", to=start).ok(200)
    assert not set(made) & {json.loads(line)["puid"] for line in until.body.splitlines()}
    compliance.get("/v1/moderation/decisions.ndjson", to="yesterday").refused(400)


# Promises


def test_a_broken_promise_shows_where_somebody_looks(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    post = author.publish().json["id"]
    case = UUID(reported(reporter, moderator, post))
    before = counted(homezone)

    async def time_passes() -> Recorded:
        """The timer fires, as it would when the promise falls due."""
        services = homezone.homezone.services
        (opened, *_) = await services.log.read_stream(case_stream(CaseId(case)))
        assert isinstance(opened.event, CaseOpened)
        command = services.executor.new_id(opened.cell)
        due = opened.event.promise.due
        context = Context(TIMER_ACTOR, opened.cell, command, command, due)
        await services.executor.execute(fall_overdue, FallOverdue(CaseId(case)), context)
        return opened

    opened = asyncio.run_coroutine_threadsafe(time_passes(), homezone.loop).result(30)
    late = moderator.walk("/v1/moderation/cases", state="overdue", at_least=homezone.everything())
    assert str(case) in [one["id"] for one in late]
    assert all(one["overdue"] for one in late)
    (entry,) = [one for one in trail(moderator, str(case))["trail"]
                if one["type"] == "case.overdue.v1"]  # fmt: skip
    assert datetime.fromisoformat(entry["data"]["due"]) == opened.event.promise.due  # type: ignore[attr-defined]
    after = counted(homezone)
    assert after.breaches["review"] == before.breaches.get("review", 0) + 1
    assert after.overdue["reports"] == before.overdue.get("reports", 0) + 1
    figures: dict[str, Any] = {one.name: one.samples for one in case_figures(after)}
    assert figures["homezone_promises_broken_total"]["review"] == after.breaches["review"]
    assert figures["homezone_cases_open"]["reports", "open"] == after.open["reports", "open"]
    assert figures["homezone_cases_open"]["appeals", "proposed"] >= 0, "zeros are said, too"
    decide(moderator, str(case)).ok(201)
    assert counted(homezone).overdue.get("reports", 0) == before.overdue.get("reports", 0)


def counted(homezone: RunningHomezone) -> QueueSizes:
    """What waits, once the read models are there."""
    services = homezone.homezone.services

    async def count() -> QueueSizes:
        await services.freshness.wait_for(dict(await services.log.heads()), 30, ("cases",))
        return await services.look(cases.sizes)

    return asyncio.run_coroutine_threadsafe(count(), homezone.loop).result(60)


# Leaks


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


def test_who_is_restricted_publishes_nothing_and_may_withdraw(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client
) -> None:
    own = author.publish(to="only_me").json["id"]
    other = reporter.publish().json["id"]
    case = reported(reporter, moderator, author.publish().json["id"])
    decide(moderator, case, penalty={"kind": "restriction", "days": 1}).ok(201)
    say = {"kind": "shuoshuo", "text": "x", "audience": {"to": "only_me"}}
    for reply in (
        author.post("/v1/posts", say),
        author.patch(f"/v1/posts/{own}", {"text": "y"}),
        author.put(f"/v1/posts/{own}/audience", {"to": "public"}),
        author.comment(other),
        author.share(other),
        author.patch("/v1/me", {"nickname": "z"}),
    ):
        reply.refused(403, "restricted")
    author.put(f"/v1/posts/{own}/audience", {"to": "only_me"}).ok(200)
    author.delete(f"/v1/posts/{own}").ok(200)
    author.get("/v1/feed").ok(200)


# The log


def test_what_is_read_is_what_a_rebuild_makes_of_the_log(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client, another: Client
) -> None:
    case = reported(reporter, moderator, author.publish().json["id"])
    decided = decide(moderator, case, penalty={"kind": "restriction", "days": 1, "weight": 3})
    appeal(author, decided.ok(201).json["id"]).ok(201)
    decide(another, case, "restore").ok(201)
    counted(homezone)
    server = homezone.homezone
    models = [model for model in MODELS if model.name in MODERATION]
    checked = check(server.log.reader, server.database.owner, models, server.clock, uuid4())
    assert {one.model for one in checked} == MODERATION
    assert not [one for one in checked if one.differing]
