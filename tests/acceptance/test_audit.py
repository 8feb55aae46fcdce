"""
The audit and the operations of the contract, as staff and machines meet them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import Client, RunningHomezone

SEALED = {"sealed": True}
PURPOSE = {"Homezone-Purpose": "a court order: 2026-11"}


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def auditor(homezone: RunningHomezone) -> Client:
    return homezone.client(10_011, "auditor")


def compliance(homezone: RunningHomezone) -> Client:
    return homezone.client(10_012, "compliance")


def position(event: dict[str, Any]) -> tuple[int, int]:
    cell, at = event["position"].split("-")
    return int(cell), int(at)


# Who saw what, and when


def test_visibility_tells_what_opened_and_closed_each_interval(each: RunningHomezone) -> None:
    author, friend, other = each.members(3)
    author.befriend(friend)
    post = author.publish("海上生明月", "friends")
    moves = [
        author.put(f"/v1/me/blocks/{friend.qq}"),
        author.delete(f"/v1/me/blocks/{friend.qq}"),
        author.put(f"/v1/posts/{post.json['id']}/audience", {"to": "public"}),
        author.delete(f"/v1/posts/{post.json['id']}"),
    ]
    reader = auditor(each)

    def seen_by(member: Client) -> Any:
        query = {"post": post.json["id"], "viewer": member.qq}
        return reader.get("/v1/audit/visibility", at_least=each.everything(), **query).ok(200).json

    told = seen_by(friend)
    first, second = told["intervals"]
    assert first["opened"]["position"] == post.position
    assert first["closed"]["type"] == "friend.ended.v1"
    assert second["opened"]["position"] == moves[2].position
    assert second["closed"]["position"] == moves[3].position
    assert second["closed"]["type"] == "post.deleted.v1"
    assert told["visible"] is False
    (once,) = seen_by(other)["intervals"]
    assert once == second
    (own,) = seen_by(author)["intervals"]
    assert (own["opened"]["position"], own["closed"]["type"]) == (post.position, "post.deleted.v1")


def test_visibility_is_asked_by_auditors_of_posts_alone(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    post = author.publish("一").json["id"]
    comment = friend.comment(post, "二").json["id"]
    reader = auditor(each)
    query = {"post": post, "viewer": friend.qq}
    assert compliance(each).get("/v1/audit/visibility", **query).status == 200
    assert author.get("/v1/audit/visibility", **query).status == 403
    for wrong, status in (
        ({"post": comment}, 404), ({"post": str(uuid4())}, 404), ({"viewer": 99_999_999}, 404),
        ({"post": "one"}, 400), ({"viewer": "x"}, 400), ({"viewer": 1}, 400),
    ):  # fmt: skip
        assert reader.get("/v1/audit/visibility", **{**query, **wrong}).status == status, wrong


# Events


def test_every_write_is_an_event_with_its_metadata(each: RunningHomezone) -> None:
    one, other = each.members(2)
    me = one.get("/v1/me").json["id"]
    before = each.everything()
    post = one.publish("床前明月光", mood="思乡")
    liked = other.put(f"/v1/posts/{post.json['id']}/like")
    reader = auditor(each)
    found = reader.walk("/v1/audit/events", limit=3, **{"from": before})
    by_position = {event["position"]: event for event in found}
    event = by_position[post.position]
    assert event["stream"] == post.json["id"]
    assert (event["version"], event["type"]) == (1, "post.published.v1")
    assert (event["owner"], event["actor"]) == (me, me)
    assert datetime.fromisoformat(event["recorded_at"]) <= datetime.now(UTC)
    assert event["causation"] is None
    assert event["data"]["author"] == me
    assert event["data"]["audience"] == {"to": "public"}
    assert event["data"]["content"] == {"text": SEALED, "mood": SEALED}
    assert by_position[liked.position]["type"] == "like.given.v1"
    assert [position(one) for one in found] == sorted(position(one) for one in found)


def test_positions_have_no_gap(each: RunningHomezone) -> None:
    each.members(3)
    found = auditor(each).walk("/v1/audit/events", limit=100)
    places = [position(event) for event in found]
    assert len(places) == len(set(places))
    for cell in {cell for cell, _ in places}:
        numbers = [at for of, at in places if of == cell]
        assert numbers == list(range(1, len(numbers) + 1))


def test_events_by_stream_type_actor_and_owner(each: RunningHomezone) -> None:
    one, other = each.members(2)
    me, them = (who.get("/v1/me").json["id"] for who in (one, other))
    post = one.publish().json["id"]
    comment = other.comment(post).json["id"]
    one.delete(f"/v1/comments/{comment}").ok()
    one.delete(f"/v1/posts/{post}").ok()
    reader, now = auditor(each), each.everything()

    def types(**query: Any) -> list[str]:
        found = reader.walk("/v1/audit/events", at_least=now, limit=2, **query)
        # Badges come a little later, or not yet.
        return [event["type"] for event in found if event["type"] != "badge.awarded.v1"]

    assert types(stream=post) == ["post.published.v1", "post.deleted.v1"]
    assert types(stream=comment) == ["comment.written.v1", "comment.deleted.v1"]
    assert types(stream=comment, actor=me) == ["comment.deleted.v1"]
    for who in (other.qq, them):
        theirs = [
            "account.opened.v1", "comment.written.v1", "comment.deleted.v1", "content.retained.v1",
        ]  # fmt: skip
        assert types(owner=who) == theirs or sorted(types(owner=who)) == sorted(
            ["number.claimed.v1", *theirs]
        )
    for who in (one.qq, me):
        assert sorted(types(actor=who)) == [
            "comment.deleted.v1", "content.retained.v1", "content.retained.v1",
            "post.deleted.v1", "post.published.v1",
        ]  # fmt: skip
    assert types(type="comment.written.v1", owner=other.qq) == ["comment.written.v1"]
    assert types(type="post.deleted.v1", actor=other.qq) == []
    assert types(owner=99_999_999_993) == []
    assert types(stream="00000000-0000-8000-8000-000000000000") == []
    refused = reader.get("/v1/audit/events", type="no.such.v1").refused(400, "invalid")
    assert refused.fields == ["type"]


def test_a_range_of_positions_or_of_time(each: RunningHomezone) -> None:
    one = each.member()
    first = one.publish()
    middle = datetime.now(UTC)
    second = one.publish()
    cell, at = first.position.split("-")
    reader = auditor(each)

    def found(**query: Any) -> list[str]:
        query = {name.rstrip("_"): value for name, value in query.items()}
        events = reader.walk("/v1/audit/events", owner=one.qq, type="post.published.v1", **query)
        return [event["position"] for event in events]

    now = each.everything()
    assert reader.get("/v1/audit/events", at_least=now).status == 200
    assert found() == [first.position, second.position]
    assert found(from_=first.position) == [second.position], "after it"
    assert found(to=first.position) == [first.position], "until it, itself included"
    assert found(from_=f"{cell}-{int(at) - 1}", to=first.position) == [first.position]
    assert found(from_=middle.isoformat()) == [second.position]
    assert found(to=middle.isoformat()) == [first.position]
    assert found(to="2001-01-01T00:00:00Z") == []
    assert found(from_=(middle + timedelta(days=1)).isoformat()) == []
    assert found(to="0001-01-01T00:00:00+12:00") == []
    assert found(to="2001-01-01T00:00:00+23:59") == []
    assert found(to="9999-12-31T23:59:59-23:59") == [first.position, second.position]
    for wrong in ("x", "0", "2026-13-01T00:00:00Z", "2026-11-01T00:00:00", "0-1,0-2"):
        for name in ("from", "to"):
            refused = reader.get("/v1/audit/events", **{name: wrong}).refused(400, "invalid")
            assert refused.fields == [name], wrong


def test_a_range_that_ends_beyond_the_log_ends_with_it(homezone: RunningHomezone) -> None:
    one = homezone.member()
    post = one.publish()
    cell = post.position.split("-")[0]
    reader = auditor(homezone)
    for query in ({"type": "post.published.v1"}, {"owner": one.qq}, {}):
        found = reader.walk("/v1/audit/events", to=f"{cell}-999999999", limit=100, **query)
        assert post.position in [event["position"] for event in found]


# What is sealed


def test_what_is_sealed_opens_for_a_recorded_purpose(each: RunningHomezone) -> None:
    one = each.member(nickname="李白", real_name="真名实姓", birth_date="1999-12-31")
    post = one.publish("床前明月光").json["id"]
    me = one.get("/v1/me").json["id"]
    for staff, real_name in ((auditor(each), SEALED), (compliance(each), "真名实姓")):
        closed = staff.get(f"/v1/audit/streams/{me}").ok(200)
        assert "李白" not in closed.body.decode()
        assert "真名实姓" not in closed.body.decode()
        assert closed.json["events"][0]["data"]["identity"]["nickname"] == SEALED
        before = each.everything()
        opened = staff.request("GET", f"/v1/audit/streams/{me}", headers=PURPOSE).ok(200).json
        identity = opened["events"][0]["data"]["identity"]
        assert identity["nickname"] == "李白"
        assert identity["qq"] == str(one.qq)
        assert identity["birth_date"] == "1999-12-31"
        assert identity["real_name"] == real_name, "real names are for compliance alone"
        read = staff.request("GET", f"/v1/audit/streams/{post}", headers=PURPOSE).ok(200).json
        assert read["events"][0]["data"]["content"]["text"] == "床前明月光"
        assert read["state"]["content"]["text"] == "床前明月光"
        since = staff.walk("/v1/audit/events", **{"from": before})
        recorded = [event for event in since if event["type"] != "badge.awarded.v1"]
        assert [event["type"] for event in recorded] == ["disclosure.read.v1"] * 2
        streams = {stream for event in recorded for stream in event["data"]["streams"]}
        assert {me, post} <= streams
        assert {event["data"]["purpose"]["sealed"] for event in recorded} == {True}
        assert {event["data"]["role"] for event in recorded} == {
            "auditor" if real_name == SEALED else "compliance"
        }
        events = staff.request("GET", f"/v1/audit/events?stream={post}", headers=PURPOSE).ok(200)
        assert events.json["items"][0]["data"]["content"]["text"] == "床前明月光"


@pytest.mark.parametrize("role", ["member", "moderator", "operator", "auditor", "compliance"])
def test_a_real_name_opens_for_compliance_alone(homezone: RunningHomezone, role: str) -> None:
    one = homezone.member(real_name="真名实姓")
    me = one.get("/v1/me").json["id"]
    homezone.everything()
    asking = one if role == "member" else homezone.client(10_014, role)
    for path in (
        f"/v1/audit/streams/{me}",
        f"/v1/audit/streams/{me}?at=1",
        f"/v1/audit/events?owner={me}",
        f"/v1/audit/events?stream={me}",
    ):
        for headers in ({}, PURPOSE):
            reply = asking.request("GET", path, headers=headers)
            assert reply.status == (200 if role in ("auditor", "compliance") else 403)
            opens = role == "compliance" and headers == PURPOSE
            assert ("真名实姓" in reply.body.decode()) is opens, (path, headers)


def test_a_suspension_s_reason_is_sealed_as_well(homezone: RunningHomezone) -> None:
    one = homezone.member()
    me = one.get("/v1/me").json["id"]
    path = f"/v1/accounts/{one.qq}/suspension"
    homezone.operator.put(path, {"reason": "because of reasons"}).ok()
    reader = auditor(homezone)
    closed = reader.get(f"/v1/audit/streams/{me}").ok(200)
    assert "because of reasons" not in closed.body.decode()
    assert closed.json["state"]["is"] == "suspended"
    opened = reader.request("GET", f"/v1/audit/streams/{me}", headers=PURPOSE).ok(200)
    assert "because of reasons" in opened.body.decode()


# Streams


def test_a_stream_folds_to_its_state_at_any_version_or_time(each: RunningHomezone) -> None:
    one = each.member()
    first = one.publish("一")
    post = first.json["id"]
    between = datetime.now(UTC)
    second = one.put(f"/v1/posts/{post}/audience", {"to": "friends"}).ok()
    one.delete(f"/v1/posts/{post}").ok()
    reader = auditor(each)
    path = f"/v1/audit/streams/{post}"
    now = reader.get(path).ok(200).json
    assert (now["id"], now["kind"], now["version"]) == (post, "post", 3)
    assert now["state"]["is"] == "deleted"
    assert [event["type"] for event in now["events"]] == [
        "post.published.v1", "post.audience_changed.v1", "post.deleted.v1"
    ]  # fmt: skip
    for at in ("1", first.position, between.isoformat()):
        past = reader.get(path, at=at).ok(200).json
        assert (past["version"], past["state"]["is"], len(past["events"])) == (1, "live", 1)
        assert past["state"]["audience"] == {"to": "public"}
    past = reader.get(path, at=second.position).ok(200).json
    assert (past["version"], past["state"]["audience"]) == (2, {"to": "friends"})
    assert reader.get(path, at="700").ok(200).json["version"] == 3
    for nothing in ("0", "2001-01-01T00:00:00Z"):
        reader.get(path, at=nothing).refused(404)
    for wrong in ("x", "-1", "1.0", "2026-11-22", "0-"):
        assert reader.get(path, at=wrong).refused(400, "invalid").fields == ["at"]
    reader.get("/v1/audit/streams/00000000-0000-8000-8000-000000000000").refused(404)
    reader.get("/v1/audit/streams/6fa459ea-ee8a-4ca4-894e-db77e160355e").refused(404)


def test_every_stream_there_is_can_be_read(homezone: RunningHomezone) -> None:
    one, other = homezone.members(2)
    one.befriend(other)
    post = one.publish().json["id"]
    other.comment(post).ok()
    other.put(f"/v1/posts/{post}/like").ok()
    one.put("/v1/me/lists", {"name": "l", "members": [other.qq]}).ok()
    homezone.operator.put(f"/v1/spaces/{one.qq}/certification", {"type": "shop", "name": "n"}).ok()
    shop(homezone, one)
    reader = compliance(homezone)
    reader.request("GET", f"/v1/audit/streams/{post}", headers=PURPOSE).ok()
    streams: dict[str, str] = {}
    for event in reader.walk("/v1/audit/events", limit=100):
        streams.setdefault(event["type"], event["stream"])
    kinds = set()
    for stream in streams.values():
        kinds.add(reader.get(f"/v1/audit/streams/{stream}").ok(200).json["kind"])
        reader.request("GET", f"/v1/audit/streams/{stream}", headers=PURPOSE).ok(200)
    assert {
        "number", "account", "circle", "lists", "space", "post", "comment", "like", "disclosures",
        "payment", "allowance", "wallet", "item", "order", "belonging",
    } <= kinds  # fmt: skip


def shop(homezone: RunningHomezone, member: Client) -> None:
    """Somebody buys something, a minor some coins."""
    operator, minor = homezone.operator, homezone.member(birth_date="2012-01-01")
    for payer in (member, minor):
        paid = {"coins": 20, "rail": "demo", "rail_ref": uuid4().hex}
        payer.post("/v1/me/topups", paid).ok(201)
    bonus = {"coins": 5, "days": 1, "reason": "hello"}
    operator.post(f"/v1/accounts/{member.qq}/bonuses", bonus).ok(201)
    terms = {"kind": "theme", "title": "雪", "price_coins": 7}
    item = operator.post("/v1/mall/items", terms).ok(201).json["id"]
    order = member.post("/v1/orders", {"item": item}).ok(201).json["id"]
    operator.post(f"/v1/orders/{order}/refunds", {"reason": "no", "coins": 1}).ok(201)


def test_only_auditors_and_compliance_read_the_log(homezone: RunningHomezone) -> None:
    one = homezone.member()
    post = one.publish().json["id"]
    for path in ("/v1/audit/events", f"/v1/audit/streams/{post}"):
        for role in ("member", "moderator", "operator"):
            homezone.client(one.qq, role).get(path).refused(403, "forbidden")
        homezone.with_token(None).get(path).refused(401)


# Operations


def test_the_machines_questions_need_no_token(each: RunningHomezone) -> None:
    anyone = each.with_token(None)
    assert anyone.get("/healthz").ok(200).json == {"status": "ok"}
    ready = anyone.get("/readyz").ok(200).json
    assert (ready["ready"], ready["database"]) == (True, True)
    names = {one["name"] for one in ready["subscribers"]}
    assert {"posts", "comments", "likes", "timeline", "carry-friendship", "open-account"} <= names
    assert all(one["condition"] == "live" for one in ready["subscribers"])
    metrics = anyone.get("/metrics").ok(200)
    assert metrics.headers["content-type"].startswith("text/plain")
    text = metrics.body.decode()
    assert "# TYPE" in text
    assert "homezone_projection_lag_events" in text
    document = anyone.get("/openapi.json").ok(200)
    assert document.json["openapi"].startswith("3.1")
    page = anyone.get("/docs").ok(200)
    assert "http://" not in page.body.decode()
    assert "https://" not in page.body.decode()


def test_the_document_knows_every_operation_of_the_contract(homezone: RunningHomezone) -> None:
    paths = homezone.with_token(None).get("/openapi.json").json["paths"]
    for operation in """
        POST /v1/accounts
        GET /v1/me
        PATCH /v1/me
        PUT /v1/me/friends/{qq}
        DELETE /v1/me/friends/{qq}
        GET /v1/me/friends
        PUT /v1/me/blocks/{qq}
        DELETE /v1/me/blocks/{qq}
        PUT /v1/me/follows/{qq}
        DELETE /v1/me/follows/{qq}
        PUT /v1/spaces/{qq}/certification
        DELETE /v1/spaces/{qq}/certification
        POST /v1/posts
        GET /v1/posts/{id}
        PATCH /v1/posts/{id}
        DELETE /v1/posts/{id}
        PUT /v1/posts/{id}/audience
        POST /v1/posts/{id}/comments
        GET /v1/posts/{id}/comments
        DELETE /v1/comments/{id}
        PUT /v1/posts/{id}/like
        DELETE /v1/posts/{id}/like
        GET /v1/posts/{id}/likes
        GET /v1/feed
        GET /v1/spaces/{qq}
        GET /v1/spaces/{qq}/posts
        GET /v1/spaces/{qq}/timeline
        GET /v1/stream
        POST /v1/me/topups
        GET /v1/me/wallet
        GET /v1/me/ledger
        GET /v1/mall/items
        POST /v1/mall/items
        POST /v1/orders
        GET /v1/orders/{id}
        GET /v1/me/items
        GET /v1/me/gifts
        PUT /v1/me/gifts/{id}
        DELETE /v1/me/gifts/{id}
        POST /v1/orders/{id}/refunds
        GET /v1/billing/trial-balance
        GET /v1/audit/events
        GET /v1/audit/streams/{id}
        GET /v1/audit/lots/{id}
        GET /healthz
        GET /readyz
        GET /metrics
    """.strip().splitlines():
        method, path = operation.split()
        assert method.lower() in paths[path], operation


def test_metrics_tell_of_nobody(homezone: RunningHomezone) -> None:
    one = homezone.member(nickname="unmistakable-nickname")
    post = one.publish("unmistakable-text").json["id"]
    one.get(f"/v1/posts/{post}").ok()
    text = homezone.with_token(None).get("/metrics").body.decode()
    # A figure, the last word of its line, may contain any digits; a name or a label may not.
    words = "\n".join(line.rpartition(" ")[0] for line in text.splitlines())
    for secret in (str(one.qq), "unmistakable", post, str(one.token)):
        assert secret not in words
