"""
The command line, as its users type it: real processes, real signals, no traceback ever.
"""

import json
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from api.cli import main
from tests.acceptance.processes import ServeProcess, gone, one_line, run, serving
from tests.support.database import enterable_directory, fresh_database, remove_data
from tests.support.homezone import Client


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """Where data directories may stand."""
    directory = enterable_directory()
    yield directory
    remove_data(directory)


@pytest.fixture(scope="module")
def server(ground: Path) -> Iterator[ServeProcess]:
    """A server with its own embedded PostgreSQL, for many commands."""
    with serving(ground / "shared") as server:
        join(server, 10_001)
        yield server


def join(server: ServeProcess, qq: int) -> Client:
    """A new member."""
    account = {"qq": qq, "nickname": "李白", "real_name": "李太白", "birth_date": "2001-02-03"}
    server.client(10_000, "operator").post("/v1/accounts", account).ok(201)
    return server.client(qq)


def connection_to(url: str) -> Any:
    for_libpq = make_url(url).set(drivername="postgresql")
    return psycopg2.connect(for_libpq.render_as_string(hide_password=False))


def execute(url: str, statement: str) -> None:
    """A statement by somebody who is not Homezone."""
    connection = connection_to(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


# serve


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_stops_all_of_it_cleanly(ground: Path, name: str) -> None:
    with serving(ground / "signals") as server:
        post = join(server, 10_001 if name == "SIGINT" else 10_002).publish().json["id"]
        assert post
        family = server.family()
        assert len(family) > 1, "it brings a PostgreSQL"
        assert server.stop(getattr(signal, name)) == 0
        assert gone(family)
        assert "Traceback" not in server.said


def test_nothing_is_lost_by_kill_9(ground: Path) -> None:
    directory = ground / "killed"
    with serving(directory, "--cells", "4") as server:
        author = join(server, 10_001)
        posts = [author.publish(f"第{number}首").json["id"] for number in range(20)]
        last = author.post("/v1/posts", _SHUOSHUO, key="k").ok(201)
        token = author.token
        server.kill()
    with serving(directory) as server:
        author = Client(("127.0.0.1", server.port), token, 10_001)
        found = author.walk("/v1/spaces/10001/posts", limit=7, at_least=last.position)
        assert [post["id"] for post in found] == [last.json["id"], *posts[::-1]]
        again = author.post("/v1/posts", _SHUOSHUO, key="k").ok(201)
        assert again.json == last.json
        assert again.headers["idempotency-replayed"] == "true"
        family = server.family()
    assert gone(family)


_SHUOSHUO = {"kind": "shuoshuo", "text": "床前明月光", "audience": {"to": "public"}}


def test_a_port_in_use_is_said_in_one_line(ground: Path, server_url: str) -> None:
    with fresh_database(server_url) as url, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        place = ("--data-dir", str(ground / "port"), "--database-url", url)
        line = one_line(run("serve", "--port", port, *place), 1)
        assert port in line


def test_a_second_server_on_a_data_directory_is_refused(server: ServeProcess) -> None:
    arguments = ("serve", "--port", "0", "--data-dir", str(server.data_dir))
    line = one_line(run(*arguments), 1)
    assert str(server.data_dir) in line or "in use" in line
    assert server.client(10_001).get("/v1/me").status == 200, "the first is not disturbed"


def test_two_servers_on_two_data_directories(server: ServeProcess, ground: Path) -> None:
    with serving(ground / "another") as other:
        assert other.port != server.port
        server.client(10_001).get("/v1/me").ok(200)
        other.client(10_001).get("/v1/me").refused(403, "no-account")
        stranger = Client(("127.0.0.1", other.port), server.client(10_001).token)
        stranger.get("/v1/me").refused(401, "unauthenticated")


def test_two_servers_on_one_database_serve_the_same_members(ground: Path, server_url: str) -> None:
    place = ground / "one-database"
    with (
        fresh_database(server_url) as url,
        serving(place, "--database-url", url) as first,
        serving(place, "--database-url", url) as second,
    ):
        author = join(first, 10_001)
        reader = join(second, 10_002)
        twin = Client(("127.0.0.1", second.port), author.token, 10_001)
        author.put("/v1/me/friends/10002").ok()
        reader.put("/v1/me/friends/10001").ok()
        for number in range(15):
            here, there = (author, twin) if number % 2 else (twin, author)
            written = here.publish(f"第{number}首", to="friends")
            path = f"/v1/posts/{written.json['id']}"
            assert there.get(path, at_least=written.position).ok(200).json["version"] == 1
            edited = there.patch(path, {"text": f"第{number}句"}).ok(200)
            feed = reader.get("/v1/feed", at_least=edited.position).ok(200).json["items"]
            assert feed[0]["text"] == f"第{number}句"
            liked = reader.put(f"{path}/like").ok(200)
            assert here.get(path, at_least=liked.position).json["likes"] == 1
            here.put(f"{path}/audience", {"to": "only_me"}).ok(200)
            reader.get(path).refused(404)
        key = {"key": "both"}
        made = author.post("/v1/posts", _SHUOSHUO, **key).ok(201)
        assert twin.post("/v1/posts", _SHUOSHUO, **key).ok(201).body == made.body
        operator = first.client(10_000, "operator")
        operator.put("/v1/accounts/10001/suspension", {"reason": "x"}).ok()
        twin.get("/v1/me").refused(403, "suspended")
        twin.post("/v1/posts", _SHUOSHUO).refused(403, "suspended")
        elsewhere = ("--data-dir", str(ground / "other-keys"), "--database-url", url)
        line = one_line(run("serve", "--port", "0", *elsewhere), 1)
        assert "keys" in line, "what only other keys open is not served without them"
        second.client(10_000, "operator").delete("/v1/accounts/10001/suspension").ok()
        author.get("/v1/me").ok(200)
        author.publish()


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    url = "postgresql://nobody:unmistakable-password@127.0.0.1:1/nowhere"
    place = ("--data-dir", str(tmp_path), "--database-url", url)
    for command in (("serve", "--port", "0"), ("status",), ("replay", "check")):
        line = one_line(run(*command, *place), 1)
        assert "unmistakable-password" not in line
    assert "unmistakable" not in one_line(
        run("status", "--data-dir", str(tmp_path), "--database-url", "mysql://unmistakable@x/y"), 1
    )


# token


def test_a_token_is_printed_and_opens_the_door(server: ServeProcess) -> None:
    for role in ("member", "moderator", "compliance", "auditor", "operator"):
        arguments = ("--role", role, "--ttl", "90s", "--data-dir", str(server.data_dir))
        done = run("token", "--user", "10001", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        token = done.stdout.strip()
        assert token.count(".") == 2
        status = Client(("127.0.0.1", server.port), token).get("/v1/me").status
        assert status == (200 if role == "member" else 403)


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--user", "10001"),
        ("token", "--role", "member"),
        ("token", "--user", "10001", "--role", "king"),
        ("token", "--user", "x", "--role", "member"),
        ("token", "--user", "999", "--role", "member"),
        ("token", "--user", "100000000000", "--role", "member"),
        ("token", "--user", "10001", "--role", "member", "--ttl", "forever"),
        ("token", "--user", "10001", "--role", "member", "--ttl", "0s"),
        ("token", "--user", "10001", "--role", "member", "--ttl", "-1h"),
        ("token", "--user", "10001", "--role", "member", "--ttl", "9999999d"),
        ("serve", "--port", "x"),
        ("serve", "--port", "65536"),
        ("serve", "--port", "-1"),
        ("serve", "--limits", "maybe"),
        ("serve", "--cells", "0"),
        ("serve", "--limit-member", "many"),
        ("serve", "--limit-writes", "0/1"),
        ("serve", "--trusted-proxies", "everybody"),
        ("serve", "--requests-max", "0"),
        ("serve", "--access-log", "loud"),
        ("serve", "--drain", "-1"),
        ("migrate", "--cells", "0"),
        ("serve", "--jwks-url", "http://127.0.0.1:1/jwks"),
        ("serve", "--rails", "nowhere"),
        ("serve", "--rails", "pay=http://pay.example"),
        ("serve", "--rails", "demo=https://pay.example"),
        ("serve", "surprise"),
        ("simulate", "--users", "x"),
        ("simulate", "--users", "0"),
        ("simulate", "--actions", "-1"),
        ("replay", "rebuild", "no-such-model"),
        ("replay", "check", "no-such-model"),
        ("replay", "backwards"),
        ("replay", "as-of"),
        ("replay", "as-of", "0-1"),
        ("replay", "as-of", "yesterday", "--schema", "then"),
        ("replay", "as-of", "0-1", "--schema", "models"),
        ("status", "--surprise"),
        ("backup",),
        ("backup", "here", "there"),
        ("restore",),
        ("restore", "here", "--until", "yesterday"),
        ("restore", "here", "--until", "0-1,0-2"),
        ("restore", "here", "--until", "2026-11-22T08:00:00"),
        ("frobnicate",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_2(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "none"))
    assert called(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("homezone: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "none").exists(), "nothing is set up for a wrong question"


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The command line without its process: how it exits."""
    monkeypatch.setattr(sys, "argv", ["homezone", *arguments])
    with warnings.catch_warnings():
        # The library warns of reading sys.argv in a test, which is just what is meant here.
        warnings.simplefilter("ignore", UserWarning)
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code


def test_the_process_ends_as_its_command_does(tmp_path: Path) -> None:
    place = ("--data-dir", str(tmp_path))
    one_line(run("token", "--user", "999", "--role", "member", *place), 2)
    one_line(run("serve", "--port", "65536", *place), 2)


# status


def test_status_tells_how_the_store_is_doing(server: ServeProcess) -> None:
    done = run("status", "--json", "--data-dir", str(server.data_dir))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["database_url"].startswith("postgresql")
    assert report["embedded"] is True
    assert report["cells"] == 16
    assert report["events"] >= 2
    assert set(report["projections"].values()) == {0}
    assert report["server"]["ready"] is True
    assert report["moderation"] == {
        "cases_open": {}, "cases_overdue": {}, "promises_broken": {},
    }  # fmt: skip
    connection_to(report["database_url"]).close()
    plain = run("status", "--data-dir", str(server.data_dir))
    assert plain.returncode == 0
    assert "embedded" in plain.stdout
    assert "cases      0 open; 0 promises broken so far" in plain.stdout
    assert "posts" in plain.stdout
    assert f"calendar   {report['calendar']['version']}, known until" in plain.stdout


def test_status_hides_a_password(ground: Path, server_url: str) -> None:
    with fresh_database(server_url) as url:
        secret = make_url(url).set(password="unmistakable-password")
        shown = secret.render_as_string(hide_password=False)
        with serving(ground / "password", "--database-url", shown):
            pass
        done = run(
            "status", "--json", "--data-dir", str(ground / "password"), "--database-url", shown
        )
        assert "unmistakable-password" not in done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["embedded"] is False


# simulate, replay


def test_a_world_is_simulated_rebuilt_and_checked(server: ServeProcess) -> None:
    place = ("--data-dir", str(server.data_dir))
    address = f"http://127.0.0.1:{server.port}"
    done = run("simulate", "--users", "8", "--actions", "100", "--url", address, *place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 actions" in done.stdout
    assert "latencies" in done.stdout
    assert "100/100" in done.stderr, "long work shows progress"
    assert "Traceback" not in done.stdout + done.stderr

    checked = run("replay", "check", *place)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "posts" in checked.stdout
    rebuilt = run("replay", "rebuild", *place)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "swapped in" in rebuilt.stdout
    member = server.client(10_001)
    written = member.publish("after the rebuild")
    post = written.json["id"]
    member.delete(f"/v1/posts/{post}").ok()
    made = run("replay", "as-of", written.position, "--schema", "then", *place)
    assert made.returncode == 0, made.stdout + made.stderr
    assert f" as of {written.position}" in made.stdout.replace(",", " as of ")
    written = member.publish("after the rebuild")
    path = f"/v1/posts/{written.json['id']}"
    assert member.get(path, at_least=written.position).ok(200).json["text"] == "after the rebuild"

    report = json.loads(run("status", "--json", *place).stdout)
    execute(
        report["database_url"],
        f"DO $$ BEGIN ASSERT EXISTS (SELECT FROM \"then\".posts WHERE post = '{post}') AND NOT"
        f" EXISTS (SELECT FROM models.posts WHERE post = '{post}'); END $$",
    )
    post = written.json["id"]
    execute(
        report["database_url"],
        f"UPDATE models.posts SET kind = 'diary' WHERE post = '{post}'",
    )
    found = run("replay", "check", "posts", *place)
    assert found.returncode == 1
    assert post in found.stdout, "it names the row"
    assert "kind" in found.stdout
    assert found.stderr.strip().splitlines()[-1].startswith("homezone: ")
    assert "Traceback" not in found.stdout + found.stderr
    assert run("replay", "rebuild", "posts", *place).returncode == 0
    assert run("replay", "check", "posts", "gates", *place).returncode == 0
    assert member.get(path).ok(200).json["kind"] == "shuoshuo"


def test_commands_without_a_server_running(ground: Path, server: ServeProcess) -> None:
    done = run("simulate", "--url", "http://127.0.0.1:9", "--data-dir", str(server.data_dir))
    one_line(done, 1)
    empty = run("status", "--json", "--data-dir", str(ground / "nothing"))
    assert "Traceback" not in empty.stdout + empty.stderr
    if empty.returncode:
        one_line(empty, 1)
    else:
        assert json.loads(empty.stdout)["events"] == 0


def test_help_is_there_for_everything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ((), ("serve",), ("token",), ("simulate",), ("status",), ("migrate",),
                    ("replay",), ("backup",), ("restore",),
                    ("replay", "rebuild"), ("replay", "check")):  # fmt: skip
        assert called(monkeypatch, *command, "--help") == 0
        assert "homezone" in capsys.readouterr().out
