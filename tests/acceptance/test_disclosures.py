"""
Those who watch are watched: staff sees nothing sealed without saying why, and what it reads, takes
out as a file or asks of the past is an event before it has the answer.
"""

import json
import re
import time
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.bundles import bundle_made
from tests.acceptance.moderation.asking import CORE, decide, reported
from tests.support.homezone import Client, Reply, RunningHomezone

_ROLES = re.compile(r"Roles: ([a-z, ]+)\.")
_STAFF = {"moderator", "compliance", "auditor", "operator"}
_SECONDS_MAX = 30.0
PURPOSE = {"Homezone-Purpose": "to see who watches"}

#: Operations of staff that answer something else than an id and a position, and what.
_SAYING = {
    "register_account": "the name that the operator has just given",
    "publish_rules": "a version and a hash",
    "try_rules": "an id",
    "ask_for_bundle": "an id",
}


def operations(homezone: RunningHomezone) -> dict[str, tuple[str, str, set[str], Any]]:
    """Method, path, staff's roles and document of each operation that staff may call, by its id."""
    paths = homezone.with_token(None).get("/openapi.json").json["paths"]
    found = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            told = _ROLES.search(operation.get("description", ""))
            roles = _STAFF & set(told[1].split(", ")) if told else set()
            if roles:
                found[operation["operationId"]] = (method, path, roles, operation)
    return found


def world(homezone: RunningHomezone) -> dict[str, str]:
    """Something sealed wherever something can be; what stands for each name in a path."""
    author = homezone.member(f"{CORE}-name", real_name=f"{CORE}-real")
    other = homezone.member()
    author.befriend(other)
    post = author.publish(f"{CORE}-post").json["id"]
    other.comment(post, f"{CORE}-comment").ok()
    moderator, compliance = (homezone.client(12_001, role) for role in ("moderator", "compliance"))
    case = reported(other, moderator, post, note=f"{CORE}-note")
    decide(moderator, case).ok(201)
    homezone.operator.put(f"/v1/accounts/{author.qq}/suspension", {"reason": f"{CORE}-reason"}).ok()
    homezone.operator.delete(f"/v1/accounts/{author.qq}/suspension").ok()
    paid = {"coins": 60, "rail": "demo", "rail_ref": uuid4().hex}
    author.post("/v1/me/topups", paid).ok(201)
    item = {"kind": "theme", "title": "雪", "price_coins": 7}
    item_id = homezone.operator.post("/v1/mall/items", item).ok(201).json["id"]
    given = {"item": item_id, "gift_to": other.qq}
    order = author.post("/v1/orders", given).ok(201).json["id"]
    wallet = author.get("/v1/me/wallet").ok(200).json
    rules = {
        "rules": [
            {"id": "r", "match": {"phrase": CORE}, "action": "hold", "category": "spam"},
        ]
    }
    tried = compliance.post("/v1/moderation/rules/trial/backtest", rules).ok(202).json["id"]
    until = time.monotonic() + _SECONDS_MAX
    while compliance.get(f"/v1/moderation/backtests/{tried}").ok().json["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    asked = compliance.post("/v1/audit/requests", REQUEST).ok(201).json["id"]
    me = author.get("/v1/me").ok(200).json["id"]
    bundle = bundle_made(compliance, {"owner": me})
    compliance.put(f"/v1/legal-holds/{author.qq}", {"reason": f"{CORE}-hold"}).ok(200)
    return {
        "/v1/audit/streams/{id}": f"/v1/audit/streams/{me}",
        "/v1/audit/events": f"/v1/audit/events?owner={me}",
        "/v1/audit/visibility": f"/v1/audit/visibility?post={post}&viewer={other.qq}",
        "/v1/audit/lots/{id}": f"/v1/audit/lots/{wallet['lots'][0]['id']}",
        "/v1/audit/requests/{id}": f"/v1/audit/requests/{asked}",
        "/v1/erasures/{qq}": f"/v1/erasures/{author.qq}",
        "/v1/moderation/cases/{id}": f"/v1/moderation/cases/{case}",
        # Pictures are tried where cases are inspected: without a purpose there is none.
        "/v1/moderation/cases/{id}/content": f"/v1/moderation/cases/{case}/content?photo={post}",
        "/v1/audit/tile/entries/{bundle}": "/v1/audit/tile/entries/000.p/1",
        "/v1/audit/proofs/{position}": "/v1/audit/proofs/0-1",
        "/v1/audit/exports/{id}": f"/v1/audit/exports/{bundle}",
        "/v1/audit/exports/{id}/content": f"/v1/audit/exports/{bundle}/content",
        "/v1/moderation/backtests/{id}": f"/v1/moderation/backtests/{tried}",
        "/v1/mall/items": "/v1/mall/items",
        "/v1/orders/{id}": f"/v1/orders/{order}",
        "recipient": str(other.qq),
    }


REQUEST = {
    "kind": "real_name",
    "authority": f"{CORE}-authority",
    "legal_basis": f"{CORE}-law",
    "scope": f"{CORE}-scope",
    "received_at": "2026-11-20T09:00:00+08:00",
}


def says(reply: Reply, recipient: str) -> bool:
    """Whether something sealed is open in an answer."""
    text = reply.body.decode(errors="replace")
    return CORE in text or f'"gift_to":{recipient}' in text


def disclosures(homezone: RunningHomezone, since: str, tag: str) -> list[dict[str, Any]]:
    reader = homezone.client(12_009, "auditor")
    query = {"from": since, "type": tag}
    found = reader.walk("/v1/audit/events", at_least=homezone.everything(), **query)
    return [one["data"] for one in found]


def test_nothing_sealed_is_read_without_a_recorded_purpose(homezone: RunningHomezone) -> None:
    places = world(homezone)
    recipient, opened = places.pop("recipient"), set()
    reads = {
        name: (path, roles)
        for name, (method, path, roles, _) in operations(homezone).items()
        if method == "get"
    }
    for name, (path, roles) in reads.items():
        # What needs nothing filled in is asked as it is.
        assert path in places or "{" not in path or path.startswith(_UNSEALED), f"how to {name}?"
        for role in sorted(roles):
            staff = homezone.client(12_001, role)
            closed = staff.get(places.get(path, path))
            assert not says(closed, recipient), (name, role)
            since = homezone.everything()
            stated = staff.request("GET", places.get(path, path), headers=PURPOSE)
            read = disclosures(homezone, since, "disclosure.read.v1")
            if says(stated, recipient):
                opened.add(name)
                assert {(one["surface"], one["role"]) for one in read} == {(name, role)}
                assert f"{CORE}-real" not in stated.body.decode() or role == "compliance"
    assert opened == {
        "list_events", "read_audited_stream", "read_case", "read_backtest", "read_order",
        "read_authority_request", "list_legal_holds",
    }  # fmt: skip


#: Reads with something in their path that nothing sealed can be about.
_UNSEALED = ("/v1/moderation/rules/", "/v1/billing/")


def test_what_staff_writes_is_answered_without_a_word(homezone: RunningHomezone) -> None:
    known = operations(homezone)
    assert set(_SAYING) <= set(known)
    for name, (method, path, roles, document) in known.items():
        if method == "get" or name in _SAYING:
            continue
        for status, answer in document["responses"].items():
            if status.startswith("2") and "content" in answer:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Written"}, (name, path, roles)


def test_a_file_that_is_taken_out_is_an_event(homezone: RunningHomezone) -> None:
    staff, since = homezone.client(12_002, "compliance"), homezone.everything()
    staff.get("/v1/moderation/decisions.csv").ok(200)
    path = f"/v1/moderation/decisions.ndjson?from={since.split(',')[0]}"
    staff.request("GET", path, headers=PURPOSE).ok(200)
    plain, stated = disclosures(homezone, since, "disclosure.exported.v1")
    if plain["surface"] != "export_decisions_as_table":
        plain, stated = stated, plain
    assert (plain["role"], plain.get("purpose"), plain.get("since")) == ("compliance", None, None)
    assert stated["surface"] == "export_decisions"
    assert (stated["purpose"], stated["since"]) == ({"sealed": True}, since.split(",")[0])


def test_who_looks_at_the_past_is_an_event(homezone: RunningHomezone) -> None:
    one = homezone.member()
    post, me = one.publish().json["id"], one.get("/v1/me").json["id"]
    staff, since = homezone.client(12_003, "auditor"), homezone.everything()
    staff.get(f"/v1/audit/streams/{post}").ok(200)
    assert disclosures(homezone, since, "disclosure.past_read.v1") == []
    staff.get(f"/v1/audit/streams/{post}", at="1").ok(200)
    path = f"/v1/audit/visibility?post={post}&viewer={one.qq}"
    staff.request("GET", path, headers=PURPOSE).ok(200)
    looked = disclosures(homezone, since, "disclosure.past_read.v1")
    assert [(look["surface"], look.get("at"), sorted(look["streams"])) for look in looked] == [
        ("read_audited_stream", "1", [post]),
        ("read_visibility", None, sorted([post, me])),
    ]
    assert [look.get("purpose") for look in looked] == [None, {"sealed": True}]


# Requests by authorities


def counts(homezone: RunningHomezone, year: int, kind: str) -> dict[str, int]:
    at_least = homezone.everything()
    answer = homezone.with_token(None).get("/v1/transparency/requests").ok(200).json
    homezone.client(12_009, "auditor").get("/v1/audit/requests", at_least=at_least).ok(200)
    answer = homezone.with_token(None).get("/v1/transparency/requests").ok(200).json
    found = [one for one in answer["items"] if (one["year"], one["kind"]) == (year, kind)]
    return found[0] if found else {}


def ask(compliance: Client, **more: Any) -> str:
    return str(compliance.post("/v1/audit/requests", {**REQUEST, **more}).ok(201).json["id"])


def test_a_request_is_answered_or_refused_once_and_counted(homezone: RunningHomezone) -> None:
    compliance = homezone.client(12_004, "compliance")
    # The last moment of a year in London is in the next one in China.
    late = {"kind": "preservation", "received_at": "2019-12-31T23:59:59Z"}
    answered, refused, waiting = (ask(compliance, **late) for _ in range(3))
    given = {"extent": "partial", "given": f"{CORE}-given", "why": f"{CORE}-why"}
    path = "/v1/audit/requests"
    assert compliance.post(f"{path}/{answered}/answers", given).ok(201).json["state"] == "answered"
    no = {"why": f"{CORE}-why"}
    assert compliance.post(f"{path}/{refused}/refusals", no).ok(201).json["state"] == "refused"
    for closed in (answered, refused):
        compliance.post(f"{path}/{closed}/answers", given).refused(409, "request-closed")
        compliance.post(f"{path}/{closed}/refusals", no).refused(409, "request-closed")
    assert counts(homezone, 2020, "preservation") == {
        "year": 2020, "kind": "preservation", "received": 3, "answered_in_full": 0,
        "answered_in_part": 1, "refused": 1, "open": 1,
    }  # fmt: skip
    auditor = homezone.client(12_005, "auditor")
    listed = auditor.walk(path, limit=2, at_least=homezone.everything())
    states = {one["id"]: (one["state"], one.get("extent")) for one in listed}
    assert states[answered] == ("answered", "partial")
    assert states[refused] == ("refused", None)
    assert states[waiting] == ("open", None)
    assert CORE not in json.dumps(listed)
    closed = auditor.get(f"{path}/{answered}").ok(200).json
    sealed = {"sealed": True}
    assert [closed[name] for name in ("authority", "scope", "given", "why")] == [sealed] * 4
    opened = auditor.request("GET", f"{path}/{answered}", headers=PURPOSE).ok(200).json
    assert (opened["legal_basis"], opened["given"]) == (f"{CORE}-law", f"{CORE}-given")
    assert opened["received_at"] == "2019-12-31T23:59:59Z"


def test_requests_are_compliance_s_to_record_and_what_is_said_must_be(
    homezone: RunningHomezone,
) -> None:
    compliance, path = homezone.client(12_006, "compliance"), "/v1/audit/requests"
    asked = ask(compliance)
    for role in ("member", "moderator", "operator", "auditor"):
        staff = homezone.client(homezone.member().qq, role)
        staff.post(path, REQUEST).refused(403, "forbidden")
        staff.post(f"{path}/{asked}/refusals", {"why": "no"}).refused(403, "forbidden")
        if role != "auditor":
            staff.get(path).refused(403, "forbidden")
            staff.get(f"{path}/{asked}").refused(403, "forbidden")
    ahead = {**REQUEST, "received_at": "2999-01-01T00:00:00Z"}
    assert compliance.post(path, ahead).refused(422, "too-far-ahead").fields == ["/received_at"]
    for nothing in (str(uuid4()), "00000000-0000-8000-8000-000000000000"):
        compliance.get(f"{path}/{nothing}").refused(404)
        compliance.post(f"{path}/{nothing}/refusals", {"why": "no"}).refused(404)
    post = homezone.member().publish().json["id"]
    compliance.get(f"{path}/{post}").refused(404)


@pytest.mark.parametrize("closed", [False, True])
def test_a_real_name_may_be_traced_for_a_request_that_waits(
    homezone: RunningHomezone, closed: bool
) -> None:
    member = homezone.member(real_name="王二小")
    me = member.get("/v1/me").json["id"]
    compliance = homezone.client(12_007, "compliance")
    asked, since = ask(compliance), homezone.everything()
    headers = {**PURPOSE, "Homezone-Request": asked}
    path = f"/v1/audit/streams/{me}"
    if closed:
        compliance.post(f"/v1/audit/requests/{asked}/refusals", {"why": "no"}).ok(201)
        refused = compliance.request("GET", path, headers=headers).refused(409, "request-closed")
        assert "王二小" not in refused.body.decode()
        return
    traced = compliance.request("GET", path, headers=headers).ok(200)
    assert "王二小" in traced.body.decode()
    (read,) = disclosures(homezone, since, "disclosure.read.v1")
    assert (read["request"], read["streams"]) == (asked, [me])
    auditor = homezone.client(12_008, "auditor").request("GET", path, headers=headers).ok(200)
    assert "王二小" not in auditor.body.decode(), "compliance alone, whatever for"
    for wrong in (me, str(uuid4())):
        other = {**PURPOSE, "Homezone-Request": wrong}
        compliance.request("GET", path, headers=other).refused(422, "no-such-request")
    unnamed = {**PURPOSE, "Homezone-Request": "x"}
    assert compliance.request("GET", path, headers=unnamed).refused(400).fields == [
        "Homezone-Request"
    ]
