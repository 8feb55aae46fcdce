"""
One proof for many leaves: it leads to the root that all leaves have, and to no other.
"""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.shown import Shown, root_with
from domain.evidence.tree import root_of


def leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(size)]


def proof_of(hashes: Sequence[bytes], shown: Sequence[Shown]) -> list[bytes]:
    proof: list[bytes] = []

    def hidden(first: int, end: int) -> bytes:
        proof.append(root_of(hashes[first:end]))
        return proof[-1]

    assert root_with(iter(shown), len(hashes), hidden) == root_of(hashes)
    return proof


def root_by(proof: Sequence[bytes], shown: Sequence[Shown], size: int) -> bytes:
    given = iter(proof)
    return root_with(iter(shown), size, lambda first, end: next(given))


@given(st.integers(1, 70), st.data())
def test_any_leaves_of_any_tree(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    shown = [(index, hashes[index]) for index in chosen]
    proof = proof_of(hashes, shown)
    assert root_by(proof, shown, size) == root_of(hashes)
    if shown:
        at = data.draw(st.integers(0, len(shown) - 1))
        forged = [*shown[:at], (shown[at][0], bytes(32)), *shown[at + 1 :]]
        assert root_by(proof, forged, size) != root_of(hashes)


def test_leaves_side_by_side_take_two_hashes_a_level() -> None:
    hashes = leaves(1_000)
    assert len(proof_of(hashes, [(index, hashes[index]) for index in range(301, 700)])) <= 20


@pytest.mark.parametrize("indexes", [(3, 2), (3, 3), (0, 8), (-1,), (9,)])
def test_leaves_that_no_tree_shows_so(indexes: tuple[int, ...]) -> None:
    shown = [(index, bytes(32)) for index in indexes]
    with pytest.raises(ValueError, match=r"out of order|no such leaf"):
        root_with(iter(shown), 8, lambda first, end: bytes(32))


def test_a_tree_of_no_leaves() -> None:
    assert root_by([], [], 0) == root_of([])
