"""
A log whose key is replaced, and one whose database was set back: whoever follows it is told.
"""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.notary.key import KeyFile, NotaryFault, NotaryKey, SignedLast, check
from domain.evidence.notes import Checkpoint, Note, Verifier
from replay import signing
from replay.altered import Altered
from replay.notary import Notary
from replay.published import Published, SignedWith
from replay.verify import Verified, saved_of, verify
from tests.replay.conftest import LiveWorld


class Log:
    """A store, and its notary's folder."""

    def __init__(self, live: LiveWorld, folder: Path) -> None:
        self.live = live
        self.database = live.world.server
        self.file = KeyFile(folder / "notary.key", "example.com/log")
        self.head = SignedLast(folder / "notary.head")
        self.notary = self.new_notary(self.file)

    def new_notary(self, file: KeyFile) -> Notary:
        return Notary(
            self.database, self.live.world.clock, uuid4(), file, _tag, self.head, sign_seconds=0.0
        )

    def grow(self) -> Note:
        """Some events, all of them signed; the checkpoint."""
        self.live.write(20)
        while self.notary.work() == 0.0:
            pass
        raw = Published(self.database).checkpoint()
        assert raw is not None
        note = Note.parse(raw)
        assert Checkpoint.parse(note.text).size == sum(self.live.reader.heads().values())
        return note

    def rotate(self) -> Verifier:
        vkey = signing.prepare_key(self.database, self.file)
        signing.add_key(self.database, vkey)
        return Verifier.parse(vkey)

    def named(self) -> tuple[SignedWith, ...]:
        progress = Published(self.database).progress()
        assert progress is not None
        return progress.keys

    def verify(self, *keys: Verifier) -> Verified:
        return verify(self.database, keys=keys, processes=0, tiles_at_once=1)


def _tag(member: UUID) -> bytes:
    return member.bytes[::-1]


def _size(note: Note) -> int:
    return Checkpoint.parse(note.text).size


def _signers(note: Note, *keys: Verifier) -> list[bool]:
    return [note.signed_by(key, check) is not None for key in keys]


@pytest.fixture
def log(live: LiveWorld, tmp_path: Path) -> Log:
    return Log(live, tmp_path)


def test_a_new_key_signs_beside_the_old_one_and_then_alone(log: Log) -> None:
    first = log.file.keys[0].verifier
    before = log.grow()
    assert log.named() == (SignedWith(first.vkey, _size(before), None),)
    second = log.rotate()
    # The notary that runs goes on: it hears of the key by the file and the store.
    both = log.grow()
    assert _signers(both, second, first) == [True, True]
    assert [one.name for one in both.signatures] == ["example.com/log"] * 2
    signing.retire_old_keys(log.database, log.file)
    alone = log.grow()
    assert _signers(alone, second, first) == [True, False]
    assert log.named() == (
        SignedWith(second.vkey, _size(both), None),
        SignedWith(first.vkey, _size(before), _size(both)),
    )
    assert [key.verifier for key in log.file.keys] == [second]
    # By what the store says, by both keys, and by what only one of them can vouch for.
    assert log.verify().leaves == log.verify(first, second).leaves == _size(alone)
    for one, bad in ((first, _size(alone)), (second, _size(before))):
        with pytest.raises(Altered, match=f"{bad:,} leaves is not signed by the log"):
            log.verify(one)
    kept = both.encode()
    for one in (first, second):
        assert saved_of(kept, [one], ()).checkpoint.size == _size(both)
    with pytest.raises(Altered, match="no signature"):
        saved_of(alone.encode(), [first], ())


def test_another_key_that_the_store_names_does_not_sign(log: Log) -> None:
    log.grow()
    stranger = NotaryKey("example.com/log", bytes(32))
    with log.live.world.database.owner.begin() as connection:
        connection.execute(
            text("INSERT INTO log.notary_keys (number, vkey) VALUES (2, :vkey)"),
            {"vkey": stranger.verifier.vkey},
        )
    log.live.write(3)
    with pytest.raises(NotaryFault, match="another key"):
        log.notary.work()


def test_an_old_file_signs_no_more(log: Log, tmp_path: Path) -> None:
    log.grow()
    old = tmp_path / "old" / "notary.key"
    old.parent.mkdir()
    old.write_bytes(log.file.path.read_bytes())
    log.rotate()
    log.grow()
    log.live.write(3)
    with pytest.raises(NotaryFault, match="another key"):
        log.new_notary(KeyFile(old)).work()
    for deed in (signing.prepare_key, signing.old_keys):
        with pytest.raises(NotaryFault, match="another key"):
            deed(log.database, KeyFile(old))


def test_a_rotation_that_broke_off_goes_on_with_the_same_key(log: Log) -> None:
    first = log.file.keys[0].verifier
    log.grow()
    made = signing.prepare_key(log.database, log.file)
    assert signing.prepare_key(log.database, log.file) == made
    note = log.grow()
    assert _signers(note, Verifier.parse(made), first) == [False, True]
    signing.add_key(log.database, made)
    assert _signers(log.grow(), Verifier.parse(made), first) == [True, True]
    assert signing.old_keys(log.database, log.file) == (first.vkey,)


def test_a_store_that_was_set_back_is_signed_when_somebody_says_so(log: Log) -> None:
    last = log.grow()
    assert signing.forked(log.database, log.file, log.head) is None
    with log.live.world.database.owner.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE log.notary_tree, log.notary_runs, log.notary_tiles,"
                " log.notary_checkpoints, log.notary_keys"
            )
        )
    log.notary.forget()
    with pytest.raises(NotaryFault, match="it was set back"):
        log.notary.work()
    found = signing.forked(log.database, log.file, log.head)
    assert found is not None
    assert (found[0], found[1].size) == (_size(last), 0)
    log.head.write(found[1])
    assert _size(log.grow()) > _size(last)
    assert signing.forked(log.database, log.file, log.head) is None


def test_nobody_rotates_the_key_of_a_tree_that_is_not_there(log: Log) -> None:
    with pytest.raises(NotaryFault, match="no tree yet"):
        signing.prepare_key(log.database, log.file)
    assert len(log.file.keys) == 1
