"""
The notary's tree in a backup: the order of leaves, their tags, and what was signed.

Tiles are made again from the events. Order and tags are not: the order was true of nothing but the
notary's reading, and tags are made with keys that die. So a store that is restored goes on with the
same tree, and whoever follows it sees no fork. What a witness signed after a part was taken is
saved with the next; what came even later is not.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, insert

from adapters.backup import files
from adapters.backup.faults import BackupFault
from adapters.backup.files import File, Writing
from adapters.backup.parts import Backup, Part, TreeKey, TreeMark, file_name
from adapters.backup.work import OnWork, Work, unseen
from adapters.log.tables import notary_keys
from adapters.notary import store
from adapters.notary.key import NotaryFault
from adapters.notary.leaves import hashes_of
from domain.evidence.notes import BadNote, Checkpoint, Note, Signature, Verifier
from domain.evidence.tiles import ReadTile, Tree, root_at

_AT_ONCE: Final = 1_000
_LEAVES_AT_ONCE: Final = 5_000


class SavedRun(msgspec.Struct, frozen=True, tag="run"):
    """Events of a cell that are leaves one after the other, and their tags."""

    cell: int
    position: int
    leaf: int
    events: int
    tags: bytes


class SavedNote(msgspec.Struct, frozen=True, tag="note"):
    """What was signed of a tree of that size."""

    size: int
    note: bytes
    signed_at: datetime


class SavedLine(msgspec.Struct, frozen=True, tag="cosignature"):
    """What a witness signed of it."""

    size: int
    line: str


_Line = SavedRun | SavedNote | SavedLine
_decode: Final = msgspec.json.Decoder(_Line).decode


class Grown(NamedTuple):
    """What a part has of the tree."""

    mark: TreeMark
    file: File


def write_tree(backup: Backup, engine: Engine, number: int, standing: store.Standing) -> Grown:
    """
    Write what the tree has beyond the last part, up to where it stood; or all of it, where the last
    part is of another tree. What is below its size never changes.
    """
    with (
        engine.connect() as connection,
        Writing(backup.directory, file_name(number, "tree")) as file,
    ):
        store.go_by_keys(connection)
        known = _known(backup, connection, standing)
        first, signed = (known.size, known.signed) if known else (0, 0)

        def put(line: _Line) -> None:
            file.write(msgspec.json.encode(line) + b"\n")

        for run in _runs(connection, first, standing.size):
            put(SavedRun(*run))
        last = signed
        for size, note, at in _notes(connection, signed, standing.size):
            put(SavedNote(size, note, at))
            last = size
        # Of the part before, too: witnesses come after the fact.
        for size, line in store.cosigned(connection, known.signed_before if known else 0, last):
            put(SavedLine(size, line))
        mark = TreeMark(
            origin=standing.origin,
            keys=tuple(TreeKey(key.vkey, key.since, key.until) for key in standing.keys),
            first=first,
            size=standing.size,
            root=root_at(standing.size, _reader(connection)).hex(),
            signed=last,
            signed_before=signed,
        )
        return Grown(mark, file.finish())


def bring_tree(
    backup: Backup,
    connection: Connection,
    vector: Mapping[int, int],
    vkeys: Collection[str],
    on_work: OnWork = unseen,
) -> int:
    """
    Bring the tree back under the events that were restored, as far as all of them are there; how
    many leaves. Without a tree in the backup, or with one of another key, none.

    :param vkeys: of the keys that the notary has here: without the newest it could not go on.
    :raises BackupFault: it is not the tree that was saved.
    """
    parts = _parts(backup)
    mark = parts[-1].tree if parts else None
    if mark is None or mark.keys[0].vkey not in vkeys:
        return 0
    tree = _Tree(connection, mark, vector, on_work)
    for part in parts:
        for line in _lines(backup, part):
            tree.take(line)
        tree.compare(part)
    return tree.finish()


class _Tree:
    """A tree that is made again. Runs come in the order of leaves, what was signed after them."""

    def __init__(
        self, connection: Connection, mark: TreeMark, vector: Mapping[int, int], on_work: OnWork
    ) -> None:
        self._connection = connection
        self._mark = mark
        self._vector = vector
        self._on_work = on_work
        self._tree = Tree()
        self._runs: list[store.Run] = []
        self._taken = 0
        self._cut = False
        self._signed = 0
        newest = Verifier.parse(mark.keys[0].vkey)
        store.claim(connection, [newest])

    def take(self, line: _Line) -> None:
        """One line of a part."""
        match line:
            case SavedRun():
                self._take_run(store.Run(*msgspec.structs.astuple(line)))
            case SavedNote(size=size, note=note, signed_at=at):
                self._flush()
                if size <= self._tree.size:
                    store.put_checkpoint(self._connection, size, note, at)
                    self._signed = max(self._signed, size)
            case SavedLine(size=size, line=text):
                if size <= self._signed:
                    store.put_cosignature(self._connection, size, _signature(text))

    def compare(self, part: Part) -> None:
        """The tree with that which the part had at its end."""
        self._flush()
        mark = part.tree
        if mark is not None and mark.size == self._tree.size and mark.root != self._tree.root.hex():
            raise BackupFault(f"the tree of {mark.size:,} leaves is not the one that was saved")

    def finish(self) -> int:
        """The keys, and the last comparison: with what was signed."""
        size = self._tree.size
        rows = [
            {
                "number": len(self._mark.keys) - at,
                "vkey": key.vkey,
                "since": key.since if key.since is None or key.since <= size else None,
                "until": None if key.until is None else min(key.until, size),
            }
            for at, key in enumerate(self._mark.keys)
        ]
        self._connection.execute(delete(notary_keys))
        self._connection.execute(insert(notary_keys), rows)
        last = store.last_checkpoint(self._connection)
        if last is not None:
            said = Checkpoint.parse(Note.parse(last[1]).text)
            if said.root != root_at(said.size, _reader(self._connection)):
                raise BackupFault(
                    f"the tree of {said.size:,} leaves is not the one that was signed"
                )
        return size

    def _take_run(self, run: store.Run) -> None:
        if self._cut:
            return
        if run.leaf != self._taken:
            raise BackupFault(f"the backup does not say which event leaf {self._taken:,} is")
        there = self._vector.get(run.cell, 0) - run.position + 1
        if there < run.events:
            # Leaves behind one whose event is not restored will be others.
            self._cut = True
            if there < 1:
                return
            run = run.part(run.leaf, run.leaf + there)
        self._runs.append(run)
        self._taken += run.events
        if self._taken - self._tree.size >= _LEAVES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._runs:
            return
        runs, old = self._runs, self._tree.size
        self._runs = []
        try:
            grown = self._tree.extend(hashes_of(self._connection, runs, old, self._taken))
        except NotaryFault as fault:
            raise BackupFault(str(fault)) from None
        store.grow(self._connection, old, self._tree.size, runs, grown)
        self._on_work(Work("tree", self._tree.size, self._mark.size))


def _known(backup: Backup, connection: Connection, standing: store.Standing) -> TreeMark | None:
    """The tree as the last part has it, if this one grew from it."""
    known = backup.last.tree if backup.parts else None
    if known is None or known.origin != standing.origin or known.size > standing.size:
        return None
    same = root_at(known.size, _reader(connection)).hex() == known.root
    return known if same else None


def _parts(backup: Backup) -> list[Part]:
    """The parts that the last tree is in, from its beginning."""
    found: list[Part] = []
    for part in backup.parts:
        if part.tree is None:
            continue
        if part.tree.first == 0:
            found = []
        found.append(part)
    return found


def _lines(backup: Backup, part: Part) -> Iterator[_Line]:
    rest = b""
    for piece in files.read(backup.directory, part.files["tree"]):
        *lines, rest = (rest + piece).split(b"\n")
        try:
            yield from map(_decode, lines)
        except msgspec.MsgspecError:
            raise BackupFault(f"{part.files['tree'].name} is damaged") from None


def _runs(connection: Connection, first: int, end: int) -> Iterator[store.Run]:
    while first < end:
        runs = store.runs_over(connection, first, min(first + _LEAVES_AT_ONCE, end))
        for run in runs:
            if run.leaf >= first:
                yield run
                first = run.leaf + run.events
        if not runs:
            raise BackupFault(f"the store does not say which event leaf {first:,} is")


def _notes(connection: Connection, after: int, until: int) -> Iterator[tuple[int, bytes, datetime]]:
    while notes := store.dated_checkpoints(connection, after, until, _AT_ONCE):
        yield from notes
        after = notes[-1][0]


def _reader(connection: Connection) -> ReadTile:
    return lambda level, number: store.read_tile(connection, level, number)


def _signature(line: str) -> Signature:
    try:
        return Note.parse(f"\n\n{line}".encode()).signatures[0]
    except BadNote:
        raise BackupFault("a cosignature is damaged") from None
