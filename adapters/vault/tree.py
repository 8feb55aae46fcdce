"""
One secret from which every item's key follows, and which can forget single items.

A key for each item would cost each write a synced row. Instead an item's key is a leaf of a tree
(Goldreich, Goldwasser and Micali, 1986): each node is 32 bytes, each of its four children the
BLAKE2s of the node and the child's digit, and the item's own 56 bits say the way down, one digit of
two bits a level. Whoever has a node has all that is below it and nothing else. So forgetting a leaf
("puncturing", Boneh and Waters, 2013) is to keep, in place of the node above it, the siblings along
the way to it: of these every other leaf still follows, and nothing leads to that one any more.

What is kept lies at *places*: the root at first; after the first puncture, in its place, the
siblings, called a branch. A sibling that is punctured later leaves that branch, and its own branch
lies at its own place. So a puncture writes at most two places, however many there were before.

A branch is 7 bytes, the leaf that is gone, and 33 for each sibling that is left: its slot, and the
node. A slot is the level, counted from 0 at the root's children, times 4, and the digit. No branch
is of 32 bytes, which is how a place tells a node from one.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2s
from typing import Final, Protocol, TypeAlias
from uuid import UUID

NODE_BYTES: Final = 32
LEAF_BYTES: Final = 7
LEVELS: Final = 4 * LEAF_BYTES
#: Where the node lies from which all others follow.
ROOT: Final = bytes(1 + LEAF_BYTES)

_DIGITS: Final = (b"\x00", b"\x01", b"\x02", b"\x03")
_SLOT_BYTES: Final = 1 + NODE_BYTES
#: The four digits of each byte, the upper bits first.
_STEPS: Final = tuple(
    (_DIGITS[byte >> 6], _DIGITS[byte >> 4 & 3], _DIGITS[byte >> 2 & 3], _DIGITS[byte & 3])
    for byte in range(256)
)


Get: TypeAlias = Callable[[bytes], bytes | None]


class Nodes(Protocol):
    """What is kept of one tree, by place."""

    def get(self, place: bytes, /) -> bytes | None:
        """What lies there: 32 bytes are a node, anything else a branch."""

    def put(self, place: bytes, kept: bytes, /) -> None:
        """Keep something there, in place of what was."""


def leaf_of(item: UUID) -> bytes:
    """
    The leaf of an item: 56 of the 62 bits of its id that are random, or a hash. That two of a
    member's 100,000 items share one is a chance of one in ten million.
    """
    return (item.int & (1 << 8 * LEAF_BYTES) - 1).to_bytes(LEAF_BYTES, "big")


def derive(get: Get, leaf: bytes) -> bytes | None:
    """
    A leaf's 32 bytes; None when it was punctured, or there is no tree.

    One look-up in a tree that was never punctured, and about log4 of the punctures in another.

    :param get: what lies at a place, as in :class:`Nodes`.
    """
    for level, kept in _walk(get, leaf):
        if len(kept) == NODE_BYTES:
            return descend(kept, level, leaf)
        split = _split(leaf, kept)
        at = _find(kept, leaf, split)
        if at >= 0:
            return descend(kept[at + 1 : at + _SLOT_BYTES], split + 1, leaf)
    return None


def puncture(nodes: Nodes, leaf: bytes) -> bool:
    """Make a leaf underivable, and no other; False when it was so before, or there is no tree."""
    for level, kept in _walk(nodes.get, leaf):
        if len(kept) == NODE_BYTES:
            nodes.put(_place(leaf, level), _prune(kept, level, leaf))
            return True
        split = _split(leaf, kept)
        at = _find(kept, leaf, split)
        if at >= 0:
            node, end = kept[at + 1 : at + _SLOT_BYTES], at + _SLOT_BYTES
            nodes.put(_place(leaf, level), kept[:at] + kept[end:])
            if split + 1 < LEVELS:
                nodes.put(_place(leaf, split + 1), _prune(node, split + 1, leaf))
            return True
    return False


def _walk(get: Get, leaf: bytes) -> Iterator[tuple[int, bytes]]:
    """What is kept on the way to a leaf, from the root on, with the levels of its places."""
    level = 0
    while level < LEVELS:
        kept = get(_place(leaf, level))
        if kept is None:
            return
        yield level, kept
        level = _split(leaf, kept) + 1


def _prune(node: bytes, level: int, leaf: bytes) -> bytes:
    """The branch that is left of a node at a level without a leaf."""
    branch = [leaf]
    for below in range(level, LEVELS):
        own = _slot(leaf, below)
        first = 4 * below
        for digit in range(4):
            if first + digit != own:
                branch += (bytes((first + digit,)), blake2s(node + _DIGITS[digit]).digest())
        node = blake2s(node + _DIGITS[own - first]).digest()
    return b"".join(branch)


def _find(branch: bytes, leaf: bytes, level: int) -> int:
    """Where in a branch the slot begins that is on the way to a leaf; -1 when it is not there."""
    if level == LEVELS:
        return -1
    slots = branch[LEAF_BYTES::_SLOT_BYTES]
    at = slots.find(_slot(leaf, level))
    return at if at < 0 else LEAF_BYTES + at * _SLOT_BYTES


def descend(node: bytes, level: int, leaf: bytes) -> bytes:
    """A leaf's 32 bytes, from a node at a level on the way to it."""
    while level % 4:
        node = blake2s(node + _DIGITS[_slot(leaf, level) & 3]).digest()
        level += 1
    for byte in leaf[level // 4 :]:
        one, two, three, four = _STEPS[byte]
        node = blake2s(node + one).digest()
        node = blake2s(node + two).digest()
        node = blake2s(node + three).digest()
        node = blake2s(node + four).digest()
    return node


def _slot(leaf: bytes, level: int) -> int:
    return 4 * level + (leaf[level >> 2] >> 6 - 2 * (level & 3) & 3)


def _split(leaf: bytes, branch: bytes) -> int:
    """How many digits a leaf has in common with the one that is gone from a branch."""
    gone = branch[:LEAF_BYTES]
    differ = int.from_bytes(leaf, "big") ^ int.from_bytes(gone, "big")
    return (8 * LEAF_BYTES - differ.bit_length()) // 2


def _place(leaf: bytes, level: int) -> bytes:
    """The place of the node above a leaf: its level, and the way there."""
    rest = 8 * LEAF_BYTES - 2 * level
    way = int.from_bytes(leaf, "big") >> rest << rest
    return bytes((level,)) + way.to_bytes(LEAF_BYTES, "big")
