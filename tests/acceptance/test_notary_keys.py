"""
The log's key is replaced while it is served, and those who follow it follow on.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import tlog_client
from tests.acceptance.processes import ServeProcess, one_line, run, serving
from tests.acceptance.test_backup import client, join
from tests.support.database import enterable_directory, remove_data
from tests.support.homezone import Client
from tests.support.waiting import eventually

DEED = ("--user", "10000", "--purpose", "its term is over")


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def done(*arguments: str) -> str:
    ended = run(*arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def grown(
    server: ServeProcess, member: Client, than: int, by: str | None = None, without: str = ""
) -> bytes:
    """A checkpoint of more leaves than that, with one key's signature and without another's."""
    member.publish()
    anybody, found = server.client(10_001), b""

    def signed() -> bool:
        nonlocal found
        found = anybody.get("/v1/audit/checkpoint").ok().body
        good = by is None or _is_signed(found, by)
        return _size(found) > than and good and not (without and _is_signed(found, without))

    eventually(signed)
    return found


def _is_signed(raw: bytes, vkey: str) -> bool:
    try:
        tlog_client.checkpoint(raw, vkey)
    except AssertionError:
        return False
    return True


def _size(raw: bytes) -> int:
    return int(raw.split(b"\n")[1])


@pytest.mark.parametrize("alone", [False, True], ids=["beside-the-old-one", "alone-at-once"])
def test_a_running_servers_log_gets_another_key(ground: Path, alone: bool) -> None:
    place = ground / "data"
    at = ("--data-dir", str(place))
    with serving(place) as server:
        member = join(server, 10_001)
        eventually(lambda: member.get("/v1/audit/checkpoint").status == 200)
        first = keys(member)[0]["vkey"]
        raw = grown(server, member, 0)
        size, root = tlog_client.checkpoint(raw, first)
        assert "--purpose" in one_line(run("audit", "rotate-key", *at), 2)
        more = ("--alone",) if alone else ()
        second = done("audit", "rotate-key", *at, *DEED, *more).splitlines()[0]
        both = grown(server, member, size, by=second)
        if not alone:
            # Followers of the old key see the new one's line below what they believe.
            assert tlog_client.checkpoint(both, first) == tlog_client.checkpoint(both, second)
            assert "sign no more: 1" in done("audit", "retire-key", *at, *DEED)
        last = grown(server, member, _size(both), by=second, without=first)
        newer, newer_root = tlog_client.checkpoint(last, second)
        with pytest.raises(AssertionError):
            tlog_client.checkpoint(last, first)
        # One tree all the while.
        hashes = tlog_client.leaves(newer, lambda path: member.get(f"/v1/audit/{path}").ok().body)
        assert tlog_client.mth(hashes) == newer_root
        assert tlog_client.mth(hashes[:size]) == root
        told = keys(member)
        assert [one["vkey"] for one in told] == [second, first]
        assert told[1]["since"] <= size <= told[1]["until"] < newer
        assert told[0]["until"] is None
        assert json.loads(done("status", "--json", *at))["notary"]["keys"] == told
        assert "are what was signed" in done("audit", "verify", *at)
        assert "are what was signed" in done(
            "audit", "verify", *at, "--key", first, "--key", second
        )
        by_first = run("audit", "verify", *at, "--key", first)
        assert by_first.returncode == 1
        assert "not signed by the log" in by_first.stderr
        assert "nothing to do" in done("audit", "set-back", *at, *DEED)
        auditor = client(server, 10_011, "auditor")
        found = [
            auditor.get("/v1/audit/events", type=f"notary_key.{kind}.v1").ok().json["items"]
            for kind in ("added", "retired")
        ]
        assert [one["data"]["vkey"] for one in found[0]] == [second]
        assert [one["data"]["vkeys"] for one in found[1]] == [[first]]
    assert (place / "keys" / "notary.key").read_text().count("PRIVATE+KEY") == 1


def keys(somebody: Client) -> "list[dict[str, Any]]":
    said: dict[str, Any] = somebody.get("/v1/audit/keys").ok().json
    assert said["origin"] == said["keys"][0]["vkey"].split("+")[0]
    found: list[dict[str, Any]] = said["keys"]
    return found
