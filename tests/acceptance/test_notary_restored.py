"""
A store that comes back from a backup, before the eyes of somebody who follows its log.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import tlog_client
from tests.acceptance.processes import ServeProcess, run, serving
from tests.acceptance.test_backup import client, join
from tests.acceptance.test_notary_keys import DEED, done, grown, keys
from tests.support.database import enterable_directory, remove_data
from tests.support.homezone import Client
from tests.support.waiting import eventually


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def leaves(size: int, somebody: Client) -> list[bytes]:
    return tlog_client.leaves(size, lambda path: somebody.get(f"/v1/audit/{path}").ok().body)


def all_signed(place: Path) -> bool:
    report = json.loads(done("status", "--json", "--data-dir", str(place)))
    return bool(report["notary"]["signed"] == report["events"])


def lag(server: ServeProcess) -> float:
    text = server.client(10_001).get("/metrics").body.decode()
    return float(text.split("\nhomezone_notary_lag_events ")[1].split("\n")[0])


def test_whoever_follows_the_log_follows_on(ground: Path) -> None:
    place, backup, kept = ground / "data", ground / "backup", ground / "kept"
    with serving(place) as server:
        member = join(server, 10_001)
        eventually(lambda: member.get("/v1/audit/checkpoint").status == 200)
        member.publish()
        eventually(lambda: all_signed(place))
        seen = member.get("/v1/audit/checkpoint").ok().body
        vkey = keys(member)[0]["vkey"]
        size, root = tlog_client.checkpoint(seen, vkey)
        hashes = leaves(size, member)
        done("backup", str(backup), "--keys-to", str(kept), "--data-dir", str(place))
        later, later_root = tlog_client.checkpoint(grown(server, member, size), vkey)
    shutil.copyfile(place / "keys" / "master.key", kept / "master.key")

    # On another machine, with what was kept: the log of the day of the backup goes on.
    elsewhere = ground / "elsewhere"
    said = done("restore", str(backup), "--keys", str(kept), "--data-dir", str(elsewhere))
    assert f"the notary's tree has {size:,} leaves; whoever saw more" in said
    with serving(elsewhere) as server:
        back = client(server, 10_001)
        newer, newer_root = tlog_client.checkpoint(grown(server, back, size), vkey)
        now = leaves(newer, back)
        assert now[:size] == hashes
        assert tlog_client.mth(now) == newer_root
        assert done("audit", "verify", "--data-dir", str(elsewhere)).startswith(f"{newer:,} events")
    # Whoever saw the later tree sees that this one is none that grew from it.
    assert newer < later or tlog_client.mth(now[:later]) != later_root
    checkpoint = ground / "checkpoint"
    checkpoint.write_bytes(seen)
    done("audit", "verify", "--checkpoint", str(checkpoint), "--data-dir", str(elsewhere))

    # Beside what was signed last, the notary knows by itself, and refuses.
    again = ground / "again"
    again.mkdir(mode=0o755)
    shutil.copytree(place / "keys", again / "keys")
    said = done("restore", str(backup), "--data-dir", str(again))
    assert f"tree has {size:,} leaves, and {later:,} were signed: it signs no more" in said
    with serving(again) as server:
        back = client(server, 10_001)
        back.publish()
        eventually(lambda: lag(server) > 0)
        assert tlog_client.checkpoint(back.get("/v1/audit/checkpoint").ok().body, vkey) == (
            size,
            root,
        )
        told = json.loads(done("status", "--json", "--data-dir", str(again)))["notary"]["trouble"]
        assert told.startswith(f"{later:,} leaves were signed, and the tree of {size:,}")
        refused = run("audit", "verify", "--data-dir", str(again))
        assert refused.returncode == 1
        assert "its tail was cut off" in refused.stderr
        assert "will see that it forked" in done(
            "audit", "set-back", "--data-dir", str(again), *DEED
        )
        eventually(lambda: lag(server) == 0)
        newer, newer_root = tlog_client.checkpoint(grown(server, back, size), vkey)
        assert leaves(newer, back)[:size] == hashes
        done("audit", "verify", "--data-dir", str(again))
        auditor = client(server, 10_011, "auditor")
        found = auditor.get("/v1/audit/events", type="notary_tree.set_back.v1").ok().json["items"]
        assert [(one["data"]["signed"], one["data"]["standing"]) for one in found] == [
            (later, size)
        ]


def test_without_the_notarys_key_another_log_begins(ground: Path) -> None:
    place, backup, kept = ground / "data", ground / "backup", ground / "kept"
    with serving(place) as server:
        member = join(server, 10_001)
        eventually(lambda: member.get("/v1/audit/checkpoint").status == 200)
        eventually(lambda: all_signed(place))
        vkey = keys(member)[0]["vkey"]
        done("backup", str(backup), "--keys-to", str(kept), "--data-dir", str(place))
    shutil.copyfile(place / "keys" / "master.key", kept / "master.key")
    (kept / "notary.key").unlink()
    elsewhere = ground / "elsewhere"
    said = done("restore", str(backup), "--keys", str(kept), "--data-dir", str(elsewhere))
    assert "the notary begins a tree; its key is not here" in said
    with serving(elsewhere) as server:
        back = client(server, 10_001)
        eventually(lambda: back.get("/v1/audit/checkpoint").status == 200)
        assert keys(back)[0]["vkey"] != vkey
