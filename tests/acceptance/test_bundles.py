"""
Evidence bundles from outside: over HTTP, and from the command line.
"""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.acceptance.bundles import bundle_made
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually

PURPOSE = {"Homezone-Purpose": "for the court"}
RULES = {
    "rules": [{"id": "r-1", "match": {"phrase": "zorblat"}, "action": "hold", "category": "spam"}]
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundled")


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as made:
        yield made


@pytest.fixture(scope="module")
def homezone(url: str, folder: Path) -> Iterator[RunningHomezone]:
    with running_homezone(url, folder, notary_name="example.com/homezone") as running:
        yield running


@pytest.fixture
def auditor(homezone: RunningHomezone) -> Client:
    return homezone.client(13_001, "auditor")


def homezone_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def fetched(staff: Client, body: dict[str, Any], path: Path) -> zipfile.ZipFile:
    """A bundle in a file, whose own verifier finds that it holds."""
    bundle = bundle_made(staff, body)
    reply = staff.request("GET", f"/v1/audit/exports/{bundle}/content", headers=PURPOSE).ok(200)
    assert reply.headers["content-type"] == "application/zip"
    path.write_bytes(reply.body)
    archive = zipfile.ZipFile(io.BytesIO(reply.body))
    verifier = path.with_suffix(".py")
    verifier.write_bytes(archive.read("verify.py"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(verifier), str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert homezone_command("audit", "check", str(path)).stdout == done.stdout
    return archive


def lines(archive: zipfile.ZipFile, name: str) -> list[Any]:
    return [json.loads(line) for line in archive.read(name).splitlines()]


def test_an_auditor_gets_the_trail_of_moderation_with_the_rules_it_followed(
    homezone: RunningHomezone, auditor: Client, tmp_path: Path
) -> None:
    compliance = homezone.client(13_002, "compliance")
    compliance.put("/v1/moderation/rules/house", RULES).ok()
    author = homezone.member()
    before = homezone.everything()
    held = author.post(
        "/v1/posts", {"kind": "shuoshuo", "text": "zorblat!", "audience": {"to": "public"}}
    ).ok(201)
    plain = author.publish("举头望明月").json["id"]
    opened = {"type": "case.opened.v1", "from": before}
    eventually(lambda: bool(auditor.walk("/v1/audit/events", **opened)))
    asked = {"from": before, "to": homezone.everything(), "kind": "moderation"}
    archive = fetched(auditor, asked, tmp_path / "bundle.zip")
    events = lines(archive, "events.ndjson")
    types = {one["data"]["type"] for one in events}
    assert {"post.held.v1", "case.opened.v1", "rules.published.v1"} <= types
    assert "post.published.v1" not in types
    assert "zorblat!" not in archive.read("events.ndjson").decode()
    streams = {one["record"]["stream"] for one in lines(archive, "records.ndjson")}
    assert {held.json["id"], plain} <= streams, "of what was not asked for there are records"
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["counts"]["rule_sets"] == 1
    assert manifest["filter"] == {"kind": "moderation", "owner": None, "stream": None}


def test_a_bundle_of_one_member_and_one_of_one_stream(
    homezone: RunningHomezone, auditor: Client, tmp_path: Path
) -> None:
    author, other = homezone.member(), homezone.member()
    post = author.publish().json["id"]
    other.comment(post).ok()
    me = author.get("/v1/me").json["id"]
    to = homezone.everything()
    of_member = fetched(auditor, {"owner": str(author.qq), "to": to}, tmp_path / "member.zip")
    assert {one["owner"] for one in lines(of_member, "events.ndjson")} == {me}
    of_stream = fetched(auditor, {"stream": post, "to": to}, tmp_path / "stream.zip")
    (event,) = lines(of_stream, "events.ndjson")
    assert event["data"]["type"] == "post.published.v1"
    assert of_stream.read("trail.csv").decode().count("\r\n") == 2


def test_taking_a_bundle_is_recorded(
    homezone: RunningHomezone, auditor: Client, tmp_path: Path
) -> None:
    since = homezone.everything()
    fetched(auditor, {"to": since}, tmp_path / "bundle.zip")
    taken = auditor.walk(
        "/v1/audit/events",
        at_least=homezone.everything(),
        **{"from": since, "type": "disclosure.exported.v1"},
    )
    (data,) = (one["data"] for one in taken)
    assert (data["surface"], data["until"], data["role"]) == ("fetch_bundle", since, "auditor")
    assert data["purpose"] == {"sealed": True}


def test_who_may_ask_and_for_what(homezone: RunningHomezone, auditor: Client) -> None:
    member = homezone.member()
    member.post("/v1/audit/exports", {}).refused(403)
    homezone.client(13_003, "moderator").post("/v1/audit/exports", {}).refused(403)
    homezone.with_token(None).post("/v1/audit/exports", {}).refused(401)
    auditor.post("/v1/audit/exports", {"kind": "gossip"}).refused(400)
    auditor.post("/v1/audit/exports", {"from": "0-1,0-2"}).refused(422)
    auditor.post("/v1/audit/exports", {"owner": "99999999999"}).refused(404)
    for path in (f"/v1/audit/exports/{uuid4()}", f"/v1/audit/exports/{uuid4()}/content"):
        auditor.get(path).refused(404)
        member.get(path).refused(403)
    beyond = auditor.post("/v1/audit/exports", {"to": "0-999999999"}).ok(202).json["id"]
    eventually(lambda: auditor.get(f"/v1/audit/exports/{beyond}").json["state"] == "failed")
    assert auditor.get(f"/v1/audit/exports/{beyond}").json["reason"] == "no-such-range"
    auditor.get(f"/v1/audit/exports/{beyond}/content").refused(409, "bundle-not-made")


def test_from_the_command_line(
    homezone: RunningHomezone, url: str, folder: Path, tmp_path: Path
) -> None:
    author = homezone.member()
    author.publish()
    me = UUID(author.get("/v1/me").json["id"])
    out = tmp_path / "bundle.zip"
    where = ("--data-dir", str(folder), "--database-url", url)
    until = homezone.everything()
    made = homezone_command(
        "audit", "export", "--to", until, "--owner", str(me), "--out", str(out), *where
    )
    assert made.returncode == 0, made.stderr
    assert "events" in made.stdout
    status = json.loads(homezone_command("status", "--json", *where).stdout)
    key = status["notary"]["vkey"]
    checked = homezone_command("audit", "check", str(out), "--key", key)
    assert checked.returncode == 0, checked.stderr
    assert "signed by the key that was given" in checked.stdout
    assert "which proves no more than that" in homezone_command("audit", "check", str(out)).stdout
    raw = bytearray(out.read_bytes())
    raw[len(raw) // 2] ^= 1
    out.write_bytes(raw)
    spoiled = homezone_command("audit", "check", str(out))
    assert (spoiled.returncode, len(spoiled.stderr.splitlines())) == (1, 1)
    for wrong in (("check", str(tmp_path / "no.zip")), ("check", str(out), "--key", "nobody"),
                  ("export", "--to", "0-99999999", "--out", str(out), *where),
                  ("export", "--from", "gestern", "--out", str(out), *where)):  # fmt: skip
        assert homezone_command("audit", *wrong).returncode == 2, wrong
