"""
The tree over HTTP: a client that knows nothing of us follows it through tiles alone.
"""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.notary.key import NotaryKey
from domain.evidence.notes import COSIGNATURE, Note, Verifier, cosign
from tests.acceptance import tlog_client
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually

WITNESS = NotaryKey("witness.example.com/w1", bytes(range(32)))
WITNESS_KEY = Verifier(WITNESS.name, COSIGNATURE, WITNESS.verifier.public)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notarised")


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as made:
        yield made


@pytest.fixture(scope="module")
def homezone(url: str, folder: Path) -> Iterator[RunningHomezone]:
    """A server whose log has a name, and a witness."""
    with running_homezone(
        url, folder, notary_name="example.com/homezone", witnesses=(WITNESS_KEY.vkey,)
    ) as running:
        yield running


def _status(url: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "api.cli", "status", "--json"]
    command += ["--data-dir", str(folder), "--database-url", url]
    report: dict[str, Any] = json.loads(subprocess.check_output(command))
    return report


def _verify(url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "audit", "verify", *more]
    command += ["--data-dir", str(folder), "--database-url", url]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _events(homezone: RunningHomezone) -> int:
    return sum(homezone.homezone.log.reader.heads().values())


def _size(raw: bytes) -> int:
    return int(raw.split(b"\n")[1])


def _everything_signed(homezone: RunningHomezone) -> bytes:
    anybody = homezone.with_token(None)

    def signed() -> bool:
        reply = anybody.get("/v1/audit/checkpoint")
        return reply.status == 200 and _size(reply.body) == _events(homezone)

    eventually(signed)
    return anybody.get("/v1/audit/checkpoint").ok().body


def test_a_stranger_follows_the_log_through_tiles_alone(
    homezone: RunningHomezone, url: str, folder: Path
) -> None:
    author = homezone.member()
    for _ in range(270):
        author.publish()
    anybody = homezone.with_token(None)
    raw = _everything_signed(homezone)
    notary = _status(url, folder)["notary"]
    size, root = tlog_client.checkpoint(raw, notary["vkey"])
    assert notary["origin"] == "example.com/homezone"
    assert (notary["size"], notary["signed"], notary["lag"]) == (size, size, 0)

    def fetch(path: str) -> bytes:
        reply = anybody.get(f"/v1/audit/{path}").ok()
        assert reply.headers["content-type"] == "application/octet-stream"
        assert "immutable" in reply.headers["cache-control"]
        return reply.body

    hashes = tlog_client.leaves(size, fetch)
    assert tlog_client.mth(hashes) == root
    for _ in range(5):
        author.publish()
    # The tree only grew: what was there is there, in the widths of then.
    later, newer_root = tlog_client.checkpoint(_everything_signed(homezone), notary["vkey"])
    assert later > size
    assert tlog_client.leaves(size, fetch) == hashes
    newer = tlog_client.leaves(later, fetch)
    assert newer[:size] == hashes
    assert tlog_client.mth(newer) == newer_root


def test_what_has_not_come_about_is_no_tile(homezone: RunningHomezone) -> None:
    anybody = homezone.with_token(None)
    for path in (
        "0/999", "9/000", "0/x001/000", "0/000.p/256", "0/000.p/0", "0/00", "00/000", "-1/000",
        "0/000.p/5/", "0/x000/000", "0", "64/000", "0/0%0A00", "%0A",
    ):  # fmt: skip
        anybody.get(f"/v1/audit/tile/{path}").refused(404, "not-found")
    anybody.post("/v1/audit/tile/0/000").refused(405)


def test_an_auditor_reads_the_records_of_all_leaves(
    homezone: RunningHomezone, url: str, folder: Path
) -> None:
    author = homezone.member()
    while _events(homezone) < 300:
        author.publish()
    size, _ = tlog_client.checkpoint(
        _everything_signed(homezone), _status(url, folder)["notary"]["vkey"]
    )
    anybody = homezone.with_token(None)
    for role in ("auditor", "compliance"):
        reader = homezone.client(10_013, role)

        def fetch(path: str, reader: Client = reader) -> bytes:
            reply = reader.get(f"/v1/audit/{path}").ok()
            assert reply.headers["content-type"] == "application/octet-stream"
            assert reply.headers["cache-control"].startswith("private")
            return reply.body

        records = tlog_client.entries(size, fetch)
        leaves = tlog_client.leaves(size, lambda path: anybody.get(f"/v1/audit/{path}").ok().body)
        assert [tlog_client.leaf_hash(one) for one in records] == leaves
    places = {(json.loads(one)["cell"], json.loads(one)["position"]) for one in records}
    assert len(places) == size > 256
    # Reading them is no event: whoever follows the log would never come to its end.
    for kind in ("read", "exported", "past_read"):
        query = {"type": f"disclosure.{kind}.v1"}
        assert reader.get("/v1/audit/events", **query).ok().json["items"] == []
    for who, status in ((anybody, 401), (author, 403), (homezone.operator, 403)):
        who.get("/v1/audit/tile/entries/000").refused(status)
    for nothing in ("999", "000.p/0", "000.p/256", "00", "x000/000", "000/", "-01"):
        reader.get(f"/v1/audit/tile/entries/{nothing}").refused(404, "not-found")


def test_an_auditor_proves_one_event(homezone: RunningHomezone) -> None:
    author = homezone.member()
    post = author.publish("举头望明月")
    raw = _everything_signed(homezone)
    auditor = homezone.client(10_011, "auditor")
    proof = auditor.get(f"/v1/audit/proofs/{post.position}").ok().json
    record = json.loads(proof["record"])
    assert f"{record['cell']}-{record['position']}" == post.position
    assert record["stream"] == post.json["id"]
    assert record["type"] == "post.published.v1"
    assert record["owner_tag"] == record["actor_tag"]
    assert len(record["owner_tag"]) == 32
    # The record is of the event as an auditor reads it.
    event = auditor.get("/v1/audit/events", stream=post.json["id"]).json["items"][0]
    ids = [event[name] for name in ("actor", "owner", "command", "correlation")]
    context = b"".join(UUID(one).bytes for one in ids)
    assert record["context_sha256"] == hashlib.sha256(context).hexdigest()
    size, root = _size(proof["checkpoint"].encode()), proof["checkpoint"].split("\n")[2]
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    found = tlog_client.included(proof["leaf"], size, proof["record"].encode(), hashes)
    assert base64.b64encode(found).decode() == root
    assert size == _size(raw)
    homezone.client(10_012, "compliance").get(f"/v1/audit/proofs/{post.position}").ok()
    author.get(f"/v1/audit/proofs/{post.position}").refused(403)
    homezone.with_token(None).get(f"/v1/audit/proofs/{post.position}").refused(401)
    for unknown in ("0-999999", "15-999999", "16-1", "4095-1", "0-0"):
        auditor.get(f"/v1/audit/proofs/{unknown}").refused(404)


def _cosigned(raw: bytes, witness: NotaryKey, verifier: Verifier) -> str:
    note = Note.parse(raw)
    return (
        Note(note.text, (cosign(note.text, verifier, witness.sign, 1_764_374_400),))
        .encode()
        .decode()
    )


def test_a_witness_hands_in_what_it_signed(homezone: RunningHomezone) -> None:
    homezone.member()
    anybody: Client = homezone.with_token(None)
    raw = _everything_signed(homezone)
    anybody.post("/v1/audit/cosignatures", {"note": _cosigned(raw, WITNESS, WITNESS_KEY)}).ok(204)
    witnessed = anybody.get("/v1/audit/checkpoint", witnessed="true").ok().body
    assert witnessed.startswith(raw)
    assert f"— {WITNESS.name} ".encode() in witnessed
    stranger = NotaryKey("stranger.example.com/w", bytes(32))
    unknown = Verifier(stranger.name, COSIGNATURE, stranger.verifier.public)
    other_tree = raw.replace(b"\n%d\n" % _size(raw), b"\n%d\n" % (_size(raw) + 1))
    for note in (
        _cosigned(raw, stranger, unknown),
        _cosigned(raw, stranger, WITNESS_KEY),
        _cosigned(other_tree, WITNESS, WITNESS_KEY),
        raw.decode(),
        "no note",
    ):
        anybody.post("/v1/audit/cosignatures", {"note": note}).refused(422, "not-cosigned")


def test_the_figures_say_how_far_the_notary_is(homezone: RunningHomezone) -> None:
    size = _size(_everything_signed(homezone))
    anybody = homezone.with_token(None)

    def told() -> bool:
        text = anybody.get("/metrics").body.decode()
        return (
            f"homezone_notary_leaves {float(size)}" in text
            and "homezone_notary_lag_events 0.0" in text
        )

    eventually(told)


def test_verify_from_the_command_line(
    homezone: RunningHomezone, url: str, folder: Path, tmp_path: Path
) -> None:
    homezone.member().publish()
    raw = _everything_signed(homezone)
    homezone.with_token(None).post(
        "/v1/audit/cosignatures", {"note": _cosigned(raw, WITNESS, WITNESS_KEY)}
    ).ok(204)
    kept = tmp_path / "checkpoint"
    kept.write_bytes(homezone.with_token(None).get("/v1/audit/checkpoint", witnessed="true").body)
    fine = _verify(url, folder, "--checkpoint", str(kept), "--witness", WITNESS_KEY.vkey)
    assert fine.returncode == 0, fine.stderr
    # Badges come a little later, or not yet.
    verified = int(fine.stdout.split(" events are what was signed")[0].replace(",", ""))
    assert verified >= _size(raw)
    assert "vouched for by a witness" in fine.stdout
    forged = tmp_path / "forged"
    forged.write_bytes(raw.replace(b"\n%d\n" % _size(raw), b"\n%d\n" % (_size(raw) + 1)))
    vkey = _status(url, folder)["notary"]["vkey"]
    refused = _verify(url, folder, "--checkpoint", str(forged), "--key", vkey)
    assert refused.returncode == 1
    assert "altered" in refused.stderr
    assert _verify(url, folder, "--witness", "nobody").returncode == 2
