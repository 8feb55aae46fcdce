"""
The contract's conventions, each row as a client meets it.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone
from tests.support.waiting import eventually

POSITION = re.compile(r"(0|[1-9]\d*)-(0|[1-9]\d*)")
SHUOSHUO = {"kind": "shuoshuo", "text": "床前明月光", "audience": {"to": "public"}}


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


# A write answers


def test_every_write_answers_its_id_and_its_position(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    post = author.publish()
    comment = reader.comment(post.json["id"]).ok(201)
    writes = [
        (post, 201),
        (comment, 201),
        (author.patch("/v1/me", {"nickname": "青莲居士"}), 200),
        (author.put(f"/v1/me/friends/{reader.qq}"), 200),
        (author.delete(f"/v1/me/friends/{reader.qq}"), 200),
        (author.put(f"/v1/me/blocks/{reader.qq}"), 200),
        (author.delete(f"/v1/me/blocks/{reader.qq}"), 200),
        (author.put("/v1/me/lists", {"name": "家人", "members": [reader.qq]}), 200),
        (author.patch(f"/v1/posts/{post.json['id']}", {"text": "疑是地上霜"}), 200),
        (author.put(f"/v1/posts/{post.json['id']}/audience", {"to": "friends"}), 200),
        (author.put(f"/v1/posts/{post.json['id']}/like"), 200),
        (author.delete(f"/v1/posts/{post.json['id']}/like"), 200),
        (author.delete(f"/v1/comments/{comment.json['id']}"), 200),
        (author.delete(f"/v1/posts/{post.json['id']}"), 200),
        (each.operator.put(f"/v1/spaces/{author.qq}/certification", _BRAND), 200),
        (each.operator.delete(f"/v1/spaces/{author.qq}/certification"), 200),
        (each.operator.put(f"/v1/accounts/{author.qq}/suspension", {"reason": "stolen"}), 200),
        (each.operator.delete(f"/v1/accounts/{author.qq}/suspension"), 200),
    ]
    heads = each.ends()
    for reply, status in writes:
        reply.ok(status)
        assert str(UUID(reply.json["id"])) == reply.json["id"]
        assert reply.json["position"] == reply.position
        matched = POSITION.fullmatch(reply.position)
        assert matched is not None
        assert 0 < int(matched[2]) <= heads[int(matched[1])], "it stands in the log"
        assert reply.headers["cache-control"] == "private, no-cache"
        assert "idempotency-replayed" not in reply.headers


_BRAND = {"type": "brand", "name": "商务印书馆"}


def test_a_no_op_answers_the_position_of_the_event_that_made_it_so(each: RunningHomezone) -> None:
    one, other = each.members(2)
    post = one.publish().json["id"]
    own = f"/v1/me/friends/{other.qq}"
    one.befriend(other)

    def twice(write: Callable[[], Reply]) -> None:
        first = write().ok()
        # What else happens on the stream meanwhile must not be taken for the reason.
        one.put("/v1/me/lists", {"name": "x", "members": [other.qq]}).ok()
        one.publish().ok()
        before = each.heads()
        again = write().ok()
        assert (again.json, again.position) == (first.json, first.position)
        assert each.heads() == before, "a no-op writes nothing"

    accepted = one.get("/v1/audit/events")
    assert accepted.status == 403
    twice(lambda: one.put(f"/v1/posts/{post}/like"))
    twice(lambda: one.delete(f"/v1/posts/{post}/like"))
    twice(lambda: one.put(f"/v1/posts/{post}/audience", {"to": "only_me"}))
    twice(lambda: one.put(f"/v1/me/blocks/{other.qq}"))
    twice(lambda: one.delete(f"/v1/me/blocks/{other.qq}"))
    twice(lambda: one.put(own))
    twice(lambda: one.delete(own))
    twice(lambda: each.operator.put(f"/v1/spaces/{one.qq}/certification", _BRAND))
    twice(lambda: other.put(f"/v1/me/follows/{one.qq}"))
    twice(lambda: other.delete(f"/v1/me/follows/{one.qq}"))
    twice(lambda: each.operator.delete(f"/v1/spaces/{one.qq}/certification"))
    twice(lambda: each.operator.put(f"/v1/accounts/{other.qq}/suspension", {"reason": "x"}))
    twice(lambda: each.operator.delete(f"/v1/accounts/{other.qq}/suspension"))
    twice(lambda: one.put("/v1/me/lists", {"name": "家", "members": [other.qq]}))
    family = one.put("/v1/me/lists", {"name": "家", "members": [other.qq]}).json["id"]
    twice(lambda: one.delete(f"/v1/me/lists/{family}"))
    comment = one.comment(post).json["id"]
    twice(lambda: one.delete(f"/v1/comments/{comment}"))
    twice(lambda: one.delete(f"/v1/posts/{post}"))


# Read your write


def test_a_read_is_at_least_as_fresh_as_asked_for(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    author.befriend(reader)
    for number in range(10):
        written = author.publish(f"第{number}首")
        feed = reader.get("/v1/feed", at_least=written.position).ok(200).json["items"]
        assert feed[0]["id"] == written.json["id"]
        liked = reader.put(f"/v1/posts/{written.json['id']}/like")
        both = f"{written.position},{liked.position}"
        if written.position.split("-")[0] == liked.position.split("-")[0]:
            both = liked.position
        likes = author.get(f"/v1/posts/{written.json['id']}/likes", at_least=both).ok(200)
        assert [like["member"]["qq"] for like in likes.json["items"]] == [reader.qq]


def test_a_future_position_is_waited_for_five_seconds_then_504(homezones: Homezones) -> None:
    """As is one in a cell that is not there, which no position is ever in."""
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(homezones(cells).member().get, "/v1/me", at_least=at)
            for cells, at in ((16, "0-999999999"), (1, "7-1"))
        ]
    for future in asked:
        refused = future.result().refused(504, "not-yet")
        assert refused.headers["cache-control"] == "no-store"
    assert 4.5 < time.monotonic() - began < 9


def test_a_read_that_waits_is_answered_when_the_position_is_reached(
    homezone: RunningHomezone,
) -> None:
    author, reader = homezone.members(2)
    author.publish()
    # What else is written in the author's cell has been by then.
    eventually(lambda: author.get("/v1/me/badges").ok(200).json["items"])
    cell, at = author.publish().position.split("-")
    soon = f"{cell}-{int(at) + 1}"
    later = threading.Timer(0.5, lambda: author.publish("the one waited for"))
    later.start()
    feed = reader.get(f"/v1/spaces/{author.qq}/posts", at_least=soon).ok(200).json["items"]
    later.join()
    assert feed[0]["text"] == "the one waited for"


# Retry


def test_the_same_key_and_body_get_the_first_answer_again(each: RunningHomezone) -> None:
    author, other = each.members(2)
    first = author.post("/v1/posts", SHUOSHUO, key="k-1").ok(201)
    assert "idempotency-replayed" not in first.headers
    author.publish("something in between")
    before = each.heads()
    again = author.post("/v1/posts", SHUOSHUO, key="k-1").ok(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.body, again.position) == (first.body, first.position)
    assert each.heads() == before
    refused = author.post("/v1/posts", {**SHUOSHUO, "text": "x"}, key="k-1")
    refused.refused(422, "key-reused")
    author.post(f"/v1/posts/{first.json['id']}/comments", {"text": "x"}, key="k-1").refused(422)
    assert each.heads() == before
    mine = other.post("/v1/posts", SHUOSHUO, key="k-1").ok(201)
    assert mine.json["id"] != first.json["id"], "a key is its caller's alone"
    assert "idempotency-replayed" not in mine.headers


def test_a_no_op_is_replayed_with_the_position_it_had(each: RunningHomezone) -> None:
    author = each.member()
    post = author.publish().json["id"]
    liked = author.put(f"/v1/posts/{post}/like")
    no_op = author.put(f"/v1/posts/{post}/like", key="k")
    author.delete(f"/v1/posts/{post}/like")
    again = author.put(f"/v1/posts/{post}/like", key="k").ok(200)
    assert (again.body, again.position) == (no_op.body, liked.position)
    assert again.headers["idempotency-replayed"] == "true"
    assert author.get(f"/v1/posts/{post}").json["liked"] is False, "nothing was done again"


def test_a_refusal_is_replayed_too(each: RunningHomezone) -> None:
    one, other = each.members(2)
    post = one.publish(to="only_me").json["id"]
    first = other.comment(post).refused(404, "not-found")
    first = other.post(f"/v1/posts/{post}/comments", {"text": "x"}, key="k").refused(404)
    one.put(f"/v1/posts/{post}/audience", {"to": "public"}).ok()
    again = other.post(f"/v1/posts/{post}/comments", {"text": "x"}, key="k").refused(404)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    other.post(f"/v1/posts/{post}/comments", {"text": "x"}, key="k2").ok(201)


def test_a_key_belongs_to_one_request_whatever_cell_it_writes_to(
    homezone: RunningHomezone,
) -> None:
    operator = homezone.client(10_777, "operator")
    targets = homezone.members(8)
    stolen = {"reason": "stolen"}
    for number, target in enumerate(targets):
        path = f"/v1/accounts/{target.qq}/suspension"
        reply = operator.put(path, stolen, key="once")
        if number == 0:
            reply.ok(200)
        else:
            reply.refused(422, "key-reused")
            homezone.client(target.qq).get("/v1/me").ok(200)
    first = operator.put(f"/v1/accounts/{targets[0].qq}/suspension", stolen, key="once").ok(200)
    assert first.headers["idempotency-replayed"] == "true"
    born = {"qq": 987_654_321, "nickname": "n", "real_name": "r", "birth_date": "1800-01-01"}
    operator.post("/v1/accounts", born, key="birth").refused(422, "birth-date")
    better = {**born, "birth_date": "2000-01-01"}
    operator.post("/v1/accounts", better, key="birth").refused(422, "key-reused")
    operator.post("/v1/accounts", better, key="birth-2").ok(201)


def test_every_kind_of_write_takes_a_key(homezone: RunningHomezone) -> None:
    one, other = homezone.members(2)
    post = one.publish().json["id"]
    comment = other.comment(post).json["id"]
    writes: list[tuple[Client, str, str, Any]] = [
        (one, "PATCH", "/v1/me", {"nickname": "n"}),
        (one, "PUT", f"/v1/me/friends/{other.qq}", None),
        (one, "DELETE", f"/v1/me/friends/{other.qq}", None),
        (one, "PUT", f"/v1/me/blocks/{other.qq}", None),
        (one, "DELETE", f"/v1/me/blocks/{other.qq}", None),
        (one, "PUT", "/v1/me/lists", {"name": "l", "members": []}),
        (one, "PATCH", f"/v1/posts/{post}", {"text": "t"}),
        (one, "PUT", f"/v1/posts/{post}/audience", {"to": "friends"}),
        (one, "PUT", f"/v1/posts/{post}/like", None),
        (one, "DELETE", f"/v1/comments/{comment}", None),
        (one, "DELETE", f"/v1/posts/{post}", None),
        (homezone.operator, "PUT", f"/v1/spaces/{one.qq}/certification", _BRAND),
        (homezone.operator, "DELETE", f"/v1/spaces/{one.qq}/certification", None),
        (homezone.operator, "PUT", f"/v1/accounts/{one.qq}/suspension", {"reason": "r"}),
        (homezone.operator, "DELETE", f"/v1/accounts/{one.qq}/suspension", None),
    ]
    for number, (who, method, path, body) in enumerate(writes):
        key = f"every-{one.qq}-{number}"
        first = who.request(method, path, body, key=key).ok(200)
        before = homezone.heads()
        again = who.request(method, path, body, key=key).ok(200)
        assert (again.body, again.position) == (first.body, first.position), path
        assert again.headers["idempotency-replayed"] == "true", path
        assert homezone.heads() == before, path
    account = {"qq": 30_000_000_001, "nickname": "n", "real_name": "r", "birth_date": "2000-02-02"}
    born = homezone.operator.post("/v1/accounts", account, key="born").ok(201)
    reborn = homezone.operator.post("/v1/accounts", account, key="born").ok(201)
    assert (reborn.body, reborn.position) == (born.body, born.position)
    assert reborn.headers["idempotency-replayed"] == "true"


def test_of_two_in_flight_at_once_one_is_done(homezone: RunningHomezone) -> None:
    author = homezone.member()
    clients = [homezone.client(author.qq) for _ in range(8)]
    replies: list[Reply] = []

    def send(client: Client) -> None:
        replies.append(client.post("/v1/posts", SHUOSHUO, key="at once"))

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.ok(201).body for reply in replies} == {replies[0].body}
    assert sum("idempotency-replayed" in reply.headers for reply in replies) == 7
    assert len(author.walk(f"/v1/spaces/{author.qq}/posts")) == 1


def test_keys_are_kept_across_a_restart(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path) as homezone:
            author = homezone.member()
            first = author.post("/v1/posts", SHUOSHUO, key="k").ok(201)
            author.delete(f"/v1/me/friends/{author.qq}", key="no").ok(200)
            author.put(f"/v1/me/friends/{author.qq}", key="self").refused(422, "not-yourself")
            token = author.token
        with running_homezone(url, tmp_path, cells=3) as homezone:
            assert len(homezone.heads()) == 16, "a store keeps its number of cells"
            author = homezone.with_token(token, author.qq)
            again = author.post("/v1/posts", SHUOSHUO, key="k").ok(201)
            assert (again.body, again.position) == (first.body, first.position)
            assert again.headers["idempotency-replayed"] == "true"
            author.post("/v1/posts", {**SHUOSHUO, "text": "x"}, key="k").refused(422, "key-reused")
            refused = author.put(f"/v1/me/friends/{author.qq}", key="self").refused(422)
            assert refused.problem == "not-yourself"
            assert refused.headers["idempotency-replayed"] == "true"
            assert author.get(f"/v1/posts/{first.json['id']}").json["text"] == "床前明月光"


# Errors


def test_errors_are_problem_documents(homezone: RunningHomezone) -> None:
    one, other = homezone.members(2)
    post = one.publish().json["id"]
    stranger = homezone.with_token(None)
    nobody = "/v1/posts/01a2073e-07bf-8001-96ce-f91acd0057ea"
    cases: list[tuple[Reply, int, str]] = [
        (one.get(nobody), 404, "not-found"),
        (one.get("/v1/nowhere"), 404, "not-found"),
        (one.get("/v1/spaces/99999999998"), 404, "not-found"),
        (one.request("PUT", "/v1/feed"), 405, "method-not-allowed"),
        (other.patch(f"/v1/posts/{post}", {"text": "x"}), 403, "not-yours"),
        (one.post("/v1/posts", raw=b"{"), 400, "malformed"),
        (one.post("/v1/posts", {"kind": "shuoshuo", "text": 7}), 400, "invalid"),
        (one.put(f"/v1/me/friends/{one.qq}"), 422, "not-yourself"),
        (one.put(f"/v1/me/follows/{other.qq}"), 409, "not-certified"),
        (one.post("/v1/accounts", {}), 403, "forbidden"),
        (homezone.operator.get("/v1/feed"), 403, "forbidden"),
        (stranger.get("/v1/feed"), 401, "unauthenticated"),
        (homezone.client(12_345_678).get("/v1/feed"), 403, "no-account"),
        (one.post("/v1/posts", SHUOSHUO, headers={"Content-Type": "text/plain"}), 415,
         "unsupported-media-type"),
    ]  # fmt: skip
    for reply, status, problem in cases:
        reply.refused(status, problem)
        assert reply.headers["cache-control"] == "no-store"
        assert isinstance(reply.json["errors"], list)
        page = stranger.get(reply.json["type"]).ok(200)
        assert page.headers["content-type"].startswith("text/html"), "each type explains itself"
    assert one.request("PUT", "/v1/feed").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_401_says_which_scheme_is_wanted(homezone: RunningHomezone) -> None:
    missing = homezone.with_token(None).get("/v1/me").refused(401)
    assert missing.headers["www-authenticate"] == 'Bearer realm="homezone"'
    wrong = homezone.with_token("no.such.token").get("/v1/me").refused(401)
    assert wrong.headers["www-authenticate"] == 'Bearer realm="homezone", error="invalid_token"'
    basic = homezone.with_token(None).request("GET", "/v1/me", headers={"Authorization": "Basic x"})
    assert "Bearer" in basic.refused(401).headers["www-authenticate"]


# Changes to a thing


def test_a_version_is_an_etag_for_if_match(each: RunningHomezone) -> None:
    author, reader = each.members(2)
    post = author.publish().json["id"]
    path = f"/v1/posts/{post}"
    first = author.get(path).ok(200)
    assert first.headers["etag"] == f'"{first.json["version"]}"'
    assert first.headers["cache-control"] == "private, no-cache"
    match = {"If-Match": first.headers["etag"]}
    author.patch(path, {"text": "疑是地上霜"}, headers=match).ok(200)
    second = author.get(path).ok(200)
    assert second.headers["etag"] != first.headers["etag"]
    before = each.heads()
    late = [
        author.patch(path, {"text": "lost update"}, headers=match),
        author.put(f"{path}/audience", {"to": "friends"}, headers=match),
        author.delete(path, headers=match),
    ]
    for change in late:
        change.refused(412, "version-mismatch")
    assert each.heads() == before
    assert author.get(path).json["text"] == "疑是地上霜"
    reader.patch(path, {"text": "x"}, headers={"If-Match": "*"}).refused(403, "not-yours")
    author.put(f"{path}/audience", {"to": "friends"}, headers={"If-Match": "*"}).ok(200)
    third = author.get(path).headers["etag"]
    assert third not in (first.headers["etag"], second.headers["etag"])
    author.delete(path, headers={"If-Match": f'"7000", {third}'}).ok(200)
    author.patch(path, {"text": "x"}, headers={"If-Match": third}).refused(404)


def test_who_holds_the_version_is_told_what_changed_beside_it(homezone: RunningHomezone) -> None:
    """A version is of what the author wrote: likes and the original of a share move without it."""
    author, reader = homezone.members(2)
    post = author.publish()
    share = reader.share(post.json["id"]).ok(201)
    path = f"/v1/posts/{share.json['id']}"
    first = reader.get(path, at_least=homezone.everything()).ok(200)
    assert first.json["share"]["text"] == "床前明月光"
    author.delete(f"/v1/posts/{post.json['id']}").ok()
    reader.put(f"{path}/like").ok()
    held = {"If-None-Match": first.headers["etag"]}
    now = reader.request("GET", path, headers=held).ok(200)
    assert now.headers["etag"] == first.headers["etag"]
    assert now.json["likes"] == 1
    assert "share" not in now.json


# Limits


def test_too_many_requests_are_told_when_to_come_back(server_url: str, tmp_path: Path) -> None:
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path, limits=True) as homezone,
    ):
        stranger, member = homezone.with_token(None), homezone.member()
        first = stranger.get("/problems/not-found").ok(200)
        assert "ratelimit" in first.headers
        assert "retry-after" not in first.headers
        refused = first
        for _ in range(20_000):
            refused = stranger.get("/problems/not-found")
            if refused.status != 200:
                break
        refused.refused(429, "too-many-requests")
        assert int(refused.headers["retry-after"]) >= 1
        assert "ratelimit" in refused.headers
        assert "ratelimit" in member.get("/v1/me").ok(200).headers, "others are not held up"
        stranger.get("/healthz").ok(200)
        time.sleep(int(refused.headers["retry-after"]))
        stranger.get("/problems/not-found").ok(200)


# Lists and the rest


def test_every_answer_that_depends_on_the_viewer_is_private(homezone: RunningHomezone) -> None:
    one = homezone.member()
    post = one.publish().json["id"]
    for path in (
        "/v1/me", "/v1/me/friends", "/v1/me/blocks", "/v1/me/follows", "/v1/me/lists", "/v1/feed",
        f"/v1/posts/{post}", f"/v1/posts/{post}/comments", f"/v1/posts/{post}/likes",
        f"/v1/spaces/{one.qq}", f"/v1/spaces/{one.qq}/posts", f"/v1/spaces/{one.qq}/timeline",
    ):  # fmt: skip
        reply = one.get(path).ok(200)
        assert reply.headers["cache-control"] == "private, no-cache", path
        assert reply.headers["content-type"] == "application/json", path
        head = one.request("HEAD", path)
        assert (head.status, head.body) == (200, b""), path


def test_limit_is_from_1_to_100(homezone: RunningHomezone) -> None:
    one = homezone.member()
    for number in range(3):
        one.publish(str(number))
    path = f"/v1/spaces/{one.qq}/posts"
    page = one.get(path, limit=1).ok(200)
    assert len(page.json["items"]) == 1
    assert page.headers["link"].startswith(f"<{path}?limit=1&cursor=")
    assert page.json["next"] in page.headers["link"]
    assert one.get(path, limit=100).ok(200).json["next"] is None
    for wrong in ("0", "101", "-1", "ten", "1.0", ""):
        assert one.get(path, limit=wrong).refused(400).fields == ["limit"]
