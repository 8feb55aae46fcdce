"""
The notary's tree in a backup: a restored store goes on with it, or says why it does not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.backup import BackupFault, When, load, resolve
from adapters.database import Database
from adapters.notary.key import KeyFile, NotaryFault, NotaryKey, SignedLast, check
from domain.evidence.notes import COSIGNATURE, Checkpoint, Note, Verifier, cosign
from domain.evidence.tiles import places
from replay import signing
from replay.notary import Notary
from replay.published import Published
from replay.verify import verify
from tests.adapters.backup.stores import Store, checked, restored
from tests.support.database import fresh_database

WITNESS = NotaryKey("witness.example.com/w1", bytes(range(32)))
WITNESS_KEY = Verifier(WITNESS.name, COSIGNATURE, WITNESS.verifier.public)


class Notarised:
    """A notary of a store's, with its files."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.file = KeyFile(folder / "notary.key", "example.com/log")
        self.folder = folder
        self.notary = self.on(store.database)

    def on(self, database: Database, head: str = "notary.head") -> Notary:
        head_file = SignedLast(self.folder / head)
        server, clock = database.server, self.store.clock
        given = (server, clock, uuid4(), self.file, _tag, head_file)
        return Notary(*given, sign_seconds=0.0, leaves_per_batch=17)

    def say(self, count: int) -> Note:
        """Events in every cell, all of them signed; the checkpoint."""
        for number in range(count):
            self.store.say(number % 4, f"{number}", *["more"] * (number % 3))
            if number % 5 == 0:
                drain(self.notary)
        return drain(self.notary, self.store.database)

    @property
    def vkeys(self) -> list[str]:
        return [key.verifier.vkey for key in self.file.keys]

    @contextmanager
    def back(self, server_url: str, when: When | None = None) -> Iterator[tuple[Database, int]]:
        """A database with the backup, and how many leaves it has."""
        backup = checked(self.store.backup, self.store.vault)
        with fresh_database(server_url) as url:
            database = Database(url)
            try:
                vector = resolve(backup, when)
                done = load(backup, database.owner, vector, lambda: None, vkeys=self.vkeys)
                yield database, done.leaves
            finally:
                database.dispose()


def drain(notary: Notary, database: Database | None = None) -> Note:
    while notary.work() == 0.0:
        pass
    raw = None if database is None else Published(database.server).checkpoint()
    return Note("", ()) if raw is None else Note.parse(raw)


def tree(database: Database) -> dict[str, list[object]]:
    """All that there is of a tree."""
    tables = ("tree", "keys", "runs", "tiles", "checkpoints", "cosignatures")
    with database.owner.connect() as connection:
        return {
            name: [
                tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
                for row in connection.execute(
                    text(f"SELECT * FROM log.notary_{name} ORDER BY 1, 2")
                )
            ]
            for name in tables
        }


def _tag(member: UUID) -> bytes | None:
    return member.bytes[::-1] if member.int % 2 else None


def _size(note: Note) -> int:
    return Checkpoint.parse(note.text).size


def cosigned(database: Database, note: Note) -> None:
    line = cosign(note.text, WITNESS_KEY, WITNESS.sign, 1_764_374_400)
    raw = Note(note.text, (*note.signatures, line)).encode()
    Published(database.server, [WITNESS_KEY]).cosign(raw)


@pytest.fixture
def log(store: Store, tmp_path: Path) -> Notarised:
    folder = tmp_path / "notary"
    folder.mkdir()
    return Notarised(store, folder)


def test_the_same_tree_comes_back_and_goes_on(log: Notarised, server_url: str) -> None:
    first = log.say(30)
    log.store.take()
    cosigned(log.store.database, first)
    log.say(40)
    log.store.take()
    second = log.say(300)
    log.store.take()
    assert log.store.take() is None
    with log.back(server_url) as (database, leaves):
        assert leaves == _size(second)
        assert tree(database) == tree(log.store.database)
        done = verify(database.server, witnesses=[WITNESS_KEY], processes=0, tiles_at_once=1)
        assert (done.leaves, done.waiting, done.witnessed) == (leaves, 0, _size(first))
        assert drain(log.on(database), database) == second
        assert (
            signing.forked(database.server, log.file, SignedLast(log.folder / "notary.head"))
            is None
        )


def test_what_was_signed_since_is_not_signed_otherwise(log: Notarised, server_url: str) -> None:
    saved = log.say(30)
    log.store.take()
    last = log.say(30)
    with log.back(server_url) as (database, leaves):
        assert leaves == _size(saved) < _size(last)
        notary = log.on(database)
        with pytest.raises(NotaryFault, match=f"{leaves} leaves, and {_size(last)} were signed"):
            notary.work()
        head = SignedLast(log.folder / "notary.head")
        found = signing.forked(database.server, log.file, head)
        assert found is not None
        assert (found[0], found[1]) == (_size(last), Checkpoint.parse(saved.text))
        head.write(found[1])
        assert drain(notary, database) == saved


@pytest.mark.parametrize("late", [1, 2, 5])
def test_as_of_a_moment_it_is_the_tree_of_the_events_that_are_there(
    log: Notarised, server_url: str, late: int
) -> None:
    log.say(20)
    log.store.take()
    log.say(20)
    log.store.take()
    heads = log.store.log.reader.heads()
    when = {cell: head - late - cell for cell, head in heads.items()}
    with log.back(server_url, when) as (database, leaves):
        assert 0 < leaves < sum(heads.values())
        whole, cut = tree(log.store.database), tree(database)
        assert {place.number for place in places(leaves)} == {row[1] for row in cut["tiles"]}  # type: ignore[index]
        assert [row for row in whole["checkpoints"] if row[0] <= leaves] == cut["checkpoints"]  # type: ignore[index]
        with database.owner.connect() as connection:
            events = connection.scalar(text("SELECT sum(position) FROM log.log_heads"))
        done = verify(database.server, processes=0)
        assert (done.leaves, done.leaves + done.waiting) == (leaves, events)
        note = drain(log.on(database, "new.head"), database)
        assert _size(note) == events
        assert verify(database.server, processes=0).waiting == 0


def test_a_key_that_followed_another_follows_it_in_the_backup(
    log: Notarised, server_url: str
) -> None:
    log.say(10)
    signing.add_key(
        log.store.database.server, signing.prepare_key(log.store.database.server, log.file)
    )
    both = log.say(10)
    signing.retire_old_keys(log.store.database.server, log.file)
    log.say(10)
    log.store.take()
    with log.back(server_url) as (database, _):
        assert tree(database)["keys"] == tree(log.store.database)["keys"]
        assert verify(database.server, processes=0).waiting == 0
    assert both.signed_by(log.file.keys[0].verifier, check) is not None


def test_without_its_key_the_tree_stays_in_the_backup(log: Notarised, server_url: str) -> None:
    log.say(10)
    log.store.take()
    with restored(log.store, server_url) as (database, _):
        assert not any(tree(database).values())


def test_a_backup_without_a_tree_gets_all_of_it_later(log: Notarised, server_url: str) -> None:
    log.store.say(1, "before", "the notary")
    log.store.take()
    note = log.say(20)
    # What is new is the tree alone.
    log.store.take()
    with log.back(server_url) as (database, leaves):
        assert leaves == _size(note)
        assert tree(database) == tree(log.store.database)


def test_a_tree_that_began_anew_is_saved_anew(log: Notarised, server_url: str) -> None:
    log.say(20)
    log.store.take()
    with log.store.database.owner.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE log.notary_tree, log.notary_keys, log.notary_runs, log.notary_tiles,"
                " log.notary_checkpoints"
            )
        )
    log.notary = log.on(log.store.database, "second.head")
    note = log.say(20)
    log.store.take()
    with log.back(server_url) as (database, leaves):
        assert leaves == _size(note)
        assert tree(database) == tree(log.store.database)


@pytest.mark.parametrize(
    "altered",
    [
        "UPDATE log.notary_runs SET tags = set_byte(tags, 3, 9) WHERE leaf = 0",
        "UPDATE log.notary_checkpoints SET note = convert_to(replace(convert_from(note, 'UTF8'),"
        " substr(convert_from(note, 'UTF8'), 20, 4), 'AAAA'), 'UTF8')",
    ],
)
def test_a_tree_that_does_not_fit_the_events_is_not_restored(
    log: Notarised, server_url: str, altered: str
) -> None:
    log.say(10)
    with log.store.database.owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(altered))
    log.store.take()
    with pytest.raises(BackupFault, match="not the one that was"), log.back(server_url):
        pass
