"""
What a server writes down of what happens: lines that a machine reads, that lead from one to the
other by their ids, and that nobody's words get into, whatever goes wrong.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from tests.acceptance.processes import ServeProcess, serving
from tests.acceptance.test_secrets import CHINESE, CORE, search
from tests.support.database import enterable_directory, fresh_database, remove_data
from tests.support.homezone import Client, Reply

QQ, OTHER_QQ = 71_828_182_845, 31_415_926_535
WORDS = (CORE, CHINESE, str(QQ), str(OTHER_QQ))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UPSTREAM = "7f3c2b1a-0d9e-4c5b-8a7f-6e5d4c3b2a19"
#: In every header that a client may think of, on every request.
HOSTILE = {
    "User-Agent": f"{CORE}-agent",
    "Cookie": f"session={CORE}-cookie",
    "Referer": f"https://example.org/{CORE}",
    "X-Request-Id": f"{CORE}-request",
    "traceparent": f"00-{CORE}-{CORE}-01",
    "tracestate": f"{CORE}={CORE}",
    "baggage": f"who={CORE}",
    "X-Forwarded-For": f"{CORE}, 6.6.6.6",
    "Forwarded": f"for={CORE}",
    "Accept-Language": CORE,
}


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def execute(url: str, *statements: str) -> None:
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def lines_of(server: ServeProcess) -> list[dict[str, Any]]:
    """All that looks like a log line; a machine must be able to read each."""
    return [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]


def line_of(server: ServeProcess, **fields: object) -> dict[str, Any]:
    """The line that says this, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for line in lines_of(server):
            if fields.items() <= line.items():
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line says {fields}\n{server.said}")


def refused_by_us(ask: Callable[[], Reply]) -> Reply:
    """The first answer of 500, as long as it takes for what is broken to be met."""
    deadline = time.monotonic() + 30
    while (reply := ask()).status != 500:
        assert time.monotonic() < deadline, reply
        time.sleep(0.05)
    return reply


def request_named_by(reply: Reply) -> str:
    instance = reply.json["instance"]
    assert re.fullmatch(r"/requests/[0-9a-f]{12}-[0-9]+", instance)
    return str(instance).removeprefix("/requests/")


class Hostile(Client):
    """A client who writes words into every place there is."""

    def _send(self, method: str, path: str, raw: bytes | None, headers: Any) -> Reply:
        return super()._send(method, path, raw, {**HOSTILE, **headers})


def hostile(server: ServeProcess, qq: int, role: str = "member") -> Hostile:
    return Hostile(("127.0.0.1", server.port), server.client(qq, role).token, qq)


def work(server: ServeProcess) -> tuple[Hostile, Hostile, str]:
    """What succeeds, and what is refused for good reasons."""
    operator = hostile(server, 10_000, "operator")
    for qq in (QQ, OTHER_QQ):
        account = {"nickname": CORE, "real_name": f"{CORE}-real", "birth_date": "1913-07-19"}
        operator.post("/v1/accounts", {"qq": qq, **account}, key=f"{CORE}-{qq}").ok(201)
    one, other = hostile(server, QQ), hostile(server, OTHER_QQ)
    one.befriend(other)
    post = str(one.publish(f"{CORE} {CHINESE}", mood=CORE).json["id"])
    other.comment(post, CORE).ok(201)
    other.get("/v1/feed").ok()
    # Paths, queries, methods, bodies, tokens, conditions and cursors.
    one.get(f"/v1/posts/{CORE}").refused(404)
    one.get(f"/v1/{CORE}", q=CORE).refused(404)
    one.get("/v1/feed", cursor=CORE).refused(400)
    one.get("/v1/feed", at_least=CORE).refused(400)
    assert one.request(CORE.upper(), "/v1/feed").status in (400, 404, 405)
    one.post("/v1/posts", raw=f'{{"{CORE}": "'.encode()).refused(400)
    one.post("/v1/posts", {CORE: CORE}).refused(400)
    one.post("/v1/posts", raw=b"x", headers={"Content-Type": CORE}).refused(415)
    one.patch(f"/v1/posts/{post}", {"text": "x"}, headers={"If-Match": f'"{CORE}"'}).refused(412)
    Hostile(("127.0.0.1", server.port), f"{CORE}.{CORE}.{CORE}").get("/v1/me").refused(401)
    with_id = one.request("GET", "/v1/stream", headers={"Last-Event-ID": CORE})
    assert with_id.status == 400
    return one, other, post


def test_lines_lead_to_each_other_and_tell_of_nobody(ground: Path, server_url: str) -> None:
    with (
        fresh_database(server_url) as url,
        serving(ground / "logs", "--database-url", url, "--access-log", "all") as server,
    ):
        one, other, post = work(server)

        # A read model that has another shape than the code believes: a defect, said as a 500.
        execute(url, "ALTER TABLE models.comments RENAME COLUMN thread TO strand")
        comments = f"/v1/posts/{post}/comments"
        sent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-Id": UPSTREAM}
        reply = refused_by_us(lambda: other.request("GET", comments, headers=sent))
        line = line_of(server, message="request failed", request=request_named_by(reply))
        assert (line["trace"], line["upstream"]) == (TRACE, UPSTREAM)
        assert line["operation"] == "list_comments"
        assert line["level"] == "error"
        assert any("reading" in place for place in line["raised_at"])
        access = line_of(server, message="request", request=line["request"])
        assert (access["operation"], access["status"]) == ("list_comments", 500)
        assert access["milliseconds"] > 0
        assert access["trace"] == TRACE
        execute(url, "ALTER TABLE models.comments RENAME COLUMN strand TO thread")

        # A command that cannot be written, alone: found again by its correlation id.
        execute(
            url,
            "ALTER TABLE log.events ADD CONSTRAINT fault"
            " CHECK (type <> 'post.published.v1') NOT VALID",
        )
        body = {"kind": "shuoshuo", "text": f"{CORE} {CHINESE}", "audience": {"to": "public"}}
        reply = refused_by_us(lambda: one.post("/v1/posts", body, key=f"{CORE}-fault"))
        failed = line_of(server, message="request failed", request=request_named_by(reply))
        fault = line_of(
            server,
            message="a command cannot be written, alone of its batch",
            correlation=failed["correlation"],
        )
        assert fault["sqlstate"] == "23514"
        assert fault["events"] == ["PostPublished"]
        execute(url, "ALTER TABLE log.events DROP CONSTRAINT fault")

        # A policy that cannot answer an event, which has the correlation of the command behind it.
        execute(
            url,
            "ALTER TABLE log.events ADD CONSTRAINT fault"
            " CHECK (type <> 'friend.lapsed.v1') NOT VALID",
        )
        one.delete(f"/v1/me/friends/{OTHER_QQ}").ok()
        line = line_of(server, message="a policy cannot answer an event yet")
        assert re.fullmatch(r"\d+-\d+", line["position"])
        ended = line_of(server, message="request", correlation=line["correlation"])
        assert (ended["operation"], ended["status"]) == ("unfriend", 200)
        execute(url, "ALTER TABLE log.events DROP CONSTRAINT fault")

        # The database goes away under everybody.
        execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        for _ in range(20):
            one.post("/v1/posts", body)
            one.get("/v1/feed")
        metrics = one.get("/metrics").body.decode()

        for line in lines_of(server):
            assert {"at", "level", "message"} <= line.keys(), line
        for word in WORDS:
            assert word not in metrics
    assert search([server.log.parent], WORDS) == {}
    assert "Traceback" not in server.said


def test_what_is_usual_is_not_written_down(ground: Path, server_url: str) -> None:
    with (
        fresh_database(server_url) as url,
        serving(ground / "quiet", "--database-url", url, "--access-log", "off") as server,
    ):
        one, _, post = work(server)
        one.get(f"/v1/posts/{post}").ok()
        assert [line for line in lines_of(server) if line["message"] == "request"] == []
