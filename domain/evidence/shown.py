"""
One proof for many leaves at once.

To show that some leaves are in a tree, one walks down from its root: a leaf that is shown is hashed
from what it holds, and a subtree in which none is shown is one hash. These hashes, from left to
right, are the proof. For a stretch of leaves side by side there are at most twice as many as the
tree is high, where a proof for each leaf would repeat nearly all of them.

Whoever makes a proof and whoever checks it walk the same way: they differ in where the hashes of
what is not shown come from. Leaves come in as they are read, so memory does not grow with them.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from domain.evidence.tree import EMPTY_ROOT, node_hash, split

#: A leaf's index and its hash.
Shown: TypeAlias = tuple[int, bytes]
#: The hash of a subtree in which nothing is shown: of the leaves from, up to and not including.
Hidden: TypeAlias = Callable[[int, int], bytes]

_NO_MORE: Final = (1 << 64, b"")


def root_with(shown: Iterator[Shown], size: int, hidden: Hidden) -> bytes:
    """
    The root of a tree of ``size`` leaves, of which some are shown.

    :param shown: in the order of their indexes.
    :param hidden: is asked for the other hashes, from left to right.
    :raises ValueError: leaves are not in order, one comes twice, or the tree has no such leaf.
    """
    coming = next(shown, _NO_MORE)

    def over(first: int, end: int) -> bytes:
        nonlocal coming
        if coming[0] >= end:
            return hidden(first, end)
        if end - first == 1:
            index, found = coming
            if index != first:
                raise ValueError("leaves are out of order")
            coming = next(shown, _NO_MORE)
            return found
        middle = first + split(end - first)
        left = over(first, middle)
        return node_hash(left, over(middle, end))

    root = over(0, size) if size else EMPTY_ROOT
    if coming is not _NO_MORE:
        raise ValueError("the tree has no such leaf")
    return root
