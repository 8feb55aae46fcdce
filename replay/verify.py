"""
The whole history held against the tree: every leaf, tile and checkpoint worked out again from the
events, and every stream's versions counted through.

Stretches of leaves are worked out by processes of their own (``stretches.py``, ``hashing.py``), all
at one moment of the store; here they are put together in their order, under the tree above them.
Only a few stretches are held, whatever the log's length. The streams are counted through by the
database, meanwhile. What is found first is told; nothing is repaired.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, text

from adapters.notary import store
from adapters.notary.key import check
from domain.evidence.notes import COSIGNATURE, BadNote, Checkpoint, Note, Verifier
from domain.evidence.tiles import WIDTH, Grown, Tree
from domain.evidence.tree import HASH_BYTES, root_over
from replay.altered import Altered
from replay.hashing import Workers, hashing
from replay.stretches import Stretch, WorkedOut, follows_in_cell

#: Of a stretch; it may be as many runs as leaves, and a few hundred bytes of each are held.
TILES_AT_ONCE: Final = 32
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


def saved_of(raw: bytes, log: Sequence[Verifier], witnesses: Sequence[Verifier]) -> Saved:
    """
    A note that was kept, once its signatures hold.

    :param log: the log's keys, if any is known from elsewhere than the store; one must have signed.
    :param witnesses: each must have signed it.
    :raises Altered: nobody who is known has signed it.
    """
    try:
        note = Note.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
        for verifier in witnesses:
            if note.signed_by(verifier, check) is None:
                raise Altered("", f"the saved checkpoint has no signature of {verifier.name}")
        if log and not _signed_by_any(note, log):
            raise Altered("", f"the saved checkpoint has no signature of {log[0].name}")
    except BadNote as error:
        raise Altered("", f"the saved checkpoint: {error}") from None
    return Saved(checkpoint, bool(witnesses))


def verify(
    database: Engine,
    *,
    keys: Sequence[Verifier] = (),
    saved: Sequence[Saved] = (),
    witnesses: Sequence[Verifier] = (),
    on_step: OnStep | None = None,
    tiles_at_once: int = TILES_AT_ONCE,
    processes: int | None = None,
) -> Verified:
    """
    Hold a store against its tree, and its tree against what was kept elsewhere.

    :param keys: the log's, known from elsewhere; else they are those that the store names. Each
        checkpoint must be signed with one of them.
    :param saved: checkpoints that were kept; the tree must have grown from each.
    :param witnesses: whose cosignatures must be there, and hold.
    :param tiles_at_once: of a stretch, which one process works out.
    :param processes: that hash, beside this one; by default as many as help.
    :raises Altered: it does not.
    """
    with hashing(database, processes) as workers:
        streams = _Streams(database)
        streams.start()
        try:
            snapshot = database.connect().execution_options(isolation_level="REPEATABLE READ")
            with snapshot as connection:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                verified = _Verification(
                    connection, keys, saved, witnesses, on_step, tiles_at_once, workers
                ).run()
        finally:
            streams.join()
    streams.tell()
    return verified


class _Verification:
    def __init__(
        self,
        connection: Connection,
        keys: Sequence[Verifier],
        saved: Sequence[Saved],
        witnesses: Sequence[Verifier],
        on_step: OnStep | None,
        tiles_at_once: int,
        workers: Workers,
    ) -> None:
        standing = store.standing(connection)
        if standing is None:
            raise Altered("", "the store has no tree: the notary has not begun, or it was removed")
        self._connection = connection
        self._standing = standing
        self._keys = [_Signer(key, 0, None) for key in keys] or _named(standing.keys)
        self._witnesses = witnesses
        self._on_step = on_step
        self._leaves_at_once = tiles_at_once * WIDTH
        self._begin = workers.on(connection)
        self._at_once = workers.at_once
        # Of the roots of tiles, which are its leaves: the tree from level 1 up.
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
        for part in self._parts():
            self._next(part)
        if store.has_leaf(self._connection, size):
            raise Altered("", "there are leaves behind the tree's end")
        self._no_more_tiles()
        waiting = self._tail()
        self._require_witness()
        return Verified(size, self._checkpoints, self._witnessed, waiting)

    def _parts(self) -> "Iterator[_Part]":
        """Stretches in the order of the leaves; others are worked out while one is waited for."""
        begun: deque[_Part] = deque()
        for first in range(0, self._standing.size, self._leaves_at_once):
            count = min(self._leaves_at_once, self._standing.size - first)
            notes = self._notes(first, first + count)
            stretch = Stretch(first, count, [size for size, _, _ in notes])
            begun.append(_Part(stretch, notes, self._begin(stretch)))
            if len(begun) > self._at_once:
                yield begun.popleft()
        yield from begun

    def _next(self, part: "_Part") -> None:
        """The next leaves, the tiles over them, and the checkpoints that end among them."""
        stretch, worked_out = part.stretch, part.worked_out()
        for span in worked_out.spans:
            follows_in_cell(span, self._positions.get(span.cell, 0) + 1)
            self._positions[span.cell] = span.position + span.events - 1
        first, tiles = stretch.first // WIDTH, list(worked_out.tiles)
        for (size, note, kept), end in zip(part.notes, worked_out.ends, strict=True):
            self._extend(tiles[self._tree.size - first : size // WIDTH - first])
            self._hold_against(size, root_over((*self._tree.subtrees, *end)), note, kept)
        self._extend(tiles[self._tree.size - first :])
        if self._on_step is not None:
            done = stretch.first + stretch.leaves
            seconds = max(time.monotonic() - self._begun, 1e-6)
            self._on_step(Step(done, self._standing.size, done / seconds))

    def _extend(self, tiles: list[bytes]) -> None:
        if tiles:
            for grown in self._tree.extend(tiles):
                self._compare(grown._replace(level=grown.level + 1))

    def _compare(self, grown: Grown) -> None:
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
        for index, each in enumerate(grown.hashes):
            if kept[index * HASH_BYTES : (index + 1) * HASH_BYTES] != each:
                place = f"hash {grown.first + index:,} of level {grown.level}"
                raise Altered("", f"{place} was altered")

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

    def _hold_against(self, size: int, root: bytes, raw: bytes | None, saved: Saved | None) -> None:
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
            signers = [one.key for one in self._keys if one.signs(size)]
            if not _signed_by_any(note, signers):
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
        count, level = self._standing.size, 0
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


class _Part(NamedTuple):
    """A stretch that was begun with, and what was signed and kept of trees that end in it."""

    stretch: Stretch
    notes: Sequence[tuple[int, bytes | None, Saved | None]]
    worked_out: Callable[[], WorkedOut]


class _Signer(NamedTuple):
    """A key of the log, and the sizes between which it signed."""

    key: Verifier
    since: int | None
    until: int | None

    def signs(self, size: int) -> bool:
        """Whether the checkpoint of that size may be its alone."""
        begun = self.since is not None and self.since <= size
        return begun and (self.until is None or size <= self.until)


def _named(keys: Sequence[store.LogKey]) -> list[_Signer]:
    """The keys that the store names."""
    try:
        return [_Signer(Verifier.parse(one.vkey), one.since, one.until) for one in keys]
    except BadNote as error:
        raise Altered("", f"the log's key: {error}") from None


def _signed_by_any(note: Note, verifiers: Sequence[Verifier]) -> bool:
    """Whether one of them has signed, and none of theirs is forged."""
    signatures = [note.signed_by(one, check) for one in verifiers]
    return any(one is not None for one in signatures)


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
