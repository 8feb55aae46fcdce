"""
What the notary made, for whoever asks: checkpoint, tiles, proofs; and what witnesses add to it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.notary import store
from adapters.notary.key import check
from adapters.notary.leaves import records_of
from adapters.notary.rows import read_rows
from commands.ports import LogUnavailable
from domain.evidence.notes import BadNote, Checkpoint, Note, Verifier, cosignatures
from domain.evidence.tiles import WIDTH, TilePlace, inclusion_proof
from domain.evidence.tree import HASH_BYTES


class SignedWith(msgspec.Struct, frozen=True):
    """
    A key that signs the log's checkpoints, or did: since that of a tree of so many leaves, null
    before the first, and until another; null while it still signs.
    """

    vkey: str
    since: int | None
    until: int | None


class Progress(msgspec.Struct, frozen=True):
    """
    How far the tree of a log is: its leaves, those that are signed, events not in it yet; and the
    keys that signed it, the newest first, of which ``vkey`` is the newest.
    """

    origin: str
    vkey: str
    size: int
    signed: int
    lag: int
    keys: tuple[SignedWith, ...] = ()


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

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._database.connect() as connection, connection.begin():
                store.go_by_keys(connection)
                yield connection
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise LogUnavailable from error

    def progress(self) -> Progress | None:
        """How far the tree is; None before there is one."""
        with self._connected() as connection:
            return progress(connection)

    def checkpoint(self, *, witnessed: bool = False) -> bytes | None:
        """The newest note, or the newest that a witness signed; None while there is none."""
        with self._connected() as connection:
            return _checkpoint(connection, witnessed=witnessed)

    def tile(self, place: TilePlace) -> bytes | None:
        """A tile of hashes; None where it has not come to that width, or holds entries."""
        if place.level is None:
            return None
        with self._connected() as connection:
            width = (_signed(connection) >> (8 * place.level)) - place.number * WIDTH
            if place.width > width:
                return None
            raw = store.read_tile(connection, place.level, place.number)
        return raw[: place.width * HASH_BYTES]

    def entries(self, place: TilePlace) -> bytes | None:
        """
        The records under a tile of level 0, each after its length in two bytes; None where the tree
        has not come to that width.
        """
        first = place.number * WIDTH
        with self._connected() as connection:
            if first + place.width > _signed(connection):
                return None
            records = records_of(connection, first, first + place.width)
        return b"".join(len(one).to_bytes(2, "big") + one for one in records)

    def proof(self, cell: int, position: int) -> Proof | None:
        """Of one event; None while it is in no signed tree."""
        with self._connected() as connection:
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
        with self._connected() as connection:
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


def _signed(connection: Connection) -> int:
    last = store.last_checkpoint(connection)
    return 0 if last is None else last[0]


def progress(connection: Connection) -> Progress | None:
    """How far the tree is; None before there is one."""
    standing = store.standing(connection)
    if standing is None:
        return None
    keys = tuple(SignedWith(key.vkey, key.since, key.until) for key in standing.keys)
    signed = _signed(connection)
    return Progress(standing.origin, standing.vkey, standing.size, signed, standing.lag, keys)
