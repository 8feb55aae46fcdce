"""
Makes a bundle from the store: reads every event of the range as the bytes it is, works out its
record, and goes through the tree with them as whoever checks it will. So a bundle that would not
hold is never made.
"""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, TypeAlias

import msgspec
from sqlalchemy import Connection, Engine, text

from adapters.notary import store
from adapters.notary.rows import StoredRow, read_rows
from adapters.notary.store import Run
from domain.evidence import bundles
from domain.evidence.bundles import (
    FORMAT,
    BundledEvent,
    Counts,
    DestroyedKey,
    Grew,
    Manifest,
    PublicKeys,
    encode,
    record_line,
    trail_row,
)
from domain.evidence.notes import Checkpoint, Note, Verifier
from domain.evidence.questions import Filter
from domain.evidence.reckoning import Reckoned, Reckoning
from domain.evidence.records import DigestRecord, decode_record
from domain.evidence.shown import Shown, root_with
from domain.evidence.tiles import consistency_proof, range_hash
from domain.evidence.tree import leaf_hash
from replay.altered import Altered
from replay.bundles.choosing import Chosen, HeadsAt, Moment, choose
from replay.bundles.writing import ArchiveWriter, writing

#: Of keys by their ids in hexadecimal, those that were destroyed.
Destroyed: TypeAlias = Callable[[frozenset[str]], Sequence[DestroyedKey]]

_HERE: Final = Path(__file__).parent
_COPIED_AT_ONCE: Final = 1 << 20
_TILES_HELD: Final = 512
_TOLD_EVERY: Final = 1_000


class Asked(msgspec.Struct, frozen=True):
    """Which bundle: from after ``since`` until ``until``, and which of the events."""

    since: Moment
    until: Moment
    wanted: Filter


class Step(msgspec.Struct, frozen=True):
    """How far it is, in events."""

    done: int
    total: int
    per_second: float


class Made(msgspec.Struct, frozen=True):
    """What is in a bundle, and the size of the tree that this is shown to be in."""

    reckoned: Reckoned
    checkpoint: int


def make(
    database: Engine,
    heads_at: HeadsAt,
    asked: Asked,
    out: Path,
    *,
    destroyed: Destroyed,
    witnesses: Sequence[Verifier] = (),
    on_step: Callable[[Step], None] | None = None,
) -> Made:
    """
    Make a bundle in a file.

    :param destroyed: asks the key vault.
    :param witnesses: known by their keys, which go into the bundle.
    :raises NotSigned: the notary has not come as far as the range.
    :raises NoSuchRange: the log has not.
    :raises Altered: the store's events are not what was signed.
    :raises OSError: the file cannot be written.
    """
    snapshot = database.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, writing(out) as archive:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        store.go_by_keys(connection)
        chosen = choose(connection, heads_at, asked.since, asked.until, asked.wanted)
        _front(connection, archive, chosen, witnesses)
        reckoned = _Body(connection, chosen, asked.wanted, on_step).write(archive, out.parent)
        keys = sorted(destroyed(reckoned.keys), key=lambda one: one.key)
        archive.add(bundles.ERASED, (encode(one) + b"\n" for one in keys))
        manifest = Manifest(
            cells=reckoned.cells,
            checkpoint=chosen.checkpoint,
            counts=Counts(
                destroyed_keys=len(keys),
                events=reckoned.events,
                keys=len(reckoned.keys),
                records=reckoned.records,
                rule_sets=reckoned.rule_sets,
            ),
            files=tuple(archive.files),
            filter=asked.wanted,
            format=FORMAT,
            range=chosen.span,
        )
        archive.add(bundles.MANIFEST, [encode(manifest), b"\n"])
    return Made(reckoned, chosen.checkpoint)


def _front(
    connection: Connection, archive: ArchiveWriter, chosen: Chosen, witnesses: Sequence[Verifier]
) -> None:
    """What does not depend on events: words, keys, checkpoints, and how one grew from another."""
    standing = store.standing(connection)
    assert standing is not None
    archive.add(bundles.README, [(_HERE / bundles.README).read_bytes()])
    archive.add(bundles.VERIFIER, [(_HERE / bundles.VERIFIER).read_bytes()])
    known = tuple(sorted(one.vkey for one in witnesses))
    archive.add(bundles.KEYS, [encode(PublicKeys(standing.vkey, known)), b"\n"])
    for size in chosen.checkpoints:
        note = store.checkpoint_at(connection, size)
        assert note is not None
        lines = store.cosignature_lines(connection, size).encode()
        archive.add(bundles.checkpoint_name(size), [note + lines])
    read = _tiles(connection)
    pairs = pairwise(chosen.checkpoints)
    grew = (
        Grew(old, tuple(map(_base64, consistency_proof(old, size, read))), size)
        for old, size in pairs
    )
    archive.add(bundles.CONSISTENCY, (encode(one) + b"\n" for one in grew))


class _Body:
    """Records, their proof, events and their trail: written side by side, since they come so."""

    def __init__(
        self,
        connection: Connection,
        chosen: Chosen,
        wanted: Filter,
        on_step: Callable[[Step], None] | None,
    ) -> None:
        self._connection = connection
        self._chosen = chosen
        self._reckoning = Reckoning(chosen.span, wanted)
        self._owner = None if wanted.owner is None else wanted.owner.bytes
        self._on_step = on_step
        self._begun = time.monotonic()

    def write(self, archive: ArchiveWriter, directory: Path) -> Reckoned:
        """Write all four; what they hold."""
        names = (bundles.RECORDS, bundles.PROOF, bundles.EVENTS, bundles.TRAIL)
        with ExitStack() as held:
            spools = [held.enter_context(TemporaryFile(dir=directory)) for _ in names]
            records, proof, events, trail = spools
            trail.write(bundles.TRAIL_HEAD)
            read = _tiles(self._connection)

            def hidden(first: int, end: int) -> bytes:
                found = range_hash(first, end, read)
                proof.write(_base64(found).encode() + b"\n")
                return found

            root = root_with(self._shown(records, events, trail), self._chosen.checkpoint, hidden)
            if root != self._root():
                raise Altered("", "the events are not what was signed: homezone audit verify")
            reckoned = self._reckoning.end()
            for name, spool in zip(names, spools, strict=True):
                archive.add(name, _pieces(spool))
        return reckoned

    def _root(self) -> bytes:
        note = store.checkpoint_at(self._connection, self._chosen.checkpoint)
        assert note is not None
        return Checkpoint.parse(Note.parse(note).text).root

    def _shown(self, records: IO[bytes], events: IO[bytes], trail: IO[bytes]) -> Iterator[Shown]:
        for done, (cell, row, leaf, tags) in enumerate(self._rows(), 1):
            raw = row.record(cell, tags)
            record = decode_record(raw)
            records.write(record_line(leaf, raw))
            event = self._event(cell, row, record)
            if event is not None:
                events.write(event.line)
            if self._reckoning.take(record, event) and event is not None:
                trail.write(trail_row(record, event))
            yield leaf, leaf_hash(raw)
            if self._on_step is not None and done % _TOLD_EVERY == 0:
                rate = done / (time.monotonic() - self._begun)
                self._on_step(Step(done, self._chosen.total, rate))

    def _event(self, cell: int, row: StoredRow, record: DigestRecord) -> BundledEvent | None:
        """The event, if it belongs into the bundle."""
        asked_for = self._reckoning.may_want(record) and self._owner in (None, row.owner)
        if asked_for or (cell, row.position) in self._chosen.rule_sets:
            return BundledEvent.of(cell, row.position, row.context, row.data)
        return None

    def _rows(self) -> Iterator[tuple[int, StoredRow, int, bytes]]:
        """Cell, event, leaf and tags, in the order of leaves."""
        chosen = self._chosen
        for window in chosen.windows(self._connection):
            reading = {
                cell: _read(self._connection, cell, [run for run in window if run.cell == cell])
                for cell in {run.cell for run in window}
            }
            for run in window:
                for number in range(run.events):
                    position = run.position + number
                    row = next(reading[run.cell], None)
                    if row is None or row.position != position:
                        raise Altered(f"{run.cell}-{position}", "the event was removed")
                    yield run.cell, row, run.leaf + number, run.tags_of(position)


def _read(connection: Connection, cell: int, runs: list[Run]) -> Iterator[StoredRow]:
    """The events of some runs of a cell; those side by side in one read."""
    at = 0
    while at < len(runs):
        first, count = runs[at].position, 0
        while at < len(runs) and runs[at].position == first + count:
            count += runs[at].events
            at += 1
        yield from read_rows(connection, cell, first - 1, first + count - 1, count)


def _tiles(connection: Connection) -> Callable[[int, int], bytes]:
    @lru_cache(_TILES_HELD)
    def read(level: int, number: int) -> bytes:
        return store.read_tile(connection, level, number)

    return read


def _pieces(spool: IO[bytes]) -> Iterator[bytes]:
    spool.seek(0)
    while piece := spool.read(_COPIED_AT_ONCE):
        yield piece


def _base64(hash: bytes) -> str:
    return base64.b64encode(hash).decode()
