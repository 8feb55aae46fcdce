"""
The tree of items' keys: whatever is punctured in whatever order, exactly that is gone.
"""

import os
from hashlib import blake2s
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vault import tree

_ROOT = bytes(range(32))


class Places(dict[bytes, bytes]):
    """A tree in memory."""

    put = dict.__setitem__


def planted() -> Places:
    return Places({tree.ROOT: _ROOT})


#: Leaves that lie close together, so that their ways part at every level, and some that do not.
_BASE = 0x12_3456_789A_BCDE
_LEAVES = st.one_of(
    st.integers(0, 2**56 - 1),
    st.builds(lambda bit, low: _BASE ^ (1 << bit) ^ low, st.integers(0, 55), st.integers(0, 15)),
).map(lambda number: number.to_bytes(7, "big"))


@given(st.lists(_LEAVES, max_size=40), st.lists(_LEAVES, max_size=40))
def test_exactly_what_was_punctured_is_gone(punctured: list[bytes], others: list[bytes]) -> None:
    whole, nodes = planted(), planted()
    gone: set[bytes] = set()
    for leaf in punctured:
        assert tree.puncture(nodes, leaf) is (leaf not in gone)
        gone.add(leaf)
        for each in (*punctured, *others):
            expected = None if each in gone else tree.derive(whole.get, each)
            assert tree.derive(nodes.get, each) == expected


@given(st.lists(_LEAVES, min_size=1, max_size=40))
def test_nothing_that_is_kept_leads_to_what_is_gone(punctured: list[bytes]) -> None:
    nodes = planted()
    above = {_above(leaf, level) for leaf in punctured for level in range(tree.LEVELS + 1)}
    for leaf in punctured:
        tree.puncture(nodes, leaf)
    kept = {
        branch[at + 1 : at + 33] for branch in nodes.values() for at in range(7, len(branch), 33)
    }
    assert not kept & above
    assert all(len(branch) != tree.NODE_BYTES for branch in nodes.values())


def _above(leaf: bytes, levels: int) -> bytes:
    """A node on the way to a leaf, by the definition: one digit of two bits a level."""
    node = _ROOT
    for level in range(levels):
        digit = int.from_bytes(leaf, "big") >> 54 - 2 * level & 3
        node = blake2s(node + bytes((digit,))).digest()
    return node


@given(_LEAVES)
def test_a_leaf_is_what_the_way_down_says(leaf: bytes) -> None:
    assert tree.derive(planted().get, leaf) == _above(leaf, tree.LEVELS)


def test_a_leaf_is_the_same_for_ever() -> None:
    item = UUID("01a210be-771a-8003-869a-45b14da4f9fc")
    assert tree.leaf_of(item).hex() == "9a45b14da4f9fc"
    derived = tree.derive(planted().get, tree.leaf_of(item))
    assert derived is not None
    assert derived.hex() == ("a3b7ad3032971ea81a43557bf440a38fe0f4d9f10b9229b9ac8b074fffe771d7")


def test_where_there_is_no_tree_nothing_follows() -> None:
    assert tree.derive(Places().get, bytes(7)) is None
    assert tree.puncture(Places(), bytes(7)) is False


@pytest.mark.parametrize("count", [1, 2_000])
def test_a_puncture_costs_three_kilobytes_at_most(count: int) -> None:
    nodes = planted()
    for _ in range(count):
        tree.puncture(nodes, os.urandom(7))
    assert sum(map(len, nodes.values())) <= 2_800 * count
    assert len(nodes) <= count


def test_neighbours_that_go_together_share_what_is_left() -> None:
    nodes = planted()
    for number in range(4**6):
        tree.puncture(nodes, number.to_bytes(7, "big"))
    left = sum((len(branch) - 7) // 33 for branch in nodes.values())
    assert left == 3 * (tree.LEVELS - 6)
