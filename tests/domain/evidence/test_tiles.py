"""
Tiles: the specification's examples, and that a tree is the same however it grew.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.tiles import (
    TilePlace,
    Tree,
    consistency_proof,
    inclusion_proof,
    parse_path,
    places,
    range_hash,
    root_at,
)
from domain.evidence.tree import (
    EMPTY_ROOT,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


class Tiles:
    """Tiles in memory, filled as a store fills them."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.held: dict[tuple[int, int], bytes] = {}

    def grow(self, leaves: list[bytes]) -> None:
        for grown in self.tree.extend(leaves):
            for number, hashes in grown.pieces():
                place = grown.level, number
                self.held[place] = self.held.get(place, b"") + hashes

    def read(self, level: int, number: int) -> bytes:
        return self.held.get((level, number), b"")


@pytest.fixture(scope="module")
def example() -> Tiles:
    """The specification's example, a tree of 70,000."""
    tiles = Tiles()
    for first in range(0, 70_000, 1_777):
        tiles.grow(LEAVES[first : first + 1_777])
    return tiles


def test_the_example_of_the_specification(example: Tiles) -> None:
    widths = [(one.level, one.number, one.width) for one in places(70_000)]
    assert widths == [
        *((0, number, 256) for number in range(273)), (0, 273, 112),
        (1, 0, 256), (1, 1, 17), (2, 0, 1),
    ]  # fmt: skip
    assert [(p.level, p.number, p.width) for p in places(256)] == [(0, 0, 256), (1, 0, 1)]
    assert {(one.level, one.number) for one in places(70_000)} == example.held.keys()
    for level, number, width in widths:
        assert len(example.held[level or 0, number]) == 32 * width
    assert example.tree.root == root_of(LEAVES)


def test_a_hash_of_level_one_is_a_whole_tile_s_root(example: Tiles) -> None:
    assert example.held[1, 0][32:64] == root_of(LEAVES[256:512])
    assert example.held[2, 0] == root_of(LEAVES[:65_536])


@given(st.data())
def test_proofs_from_tiles_hold(example: Tiles, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70_000))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = root_at(size, example.read)
    proof = inclusion_proof(index, size, example.read)
    assert verify_inclusion(index, size, LEAVES[index], proof, root)
    grown = consistency_proof(old, size, example.read)
    assert verify_consistency(old, size, root_at(old, example.read), root, grown)


@given(st.lists(st.integers(0, 700), max_size=6))
def test_a_tree_is_the_same_however_it_grew(steps: list[int]) -> None:
    tiles = Tiles()
    size = 0
    for step in steps:
        tiles.grow(LEAVES[size : size + step])
        size += step
        again = Tree.resumed(size, tiles.read)
        assert again.root == tiles.tree.root == root_at(size, tiles.read)
        assert again.root == (root_of(LEAVES[:size]) if size else EMPTY_ROOT)
        tiles.tree = again
    assert {k for k, v in tiles.held.items() if v} == {(p.level, p.number) for p in places(size)}


def test_a_tile_that_lacks_hashes_is_no_proof(example: Tiles) -> None:
    with pytest.raises(ValueError, match="too short"):
        range_hash(69_632, 70_656, example.read)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (TilePlace(0, 0), "0/000"),
        (TilePlace(1, 1_234_067), "1/x001/x234/067"),
        (TilePlace(0, 273, 112), "0/273.p/112"),
        (TilePlace(63, 1_000, 1), "63/x001/000.p/1"),
        (TilePlace(None, 1_234, 5), "entries/x001/234.p/5"),
    ],
)
def test_paths(place: TilePlace, path: str) -> None:
    assert place.path == path
    assert parse_path(path) == place


@pytest.mark.parametrize(
    "path",
    ["", "0", "0/00", "0/0000", "00/000", "64/000", "0/x000/000", "0/x001/x000", "0/001/000",
     "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000/", "/0/000", "-1/000",
     "0/\u0660\u0660\u0660", "data/000"],
)  # fmt: skip
def test_what_is_written_otherwise_is_no_path(path: str) -> None:
    assert parse_path(path) is None
