"""
The whole history held against the tree: every leaf, tile and checkpoint worked out again from the
events, and every stream's versions counted through.

Events are read cell by cell within a window of leaves, hashed as they come, and only the hashes of
a window are held, whatever the log's length. The streams are counted through by the database,
meanwhile. What is found first is told; nothing is repaired.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, text

from adapters.notary import store
from adapters.notary.key import check
from adapters.notary.rows import StoredRow, read_rows
from domain.evidence.notes import COSIGNATURE, BadNote, Checkpoint, Note, Verifier
from domain.evidence.tiles import WIDTH, Grown, Tree
from domain.evidence.tree import HASH_BYTES, leaf_hash

#: Leaves of a window, which may be as many runs; a few hundred bytes of each are held.
WINDOW: Final = 20_000
_EVENTS_AT_ONCE: Final = 1_000
_NOTES_AT_ONCE: Final = 500

# In the order of the key, so that nothing is sorted; positions must rise as versions do.
_BROKEN_STREAM: Final = text(
    "SELECT position, stream_id, version FROM (SELECT position, stream_id, version,"
    " lag(version) OVER w AS version_before, lag(position) OVER w AS position_before"
    " FROM log.events WHERE cell = :cell WINDOW w AS (PARTITION BY stream_id ORDER BY version)) e"
    " WHERE version <> coalesce(version_before, 0) + 1 OR position <= coalesce(position_before, 0)"
    " ORDER BY position LIMIT 1"
)
_COUNT: Final = text(
    "SELECT count(*), coalesce(max(position), 0) FROM log.events"
    " WHERE cell = :cell AND position > :after"
)


class Altered(Exception):
    """
    The history is not what was signed.

    :param at: the first position at fault (``0-123``); empty where no single one is.
    """

    def __init__(self, at: str, what: str) -> None:
        super().__init__(f"{at}: {what}" if at else what)
        self.at = at


class Verified(msgspec.Struct, frozen=True):
    """
    What held: leaves, checkpoints, and the size of the largest tree that a witness vouches for.
    ``waiting`` are events that are in no tree yet.
    """

    leaves: int
    checkpoints: int
    witnessed: int
    waiting: int


class Step(msgspec.Struct, frozen=True):
    """How far a verification is."""

    done: int
    total: int
    per_second: float


OnStep = Callable[[Step], None]


class Saved(msgspec.Struct, frozen=True):
    """A checkpoint that somebody kept elsewhere."""

    checkpoint: Checkpoint
    witnessed: bool = False


def saved_of(raw: bytes, log: Verifier | None, witnesses: Sequence[Verifier]) -> Saved:
    """
    A note that was kept, once its signatures hold.

    :param log: the log's key, if it is known from elsewhere than the store.
    :param witnesses: each must have signed it.
    :raises Altered: nobody who is known has signed it.
    """
    try:
        note = Note.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
        for verifier in (*witnesses, *([] if log is None else [log])):
            if note.signed_by(verifier, check) is None:
                raise Altered("", f"the saved checkpoint has no signature of {verifier.name}")
    except BadNote as error:
        raise Altered("", f"the saved checkpoint: {error}") from None
    return Saved(checkpoint, bool(witnesses))


def verify(
    database: Engine,
    *,
    key: Verifier | None = None,
    saved: Sequence[Saved] = (),
    witnesses: Sequence[Verifier] = (),
    on_step: OnStep | None = None,
    window: int = WINDOW,
) -> Verified:
    """
    Hold a store against its tree, and its tree against what was kept elsewhere.

    :param key: the log's, known from elsewhere; else it is the one that the store names.
    :param saved: checkpoints that were kept; the tree must have grown from each.
    :param witnesses: whose cosignatures must be there, and hold.
    :raises Altered: it does not.
    """
    streams = _Streams(database)
    streams.start()
    snapshot = database.connect().execution_options(isolation_level="REPEATABLE READ")
    try:
        with snapshot as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            verified = _Verification(connection, key, saved, witnesses, on_step, window).run()
    finally:
        streams.join()
    streams.tell()
    return verified


class _Verification:
    def __init__(
        self,
        connection: Connection,
        key: Verifier | None,
        saved: Sequence[Saved],
        witnesses: Sequence[Verifier],
        on_step: OnStep | None,
        window: int,
    ) -> None:
        standing = store.standing(connection)
        if standing is None:
            raise Altered("", "the store has no tree: the notary has not begun, or it was removed")
        self._connection = connection
        self._standing = standing
        self._log = _key_of(standing.vkey) if key is None else key
        self._witnesses = witnesses
        self._on_step = on_step
        self._window = window
        self._tree = Tree()
        self._positions = dict.fromkeys(standing.heads, 0)
        self._checkpoints = 0
        self._witnessed = 0
        self._saved = sorted(saved, key=lambda one: one.checkpoint.size)
        self._begun = time.monotonic()

    def run(self) -> Verified:
        size = self._standing.size
        for one in self._saved:
            if one.checkpoint.origin != self._standing.origin:
                raise Altered("", f"the saved checkpoint is of {one.checkpoint.origin}")
            if one.checkpoint.size > size:
                raise Altered(
                    "",
                    f"the tree has {size:,} leaves, and had {one.checkpoint.size:,} at the saved"
                    " checkpoint: its tail was cut off",
                )
        while self._tree.size < size:
            self._next(min(self._window, size - self._tree.size))
        if store.has_leaf(self._connection, size):
            raise Altered("", "there are leaves behind the tree's end")
        self._no_more_tiles()
        waiting = self._tail()
        self._require_witness()
        return Verified(size, self._checkpoints, self._witnessed, waiting)

    def _next(self, count: int) -> None:
        """The next leaves, their tiles, and the checkpoints that end among them."""
        first = self._tree.size
        leaves, places = self._leaves(first, count)
        notes = self._notes(first, first + count)
        done = 0
        for size, note, kept in notes:
            self._extend(leaves[done : size - first], places[done : size - first])
            done = size - first
            self._hold_against(size, note, kept)
        self._extend(leaves[done:], places[done:])
        if self._on_step is not None:
            seconds = max(time.monotonic() - self._begun, 1e-6)
            self._on_step(Step(self._tree.size, self._standing.size, self._tree.size / seconds))

    def _leaves(self, first: int, count: int) -> tuple[list[bytes], list[tuple[int, int]]]:
        """The leaves of a window from the events, and where in the log each is."""
        leaves: list[bytes] = [b""] * count
        places: list[tuple[int, int]] = [(0, 0)] * count
        by_cell: dict[int, list[store.Run]] = {}
        expected = first
        for run in self._runs(first, first + count):
            if run.leaf != expected or run.events < 1:
                raise Altered(f"{run.cell}-{run.position}", "the order of leaves was altered")
            if len(run.tags) != run.events * store.TAGS_BYTES:
                raise Altered(f"{run.cell}-{run.position}", "the tags of a leaf were altered")
            expected += run.events
            by_cell.setdefault(run.cell, []).append(run)
        if expected != first + count:
            raise Altered("", f"nothing says which event leaf {expected:,} is")
        for cell, runs in sorted(by_cell.items()):
            self._hash(cell, runs, first, leaves, places)
        return leaves, places

    def _runs(self, first: int, end: int) -> list[store.Run]:
        """Runs over a window, without what lies outside it."""
        runs = store.runs_over(self._connection, first, end)
        return [run.part(first, end) for run in runs]

    def _hash(
        self,
        cell: int,
        runs: Sequence[store.Run],
        first: int,
        leaves: list[bytes],
        places: list[tuple[int, int]],
    ) -> None:
        after = self._positions.get(cell, 0)
        rows = _rows(self._connection, cell, after, runs[-1].position + runs[-1].events - 1)
        for run in runs:
            if run.position != after + 1:
                raise Altered(f"{cell}-{after + 1}", "the event is no leaf of the tree")
            at = run.leaf - first
            for tags in range(0, len(run.tags), store.TAGS_BYTES):
                after += 1
                row = next(rows, None)
                if row is None or row.position != after:
                    raise Altered(f"{cell}-{after}", "the event was removed")
                both = run.tags[tags : tags + store.TAGS_BYTES]
                leaves[at] = leaf_hash(row.record(cell, both))
                places[at] = (cell, after)
                at += 1
        self._positions[cell] = after

    def _extend(self, leaves: list[bytes], places: list[tuple[int, int]]) -> None:
        if leaves:
            for grown in self._tree.extend(leaves):
                self._compare(grown, places)

    def _compare(self, grown: Grown, places: list[tuple[int, int]]) -> None:
        """New hashes with those of the tiles, as they are stored."""
        last = (grown.first + len(grown.hashes) - 1) // WIDTH
        number = grown.first // WIDTH
        stored = store.read_tiles(self._connection, grown.level, number, last)
        whole = [stored.get(each, b"") for each in range(number, last + 1)]
        at = (grown.first - number * WIDTH) * HASH_BYTES
        for tile in whole[:-1]:
            if len(tile) != WIDTH * HASH_BYTES:
                raise Altered("", f"a tile of level {grown.level} is not whole")
        mine = b"".join(grown.hashes)
        kept = b"".join(whole)[at : at + len(mine)]
        if mine == kept:
            return
        wrong = next(
            index
            for index, each in enumerate(grown.hashes)
            if kept[index * HASH_BYTES : (index + 1) * HASH_BYTES] != each
        )
        if grown.level:
            raise Altered("", f"hash {grown.first + wrong:,} of level {grown.level} was altered")
        cell, position = places[wrong]
        raise Altered(f"{cell}-{position}", "the event is not the one that was hashed")

    def _notes(self, after: int, until: int) -> list[tuple[int, bytes | None, Saved | None]]:
        """What was signed, and what was kept, of trees that end in a window; by size."""
        found: list[tuple[int, bytes | None, Saved | None]] = []
        last = after
        while notes := store.checkpoints(self._connection, last, until, _NOTES_AT_ONCE):
            found += [(size, note, None) for size, note in notes]
            last = notes[-1][0]
        found += [
            (one.checkpoint.size, None, one)
            for one in self._saved
            if after < one.checkpoint.size <= until
        ]
        return sorted(found, key=lambda each: each[0])

    def _hold_against(self, size: int, raw: bytes | None, saved: Saved | None) -> None:
        root = self._tree.root
        if saved is not None:
            if saved.checkpoint.root != root:
                raise Altered(
                    "", f"the first {size:,} leaves are others than at the saved checkpoint"
                )
            if saved.witnessed:
                self._witnessed = max(self._witnessed, size)
        if raw is None:
            return
        lines = store.cosignature_lines(self._connection, size)
        try:
            note = Note.parse(raw + lines.encode())
            if note.signed_by(self._log, check) is None:
                raise Altered("", f"the checkpoint of {size:,} leaves is not signed by the log")
            if Checkpoint.parse(note.text) != Checkpoint(self._standing.origin, size, root):
                raise Altered("", f"the checkpoint of {size:,} leaves is of another tree")
            if any(note.signed_by(one, check) is not None for one in self._witnesses):
                self._witnessed = max(self._witnessed, size)
        except BadNote as error:
            raise Altered("", f"the checkpoint of {size:,} leaves: {error}") from None
        self._checkpoints += 1

    def _no_more_tiles(self) -> None:
        """Nothing stands behind what was worked out."""
        count, level = self._tree.size, 0
        while count:
            full, width = divmod(count, WIDTH)
            last = store.read_tiles(self._connection, level, full, full).get(full, b"")
            if len(last) != width * HASH_BYTES:
                raise Altered("", f"the last tile of level {level} has another width")
            count, level = full, level + 1

    def _tail(self) -> int:
        """Events that are no leaves yet: as many as the head says, without a gap."""
        waiting = 0
        for cell, head in self._standing.heads.items():
            after = self._positions[cell]
            count, last = self._connection.execute(_COUNT, {"cell": cell, "after": after}).one()
            if head < after or last > head or count != head - after:
                raise Altered(f"{cell}-{min(head, after) + 1}", "events behind it were removed")
            waiting += count
        return waiting

    def _require_witness(self) -> None:
        if self._witnesses and not self._witnessed:
            names = ", ".join(one.name for one in self._witnesses if one.kind == COSIGNATURE)
            raise Altered("", f"no checkpoint has a signature of {names or 'that witness'}")


def _rows(connection: Connection, cell: int, after: int, until: int) -> Iterator[StoredRow]:
    """Events of a cell, read in pieces that fit in memory."""
    while after < until:
        row = None
        for row in read_rows(connection, cell, after, until, _EVENTS_AT_ONCE):
            yield row
        if row is None:
            return
        after = row.position


def _key_of(vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey)
    except BadNote as error:
        raise Altered("", f"the log's key: {error}") from None


class _Streams(threading.Thread):
    """Counts every stream's versions through, in the database, on a connection of its own."""

    def __init__(self, database: Engine) -> None:
        super().__init__(name="verify-streams", daemon=True)
        self._database = database
        self._found: Altered | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            with self._database.connect() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                cells = connection.exec_driver_sql("SELECT cell FROM log.log_heads ORDER BY 1")
                for (cell,) in cells.all():
                    row = connection.execute(_BROKEN_STREAM, {"cell": cell}).one_or_none()
                    if row is not None:
                        what = f"version {row.version} does not follow in stream {row.stream_id}"
                        self._found = Altered(f"{cell}-{row.position}", what)
                        return
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._error = error

    def tell(self) -> None:
        """
        :raises Altered: a stream's versions do not run on.
        """
        if self._error is not None:
            raise self._error
        if self._found is not None:
            raise self._found
