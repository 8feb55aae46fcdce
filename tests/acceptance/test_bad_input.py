"""
What bad input gets: a problem that names the field, nothing stored, nothing leaked.
"""

import base64
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.tokens import Role, TokenIssuer, TokenKey
from tests.support.homezone import Client, Reply, RunningHomezone

PUBLIC = {"to": "public"}
MARK = "unmistakable-words"
IMAGE = "01a2073e-07bf-8001-96ce-f91acd0057ea"
MOON = "\N{FULL MOON SYMBOL}"


class World:
    """A member with a post, a comment, a list and a friend, and what must not change."""

    def __init__(self, homezone: RunningHomezone) -> None:
        self.homezone = homezone
        self.one, self.other = homezone.members(2)
        self.one.befriend(self.other)
        self.post = self.one.publish(to="friends").json["id"]
        self.diary = self.one.post(
            "/v1/posts", {"kind": "diary", "title": "t", "text": "x", "audience": PUBLIC}
        ).json["id"]
        self.comment = self.one.comment(self.post).json["id"]
        self.list = self.one.put("/v1/me/lists", {"name": "l", "members": []}).json["id"]
        self.me = self.one.get("/v1/me").json["id"]


@pytest.fixture
def world(
    homezone: RunningHomezone,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[World]:
    """Everything a test sends is refused: in the end the log is where it was, and quiet."""
    world = World(homezone)
    before = homezone.heads()
    with caplog.at_level(logging.DEBUG):
        yield world
    assert homezone.heads() == before, "something was stored"
    assert MARK not in caplog.text
    said = capfd.readouterr()
    assert MARK not in said.out + said.err


def check(reply: Reply, status: int, fields: list[str] | None = None) -> None:
    """It is a problem of that status which names those fields and repeats no words."""
    reply.refused(status)
    assert reply.problem
    assert fields is None or reply.fields == fields, reply.body
    assert MARK not in reply.body.decode()


def shuoshuo(**changes: Any) -> dict[str, Any]:
    return {"kind": "shuoshuo", "text": MARK, "audience": PUBLIC, **changes}


def diary(**changes: Any) -> dict[str, Any]:
    return {"kind": "diary", "title": MARK, "text": MARK, "audience": PUBLIC, **changes}


POSTS: list[tuple[Any, int, list[str]]] = [
    (shuoshuo(surprise=MARK), 400, ["/surprise"]),
    (shuoshuo(audience={"to": "public", "more": 1}), 400, ["/audience/more"]),
    (shuoshuo(text=7), 400, ["/text"]),
    (shuoshuo(text=None), 400, ["/text"]),
    (shuoshuo(text=[MARK]), 400, ["/text"]),
    (shuoshuo(text={"a": MARK}), 400, ["/text"]),
    (shuoshuo(mood=True), 400, ["/mood"]),
    (shuoshuo(location=1.5), 400, ["/location"]),
    (shuoshuo(audience="public"), 400, ["/audience"]),
    (shuoshuo(audience={"to": "PUBLIC"}), 400, ["/audience/to"]),
    (shuoshuo(audience={"to": "list", "list": "10001"}), 400, ["/audience/list"]),
    (shuoshuo(audience={"to": "list", "list": ["10001"]}), 400, ["/audience/list/0"]),
    (shuoshuo(audience={"to": "list", "list": [10001.5]}), 400, ["/audience/list/0"]),
    (shuoshuo(audience={"to": "list", "list": [9_999]}), 422, ["/audience/list/0"]),
    (shuoshuo(audience={"to": "list", "list": [10**12]}), 422, ["/audience/list/0"]),
    (shuoshuo(audience={"to": "list", "list": [20_001] * 501}), 422, ["/audience/list"]),
    (shuoshuo(kind="novel"), 400, ["/kind"]),
    (shuoshuo(kind=1), 400, ["/kind"]),
    (shuoshuo(images="none"), 400, ["/images"]),
    (shuoshuo(images=["none"]), 400, ["/images/0"]),
    (shuoshuo(images=[IMAGE]), 422, ["/images/0"]),
    (shuoshuo(images=[IMAGE] * 9), 422, ["/images/0"]),
    (shuoshuo(images=[IMAGE] * 10), 422, ["/images"]),
    (shuoshuo(text=""), 422, ["/text"]),
    (shuoshuo(text="x" * 10_001), 422, ["/text"]),
    (shuoshuo(text=MOON * 10_001), 422, ["/text"]),
    (shuoshuo(mood=""), 422, ["/mood"]),
    (shuoshuo(mood=MOON * 21), 422, ["/mood"]),
    (shuoshuo(location="x" * 101), 422, ["/location"]),
    (shuoshuo(share_of=IMAGE), 400, ["/share_of"]),
    (shuoshuo(poll={"options": ["a", "b"]}), 400, ["/poll"]),
    (shuoshuo(commenting="fans"), 400, ["/commenting"]),
    (shuoshuo(mentions=["20001"]), 400, ["/mentions/0"]),
    (shuoshuo(mentions=[9_999]), 422, ["/mentions/0"]),
    (shuoshuo(mentions=[20_001] * 21), 422, ["/mentions"]),
    (diary(text=MOON * 200_001), 422, ["/text"]),
    (diary(title=MOON * 101), 422, ["/title"]),
    (diary(title=""), 422, ["/title"]),
    ({"kind": "share", "audience": PUBLIC}, 400, ["/share_of"]),
    ({"kind": "share", "audience": PUBLIC, "share_of": "x"}, 400, ["/share_of"]),
    ({"kind": "share", "audience": PUBLIC, "share_of": IMAGE}, 422, ["/share_of"]),
    ({"text": MARK, "audience": PUBLIC}, 400, ["/kind"]),
    ({"kind": "shuoshuo", "text": MARK}, 400, ["/audience"]),
    ([], 400, [""]),
    (MARK, 400, [""]),
    (None, 400, [""]),
    (7, 400, [""]),
]  # fmt: skip


def test_a_post_that_is_not_as_it_should_be(world: World) -> None:
    for body, status, fields in POSTS:
        raw = json.dumps(body, ensure_ascii=False).encode()
        check(world.one.post("/v1/posts", raw=raw), status, fields)


@pytest.mark.parametrize(
    ("kind", "field", "limit"),
    [
        ("shuoshuo", "text", 10_000),
        ("shuoshuo", "mood", 20),
        ("shuoshuo", "location", 100),
        ("diary", "text", 200_000),
        ("diary", "title", 100),
        ("comment", "text", 2_000),
        ("nickname", "nickname", 36),
        ("list", "name", 40),
    ],
)
def test_limits_are_in_code_points(
    homezone: RunningHomezone, kind: str, field: str, limit: int
) -> None:
    author = homezone.member()
    author.patch("/v1/me", {"location_consent": True}).ok(200)
    post = author.publish().json["id"]

    def send(text: str) -> Reply:
        match kind:
            case "comment":
                return author.post(f"/v1/posts/{post}/comments", {"text": text})
            case "nickname":
                return author.patch("/v1/me", {"nickname": text})
            case "list":
                return author.put("/v1/me/lists", {"name": text, "members": []})
            case "diary":
                return author.post("/v1/posts", diary(**{field: text}))
            case _:
                return author.post("/v1/posts", shuoshuo(**{field: text}))

    for letter in ("x", "月", MOON):
        made = send(letter * limit).ok()
        check(send(letter * (limit + 1)), 422, [f"/{field}"])
        if kind in ("shuoshuo", "diary"):
            read = author.get(f"/v1/posts/{made.json['id']}").json
            assert read[field] == letter * limit


def test_the_other_bodies(world: World) -> None:
    one, homezone = world.one, world.homezone
    post, diary_path = f"/v1/posts/{world.post}", f"/v1/posts/{world.diary}"
    certify = f"/v1/spaces/{one.qq}/certification"
    suspend = f"/v1/accounts/{one.qq}/suspension"
    account = {"qq": 31_000_000_000, "nickname": "n", "real_name": "r", "birth_date": "2001-02-03"}
    operator = homezone.operator
    cases: list[tuple[Client, str, str, Any, int, list[str]]] = [
        (one, "PATCH", "/v1/me", {"location_consent": "yes"}, 400, ["/location_consent"]),
        (one, "PATCH", "/v1/me", {"nickname": ""}, 422, ["/nickname"]),
        (one, "PATCH", "/v1/me", {"nickname": None}, 400, ["/nickname"]),
        (one, "PATCH", "/v1/me", {"nickname": "n", "qq": 10_001}, 400, ["/qq"]),
        (one, "PATCH", "/v1/me", {"nickname": "n", "real_name": MARK}, 400, ["/real_name"]),
        (one, "PATCH", post, {"text": "x" * 10_001}, 422, ["/text"]),
        (one, "PATCH", diary_path, {"text": "x" * 200_001}, 422, ["/text"]),
        (one, "PATCH", diary_path, {"title": None}, 400, ["/title"]),
        (one, "PATCH", post, {"title": MARK}, 422, ["/title"]),
        (one, "PATCH", post, {"audience": PUBLIC}, 400, ["/audience"]),
        (one, "PUT", f"{post}/audience", {"to": "list"}, 422, [""]),
        (one, "PUT", f"{post}/audience", {"to": "list", "name": "no"}, 422, ["/name"]),
        (one, "PUT", f"{post}/audience", {"to": "list", "list": [99_999_999_991]}, 422,
         ["/list/0"]),
        (one, "PUT", f"{post}/audience", PUBLIC | {"x": 1}, 400, ["/x"]),
        (one, "POST", f"{post}/comments", {"text": ""}, 422, ["/text"]),
        (one, "POST", f"{post}/comments", {"text": "x" * 2_001}, 422, ["/text"]),
        (one, "POST", f"{post}/comments", {"text": "x", "reply_to": "no"}, 400, ["/reply_to"]),
        (one, "POST", f"{post}/comments", {"text": "x", "reply_to": IMAGE}, 422, ["/reply_to"]),
        (one, "POST", f"{post}/comments", {"text": "x", "reply_to": world.post}, 422,
         ["/reply_to"]),
        (one, "PUT", "/v1/me/lists", {"name": "", "members": []}, 422, ["/name"]),
        (one, "PUT", "/v1/me/lists", {"name": "n"}, 400, ["/members"]),
        (one, "PUT", "/v1/me/lists", {"name": "n", "members": [1]}, 422, ["/members/0"]),
        (one, "PUT", "/v1/me/lists", {"name": "n", "members": [one.qq, 99_999_999_991]}, 422,
         ["/members/1"]),
        (one, "PUT", "/v1/me/lists", {"name": "n", "members": [20_001] * 501}, 422, ["/members"]),
        (operator, "POST", "/v1/accounts", account | {"qq": 9_999}, 422, ["/qq"]),
        (operator, "POST", "/v1/accounts", account | {"qq": 10**11}, 422, ["/qq"]),
        (operator, "POST", "/v1/accounts", account | {"qq": "10001"}, 400, ["/qq"]),
        (operator, "POST", "/v1/accounts", account | {"nickname": "x" * 37}, 422, ["/nickname"]),
        (operator, "POST", "/v1/accounts", account | {"real_name": "x" * 61}, 422, ["/real_name"]),
        (operator, "POST", "/v1/accounts", account | {"birth_date": "2001-02-30"}, 400,
         ["/birth_date"]),
        (operator, "POST", "/v1/accounts", account | {"birth_date": "1899-12-31"}, 422,
         ["/birth_date"]),
        (operator, "POST", "/v1/accounts", account | {"birth_date": "2999-01-01"}, 422,
         ["/birth_date"]),
        (operator, "PUT", certify, {"type": "king", "name": "n"}, 400, ["/type"]),
        (operator, "PUT", certify, {"type": "brand"}, 400, ["/name"]),
        (operator, "PUT", certify, {"type": "brand", "name": "x" * 61}, 422, ["/name"]),
        (operator, "PUT", suspend, {}, 400, ["/reason"]),
        (operator, "PUT", suspend, {"reason": "x" * 1_001}, 422, ["/reason"]),
        (operator, "PUT", suspend, {"reason": MARK, "until": "2001-01-01T00:00:00Z"}, 422,
         ["/until"]),
        (operator, "PUT", suspend, {"reason": MARK, "until": "tomorrow"}, 400, ["/until"]),
        (operator, "PUT", suspend, {"reason": MARK, "until": "2999-01-01T00:00:00"}, 400,
         ["/until"]),
    ]  # fmt: skip
    for who, method, path, body, status, fields in cases:
        check(who.request(method, path, body), status, fields)


UNREADABLE: list[tuple[bytes, list[str] | None]] = [
    (b"", None),
    (b" ", None),
    (b"{", None),
    (b'{"kind":"shuoshuo",}', None),
    (b'{"kind":"shuoshuo","text":NaN,"audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"x","mood":Infinity,"audience":{"to":"public"}}', ["/mood"]),
    (b'{"kind":"shuoshuo","text":-Infinity,"audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"\\ud800","audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"\\udfff x","audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"x","mood":"a\\ud800b","audience":{"to":"public"}}', ["/mood"]),
    (b'{"kind":"shuoshuo","text":"a\\u0000b","audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"x","location":"\\u0000","audience":{"to":"public"}}',
     ["/location"]),
    (b'{"kind":"shuoshuo","text":"x","audience":{"to":"list","name":"\\u0000"}}',
     ["/audience/name"]),
    (b'{"kind":"shuoshuo","text":"x","a\\u0000b":1,"audience":{"to":"public"}}', [""]),
    (b'{"kind":"shuoshuo","text":"a\x00b","audience":{"to":"public"}}', None),
    (b'{"kind":"shuoshuo","text":"\xff\xfe","audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"\xed\xa0\x80","audience":{"to":"public"}}', ["/text"]),
    (b'{"kind":"shuoshuo","text":"\xc0\xaf","audience":{"to":"public"}}', ["/text"]),
    ('{"kind":"shuoshuo","text":"x","audience":{"to":"public"}}'.encode("utf-16"), None),
    (b"\xef\xbb\xbf" + b'{"kind":"shuoshuo","text":"x","audience":{"to":"public"}}', None),
    (b"[" * 100_000, None),
    (b'{"a":' * 50_000, None),
    (b"1" * 100_000, None),
    (b'{"kind":"shuoshuo","text":"x","audience":{"to":"public"}} trailing', None),
]  # fmt: skip


def test_bodies_that_cannot_be_read(world: World) -> None:
    for raw, fields in UNREADABLE:
        reply = world.one.post("/v1/posts", raw=raw)
        assert reply.status == 400, raw[:80]
        check(reply, 400, fields)
    spelled = b'{"kind":"shuoshuo","text":"\\u0000","audience":{"to":"public"}}'
    for method, path in (
        ("PATCH", f"/v1/posts/{world.post}"),
        ("POST", f"/v1/posts/{world.post}/comments"),
        ("PUT", "/v1/me/lists"),
        ("PATCH", "/v1/me"),
    ):
        check(world.one.request(method, path, raw=spelled), 400)
        check(world.one.request(method, path, raw=b'{"text":"\\ud800"}'), 400)


def test_a_body_over_4_mib(world: World) -> None:
    heavy = b'{"kind":"diary","title":"t","text":"' + b"x" * (4 << 20) + b'"}'
    check(world.one.post("/v1/posts", raw=heavy), 413)
    check(world.one.post("/v1/posts", raw=b" " * ((4 << 20) + 1)), 413)
    # Sent in pieces, nobody says how much it will be.
    with socket.create_connection(("127.0.0.1", world.homezone.port), timeout=20) as raw:
        raw.sendall(
            b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + str(world.one.token).encode() + b"\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        piece = b"%x\r\n" % 65_536 + b"x" * 65_536 + b"\r\n"
        try:
            for _ in range(80):
                raw.sendall(piece)
            raw.sendall(b"0\r\n\r\n")
        except ConnectionError:
            pass
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


# Tokens


def forge(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(part(raw) for raw in parts)


def test_tokens_that_prove_nothing(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    homezone, qq = world.homezone, world.one.qq
    good = homezone.token(qq)
    head, payload, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    path = tmp_path_factory.mktemp("elsewhere") / "token.key"
    stranger = TokenIssuer(TokenKey.open(path), homezone.homezone.entropy)
    now = homezone.homezone.clock.now()
    hour, tokens_of = timedelta(hours=1), homezone.homezone.tokens
    expired = tokens_of.issue(qq, Role.MEMBER, timedelta(seconds=1), now - hour)
    other_payload = forge({}, {**claims, "sub": "10000", "role": "operator"}).split(".")[1]
    tokens = {
        "expired": expired,
        "other issuer": stranger.issue(qq, Role.OPERATOR, hour, now),
        "alg none": forge({"alg": "none"}, claims),
        "alg None, signed": f"{forge({'alg': 'None'}, claims)}{signature}",
        "alg HS256": forge({**header, "alg": "HS256"}, claims, b"0" * 32),
        "changed claims": f"{head}.{other_payload}.{signature}",
        "no signature": f"{head}.{payload}.",
        "two parts": f"{head}.{payload}",
        "nothing": "",
        "words": "let me in",
        "long": "x" * 9000,
        "of another key": good[:-6] + ("AAAAAA" if good[-6:] != "AAAAAA" else "BBBBBB"),
    }
    for name, token in tokens.items():
        for method, where in (("GET", "/v1/me"), ("POST", "/v1/posts"), ("GET", "/v1/feed")):
            headers = {"Authorization": f"Bearer {token}"}
            client = homezone.with_token(None)
            reply = client.request(method, where, shuoshuo(), headers=headers)
            if name == "long":
                assert reply.status in (400, 401)
                continue
            assert reply.status == 401, name
            check(reply, 401)
            assert reply.headers["www-authenticate"].startswith("Bearer ")
            assert not token or token not in reply.body.decode()
    world.one.get("/v1/me").ok(200)


def test_a_token_that_expires_between_two_requests(homezone: RunningHomezone) -> None:
    member = homezone.member()
    brief = homezone.with_token(homezone.token(member.qq, ttl=timedelta(seconds=1)))
    statuses = {brief.get("/v1/me").status for _ in range(3)}
    assert statuses <= {200, 401}
    time.sleep(1.2)
    check(brief.get("/v1/me"), 401)


#: Operations of the API that need no token: what they are told is not believed.
OPEN_TO_ALL = {
    ("post", "/v1/rails/{name}/notifications"),
    ("options", "/v1/uploads"),
    ("get", "/v1/transparency/requests"),
    ("get", "/v1/audit/checkpoint"),
    ("get", "/v1/audit/keys"),
    ("get", "/v1/audit/tile/{tile}"),
    ("post", "/v1/audit/cosignatures"),
}


_PLACEHOLDERS = {"name": "n", "month": "2026-10", "plan": "yellow", "position": "0-1"}


def test_roles_are_kept_to_their_routes(world: World) -> None:
    """Whoever an operation does not name as its role is turned away from it, whatever it is."""
    homezone, qq = world.homezone, world.one.qq
    document = homezone.with_token(None).get("/openapi.json").ok(200).json
    callers = {role: homezone.client(qq, role) for role in Role}
    checked = 0
    for path, operations in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        address = path.replace("{qq}", str(qq)).replace("{id}", world.post)
        for name, value in _PLACEHOLDERS.items():
            address = address.replace(f"{{{name}}}", value)
        for method, operation in operations.items():
            _, said, named = operation["description"].rpartition("Roles: ")
            roles = set(named.rstrip(".").split(", "))
            if (method, path) in OPEN_TO_ALL:
                assert not said
                continue
            assert said, (method, path)
            assert roles <= set(Role), (method, path)
            for role in set(Role) - roles:
                raw = b"{}" if method in ("post", "put", "patch") else None
                reply = callers[role].request(method.upper(), address, raw=raw)
                assert reply.status == 403, (role, method, path)
                assert method == "head" or reply.problem == "forbidden"
                checked += 1
            stranger = homezone.with_token(None).request(method.upper(), address)
            if method == "head":
                assert stranger.status == 401, path
            else:
                check(stranger, 401)
    assert checked > 200


# Ids


def test_ids_that_name_nothing_for_you(world: World) -> None:
    one, post = world.one, UUID(world.post)
    cell = post.int >> 64 & 0xFFF
    elsewhere = UUID(int=(post.int & ~(0xFFF << 64)) | (((cell + 1) % 16) << 64))
    beyond = UUID(int=post.int | (0xFFF << 64))
    random = UUID("6fa459ea-ee8a-4ca4-894e-db77e160355e")
    for name in (
        elsewhere, beyond, random, UUID(int=0), UUID(int=(1 << 128) - 1),
        world.comment, world.me, world.list, IMAGE,
    ):  # fmt: skip
        path = f"/v1/posts/{name}"
        for method, where, body in (
            ("GET", path, None),
            ("PATCH", path, {"text": MARK}),
            ("PUT", f"{path}/audience", PUBLIC),
            ("DELETE", path, None),
            ("POST", f"{path}/comments", {"text": MARK}),
            ("GET", f"{path}/comments", None),
            ("PUT", f"{path}/like", None),
            ("DELETE", f"{path}/like", None),
            ("GET", f"{path}/likes", None),
        ):
            reply = one.request(method, where, body)
            assert reply.status == 404, (method, where, reply.body)
            check(reply, 404)
        check(one.share(str(name)), 422, ["/share_of"])
        if name != world.comment:
            check(one.comment(world.post, MARK, str(name)), 422, ["/reply_to"])
            check(one.delete(f"/v1/comments/{name}"), 404)
        if name != world.list:
            check(one.delete(f"/v1/me/lists/{name}"), 404)


@pytest.fixture
def lax_world(homezone: RunningHomezone) -> World:
    """A world in which something may be stored."""
    return World(homezone)


def test_one_kind_of_thing_is_never_taken_for_another(lax_world: World) -> None:
    """Neither from memory nor from the log, in whatever order they are asked for."""
    world = lax_world
    account, hidden = world.other.get("/v1/me").json["id"], world.list
    for name in (account, hidden, world.comment, world.post):
        for path in ("/v1/comments/", "/v1/posts/", "/v1/me/lists/"):
            right = {world.comment: "/v1/comments/", world.post: "/v1/posts/"}
            right[hidden] = "/v1/me/lists/"
            if right.get(name) != path:
                check(world.one.delete(path + name), 404)
    world.one.get(f"/v1/posts/{world.post}").ok(200)
    world.one.delete(f"/v1/comments/{world.comment}").ok(200)
    world.one.delete(f"/v1/posts/{world.post}").ok(200)
    world.one.delete(f"/v1/me/lists/{world.list}").ok(200)
    world.other.get("/v1/me").ok(200)


def test_what_is_no_id_is_no_address(world: World) -> None:
    for name in ("x", "1", "01a2073e07bf800196cef91acd0057ea", f"{{{world.post}}}", "%00",
                 world.post + "0", "%F0%9F%8C%95", "null", "-1"):  # fmt: skip
        check(world.one.get(f"/v1/posts/{name}"), 404)
        check(world.one.delete(f"/v1/comments/{name}"), 404)
    for qq in ("9999", "100000000000", "010001", "+10001", "1e5", "%31%30%30", "x", "-10001"):
        check(world.one.get(f"/v1/spaces/{qq}"), 404)
        check(world.one.put(f"/v1/me/friends/{qq}"), 404)
    upper = world.one.get(f"/v1/posts/{world.post.upper()}").ok(200)
    assert upper.json["id"] == world.post


# Cursors, queries, headers


def test_cursors_that_are_not_of_this_walk(homezone: RunningHomezone) -> None:
    one, other = homezone.members(2)
    one.befriend(other)
    for _ in range(3):
        one.publish()
    post = one.publish().json["id"]
    for number in range(3):
        one.comment(post, str(number)).ok()
    path = f"/v1/spaces/{one.qq}/posts"
    cursor = one.get(path, limit=2, at_least=homezone.everything()).json["next"]
    assert cursor
    before = homezone.heads()
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    wrong = [
        flipped, cursor[1:], cursor[:-1], cursor + "A", "A" * 40, "x", "%%%", "0", "null", "…",
        "A" * 513, base64.urlsafe_b64encode(b"\x00" * 40).decode(),
    ]  # fmt: skip
    for made_up in wrong:
        check(one.get(path, cursor=made_up), 400, ["cursor"])
    check(one.get(path, cursor=""), 400, ["cursor"])
    for who, where in (
        (other, path),
        (one, "/v1/feed"),
        (one, f"/v1/posts/{post}/comments"),
        (one, f"/v1/posts/{post}/likes"),
        (one, f"/v1/spaces/{other.qq}/posts"),
        (one, f"/v1/spaces/{one.qq}/timeline"),
        (one, "/v1/me/friends"),
    ):
        check(who.get(where, cursor=cursor), 400, ["cursor"])
    timeline = f"/v1/spaces/{one.qq}/timeline"
    walk = one.get(timeline, limit=1).json["next"]
    check(one.get(timeline, cursor=walk, month="2026-11"), 400, ["cursor"])
    one.get(timeline, cursor=walk, limit=7).ok(200)
    assert homezone.heads() == before


def test_queries_that_are_not_as_they_should_be(world: World) -> None:
    for path, fields in (
        ("/v1/feed?surprise=1", ["surprise"]),
        ("/v1/feed?limit=5&limit=6", ["limit"]),
        ("/v1/feed?limit=%00", ["limit"]),
        ("/v1/feed?limit=%ff", None),
        ("/v1/me?x=1", None),
        ("/v1/me/friends?state=enemies", ["state"]),
        (f"/v1/posts/{world.post}?as_of=x", None),
        ("/v1/feed?" + "&".join(f"p{n}=1" for n in range(60)), None),
    ):
        check(world.one.get(path), 400, fields)


def test_headers_that_are_not_as_they_should_be(world: World) -> None:
    one, path = world.one, f"/v1/posts/{world.post}"
    for name, value, method, where in (
        ("Homezone-At-Least", "x", "GET", "/v1/me"),
        ("Homezone-At-Least", "0", "GET", "/v1/me"),
        ("Homezone-At-Least", "0-1,0-2", "GET", "/v1/me"),
        ("Homezone-At-Least", "0-01", "GET", "/v1/me"),
        ("Homezone-At-Least", "4096-1", "GET", "/v1/me"),
        ("Homezone-At-Least", "0-1,", "GET", "/v1/me"),
        ("Homezone-At-Least", "0-9999999999999999999", "GET", "/v1/me"),
        ("Idempotency-Key", "x" * 256, "POST", "/v1/posts"),
        ("Idempotency-Key", "\xe9", "POST", "/v1/posts"),
        ("If-Match", "1", "PATCH", path),
        ("If-Match", '"1', "PATCH", path),
        ("If-Match", '"1",,', "DELETE", path),
        ("Homezone-Purpose", "x" * 501, "GET", "/v1/me"),
    ):
        body = shuoshuo() if method == "POST" else {"text": "x"} if method == "PATCH" else None
        reply = one.request(method, where, body, headers={name: value})
        assert reply.status == 400, (name, value, reply.body)
        check(reply, 400, [name])
    for kind in ("text/plain", "application/xml", "application/json; charset=latin-1", "json"):
        check(one.post("/v1/posts", shuoshuo(), headers={"Content-Type": kind}), 415)
    check(one.post("/v1/posts", shuoshuo(), headers={"Content-Encoding": "gzip"}), 415)
    check(one.request("POST", "/v1/posts", headers={"Expect": "miracles"}), 417)


def test_no_deadline_at_the_end_of_time(world: World) -> None:
    """It could not be read back, and no timer after it would be served."""
    path = f"/v1/accounts/{world.one.qq}/suspension"
    for until in ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "2999-01-01T00:00:00Z"):
        check(world.homezone.operator.put(path, {"reason": "x", "until": until}), 422, ["/until"])


def test_what_is_no_http_is_refused_without_an_echo(world: World) -> None:
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1/me HTTP/1.1\r\nAuthorization: Bearer " + MARK.encode() + b"\x00\r\n\r\n",
        b"GET /" + MARK.encode() + b" HTTP/9.9\r\n\r\n",
        b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n" + MARK.encode(),
        b"GET /v1/me HTTP/1.1\r\n" + b"A: " + b"x" * 20_000 + b"\r\n\r\n",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", world.homezone.port), timeout=10) as sent:
            answer = b""
            # Hanging up before all was heard is an answer, too.
            with suppress(ConnectionError):
                sent.sendall(raw)
                sent.shutdown(socket.SHUT_WR)
                while more := sent.recv(65_536):
                    answer += more
            assert MARK.encode() not in answer, answer
            if answer:
                head, _, body = answer.partition(b"\r\n\r\n")
                assert head.split()[1] in (b"400", b"401"), answer
                assert b"application/problem+json" in head
                assert json.loads(body)["status"] == int(head.split()[1])
                assert b"aiohttp" not in head
    world.one.get("/v1/me").ok(200)
