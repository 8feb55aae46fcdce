"""
A client of tiled logs that others wrote (``tlog-scales``) follows this one: it knows the log's
prefix and verifier key, and for entries an auditor's token.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey, VkeySet
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from adapters.notary.key import NotaryKey
from domain.evidence.notes import COSIGNATURE, Note, Verifier, cosign
from tests.support.database import fresh_database
from tests.support.homezone import RunningHomezone, running_homezone
from tests.support.waiting import eventually

WITNESS = NotaryKey("witness.example.com/w1", bytes(range(32)))
WITNESS_KEY = Verifier(WITNESS.name, COSIGNATURE, WITNESS.verifier.public)


@pytest.fixture(scope="module")
def homezone(
    server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHomezone]:
    folder: Path = tmp_path_factory.mktemp("followed")
    with (
        fresh_database(server_url) as url,
        running_homezone(url, folder, witnesses=(WITNESS_KEY.vkey,)) as running,
    ):
        yield running


def reader_of(homezone: RunningHomezone, token: str | None = None) -> TilesReader:
    backend = HttpBackend(f"{homezone.url}/v1/audit")
    if token is not None:
        backend.session.headers["Authorization"] = f"Bearer {token}"
    return TilesReader(backend)


def test_a_client_that_others_wrote_follows_the_log(homezone: RunningHomezone) -> None:
    author = homezone.member()
    anybody = homezone.with_token(None)
    eventually(lambda: anybody.get("/v1/audit/checkpoint").status == 200)
    vkey = Vkey.from_string(anybody.get("/v1/audit/keys").ok().json["keys"][0]["vkey"])
    first = reader_of(homezone).get_checkpoint()
    for _ in range(300):
        last = author.publish("床前明月光")
    events = sum(homezone.homezone.log.reader.heads().values())

    def grown() -> TheirCheckpoint:
        return reader_of(homezone).get_checkpoint()

    eventually(lambda: grown().size >= events)
    reader = reader_of(homezone, homezone.token(10_011, "auditor"))
    newest = reader.get_checkpoint()
    for one in (first, newest):
        one.verify(vkey)
    assert reader.calculate_root_hash() == newest.root_hash
    proof = reader.get_consistency_proof(first.size, newest.size)
    proof.check(first.root_hash, newest.root_hash)
    seen = set()
    for index in (0, 1, 255, 256, newest.size - 1):
        entry = reader.get_entry(index)
        included = reader.get_inclusion_proof(index, newest.size)
        included.check(leaf_hash(entry), newest.root_hash)
        record = json.loads(entry)
        seen.add((record["cell"], record["position"]))
    assert len(seen) == 5
    assert any(str(last.json["id"]).encode() in reader.get_entry(at) for at in range(newest.size))
    stranger = reader_of(homezone)
    stranger.get_checkpoint()
    with pytest.raises(RuntimeError, match="could not get tile"):
        stranger.get_entry(0)


def test_it_believes_the_log_and_a_witness(homezone: RunningHomezone) -> None:
    anybody = homezone.with_token(None)
    homezone.member()
    eventually(lambda: anybody.get("/v1/audit/checkpoint").status == 200)
    note = Note.parse(anybody.get("/v1/audit/checkpoint").ok().body)
    line = cosign(note.text, WITNESS_KEY, WITNESS.sign, 1_764_374_400)
    whole = Note(note.text, (*note.signatures, line)).encode().decode()
    anybody.post("/v1/audit/cosignatures", {"note": whole}).ok(204)
    raw = anybody.get("/v1/audit/checkpoint", witnessed="true").ok().body.decode()
    theirs = TheirCheckpoint.from_text(raw)
    log = anybody.get("/v1/audit/keys").ok().json["keys"][0]["vkey"]
    trusted = VkeySet(Vkey.from_string(log), Vkey.from_string(WITNESS_KEY.vkey))
    valid = trusted.verify(theirs.signatures, theirs)
    assert {key.name for key, _ in valid} == {theirs.origin, WITNESS.name}
