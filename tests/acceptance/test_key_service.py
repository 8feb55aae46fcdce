"""
A server whose master key a KMS wraps: from its first start to the day on which the KMS is away.
"""

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.acceptance.processes import ServeProcess, one_line, run, serving
from tests.acceptance.test_backup import client, join
from tests.support.database import enterable_directory, remove_data
from tests.support.homezone import Client
from tests.support.kms import running_kms
from tests.support.waiting import eventually

DEED = ("--user", "10000", "--purpose", "its term is over")
SECONDS_MAX = 120.0


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def reach(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def status(place: Path) -> Any:
    done = run("status", "--json", "--data-dir", str(place))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rotate(place: Path, *more: str) -> str:
    done = run("keys", "rotate", "--data-dir", str(place), *more, seconds=SECONDS_MAX)
    assert done.returncode == 0, done.stderr
    return done.stdout


def signed(somebody: Client) -> int:
    return int(somebody.get("/v1/audit/checkpoint").ok().body.split(b"\n")[1])


def feeder(server: ServeProcess) -> psutil.Process:
    return next(one for one in server.family() if "api.wiring.feeding" in one.cmdline())


def test_a_running_server_needs_its_kms_no_more(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ground / "data"
    with running_kms() as kms:
        reach(kms.environment, monkeypatch)
        url = kms.key()
        monkeypatch.setenv("KMS_URL", url)
        with serving(place) as server:
            member = join(server, 10_001)
            post = member.publish("床前明月光").json["id"]
            eventually(lambda: member.get("/v1/audit/checkpoint").status == 200)
            assert status(place)["keys"] == {"wrapped_by": url}
            assert "the master key was unwrapped" in server.said
            before = signed(member)
            reach(kms.out_of_reach, monkeypatch)
            # The process that has the keys of the notary ends, and its next one does not ask.
            feeder(server).send_signal(signal.SIGKILL)
            join(server, 10_002).publish("疑是地上霜")
            eventually(lambda: signed(member) > before)
            assert member.get(f"/v1/posts/{post}").ok().json["text"] == "床前明月光"
        # It does not start again, and says why in one line.
        refused = run("serve", "--port", "0", "--data-dir", str(place), seconds=SECONDS_MAX)
        said = [line for line in refused.stderr.splitlines() if line.startswith("homezone: ")]
        assert refused.returncode == 1
        assert said == [f"homezone: the KMS of {url} cannot be reached"]
        reach(kms.environment, monkeypatch)
        with serving(place) as server:
            again = client(server, 10_001).get(f"/v1/posts/{post}")
            assert again.ok().json["text"] == "床前明月光"


def test_an_operator_moves_the_master_key_and_the_log_has_it(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ground / "data"
    with running_kms() as kms:
        reach(kms.environment, monkeypatch)
        url = kms.alias("homezone")
        with serving(place) as server:
            post = join(server, 10_001).publish("床前明月光").json["id"]
            assert status(place)["keys"] == {"wrapped_by": None}
            busy = run("keys", "rotate", "--data-dir", str(place), "--to", url, *DEED)
            assert "in use" in one_line(busy, 1)
        unsaid = run("keys", "rotate", "--data-dir", str(place), "--to", url)
        assert "--purpose" in one_line(unsaid, 2)
        assert url in rotate(place, "--to", url, *DEED)
        rotate(place, *DEED)
        backup, kept = ground / "backup", ground / "kept"
        saved = run("backup", str(backup), "--keys-to", str(kept), "--data-dir", str(place))
        assert saved.returncode == 0, saved.stderr
        back = ground / "back"
        arguments = ("--keys", str(kept), "--data-dir", str(back))
        restored = run("restore", str(backup), *arguments, seconds=SECONDS_MAX)
        assert restored.returncode == 0, restored.stderr
        with serving(back, "--kms", url) as server:
            again = client(server, 10_001).get(f"/v1/posts/{post}")
            assert again.ok().json["text"] == "床前明月光"
        rotate(place, "--to", "file", *DEED)
    with serving(place) as server:
        assert client(server, 10_001).get(f"/v1/posts/{post}").ok().json["text"] == "床前明月光"
        auditor = client(server, 10_011, "auditor")
        sealed = deeds(auditor)
        assert {one["purpose"]["sealed"] for one in sealed if "purpose" in one} == {True}
        begun = deeds(auditor, {"Homezone-Purpose": "audit"})[::2]
        services = [(one.get("before"), one.get("after")) for one in begun]
        assert services == [(None, url), (url, url), (url, None)]
        assert {one["purpose"] for one in begun} == {"its term is over"}
        ended = sealed[1::2]
        assert [one.get("wrapped_by") for one in ended] == [url, url, None]
        assert min(one["keys"] for one in ended) > 1
        assert len({one["by"] for one in sealed}) == 1


def deeds(auditor: Client, headers: Mapping[str, str] | None = None) -> "list[dict[str, Any]]":
    """What the log has of master keys, oldest first."""
    found: list[dict[str, Any]] = []
    for kind in ("master_key.rotation_begun.v1", "master_key.replaced.v1"):
        query = f"/v1/audit/events?type={kind}"
        found += auditor.request("GET", query, headers=headers or {}).ok().json["items"]
    return [one["data"] for one in sorted(found, key=lambda one: one["version"])]
