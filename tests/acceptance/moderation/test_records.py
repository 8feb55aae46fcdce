"""
What is kept of a case: its trail, the statements of reasons, and a log that tells it all again.
"""

import csv
import io
import json
from importlib.resources import files
from typing import Any
from uuid import uuid4

import jsonschema

from api.wiring.models import MODELS
from replay.check import check
from tests.acceptance.moderation.asking import CORE, appeal, counted, decide, reported, trail
from tests.support.homezone import Client, RunningHomezone

MODERATION = {"cases", "decisions", "reports", "standings"}
SCHEMA = jsonschema.Draft202012Validator(
    json.loads(files("api.moderation").joinpath("dsa-statement-v2.schema.json").read_text("utf-8")),
    format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
)


# The trail


def test_the_trail_tells_everything_in_its_order(
    homezone: RunningHomezone, author: Client, reporter: Client, moderator: Client,
    compliance: Client,
) -> None:  # fmt: skip
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

    start = homezone.everything()
    opened = json.dumps(trail(compliance, case, f"{CORE}-purpose"))
    for word in ("first", "edited", "report", "explanation", "facts"):
        assert f"{CORE}-{word}" in opened
    since = {"from": start, "type": "disclosure.read.v1"}
    disclosed = compliance.get("/v1/audit/events", **since).ok(200).json["items"]
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
