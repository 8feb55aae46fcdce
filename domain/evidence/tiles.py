"""
The tree in tiles (C2SP tlog-tiles): how it is kept, grown, and read again for proofs.

A tile holds up to 256 hashes side by side: tiles of level 0 those of leaves, those of each level
above the roots of full tiles below. A tile only ever grows at its end, so any of its earlier,
partial forms is the beginning of what it is now.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from domain.evidence.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    consistency_ranges,
    inclusion_ranges,
    node_hash,
    root_of,
    root_over,
    split,
)

WIDTH: Final = 256
_LEVEL_BITS: Final = 8
_LEVEL_MAX: Final = 63
_sha256 = hashlib.sha256

#: The hashes of a tile (level, number), as many as there are.
ReadTile: TypeAlias = Callable[[int, int], bytes]


class TilePlace(NamedTuple):
    """One tile in one of its forms. ``level`` is None for the entries of level 0."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """As in ``tile/0/x001/x234/067.p/5``, without the first part."""
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")


_PATH: Final = re.compile(
    r"(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


def parse_path(path: str) -> TilePlace | None:
    """The tile that a path names; None when it is not written in the one way."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level, number, width = match.groups()
    place = TilePlace(
        None if level == "entries" else int(level),
        int(number.replace("x", "").replace("/", "")),
        WIDTH if width is None else int(width),
    )
    return place if place.path == path and (place.level or 0) <= _LEVEL_MAX else None


def places(size: int) -> list[TilePlace]:
    """All tiles of a tree of that size: full ones, and the partial one of each level."""
    found = []
    level, count = 0, size
    while count:
        found += [TilePlace(level, number) for number in range(count // WIDTH)]
        if count % WIDTH:
            found.append(TilePlace(level, count // WIDTH, count % WIDTH))
        level, count = level + 1, count // WIDTH
    return found


class Grown(NamedTuple):
    """New hashes of one level; ``first`` is the index of the first among all of the level."""

    level: int
    first: int
    hashes: list[bytes]

    def pieces(self) -> Iterable[tuple[int, bytes]]:
        """By number of the tile: what is added at its end."""
        at = 0
        while at < len(self.hashes):
            number, filled = divmod(self.first + at, WIDTH)
            until = at + WIDTH - filled
            yield number, b"".join(self.hashes[at:until])
            at = until


class Tree:
    """
    A tree that grows. It remembers only what its next root depends on: of each of the whole
    subtrees side by side that make up its leaves, the root.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    @classmethod
    def resumed(cls, size: int, read: ReadTile) -> "Tree":
        """The tree of that size whose tiles are there."""
        tree = cls()
        tree.size = size
        first = 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                tree._subtrees.append(range_hash(first, first + (1 << bit), read))
                first += 1 << bit
        return tree

    @property
    def root(self) -> bytes:
        """The root of all leaves so far."""
        return root_over(self._subtrees)

    @property
    def subtrees(self) -> tuple[bytes, ...]:
        """The roots of the whole subtrees side by side, the largest first."""
        return tuple(self._subtrees)

    def extend(self, leaves: list[bytes]) -> list[Grown]:
        """Add the hashes of leaves; what that adds to tiles, by level."""
        grown = [Grown(0, self.size, leaves)]
        subtrees, size = self._subtrees, self.size
        for leaf in leaves:
            found, count, height = leaf, size, 0
            while count & 1:
                found = _sha256(b"\x01" + subtrees.pop() + found).digest()
                count >>= 1
                height += 1
                if not height % _LEVEL_BITS:
                    level = height // _LEVEL_BITS
                    if level == len(grown):
                        grown.append(Grown(level, count, []))
                    grown[level].hashes.append(found)
            subtrees.append(found)
            size += 1
        self.size = size
        return grown


def tile_root(tile: bytes) -> bytes:
    """The root over a whole tile, which is a hash of the level above."""
    width = 2 * HASH_BYTES
    while len(tile) > HASH_BYTES:
        pairs = range(0, len(tile), width)
        tile = b"".join([_sha256(b"\x01" + tile[at : at + width]).digest() for at in pairs])
    return tile


def range_hash(first: int, end: int, read: ReadTile) -> bytes:
    """
    The hash over a range of leaves that is a subtree, whole or at the tree's right edge.

    :raises ValueError: a tile lacks what it should hold.
    """
    count = end - first
    if count & (count - 1):
        middle = first + split(count)
        return node_hash(range_hash(first, middle, read), range_hash(middle, end, read))
    level, rest = divmod(count.bit_length() - 1, _LEVEL_BITS)
    number, at = divmod(first >> (level * _LEVEL_BITS), WIDTH)
    raw = read(level, number)[at * HASH_BYTES : (at + (1 << rest)) * HASH_BYTES]
    if len(raw) != HASH_BYTES << rest:
        raise ValueError(f"tile {level}/{number} is too short")
    return root_of([raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)])


def root_at(size: int, read: ReadTile) -> bytes:
    """The root of the first ``size`` leaves."""
    return range_hash(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: ReadTile) -> list[bytes]:
    """That a leaf is in the tree of that size."""
    return [range_hash(*each, read) for each in inclusion_ranges(index, size)]


def consistency_proof(old: int, size: int, read: ReadTile) -> list[bytes]:
    """That the tree of ``size`` leaves grew from that of ``old``; never from 0."""
    return [range_hash(*each, read) for each in consistency_ranges(old, size)]
