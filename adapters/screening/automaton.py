"""
Many phrases looked for at once, by Aho and Corasick's automaton, within bounds.

The library builds an automaton without letting other threads in, and a large one takes a tenth of a
second. So there are several of moderate size, none of which takes long to build. It also returns
all matches at once, so long texts are searched in parts: memory does not grow with them, and who
has seen enough can stop.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

#: UTF-8 bytes of phrases in one automaton: about 20 ms to build.
SHARD_BYTES: Final = 256 * 1024

#: Where no other thread waits.
SHARD_BYTES_ALONE: Final = 64 << 20

#: Characters searched at once.
PART: Final = 2_048


class Automaton:
    """
    :param phrases: what to look for; none of them empty, all of them different.
    :param shard_bytes: of phrases in one automaton. Each costs a pass over a text, and building a
        large one keeps other threads waiting.
    """

    __slots__ = ("_longest", "_shards")

    def __init__(self, phrases: Sequence[str], shard_bytes: int = SHARD_BYTES) -> None:
        self._longest = max(map(len, phrases), default=0)
        self._shards = tuple(
            (
                start,
                AhoCorasick(
                    phrases[start:end],
                    store_patterns=False,
                    implementation=Implementation.ContiguousNFA,
                ).find_matches_as_indexes,
            )
            for start, end in _shards(phrases, shard_bytes)
        )

    def matches(self, text: str) -> Iterable[tuple[int, int, int]]:
        """
        All matches, those that overlap included, as start, end and the phrase's index, in that
        order.
        """
        return self._part(text) if len(text) <= PART else self._parts(text)

    def _part(self, text: str) -> list[tuple[int, int, int]]:
        found = [
            (start, end, first + index)
            for first, find in self._shards
            for index, start, end in find(text, overlapping=True)
        ]
        found.sort()
        return found

    def _parts(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Those that begin in a part, whether they end in it or not; then those of the next."""
        for at in range(0, len(text), PART):
            for start, end, index in self._part(text[at : at + PART + self._longest - 1]):
                if start >= PART:
                    break
                yield at + start, at + end, index


def _shards(phrases: Sequence[str], shard_bytes: int) -> Iterator[tuple[int, int]]:
    """Where each shard begins and ends: as many as are needed, of about the same size."""
    sizes = [len(phrase.encode()) for phrase in phrases]
    whole = sum(sizes)
    number = -(-whole // shard_bytes)
    start = passed = made = 0
    for at, one in enumerate(sizes):
        passed += one
        if passed * number >= (made + 1) * whole:
            yield start, at + 1
            start, made = at + 1, made + 1
    assert start == len(phrases)
