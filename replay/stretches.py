"""
A stretch of the tree worked out again from the events: what a verification does for long.

A stretch is whole tiles, one after the other, and the few leaves behind the last of them. Its
leaves are read from where the runs say they are, hashed, and held against the tiles. What goes on
from there is small: the roots of the tiles, and what the tree stood on wherever it was signed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from adapters.notary import store
from adapters.notary.rows import leaves_of, read_raw
from domain.evidence.records import TAGS_BYTES
from domain.evidence.tiles import WIDTH, Tree, tile_root
from domain.evidence.tree import HASH_BYTES
from replay.altered import Altered

_EVENTS_AT_ONCE: Final = 4_000
_TILE_BYTES: Final = WIDTH * HASH_BYTES


class Stretch(NamedTuple):
    """
    Leaves from a tile's first.

    :param sizes: of the trees to tell of, which end in the stretch; rising.
    """

    first: int
    leaves: int
    sizes: Sequence[int]


class Span(NamedTuple):
    """So many events of a cell, from a position on."""

    cell: int
    position: int
    events: int


class WorkedOut(NamedTuple):
    """
    What a stretch comes to.

    :param spans: its events, in the order of the leaves.
    :param tiles: the roots of its whole tiles.
    :param ends: for each tree asked for, the whole subtrees behind its last whole tile.
    """

    spans: Sequence[Span]
    tiles: Sequence[bytes]
    ends: Sequence[tuple[bytes, ...]]


def work_out(connection: Connection, stretch: Stretch) -> WorkedOut:
    """
    Work a stretch out.

    :raises Altered: the runs, the events and the tiles do not fit.
    """
    runs = list(_runs(connection, stretch))
    leaves = _leaves(connection, runs)
    number = stretch.first // WIDTH
    tiles = [leaves[at : at + _TILE_BYTES] for at in range(0, len(leaves), _TILE_BYTES)]
    kept = store.read_tiles(connection, 0, number, number + len(tiles) - 1)
    for index, tile in enumerate(tiles):
        if kept.get(number + index) != tile:
            found = kept.get(number + index, b"")
            raise _differs(runs, index * WIDTH, tile, found)
    whole = len(leaves) // _TILE_BYTES
    ends = _ends(stretch, tiles)
    spans = [Span(run.cell, run.position, run.events) for run in runs]
    return WorkedOut(spans, [tile_root(tile) for tile in tiles[:whole]], ends)


def _runs(connection: Connection, stretch: Stretch) -> Iterator[store.Run]:
    """Which events the leaves are."""
    expected, end = stretch.first, stretch.first + stretch.leaves
    for whole in store.runs_over(connection, stretch.first, end):
        run = whole.part(stretch.first, end)
        at = f"{run.cell}-{run.position}"
        if run.leaf != expected or run.events < 1:
            raise Altered(at, "the order of leaves was altered")
        if len(run.tags) != run.events * TAGS_BYTES:
            raise Altered(at, "the tags of a leaf were altered")
        expected += run.events
        yield run
    if expected != end:
        raise Altered("", f"nothing says which event leaf {expected:,} is")


def _leaves(connection: Connection, runs: Sequence[store.Run]) -> bytes:
    """The hashes, one after the other. What follows on in a cell is read at once."""
    by_cell: dict[int, list[store.Run]] = {}
    for run in runs:
        before = by_cell.setdefault(run.cell, [])
        follows_in_cell(run, before[-1].position + before[-1].events if before else run.position)
        before.append(run)
    hashed: dict[int, bytes] = {}
    for cell, parts in by_cell.items():
        tags = b"".join(run.tags for run in parts)
        hashes = _hashes(connection, cell, parts[0].position, tags)
        at = 0
        for run in parts:
            hashed[run.leaf] = b"".join(hashes[at : at + run.events])
            at += run.events
    return b"".join(hashed[run.leaf] for run in runs)


def follows_in_cell(run: store.Run | Span, position: int) -> None:
    """
    :raises Altered: it does not go on from there.
    """
    if run.position != position:
        raise Altered(f"{run.cell}-{position}", "the event is no leaf of the tree")


def _hashes(connection: Connection, cell: int, position: int, tags: bytes) -> list[bytes]:
    """
    Those of a cell's events from a position on, as many as there are tags.

    :raises Altered: one of them is not there.
    """
    hashes: list[bytes] = []
    count, at = len(tags) // TAGS_BYTES, 0
    while at < count:
        until = min(at + _EVENTS_AT_ONCE, count)
        rows = read_raw(connection, cell, position + at - 1, position + until - 1, _EVENTS_AT_ONCE)
        both = tags[at * TAGS_BYTES : until * TAGS_BYTES]
        hashes += leaves_of(rows, cell, position + at, both)
        at = until
        if len(hashes) < at:
            raise Altered(f"{cell}-{position + len(hashes)}", "the event was removed")
    return hashes


def _differs(runs: Iterable[store.Run], first: int, tile: bytes, kept: bytes) -> Altered:
    """What to tell of a tile that is not as it was worked out; its first leaf is so far in."""
    pairs = range(0, len(tile), HASH_BYTES)
    wrong = [at for at in pairs if kept[at : at + HASH_BYTES] != tile[at : at + HASH_BYTES]]
    if not wrong:
        return Altered("", "the last tile of level 0 has another width")
    index = first + wrong[0] // HASH_BYTES
    for run in runs:
        if index < run.events:
            return Altered(
                f"{run.cell}-{run.position + index}", "the event is not the one that was hashed"
            )
        index -= run.events
    raise AssertionError("every leaf of a stretch is an event")


def _ends(stretch: Stretch, tiles: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    ends, tree, at = [], Tree(), -1
    for size in stretch.sizes:
        number, width = divmod(size - stretch.first, WIDTH)
        if number != at:
            tree, at = Tree(), number
        if width:
            more = range(tree.size * HASH_BYTES, width * HASH_BYTES, HASH_BYTES)
            tree.extend([tiles[number][one : one + HASH_BYTES] for one in more])
        ends.append(tree.subtrees)
    return ends
