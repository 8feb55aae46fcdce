"""
Evidence bundles: what is in one, that both checkers say the same of it, and that nothing of it can
be altered.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from domain.evidence.bundles import BadBundle, DestroyedKey
from domain.evidence.notes import Verifier
from domain.sealed import KeyClass
from replay.altered import Altered
from replay.bundles import verify
from replay.bundles.checking import check_bundle
from replay.bundles.choosing import NoSuchRange, NotSigned
from replay.bundles.verdict import verdict
from tests.projections.engine.toys import World
from tests.replay.bundling import Evidence
from tests.replay.spoiling import WAYS, agreeing, packed, proved, unpacked
from tests.support.database import database_url, fresh_database, server_url

__all__ = ["database_url", "server_url"]

VERIFIER = Path("replay/bundles/verify.py").absolute()
#: How many spoiled bundles are tried, and by which seed.
SPOILED = int(os.environ.get("HOMEZONE_SPOILED_BUNDLES", "1000"))
SEED = int(os.environ.get("HOMEZONE_SPOILED_SEED", "0")) or Random().getrandbits(32)


@pytest.fixture
def evidence(database_url: str, tmp_path: Path) -> Iterator[Evidence]:
    world = World(database_url)
    made = Evidence(world, tmp_path)
    try:
        made.publish_rules()
        made.live(30)
        made.publish_rules()
        made.live(30)
        made.notarise()
        made.live(30)
        made.notarise()
        yield made
    finally:
        made.log.close()
        world.close()


@pytest.fixture(scope="module")
def small(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle of a few events, for what needs no store."""
    with fresh_database(server_url) as url:
        world = World(url)
        made = Evidence(world, tmp_path_factory.mktemp("small"))
        made.publish_rules()
        made.live(12)
        made.notarise()
        raw = made.make().read_bytes()
        made.log.close()
        world.close()
    return raw


def said(bundle: Path, key: Verifier | None = None, *witnesses: Verifier) -> str:
    """What both checkers say of a bundle that holds; the second has Python and nothing else."""
    arguments = [] if key is None else ["--key", key.vkey]
    for one in witnesses:
        arguments += ["--witness", one.vkey]
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(bundle), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = "\n".join(verdict(check_bundle(bundle, key, witnesses)))
    assert done.stdout == lines + "\n"
    return lines


def refused(bundle: Path, key: Verifier | None = None, *witnesses: Verifier) -> str:
    """Why both checkers refuse a bundle: what the first says."""
    keys = None if key is None else verify.Key(key.vkey, verify.LOG)
    known = [verify.Key(one.vkey, verify.WITNESS) for one in witnesses]
    with pytest.raises(verify.Bad), bundle.open("rb") as file:
        verify.verify(verify.Archive(file), keys, known)
    with pytest.raises(BadBundle) as caught:
        check_bundle(bundle, key, witnesses)
    return str(caught.value)


def judged(bundle: Path) -> bool:
    """Whether both checkers say that a bundle holds, and then the same of it, or neither does."""
    found: list[list[str]] = []
    try:
        found.append(list(verdict(check_bundle(bundle))))
    except BadBundle:
        found.append([])
    try:
        with bundle.open("rb") as file:
            found.append(verify.verify(verify.Archive(file), None, []))
    except verify.Bad:
        found.append([])
    assert found[0] == found[1]
    return bool(found[0])


def events_of(bundle: Path) -> list[dict[str, object]]:
    return [json.loads(one) for one in unpacked(bundle.read_bytes())["events.ndjson"].splitlines()]


def test_everything(evidence: Evidence) -> None:
    heads = evidence.log.reader.heads()
    bundle = evidence.make()
    text = said(bundle)
    count = sum(heads.values())
    assert f"{count} events and {count} records" in text
    assert "which proves no more than that" in text
    assert "signed by the key that was given" in said(bundle, evidence.key.verifier)
    assert len(events_of(bundle)) == count
    # The stored bytes, as they are.
    first = unpacked(bundle.read_bytes())["events.ndjson"].splitlines()[0]
    with evidence.world.server.connect() as connection:
        stored = connection.exec_driver_sql(
            "SELECT data FROM log.events WHERE cell = 0 AND position = 1"
        ).scalar()
    assert bytes(stored or b"") in first


def test_the_same_range_is_the_same_file(evidence: Evidence) -> None:
    until = evidence.log.reader.heads()
    middle = {cell: position // 2 for cell, position in until.items()}
    before = evidence.make("a.zip", since=middle, until=until).read_bytes()
    evidence.live(20)
    evidence.notarise()
    assert evidence.make("b.zip", since=middle, until=until).read_bytes() == before


def test_between_two_times_nothing_is_left_out_at_either_end(evidence: Evidence) -> None:
    heads = evidence.log.reader.heads()
    times = [
        one.recorded_at
        for cell, head in heads.items()
        for one in evidence.log.reader.read(cell, 0, head)
    ]
    since, until = sorted(times)[len(times) // 4], sorted(times)[len(times) // 2]
    bundle = evidence.make(since=since, until=until)
    text = said(bundle)
    inside = len(events_of(bundle)) - evidence.made.reckoned.rule_sets
    assert inside == sum(since < one <= until for one in times)
    assert "only said" not in text
    # To the end of the log: nobody can show yet that nothing else comes.
    assert "left out at the end of cells 0, 1, 2" in said(evidence.make(until=max(times)))


def test_a_range_that_is_narrower_than_it_says(evidence: Evidence) -> None:
    until = evidence.log.reader.heads()
    less = until | {1: until[1] - 3}
    files = unpacked(evidence.make(until=less).read_bytes())
    whole = evidence.make(until=until)
    asked = json.loads(unpacked(whole.read_bytes())["manifest.json"])["range"]
    manifest = json.loads(files["manifest.json"]) | {"range": asked}
    spelled = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    whole.write_bytes(packed(files | {"manifest.json": spelled}))
    assert refused(whole) == f"1-{until[1]}: the record is not there"


def test_a_kind_and_the_rules_that_its_decisions_refer_to(evidence: Evidence) -> None:
    published = evidence.log.reader.heads()
    evidence.live(40)
    evidence.notarise()
    bundle = evidence.make(since=published, kind="moderation")
    text = said(bundle)
    types = [one["data"]["type"] for one in events_of(bundle)]  # type: ignore[index]
    assert types.count("rules.published.v1") == 2, "though they were before the range"
    assert set(types) == {
        "case.decided.v1", "post.held.v1", "post.unpublished.v1", "rules.published.v1",
    }  # fmt: skip
    assert "not of that kind: post.published.v1, wallet.topped_up.v1" in text
    trail = unpacked(bundle.read_bytes())["trail.csv"].decode().splitlines()
    assert len(trail) == 1 + len(types) - 2, "the trail is of what was asked for"
    money = evidence.make(since=published, kind="billing")
    assert {one["data"]["type"] for one in events_of(money)} == {"wallet.topped_up.v1"}  # type: ignore[index]
    said(money)


def test_one_owner_and_one_stream(evidence: Evidence) -> None:
    owner = evidence.members[0]
    bundle = evidence.make(owner=owner)
    assert f"owner {owner}" in said(bundle)
    assert {one["owner"] for one in events_of(bundle) if "rules" not in str(one)} == {str(owner)}
    stream = evidence.append(owner)
    evidence.live(5)
    evidence.notarise()
    assert "0 events" in said(evidence.make(stream=stream))
    nobody = evidence.make(owner=evidence.key_less)
    assert "only said: that no more events of the range are of this owner" in said(nobody)


def test_an_owners_event_that_is_left_out(evidence: Evidence) -> None:
    files = unpacked(evidence.make(owner=evidence.members[1]).read_bytes())
    events = files["events.ndjson"].splitlines(keepends=True)
    trail = files["trail.csv"].splitlines(keepends=True)
    owned = [at for at, line in enumerate(events) if b"rules.published" not in line]
    files["events.ndjson"] = b"".join(one for at, one in enumerate(events) if at != owned[0])
    files["trail.csv"] = b"".join(trail[:1] + trail[2:])
    bundle = evidence.folder / "less.zip"
    bundle.write_bytes(packed(agreeing(files)))
    assert refused(bundle) == "events of the owner are left out"


def test_checkpoints_grow_into_each_other_and_a_witness_vouches(evidence: Evidence) -> None:
    until = evidence.log.reader.heads()
    middle = {cell: position // 2 for cell, position in until.items()}
    assert "witnessed" not in said(evidence.make(since=middle, until=until))
    evidence.live(10)
    evidence.notarise()
    size = evidence.cosign()
    bundle = evidence.make(since=middle, until=until)
    names = [one for one in unpacked(bundle.read_bytes()) if one.startswith("checkpoints/")]
    assert len(names) == 3
    assert names[-1] == f"checkpoints/{size}.txt"
    assert "witnessed by witness.example.com/w1" in said(bundle)
    said(bundle, evidence.key.verifier, evidence.witness)
    stranger = Verifier("stranger", evidence.witness.kind, evidence.witness.public)
    assert refused(bundle, None, stranger) == "not signed by stranger"
    other = Verifier(evidence.key.name, evidence.key.verifier.kind, evidence.witness.public)
    assert "another key" in refused(bundle, other)


def test_destroyed_keys_are_stated(evidence: Evidence) -> None:
    sealed = evidence.keys_in_use()
    unused = DestroyedKey(KeyClass.CONTENT, "2026-11-29T01:02:03.000004Z", "ab" * 16)
    gone = DestroyedKey(KeyClass.CONTENT, "2026-11-29T01:02:03.000004Z", max(sealed))
    evidence.destroyed = [unused, gone]
    bundle = evidence.make()
    assert f"sealed under {len(sealed)} keys, of which 1 are said" in said(bundle)
    stated = json.loads(unpacked(bundle.read_bytes())["erased.ndjson"])
    assert (stated["key"], stated["class"]) == (max(sealed), "content")


def test_nothing_between_two_moments(evidence: Evidence) -> None:
    heads = evidence.log.reader.heads()
    assert "holds: 0 events and 0 records" in said(evidence.make(since=heads, until=heads))
    quiet = evidence.world.clock.now() + timedelta(seconds=1)
    evidence.world.clock.advance(timedelta(seconds=3))
    evidence.live(30)
    evidence.notarise()
    text = said(evidence.make(since=quiet, until=quiet + timedelta(seconds=1)))
    assert [f"cell {cell}: nothing in the range" in text for cell in range(3)] == [True] * 3


@pytest.mark.parametrize(
    "spelled",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "NaN",
        "null",
        "[]",
        "{}",
        '{"format":"\\ud800"}',
        "1" * 9_999,
    ],
)
@pytest.mark.parametrize(
    "name", ["manifest.json", "keys.json", "consistency.ndjson", "erased.ndjson"]
)
def test_json_that_nobody_should_read(
    small: bytes, tmp_path: Path, name: str, spelled: str
) -> None:
    bundle = tmp_path / "bundle.zip"
    files = unpacked(small) | {name: spelled.encode() + b"\n"}
    bundle.write_bytes(packed(files if name == "manifest.json" else agreeing(files)))
    refused(bundle)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"checkpoint":', '"checkpoint":true,"x":'),
        ('"records":', '"records":1.0,"x":'),
        ('"owner":null', '"owner":"A0A0A0A0-0000-0000-0000-000000000000"'),
        ('"stream":null', '"stream":"a0a0a0a0000000000000000000000000"'),
        ('"from":null', '"from":{"positions":null}'),
        ('"from":null', '"from":{"time":"yesterday"}'),
        ('"from":null', '"from":{"positions":{"0":-1}}'),
        ('"from":null', '"from":{"positions":{"00":1}}'),
        ('"from":null', '"from":{"positions":{"0":1},"time":"2026-01-01T00:00:00.000000Z"}'),
        ('"kind":"all"', '"kind":"gossip"'),
        ('"kind":"all"', '"kind":["all"]'),
        ('"format":"homezone-evidence/1"', '"format":"homezone-evidence/2"'),
        ('"cells":', '"cells":[],"x":'),
        ('"to":{', '"to":null,"x":{'),
    ],
)
def test_a_manifest_that_asks_for_something_else(
    small: bytes, tmp_path: Path, before: str, after: str
) -> None:
    files = unpacked(small)
    manifest = files["manifest.json"].decode()
    assert before in manifest
    bundle = tmp_path / "bundle.zip"
    changed = manifest.replace(before, after, 1).encode()
    bundle.write_bytes(packed(files | {"manifest.json": changed}))
    refused(bundle)


def test_what_cannot_be_made(evidence: Evidence) -> None:
    heads = evidence.log.reader.heads()
    with pytest.raises(NoSuchRange):
        evidence.make(until={0: heads[0] + 1})
    evidence.live(9)
    with pytest.raises(NotSigned):
        evidence.make(until=evidence.log.reader.heads())
    assert not list(evidence.folder.glob("*.zip*")), "nothing is left of what failed"
    evidence.attack("UPDATE log.events SET actor = owner, type = 'x.y.v1' WHERE position = 5")
    with pytest.raises(Altered):
        evidence.make()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_spoiled_bundles_are_refused_by_both_checkers(evidence: Evidence) -> None:
    """As many ways as :data:`SPOILED` says; a failure names seed and number."""
    print(f"seed {SEED}")
    evidence.cosign()
    until = evidence.log.reader.heads()
    middle = {cell: position // 2 for cell, position in until.items()}
    evidence.destroyed = [
        DestroyedKey(KeyClass.CONTENT, "2026-11-29T01:02:03.000004Z", one)
        for one in evidence.keys_in_use()
    ]
    whole = evidence.make("whole.zip").read_bytes()
    part = evidence.make("part.zip", since=middle, kind="moderation").read_bytes()
    spoiled = evidence.folder / "spoiled.zip"
    for number in range(SPOILED):
        random = Random(SEED + number)
        raw, other = (whole, part) if random.random() < 0.5 else (part, whole)
        made = random.choice(WAYS)(random, raw, other)
        if made in (raw, other):
            continue
        spoiled.write_bytes(made)
        try:
            held = judged(spoiled)
            # What was altered then is only said: a witness less, a date at which a key went.
            assert not held or proved(made) in (proved(raw), proved(other))
        except BaseException as error:
            raise AssertionError(f"HOMEZONE_SPOILED_SEED={SEED + number}: {error!r}") from error
