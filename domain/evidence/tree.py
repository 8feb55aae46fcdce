"""
The tree of RFC 9162 (section 2.1): hashes, and the proofs that two people agree on it.

A proof is made of hashes of ranges of leaves, and which ranges follows from the numbers alone. So
making one (``tiles.py`` finds the hashes) and checking one are separate, and a checker needs this
file only.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
_sha256 = hashlib.sha256

#: The root of a tree without leaves.
EMPTY_ROOT: Final = _sha256(b"").digest()

#: Leaves from, up to and not including.
Range: TypeAlias = tuple[int, int]


def leaf_hash(record: bytes) -> bytes:
    """The hash of one leaf."""
    return _sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what stands over two hashes."""
    return _sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, or of whole subtrees of one size."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    middle = split(len(hashes))
    return node_hash(root_of(hashes[:middle]), root_of(hashes[middle:]))


def root_over(subtrees: Sequence[bytes]) -> bytes:
    """The root over whole subtrees side by side, each smaller than the one before it."""
    if not subtrees:
        return EMPTY_ROOT
    *rest, root = subtrees
    for subtree in reversed(rest):
        root = node_hash(subtree, root)
    return root


def split(size: int) -> int:
    """How many leaves are on the left: the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """
    The ranges whose hashes prove a leaf, from the leaf up.

    :raises ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    ranges: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """
    The ranges whose hashes prove that a tree grew from an older one.

    :raises ValueError: from no leaves anything grows, and nothing from more than there are.
    """
    if not 0 < old <= size:
        raise ValueError("no tree grew from that")
    ranges: list[Range] = []
    first, end = 0, size
    while old != end:
        middle = first + split(end - first)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    if first:
        ranges.append((first, end))
    return ranges[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether a leaf's hash is at an index of the tree with that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """
    Whether the tree with ``root`` grew from the one with ``old_root`` (RFC 9162, 2.1.4.2).

    From a tree of no leaves nothing is proved: whoever has none has seen nothing, and is refused.
    """
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and was == old_root and now == root
