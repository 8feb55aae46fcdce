"""
What the notary made, for whoever asks: checkpoint, tiles, proofs; and what witnesses add to it.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Engine

from adapters.notary import store
from adapters.notary.key import check
from adapters.notary.rows import read_rows
from domain.evidence.notes import BadNote, Checkpoint, Note, Verifier, cosignatures
from domain.evidence.tiles import WIDTH, TilePlace, inclusion_proof
from domain.evidence.tree import HASH_BYTES


class Proof(msgspec.Struct, frozen=True):
    """That an event is in the tree: its record, the leaf's index, the way to the root of a note."""

    record: bytes
    leaf: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


class Published:
    """The tree as far as it is signed. Reads the database; to be called in threads."""

    def __init__(self, database: Engine, witnesses: Sequence[Verifier] = ()) -> None:
        self._database = database
        self._witnesses = tuple(witnesses)

    def standing(self) -> store.Standing | None:
        """How far the tree is, and how far the log."""
        with self._database.connect() as connection:
            return store.standing(connection)

    def checkpoint(self, *, witnessed: bool = False) -> bytes | None:
        """The newest note, or the newest that a witness signed; None while there is none."""
        with self._database.connect() as connection:
            return _checkpoint(connection, witnessed=witnessed)

    def tile(self, place: TilePlace) -> bytes | None:
        """A tile of hashes; None where it has not come to that width, or holds entries."""
        if place.level is None:
            return None
        with self._database.connect() as connection:
            last = store.last_checkpoint(connection)
            signed = 0 if last is None else last[0]
            width = (signed >> (8 * place.level)) - place.number * WIDTH
            if place.width > width:
                return None
            raw = store.read_tile(connection, place.level, place.number)
        return raw[: place.width * HASH_BYTES]

    def proof(self, cell: int, position: int) -> Proof | None:
        """Of one event; None while it is in no signed tree."""
        with self._database.connect() as connection:
            note = _checkpoint(connection)
            run = store.run_of(connection, cell, position)
            if note is None or run is None:
                return None
            size = Checkpoint.parse(Note.parse(note).text).size
            leaf = run.leaf + position - run.position
            row = next(read_rows(connection, cell, position - 1, position, 1), None)
            if row is None or leaf >= size:
                return None

            def tile(level: int, number: int) -> bytes:
                return store.read_tile(connection, level, number)

            hashes = tuple(inclusion_proof(leaf, size, tile))
            return Proof(row.record(cell, run.tags_of(position)), leaf, hashes, note)

    def cosign(self, raw: bytes) -> int:
        """
        Keep what witnesses signed below a note of ours; the size of its tree.

        :raises BadNote: it is none of ours, or nobody whom we know as a witness signed it.
        """
        note = Note.parse(raw)
        size = Checkpoint.parse(note.text).size
        found = cosignatures(note, self._witnesses, check)
        if not found:
            raise BadNote("no witness that is known here has signed it")
        with self._database.begin() as connection:
            ours = store.checkpoint_at(connection, size) if size < 1 << 62 else None
            if ours is None or Note.parse(ours).text != note.text:
                raise BadNote("no such checkpoint was signed here")
            for one in found:
                store.put_cosignature(connection, size, one)
        return size


def _checkpoint(connection: Connection, *, witnessed: bool = False) -> bytes | None:
    found = store.last_checkpoint(connection, witnessed=witnessed)
    if found is None:
        return None
    size, note = found
    return note + store.cosignature_lines(connection, size).encode()
