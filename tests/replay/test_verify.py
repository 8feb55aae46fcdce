"""
What somebody does to the database with every right there is, and what finds it.

Each attack is made by the database's owner, directly, on a store whose tree is whole.
"""

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from adapters.notary.key import KeyFile, NotaryKey, SignedLast
from domain.evidence.notes import COSIGNATURE, Note, Verifier, cosign
from replay.altered import Altered
from replay.notary import Notary
from replay.published import Published
from replay.verify import Step, Verified, saved_of, verify
from tests.replay.conftest import LiveWorld

NOTARY = (
    "log.notary_tree, log.notary_keys, log.notary_runs, log.notary_tiles, log.notary_checkpoints,"
    " log.notary_cosignatures"
)
NOW = 1_764_374_400


class Evidence:
    """A store with a tree; its key is where an attacker may find it, the witness's is not."""

    def __init__(self, live: LiveWorld, folder: Path) -> None:
        self.live = live
        self.folder = folder
        self.keys = KeyFile(folder / "notary.key", "example.com/log")
        self.key = self.keys.keys[0]
        self._witness = NotaryKey("witness.example.com/w1", bytes(range(32)))
        public = self._witness.verifier.public
        self.witness = Verifier(self._witness.name, COSIGNATURE, public)
        self._heads = 0

    def notarise(self) -> None:
        """Take everything in, with a memory of nothing that was signed before."""
        self._heads += 1
        notary = Notary(
            self.live.world.server,
            self.live.world.clock,
            uuid4(),
            self.keys,
            _tag,
            SignedLast(self.folder / f"{self._heads}.head"),
            sign_seconds=0.0,
            leaves_per_batch=61,
        )
        while notary.work() == 0.0:
            pass

    def checkpoint(self) -> bytes:
        raw = Published(self.live.world.server).checkpoint()
        assert raw is not None
        return raw

    def cosigned(self) -> bytes:
        """The newest checkpoint with the witness's signature, which the store has as well."""
        note = Note.parse(self.checkpoint())
        line = cosign(note.text, self.witness, self._witness.sign, NOW)
        whole = Note(note.text, (*note.signatures, line)).encode()
        Published(self.live.world.server, [self.witness]).cosign(whole)
        return whole

    def attack(self, *statements: str) -> None:
        """As the owner of everything."""
        with self.live.world.database.owner.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))

    def verify(self, **given: object) -> Verified:
        given = {"tiles_at_once": 1, "processes": 0} | given
        return verify(self.live.world.server, **given)  # type: ignore[arg-type]

    def altered(self, **given: object) -> Altered:
        with pytest.raises(Altered) as caught:
            self.verify(**given)
        return caught.value


def _tag(member: UUID) -> bytes | None:
    return member.bytes[::-1] if member.int % 2 else None


@pytest.fixture
def evidence(live: LiveWorld, tmp_path: Path) -> Evidence:
    made = Evidence(live, tmp_path)
    for _ in range(3):
        live.write(150)
        made.notarise()
    return made


def test_a_history_that_nobody_touched_holds(evidence: Evidence) -> None:
    steps: list[Step] = []
    saved = saved_of(evidence.cosigned(), [evidence.key.verifier], [evidence.witness])
    done = evidence.verify(
        saved=[saved],
        witnesses=[evidence.witness],
        keys=[evidence.key.verifier],
        on_step=steps.append,
    )
    events = sum(evidence.live.reader.heads().values())
    assert done.leaves == done.witnessed == events
    assert done.checkpoints > 3
    assert steps[-1].done == steps[-1].total == events
    evidence.live.write(6)
    assert evidence.verify().waiting == sum(evidence.live.reader.heads().values()) - events


@pytest.mark.parametrize(
    "change",
    [
        "data = set_byte(data, 12, get_byte(data, 12) # 1)",
        "actor = gen_random_uuid()",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "owner = gen_random_uuid()",
        "command_id = gen_random_uuid()",
        "correlation_id = gen_random_uuid()",
        "causation_id = gen_random_uuid()",
        "type = type || '2'",
    ],
)
def test_one_altered_column_is_found_where_it_is(evidence: Evidence, change: str) -> None:
    evidence.attack(f"UPDATE log.events SET {change} WHERE cell = 1 AND position = 77")
    assert evidence.altered().at == "1-77"


def test_a_removed_event_is_found(evidence: Evidence) -> None:
    evidence.attack("DELETE FROM log.events WHERE cell = 2 AND position = 40")
    assert evidence.altered().at == "2-40"


def test_a_removed_event_whose_followers_moved_up_is_found(evidence: Evidence) -> None:
    evidence.attack(
        "DELETE FROM log.events WHERE cell = 2 AND position = 40",
        "UPDATE log.events SET position = -position + 1 WHERE cell = 2 AND position > 40",
        "UPDATE log.events SET position = -position WHERE cell = 2 AND position < 0",
        "UPDATE log.log_heads SET position = position - 1 WHERE cell = 2",
    )
    assert evidence.altered().at == "2-40"


def test_processes_find_what_one_finds(evidence: Evidence) -> None:
    whole = evidence.verify()
    assert evidence.verify(processes=2) == whole
    evidence.attack("UPDATE log.events SET actor = owner WHERE cell = 1 AND position = 120")
    evidence.attack("DELETE FROM log.events WHERE cell = 2 AND position = 150")
    assert evidence.altered(processes=2).at == evidence.altered().at


def test_swapped_events_are_found(evidence: Evidence) -> None:
    evidence.attack(
        "UPDATE log.events SET position = -1 WHERE cell = 0 AND position = 20",
        "UPDATE log.events SET position = 20 WHERE cell = 0 AND position = 90",
        "UPDATE log.events SET position = 90 WHERE cell = 0 AND position = -1",
    )
    assert evidence.altered().at == "0-20"


def _cut_tail(evidence: Evidence) -> None:
    """Remove the newest events with every trace, and sign what is left as if it were all."""
    evidence.attack(
        "DELETE FROM log.events WHERE position > 60",
        "UPDATE log.log_heads SET position = least(position, 60)",
        f"TRUNCATE {NOTARY}",
    )
    evidence.notarise()


def test_a_tail_cut_off_is_found_against_a_saved_checkpoint(evidence: Evidence) -> None:
    saved = saved_of(evidence.checkpoint(), [evidence.key.verifier], ())
    _cut_tail(evidence)
    evidence.verify()  # by itself it is as whole as a younger store
    assert "cut off" in str(evidence.altered(saved=[saved]))


def test_a_tail_cut_off_alone_is_found_at_once(evidence: Evidence) -> None:
    evidence.attack("DELETE FROM log.events WHERE cell = 1 AND position > 60")
    assert evidence.altered().at == "1-61"


def test_a_history_written_anew_is_found_against_a_witness(evidence: Evidence) -> None:
    cosigned = evidence.cosigned()
    evidence.attack(
        "UPDATE log.events SET actor = gen_random_uuid() WHERE cell = 1 AND position = 5",
        f"TRUNCATE {NOTARY}",
    )
    evidence.notarise()
    evidence.verify(keys=[evidence.key.verifier])  # signed with the log's own key
    saved = saved_of(cosigned, [evidence.key.verifier], [evidence.witness])
    assert "others than at the saved checkpoint" in str(evidence.altered(saved=[saved]))
    assert "no checkpoint has a signature" in str(evidence.altered(witnesses=[evidence.witness]))


def test_a_witness_signature_does_not_move_to_another_tree(evidence: Evidence) -> None:
    line = Note.parse(evidence.cosigned()).signatures[-1].line.strip()
    evidence.attack(
        "UPDATE log.events SET actor = gen_random_uuid() WHERE cell = 1 AND position = 5",
        f"TRUNCATE {NOTARY}",
    )
    evidence.notarise()
    evidence.attack(
        "INSERT INTO log.notary_cosignatures SELECT max(size), 'witness.example.com/w1',"
        f" '{line}' || chr(10) FROM log.notary_checkpoints"
    )
    assert "does not hold" in str(evidence.altered(witnesses=[evidence.witness]))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE log.notary_tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)"
            " WHERE level = 1",
            "level 1",
        ),
        ("DELETE FROM log.notary_tiles WHERE level = 0 AND number = 1", "not the one|whole"),
        ("UPDATE log.notary_tiles SET hashes = hashes || hashes WHERE level = 1", "another width"),
        ("UPDATE log.notary_runs SET tags = set_byte(tags, 3, 9) WHERE leaf = 0", "not the one"),
        ("UPDATE log.notary_runs SET tags = '' WHERE leaf = 0", "tags"),
        ("DELETE FROM log.notary_runs WHERE leaf = 0", "order|which event"),
        ("UPDATE log.notary_tree SET size = size - 3", "behind the tree's end|another"),
        (
            "UPDATE log.notary_checkpoints SET note = convert_to(replace(convert_from(note,"
            " 'UTF8'), 'example.com/log', 'example.org/log'), 'UTF8')",
            "signed",
        ),
        ("UPDATE log.notary_checkpoints SET size = size + 1 WHERE size = 61", "another tree"),
        ("TRUNCATE log.notary_tree", "no tree"),
    ],
)
def test_what_is_altered_of_the_tree_itself_is_found(
    evidence: Evidence, statement: str, said: str
) -> None:
    evidence.attack(statement)
    assert re.search(said, str(evidence.altered()))


def test_a_version_that_does_not_follow_is_found(evidence: Evidence) -> None:
    """Though it was so when the notary came: the tree alone would hold."""
    evidence.attack(
        f"TRUNCATE {NOTARY}",
        "UPDATE log.events SET version = 3 WHERE cell = 0 AND position = 33",
    )
    evidence.notarise()
    altered = evidence.altered()
    assert altered.at == "0-33"
    assert "does not follow" in str(altered)


def test_a_saved_note_is_believed_for_its_signatures(evidence: Evidence) -> None:
    stranger = Verifier("witness.example.com/w2", COSIGNATURE, evidence.witness.public)
    raw = evidence.cosigned()
    with pytest.raises(Altered, match="no signature of witness"):
        saved_of(raw, [], [stranger])
    forged = raw.replace(b"example.com/log\n", b"example.com/lag\n", 1)
    with pytest.raises(Altered, match="does not hold"):
        saved_of(forged, [], [evidence.witness])
