"""
The notary on a real log: every event is one leaf, the tiles are the tree, and what is signed once
is never signed otherwise.
"""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.notary import store
from adapters.notary.key import KeyFile, NotaryFault, SignedLast, check
from domain.evidence.notes import Checkpoint, Note
from domain.evidence.tiles import root_at
from domain.evidence.tree import leaf_hash, verify_inclusion
from replay.notary import Notary
from replay.published import Published
from tests.replay.conftest import LiveWorld


def _tag(member: UUID) -> bytes:
    return member.bytes[::-1]


def _notary(live: LiveWorld, folder: Path, **settings: float) -> Notary:
    return Notary(
        live.world.server,
        live.world.clock,
        uuid4(),
        KeyFile(folder / "notary.key"),
        _tag,
        SignedLast(folder / "notary.head"),
        sign_seconds=0.0,
        **settings,  # type: ignore[arg-type]
    )


def _drain(notary: Notary) -> None:
    while notary.work() == 0.0:
        pass


def _checked(live: LiveWorld) -> Checkpoint:
    """The newest checkpoint, whose root is that of the tiles."""
    published = Published(live.world.server)
    raw = published.checkpoint()
    assert raw is not None
    checkpoint = Checkpoint.parse(Note.parse(raw).text)
    with live.world.server.connect() as connection:
        read = lambda level, number: store.read_tile(connection, level, number)  # noqa: E731
        assert root_at(checkpoint.size, read) == checkpoint.root
    return checkpoint


def test_every_event_is_one_leaf_and_its_proof_holds(live: LiveWorld, tmp_path: Path) -> None:
    live.write(700)
    notary = _notary(live, tmp_path, leaves_per_batch=97)
    _drain(notary)
    checkpoint = _checked(live)
    heads = live.reader.heads()
    assert checkpoint.size == sum(heads.values())
    published = Published(live.world.server)
    seen = set()
    for cell, head in heads.items():
        for position in range(1, head + 1, 7):
            proof = published.proof(cell, position)
            assert proof is not None
            seen.add(proof.leaf)
            leaf = leaf_hash(proof.record)
            args = (proof.leaf, checkpoint.size, leaf, proof.hashes)
            assert verify_inclusion(*args, checkpoint.root)
            assert not verify_inclusion(*args, leaf)
    assert len(seen) == sum(-(-head // 7) for head in heads.values())


def test_it_goes_on_where_it_stopped(live: LiveWorld, tmp_path: Path) -> None:
    sizes = []
    for _ in range(5):
        live.write(90)
        _drain(_notary(live, tmp_path, leaves_per_batch=41))
        sizes.append(_checked(live).size)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == sum(live.reader.heads().values())


def test_of_two_one_aborts(live: LiveWorld, tmp_path: Path) -> None:
    live.write(10)
    one, other = _notary(live, tmp_path), _notary(live, tmp_path)
    _drain(one)
    _drain(other)
    live.write(10)
    _drain(one)
    with pytest.raises(store.TreeMoved):
        other.work()
    other.forget()
    live.write(10)
    _drain(other)
    assert _checked(live).size == sum(live.reader.heads().values())


def test_what_it_signs_is_its_keys_and_a_store_has_one_key(live: LiveWorld, tmp_path: Path) -> None:
    live.write(3)
    _drain(_notary(live, tmp_path))
    raw = Published(live.world.server).checkpoint()
    assert raw is not None
    (key,) = KeyFile(tmp_path / "notary.key").keys
    assert Note.parse(raw).signed_by(key.verifier, check) is not None
    assert (tmp_path / "notary.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotaryFault, match="another key"):
        _notary(live, tmp_path / "elsewhere").work()


def test_a_store_that_was_set_back_is_not_signed_again(live: LiveWorld, tmp_path: Path) -> None:
    live.write(20)
    _drain(_notary(live, tmp_path))
    with live.world.database.owner.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE log.notary_tree, log.notary_runs, log.notary_tiles,"
                " log.notary_checkpoints"
            )
        )
    with pytest.raises(NotaryFault, match="it was set back"):
        _notary(live, tmp_path).work()
