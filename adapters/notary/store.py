"""
The notary's tables: what is a leaf, the tiles, what was signed.

All statements run in the caller's transaction. The size of the tree is the guard: it moves only
from where it was believed to be, so that of two notaries that did the same work one aborts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, text
from sqlalchemy.dialects import postgresql

from adapters.log.tables import (
    notary_checkpoints,
    notary_cosignatures,
    notary_runs,
    notary_tiles,
)
from adapters.notary.key import NotaryFault
from domain.evidence.notes import Signature, Verifier
from domain.evidence.records import TAGS_BYTES
from domain.evidence.tiles import Grown

_CLAIM: Final = text(
    "INSERT INTO log.notary_tree (origin, vkey) SELECT :origin, :vkey"
    " WHERE NOT EXISTS (SELECT 1 FROM log.notary_tree) ON CONFLICT DO NOTHING"
)
_TREE: Final = text("SELECT origin, size FROM log.notary_tree")
_KEYS: Final = text("SELECT number, vkey, since, until FROM log.notary_keys ORDER BY number DESC")
_ADD_KEY: Final = text(
    "INSERT INTO log.notary_keys (number, vkey)"
    " SELECT coalesce(max(number), 0) + 1, :vkey FROM log.notary_keys"
)
_FIRST_KEY: Final = text(
    "INSERT INTO log.notary_keys (number, vkey) VALUES (1, :vkey) ON CONFLICT DO NOTHING"
)
_SIGNS: Final = text("UPDATE log.notary_keys SET since = :size WHERE number = :number")
_RETIRE: Final = text(
    "UPDATE log.notary_keys SET until ="
    " (SELECT coalesce(max(size), 0) FROM log.notary_checkpoints)"
    " WHERE until IS NULL AND number < (SELECT max(number) FROM log.notary_keys)"
)
_GROW: Final = text("UPDATE log.notary_tree SET size = :new WHERE size = :old")
# The last run of each cell, by one probe of the key.
_POSITIONS: Final = text(
    "SELECT h.cell, h.position, coalesce(r.position + r.events - 1, 0) FROM log.log_heads h"
    " LEFT JOIN LATERAL (SELECT position, events FROM log.notary_runs"
    " WHERE cell = h.cell ORDER BY position DESC LIMIT 1) r ON true ORDER BY h.cell"
)
_TILE: Final = text("SELECT hashes FROM log.notary_tiles WHERE level = :level AND number = :number")
_TILES: Final = text(
    "SELECT number, hashes FROM log.notary_tiles"
    " WHERE level = :level AND number >= :first AND number <= :last ORDER BY number"
)
_RUN: Final = text(
    "SELECT position, leaf, events, tags FROM log.notary_runs"
    " WHERE cell = :cell AND position <= :position ORDER BY position DESC LIMIT 1"
)
# From the run that holds the first leaf, which may have begun before it.
_RUNS: Final = text(
    "SELECT cell, position, leaf, events, tags FROM log.notary_runs WHERE leaf < :end AND leaf >="
    " coalesce((SELECT max(leaf) FROM log.notary_runs WHERE leaf <= :first), 0) ORDER BY leaf"
)
_BEHIND: Final = text("SELECT EXISTS (SELECT 1 FROM log.notary_runs WHERE leaf >= :leaf)")
_CHECKPOINTS: Final = text(
    "SELECT size, note FROM log.notary_checkpoints WHERE size > :after AND size <= :until"
    " ORDER BY size LIMIT :limit"
)
_DATED: Final = text(
    "SELECT size, note, signed_at FROM log.notary_checkpoints"
    " WHERE size > :after AND size <= :until ORDER BY size LIMIT :limit"
)
_COSIGNED: Final = text(
    "SELECT size, line FROM log.notary_cosignatures WHERE size > :after AND size <= :until"
    " ORDER BY size, witness"
)
_LAST: Final = text("SELECT size, note FROM log.notary_checkpoints ORDER BY size DESC LIMIT 1")
_LAST_WITNESSED: Final = text(
    "SELECT size, note FROM log.notary_checkpoints WHERE size ="
    " (SELECT max(size) FROM log.notary_cosignatures)"
)
_LINES: Final = text("SELECT line FROM log.notary_cosignatures WHERE size = :size ORDER BY witness")
_AT: Final = text("SELECT note FROM log.notary_checkpoints WHERE size = :size")


class TreeMoved(Exception):
    """Another notary was faster; nothing may be written from what was read before."""


class Run(NamedTuple):
    """Events of a cell from a position on, which are leaves from an index on; and their tags."""

    cell: int
    position: int
    leaf: int
    events: int
    tags: bytes

    def tags_of(self, position: int) -> bytes:
        """The two tags of one of its events."""
        at = (position - self.position) * TAGS_BYTES
        return self.tags[at : at + TAGS_BYTES]

    def part(self, first: int, end: int) -> "Run":
        """What of it lies among those leaves."""
        skipped = max(0, first - self.leaf)
        kept = min(self.events, end - self.leaf) - skipped
        tags = self.tags[skipped * TAGS_BYTES : (skipped + kept) * TAGS_BYTES]
        # What was cut short by somebody else shows in what is left.
        tags += self.tags[self.events * TAGS_BYTES :]
        return Run(self.cell, self.position + skipped, self.leaf + skipped, kept, tags)


class LogKey(NamedTuple):
    """
    A key that signs the tree. ``since`` and ``until`` are the tree's sizes at the first and at the
    last checkpoint that it signed; None before the first, and while there is no last.
    """

    number: int
    vkey: str
    since: int | None
    until: int | None


class Standing(NamedTuple):
    """
    Where the tree is: the log it is of, the keys that signed it, the newest first, its size; and by
    cell the log's head and its own.
    """

    origin: str
    keys: Sequence[LogKey]
    size: int
    heads: Mapping[int, int]
    positions: Mapping[int, int]

    @property
    def vkey(self) -> str:
        """Of the newest key."""
        return self.keys[0].vkey

    @property
    def lag(self) -> int:
        """How many events are no leaves yet."""
        return sum(max(0, at - self.positions[cell]) for cell, at in self.heads.items())


def go_by_keys(connection: Connection) -> None:
    """For this transaction: every table but the tree's one row grows, whatever statistics say."""
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")


def claim(connection: Connection, verifiers: Sequence[Verifier]) -> Standing:
    """
    Where the tree stands, for the one who grows it; made if there is none.

    :param verifiers: of the keys that the notary has, the newest first.
    :raises NotaryFault: it is another key's.
    """
    newest = verifiers[0]
    connection.execute(_CLAIM, {"origin": newest.name, "vkey": newest.vkey})
    connection.execute(_FIRST_KEY, {"vkey": newest.vkey})
    signing(connection, verifiers)
    found = standing(connection)
    assert found is not None
    return found


def signing(connection: Connection, verifiers: Sequence[Verifier]) -> list[LogKey]:
    """
    Which keys are to sign, of those that the notary has.

    :raises NotaryFault: the newest key of the log is none of them: it may be anywhere.
    """
    known = log_keys(connection)
    has = {one.vkey for one in verifiers}
    if known[0].vkey not in has:
        raise NotaryFault("the store's tree is signed with another key than the notary has")
    return [one for one in known if one.until is None and one.vkey in has]


def log_keys(connection: Connection) -> list[LogKey]:
    """The keys that sign the tree or did, the newest first."""
    return [LogKey(*row) for row in connection.execute(_KEYS)]


def add_key(connection: Connection, vkey: str) -> None:
    """Have the tree signed with one more key, the newest from now on."""
    connection.execute(_ADD_KEY, {"vkey": vkey})


def signs(connection: Connection, keys: Sequence[LogKey], size: int) -> None:
    """Keys sign a tree of that size; those that never did before, since then."""
    for key in keys:
        if key.since is None:
            connection.execute(_SIGNS, {"number": key.number, "size": size})


def retire_keys(connection: Connection) -> None:
    """All keys but the newest have signed for the last time."""
    connection.execute(_RETIRE)


def standing(connection: Connection) -> Standing | None:
    """Where the tree stands; None before there is one."""
    tree = connection.execute(_TREE).one_or_none()
    if tree is None:
        return None
    rows = connection.execute(_POSITIONS).all()
    heads = {int(cell): int(head) for cell, head, _ in rows}
    positions = {int(cell): int(at) for cell, _, at in rows}
    return Standing(tree.origin, log_keys(connection), int(tree.size), heads, positions)


def grow(
    connection: Connection, old: int, new: int, runs: Sequence[Run], grown: Iterable[Grown]
) -> None:
    """
    Add leaves, from the size that the tree was believed to have.

    :raises TreeMoved: it has another.
    """
    if connection.execute(_GROW, {"old": old, "new": new}).rowcount != 1:
        raise TreeMoved
    connection.execute(insert(notary_runs), [run._asdict() for run in runs])
    pieces = [
        {"level": each.level, "number": number, "hashes": hashes}
        for each in grown
        for number, hashes in each.pieces()
    ]
    added = postgresql.insert(notary_tiles)
    appended = added.on_conflict_do_update(
        index_elements=["level", "number"],
        set_={"hashes": notary_tiles.c.hashes.op("||")(added.excluded.hashes)},
    )
    connection.execute(appended, pieces)


def put_checkpoint(connection: Connection, size: int, note: bytes, at: datetime) -> None:
    """Keep what was signed: of each size once."""
    connection.execute(insert(notary_checkpoints), {"size": size, "note": note, "signed_at": at})


def put_cosignature(connection: Connection, size: int, signature: Signature) -> None:
    """Keep what a witness signed; of one that signs again, the newer."""
    added = postgresql.insert(notary_cosignatures).values(
        size=size, witness=signature.name, line=signature.line
    )
    connection.execute(
        added.on_conflict_do_update(
            index_elements=["size", "witness"], set_={"line": added.excluded.line}
        )
    )


def read_tile(connection: Connection, level: int, number: int) -> bytes:
    """The hashes of a tile, as many as there are; none for one that does not exist."""
    found = connection.scalar(_TILE, {"level": level, "number": number})
    return b"" if found is None else bytes(found)


def read_tiles(connection: Connection, level: int, first: int, last: int) -> dict[int, bytes]:
    """Tiles of a level, from the first to the last, as far as they are there."""
    rows = connection.execute(_TILES, {"level": level, "first": first, "last": last})
    return {int(number): bytes(hashes) for number, hashes in rows}


def run_of(connection: Connection, cell: int, position: int) -> Run | None:
    """The run in which an event is."""
    row = connection.execute(_RUN, {"cell": cell, "position": position}).one_or_none()
    if row is None or position >= row.position + row.events:
        return None
    return Run(cell, row.position, row.leaf, row.events, bytes(row.tags))


def runs_over(connection: Connection, first: int, end: int) -> list[Run]:
    """The runs of leaves from ``first`` up to ``end``, in their order."""
    rows = connection.execute(_RUNS, {"first": first, "end": end})
    return [Run(row.cell, row.position, row.leaf, row.events, bytes(row.tags)) for row in rows]


def has_leaf(connection: Connection, leaf: int) -> bool:
    """Whether there is a run at an index or behind it."""
    return bool(connection.scalar(_BEHIND, {"leaf": leaf}))


def checkpoints(
    connection: Connection, after: int, until: int, limit: int
) -> list[tuple[int, bytes]]:
    """What was signed of trees with ``after < size <= until``, as size and note."""
    rows = connection.execute(_CHECKPOINTS, {"after": after, "until": until, "limit": limit})
    return [(int(size), bytes(note)) for size, note in rows]


def dated_checkpoints(
    connection: Connection, after: int, until: int, limit: int
) -> list[tuple[int, bytes, datetime]]:
    """The same, each with when it was signed."""
    rows = connection.execute(_DATED, {"after": after, "until": until, "limit": limit})
    return [(int(size), bytes(note), at) for size, note, at in rows]


def cosigned(connection: Connection, after: int, until: int) -> list[tuple[int, str]]:
    """What witnesses signed of trees with ``after < size <= until``, as size and line."""
    rows = connection.execute(_COSIGNED, {"after": after, "until": until})
    return [(int(size), str(line)) for size, line in rows]


def last_checkpoint(connection: Connection, *, witnessed: bool = False) -> tuple[int, bytes] | None:
    """What was signed last, as size and note; or what was last that a witness signed."""
    row = connection.execute(_LAST_WITNESSED if witnessed else _LAST).one_or_none()
    return None if row is None else (int(row.size), bytes(row.note))


def checkpoint_at(connection: Connection, size: int) -> bytes | None:
    """The note about a tree of that size."""
    found: Any = connection.scalar(_AT, {"size": size})
    return None if found is None else bytes(found)


def cosignature_lines(connection: Connection, size: int) -> str:
    """What witnesses signed of a tree, to be put below its note."""
    return "".join(connection.scalars(_LINES, {"size": size}))
