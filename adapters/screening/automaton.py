"""
Many phrases looked for at once, by Aho and Corasick's automaton, within bounds.

The library builds an automaton without letting other threads in, and a large one takes a tenth of a
second. So there are several of moderate size, none of which takes long to build. It also returns
all matches at once, so long texts are searched in parts: memory does not grow with them, and who
has seen enough can stop. Parts are the shorter the more phrases may end at one character, each of
another length.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

from adapters.screening.work import Work

#: UTF-8 bytes of phrases in one automaton: about 25 ms to build.
SHARD_BYTES: Final = 352 * 1024

#: Where no other thread waits.
SHARD_BYTES_ALONE: Final = 64 << 20

#: Characters searched at once, and matches that they may have.
PART: Final = 2_048
_MATCHES_MAX: Final = 16_384


class Automaton:
    """
    :param phrases: what to look for; none of them empty, all of them different.
    :param shard_bytes: of phrases in one automaton. Each costs a pass over a text, and building a
        large one keeps other threads waiting.
    """

    __slots__ = ("_longest", "_part", "_shards")

    def __init__(self, phrases: Sequence[str], shard_bytes: int = SHARD_BYTES) -> None:
        lengths = set(map(len, phrases))
        self._longest = max(lengths, default=0)
        self._part = min(PART, _MATCHES_MAX // max(len(lengths), 1))
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

    def matches(self, text: str, work: Work) -> Iterable[tuple[int, int, int]]:
        """
        All matches, those that overlap included, as start, end and the phrase's index, in that
        order.

        :raises Spent: there are too many, at once or while they are looked at.
        """
        return self._within(text, work) if len(text) <= self._part else self._parts(text, work)

    def _within(self, text: str, work: Work) -> list[tuple[int, int, int]]:
        found = [
            (start, end, first + index)
            for first, find in self._shards
            for index, start, end in find(text, overlapping=True)
        ]
        if found:
            work.spend(2 * len(found))
            found.sort()
        return found

    def _parts(self, text: str, work: Work) -> Iterator[tuple[int, int, int]]:
        """Those that begin in a part, whether they end in it or not; then those of the next."""
        for at in range(0, len(text), self._part):
            for start, end, index in self._within(
                text[at : at + self._part + self._longest - 1], work
            ):
                if start >= self._part:
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
