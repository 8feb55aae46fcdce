"""
Rules tried on history, as compliance does it: over HTTP while members go on, and from the command
line, with the server and without.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from domain.sealed import KeyClass
from tests.acceptance.moderation.asking import case_about, decide, staff
from tests.acceptance.processes import one_line, run
from tests.acceptance.test_albums import add, album
from tests.support.database import database_url, server_url
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone

__all__ = ["database_url", "server_url"]

HELD = {"id": "r-hold", "match": {"phrase": "zorblat"}, "action": "hold", "category": "nonsense"}
FLAGGED = {"id": "r-flag", "match": {"phrase": "quimfel"}, "action": "flag", "category": "nonsense"}
BLOCKED = {"id": "r-block", "match": {"phrase": "vexnor"}, "action": "block", "category": "rubbish"}
SECONDS_MAX = 60.0


@pytest.fixture
def homezone(database_url: str, tmp_path: Path) -> Iterator[RunningHomezone]:
    with running_homezone(database_url, tmp_path, cells=4) as running:
        yield running


@pytest.fixture
def compliance(homezone: RunningHomezone) -> Client:
    return homezone.client(10_001, "compliance")


def ask(compliance: Client, name: str = "ward", **body: Any) -> str:
    """Ask for a backtest; its id."""
    asked = compliance.post(f"/v1/moderation/rules/{name}/backtest", body).ok(202).json
    assert asked["state"] == "running"
    return str(asked["id"])


def outcome(compliance: Client, backtest: str, **headers: str) -> Any:
    """A backtest, once it is over."""
    until = time.monotonic() + SECONDS_MAX
    path = f"/v1/moderation/backtests/{backtest}"
    while time.monotonic() < until:
        found = compliance.request("GET", path, headers=headers).ok(200).json
        if found["state"] != "running":
            assert found["state"] == "done", found
            return found
        time.sleep(0.05)
    raise AssertionError("it does not come to its end")


def history(homezone: RunningHomezone, compliance: Client) -> dict[str, str]:
    """What members said before any rules, and then under some: the posts' ids, by their text."""
    one, other = homezone.members(2)
    posts = {"vexnor": one.publish("vexnor").json["id"]}
    rules = {"rules": [HELD, FLAGGED]}
    compliance.put("/v1/moderation/rules/ward", rules).ok()
    posts["zorblat"] = other.publish("zorblat").json["id"]
    posts["quimfel"] = one.publish("quimfel").json["id"]
    posts["mumble"] = other.publish("mumble").json["id"]
    other.comment(posts["mumble"], "vexnor").ok()
    return posts


def test_it_tells_what_would_have_become_of_everything(
    homezone: RunningHomezone, compliance: Client
) -> None:
    posts = history(homezone, compliance)
    found = outcome(compliance, ask(compliance, rules=[FLAGGED, BLOCKED]))
    report = found["report"]
    assert found["set"] == report["set"] == "ward"
    assert report["by_kind"] == {"comment": 1, "nickname": 2, "post": 4}
    assert (report["texts"], report["unreadable"], report["unchanged"]) == (7, 0, 4)
    assert report["newly_caught"]["texts"] == 2
    assert report["newly_caught"]["changes"] == [
        {"then": "published", "would": "refused", "texts": 2}
    ]
    (gone,) = report["no_longer_caught"]["examples"]
    assert (gone["id"], gone["then"], gone["would"]) == (posts["zorblat"], "held", "published")
    assert gone["hits"][0]["rule"] == "r-hold"
    assert report["otherwise_caught"]["texts"] == 0
    assert report["by_rule"] == [
        {"rule": "r-block", "texts": 2},
        {"rule": "r-flag", "texts": 1},
    ]
    assert report["by_category"] == {"nonsense": 1, "rubbish": 2}
    assert report["members"] == 2
    assert report["contradicted"]["of"] == 0
    text = json.dumps(found)
    assert not any(word in text for word in posts), "no word of a member is in it"


def test_texts_open_for_a_purpose_that_is_recorded(
    homezone: RunningHomezone, compliance: Client
) -> None:
    posts = history(homezone, compliance)
    backtest = ask(compliance, rules=[BLOCKED])
    assert "texts" not in outcome(compliance, backtest)
    assert not disclosed(homezone)
    found = outcome(compliance, backtest, **{"Homezone-Purpose": "trying a set"})
    (caught,) = [
        one for one in found["report"]["newly_caught"]["examples"] if one["kind"] == "post"
    ]
    assert found["texts"][caught["position"]] == {"text": "vexnor"}
    (read,) = disclosed(homezone)
    assert read["data"]["surface"] == "read_backtest"
    assert {posts["vexnor"], posts["zorblat"]} <= set(read["data"]["streams"])


def disclosed(homezone: RunningHomezone) -> list[Any]:
    auditor = homezone.client(10_002, "auditor")
    query = {"type": "disclosure.read.v1"}
    return list(auditor.get("/v1/audit/events", **query).ok().json["items"])


def test_without_rules_it_is_the_set_in_force(
    homezone: RunningHomezone, compliance: Client
) -> None:
    history(homezone, compliance)
    report = outcome(compliance, ask(compliance))["report"]
    in_force = compliance.get("/v1/moderation/rules/ward").ok().json
    assert report["hash"] == in_force["hash"]
    assert report["unchanged"] == report["texts"]
    compliance.post("/v1/moderation/rules/nothing/backtest", {}).refused(404, "not-found")


def test_a_part_of_history(homezone: RunningHomezone, compliance: Client) -> None:
    history(homezone, compliance)
    whole = outcome(compliance, ask(compliance, rules=[BLOCKED]))["report"]
    rest = outcome(compliance, ask(compliance, rules=[BLOCKED], **{"from": whole["until"]}))
    assert (rest["report"]["events"], rest["report"]["texts"]) == (0, 0)
    same = outcome(compliance, ask(compliance, rules=[BLOCKED], to=whole["until"], sample=0))[
        "report"
    ]
    assert same["newly_caught"]["examples"] == []
    same["newly_caught"]["examples"] = whole["newly_caught"]["examples"]
    same["no_longer_caught"]["examples"] = whole["no_longer_caught"]["examples"]
    same["otherwise_caught"]["examples"] = whole["otherwise_caught"]["examples"]
    assert same == whole
    early = ask(compliance, rules=[BLOCKED], to="2000-01-01T00:00:00Z")
    assert outcome(compliance, early)["report"]["events"] == 0


@pytest.mark.parametrize(
    ("body", "status", "problem", "field"),
    [
        ({"rules": [HELD, {**HELD, "match": {"regex": "("}}]}, 422, "bad-rule", "/rules/1/id"),
        (
            {"rules": [{**HELD, "match": {"regex": "("}}]},
            422,
            "bad-rule",
            "/rules/0/match/regex",
        ),
        ({"rules": [], "from": "9-9,9-8"}, 400, "invalid", "/from"),
        ({"rules": [], "to": "2026-02-31T00:00:00Z"}, 400, "invalid", "/to"),
        ({"rules": [], "level": 4}, 422, "out-of-bounds", "/level"),
        ({"rules": [], "sample": -1}, 422, "out-of-bounds", "/sample"),
        ({"rulez": []}, 400, "invalid", "/rulez"),
    ],
)
def test_what_cannot_be_tried(
    compliance: Client, body: Any, status: int, problem: str, field: str
) -> None:
    answer = compliance.post("/v1/moderation/rules/ward/backtest", body).refused(status, problem)
    assert answer.fields == [field]
    # And nothing stands in the way of the next.
    outcome(compliance, ask(compliance, rules=[]))


def test_it_is_for_compliance(homezone: RunningHomezone, compliance: Client) -> None:
    backtest = ask(compliance, rules=[])
    for role in ("member", "moderator", "auditor", "operator"):
        who = homezone.member() if role == "member" else homezone.client(10_003, role)
        who.post("/v1/moderation/rules/ward/backtest", {"rules": []}).refused(403)
        who.get(f"/v1/moderation/backtests/{backtest}").refused(403)
    compliance.get("/v1/moderation/backtests/00000000-0000-8000-8000-000000000000").refused(404)


def test_one_at_a_time(homezone: RunningHomezone, compliance: Client) -> None:
    history(homezone, compliance)
    with stopped_while_it_starts(compliance) as (process, asking):
        busy = homezone.client(10_004, "compliance")
        busy.post("/v1/moderation/rules/ward/backtest", {"rules": []}).refused(
            409, "backtest-running"
        )
        process.resume()
        first = asking.result(SECONDS_MAX).ok(202).json["id"]
    outcome(compliance, first)
    outcome(compliance, ask(compliance, rules=[]))


def test_a_server_that_stops_takes_it_along(database_url: str, tmp_path: Path) -> None:
    with running_homezone(database_url, tmp_path, cells=2) as homezone:
        asks = homezone.client(10_001, "compliance")
        with stopped_while_it_starts(asks) as (process, asking):
            stop = asyncio.run_coroutine_threadsafe(
                homezone.homezone.services.backtests.stop(), homezone.loop
            )
            stop.result(SECONDS_MAX)
            asking.result(SECONDS_MAX).refused(503, "unavailable")
            assert not process.is_running()


@contextmanager
def stopped_while_it_starts(
    compliance: Client,
) -> Iterator[tuple[psutil.Process, "Future[Reply]"]]:
    """A backtest that was asked for and whose process stands still; and the answer to come."""
    with ThreadPoolExecutor(1) as threads:
        asked = ("/v1/moderation/rules/ward/backtest", {"rules": [BLOCKED]})
        asking = threads.submit(compliance.post, *asked)
        until = time.monotonic() + SECONDS_MAX
        found: list[psutil.Process] = []
        while not found and time.monotonic() < until:
            found = [one for one in psutil.Process().children() if _tries(one)]
        (process,) = found
        process.suspend()
        try:
            yield process, asking
        finally:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _tries(process: psutil.Process) -> bool:
    try:
        return "replay.backtest.process" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_what_cannot_be_read_is_said(homezone: RunningHomezone, compliance: Client) -> None:
    posts = history(homezone, compliance)
    auditor = homezone.client(10_002, "auditor")
    published = auditor.get(f"/v1/audit/streams/{posts['vexnor']}").ok().json
    owner = published["events"][0]["owner"]
    homezone.homezone.vault.destroy(UUID(owner), KeyClass.CONTENT)
    report = outcome(compliance, ask(compliance, rules=[BLOCKED]))["report"]
    assert (report["unreadable"], report["by_kind"]["post"]) == (2, 2)


# The command line


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    path = tmp_path / "ward.json"
    path.write_text(json.dumps({"rules": [FLAGGED, BLOCKED]}))
    return path


def backtest(homezone: RunningHomezone, *arguments: object) -> Any:
    settings = homezone.homezone.settings
    where = ("--data-dir", settings.data_dir, "--database-url", settings.database_url)
    return run("rules", "backtest", *map(str, (*arguments, *where)), seconds=120)


def test_the_command_line_says_the_same(
    homezone: RunningHomezone, compliance: Client, rules_file: Path
) -> None:
    posts = history(homezone, compliance)
    asked = outcome(compliance, ask(compliance, rules=[FLAGGED, BLOCKED]))["report"]
    done = backtest(homezone, rules_file, "--json")
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
    report = json.loads(done.stdout)
    assert report == asked

    shown = backtest(homezone, rules_file, "--level", 2, "--sample", 1)
    assert shown.returncode == 0, shown.stderr
    assert "set         ward, at level 2" in shown.stdout
    assert "newly caught: 2" in shown.stdout
    assert "published → refused: 2" in shown.stdout
    assert not any(word in shown.stdout for word in posts)


def test_the_command_line_opens_texts_for_a_purpose_that_is_recorded(
    homezone: RunningHomezone, compliance: Client, rules_file: Path
) -> None:
    posts = history(homezone, compliance)
    plain = backtest(homezone, rules_file, "--json")
    assert not disclosed(homezone)
    reading = ("--purpose", "trying a set", "--user", 10_001)
    done = backtest(homezone, rules_file, "--json", *reading)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["report"] == json.loads(plain.stdout)
    (caught,) = [
        one
        for one in told["report"]["newly_caught"]["examples"]
        if one["kind"] == "post" and one["id"] == posts["vexnor"]
    ]
    assert told["texts"][caught["position"]] == {"text": "vexnor"}
    (read,) = disclosed(homezone)
    assert (read["data"]["surface"], read["data"]["role"]) == ("rules_backtest", "compliance")
    assert read["data"]["purpose"] == {"sealed": True}
    assert posts["vexnor"] in read["data"]["streams"]
    # The same person over HTTP is the same member of staff.
    outcome(compliance, ask(compliance, rules=[BLOCKED]), **{"Homezone-Purpose": "the same"})
    assert len({one["data"]["staff"] for one in disclosed(homezone)}) == 1
    shown = backtest(homezone, rules_file, *reading)
    assert "    text: 'vexnor'" in shown.stdout


def test_the_command_line_needs_no_server(database_url: str, tmp_path: Path) -> None:
    rules = tmp_path / "ward.json"
    rules.write_text(json.dumps({"rules": [BLOCKED]}))
    with running_homezone(database_url, tmp_path / "data", cells=2) as homezone:
        history(homezone, homezone.client(10_001, "compliance"))
    done = backtest(homezone, rules, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["newly_caught"]["texts"] == 2


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("{", 1, "is not JSON"),
        ('{"rules": [{"id": "r-1"}]}', 1, "/rules/0"),
        (json.dumps({"rules": [{**HELD, "match": {"phrase": "~"}}]}), 1, "'r-hold'"),
        (json.dumps({"rules": [HELD, HELD]}), 1, "/rules/1/id: rule 'r-hold'"),
    ],
)
def test_a_bad_file_is_named(
    homezone: RunningHomezone, tmp_path: Path, text: str, status: int, said: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    line = one_line(backtest(homezone, path), status)
    assert str(path) in line
    assert said in line


def test_wrong_usage(homezone: RunningHomezone, tmp_path: Path, rules_file: Path) -> None:
    one_line(backtest(homezone, tmp_path / "none.json"), 2)
    one_line(backtest(homezone, rules_file, "--from", "yesterday"), 2)
    one_line(backtest(homezone, rules_file, "--level", 4), 2)
    one_line(backtest(homezone, rules_file, "--purpose", "curious"), 2)
    one_line(backtest(homezone, rules_file, "--user", 10_001), 2)
    one_line(backtest(homezone, rules_file, "--purpose", " ", "--user", 10_001), 2)
    one_line(backtest(homezone, rules_file, "--purpose", "curious", "--user", 999), 2)


def test_titles_and_what_is_said_of_photos_are_tried_as_well(
    homezone: RunningHomezone, compliance: Client
) -> None:
    owner = homezone.member()
    mine = album(owner, title="vexnor")
    photo = add(owner, mine, 1, caption="a zorblat", alt="vexnor")
    add(owner, mine, 2)
    compliance.put("/v1/moderation/rules/ward", {"rules": [HELD]}).ok()
    held = add(owner, mine, 3, caption="a zorblat")
    owner.patch(f"/v1/albums/{mine}", {"title": "a zorblat"}).ok(200)
    found = outcome(compliance, ask(compliance, rules=[BLOCKED]))["report"]
    assert {kind: found["by_kind"][kind] for kind in ("album", "photo")} == {"album": 2, "photo": 2}
    caught = {(one["kind"], one["id"]) for one in found["newly_caught"]["examples"]}
    assert caught == {("album", mine), ("photo", photo)}
    gone = {(one["kind"], one["id"]) for one in found["no_longer_caught"]["examples"]}
    assert gone == {("album", mine), ("photo", held)}


def test_decisions_of_titles_and_photos_are_held_against_a_set(
    homezone: RunningHomezone, compliance: Client
) -> None:
    owner, other = homezone.members(2)
    mine = album(owner, title="vexnor")
    photo = add(owner, mine, 1, caption="zorblat")
    moderator = staff(homezone)
    for kind, subject in (("album", mine), ("photo", photo)):
        said = {"subject": {"kind": kind, "id": subject}, "category": "spam"}
        at = other.post("/v1/reports", said).ok(201).position
        case = case_about(moderator, subject, at_least=at)["id"]
        moderator.post(f"/v1/moderation/cases/{case}/claim").ok(200)
        decide(moderator, case, "no_action").ok(201)
    found = outcome(compliance, ask(compliance, rules=[BLOCKED, HELD]))["report"]
    assert (found["contradicted"]["of"], found["contradicted"]["decisions"]) == (2, 2)
