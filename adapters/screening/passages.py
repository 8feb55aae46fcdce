"""
Long quotations, found although a few of their characters were changed.

A passage of n characters is found where it occurs with at most n/16 of them inserted, deleted or
replaced. It is cut into pieces of about eight. As one change spoils one piece at most, an
occurrence has the others, in their places but for a few: these are what the automaton looks for,
and only where enough of them stand together is the distance computed. So a short stretch that other
texts share does nothing, and a text made to look promising everywhere costs a small multiple of its
length.

Pieces that many passages of a set share are left out: they tell none of them. Without them fewer
pieces are wanted, as each may be one of those that changes have spared.

The distance is Myers' bit-vector algorithm in Hyyrö's form: a column of the matrix of edit
distances is two integers, whatever the passage's length.
"""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from adapters.screening.work import Work

#: Characters, normalised, that make a passage; fewer are a phrase.
SHORTEST: Final = 24
LONGEST: Final = 4_000

#: Passages of a set that may share a piece for it to be looked for.
SHARED_MAX: Final = 8

_PER_CHANGE: Final = 16
_PER_PIECE: Final = 8

#: How often one piece may occur in a passage.
_REPEATED_MAX: Final = 4


class Piece(NamedTuple):
    """A part of a passage that is looked for as it is, and where the passage has it."""

    text: str
    number: int
    offset: int


class Passage:
    """
    :param text: the passage, in the compact view.
    :raises ValueError: it has not got the length, or repeats itself too much; the message says so.
    """

    __slots__ = ("_peq", "_reversed", "_steps", "_wanted", "changes_max", "pieces", "text")

    def __init__(self, text: str) -> None:
        if not SHORTEST <= len(text) <= LONGEST:
            raise ValueError(f"a passage has {SHORTEST} to {LONGEST} letters and digits")
        self.text = text
        self.changes_max = len(text) // _PER_CHANGE
        number = len(text) // _PER_PIECE
        # Of one length, so that passages that begin alike have their first pieces in common.
        bounds = [*range(0, number * _PER_PIECE, _PER_PIECE), len(text)]
        self.pieces = tuple(
            Piece(text[start:end], at, start) for at, (start, end) in enumerate(pairwise(bounds))
        )
        repeated = Counter(piece.text for piece in self.pieces)
        if max(repeated.values()) > _REPEATED_MAX:
            raise ValueError("the passage repeats itself too much")
        self._wanted = number - self.changes_max
        self._peq = _positions(text)
        self._reversed = _positions(text[::-1])
        # For each character of a text some additions of integers that are as long as the passage.
        self._steps = 2 + len(text) // 1_300

    def leave_out(self, common: Container[str]) -> None:
        """
        Look for no piece whose text is among these.

        :raises ValueError: what is left of it does not tell where it is.
        """
        kept = tuple(piece for piece in self.pieces if piece.text not in common)
        self._wanted -= len(self.pieces) - len(kept)
        self.pieces = kept
        if self._wanted < 1:
            raise ValueError(
                f"it begins like too many others: more than {SHARED_MAX} passages share half of it"
            )

    def found(
        self, text: str, seen: Sequence[tuple[int, int]], work: Work
    ) -> Iterator[tuple[int, int]]:
        """
        Where a text has it, as start and end, from left to right; no two overlap.

        :param seen: pieces found: where the passage would begin, and the piece's number.
        :raises Spent: too much of the text looks like it.
        """
        work.spend(2 * len(seen))
        for start, end in self._promising(len(text), seen):
            work.spend(self._steps * (end - start))
            for found in self._within(text, start, end):
                work.spend(self._steps * len(self.text))
                yield found

    def _promising(self, length: int, seen: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Stretches of a text with enough pieces in their places; none overlap."""
        slack = self.changes_max
        ordered = sorted(seen)
        counts: dict[int, int] = {}
        oldest, stretch = 0, (0, 0)
        for begin, number in ordered:
            counts[number] = counts.get(number, 0) + 1
            while ordered[oldest][0] < begin - 2 * slack:
                gone = ordered[oldest][1]
                counts[gone] -= 1
                if not counts[gone]:
                    del counts[gone]
                oldest += 1
            if len(counts) < self._wanted:
                continue
            start = max(0, ordered[oldest][0] - slack)
            end = min(length, begin + len(self.text) + 2 * slack)
            if start < stretch[1]:
                stretch = (stretch[0], end)
            else:
                if stretch[1]:
                    yield stretch
                stretch = (start, end)
        if stretch[1]:
            yield stretch

    def _within(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Occurrences within a stretch; of those that overlap, the one that ends first and best."""
        best: tuple[int, int] | None = None
        after = start
        for at, distance in _distances(self._peq, len(self.text), text[start:end]):
            if best is not None and (distance > best[1] or distance > self.changes_max):
                stop = start + best[0] + 1
                begin = self._begins(text, after, stop, best[1])
                yield begin, stop
                after, best = stop, None
            elif distance <= self.changes_max and start + at >= after + self._least() - 1:
                best = (at, distance)
        if best is not None:
            stop = start + best[0] + 1
            yield self._begins(text, after, stop, best[1]), stop

    def _least(self) -> int:
        return len(self.text) - self.changes_max

    def _begins(self, text: str, after: int, stop: int, distance: int) -> int:
        """Where the occurrence that ends at a place begins: the longest of equals."""
        reach = max(after, stop - len(self.text) - self.changes_max)
        backwards = text[reach:stop][::-1]
        lengths = [
            at + 1
            for at, found in _distances(self._reversed, len(self.text), backwards, anchored=True)
            if found == distance
        ]
        return stop - max(lengths, default=len(backwards))


def _positions(pattern: str) -> dict[str, int]:
    """For each character, the places where a pattern has it, as bits."""
    places: dict[str, int] = {}
    for at, char in enumerate(pattern):
        places[char] = places.get(char, 0) | 1 << at
    return places


def _distances(
    peq: dict[str, int], length: int, text: str, *, anchored: bool = False
) -> Iterator[tuple[int, int]]:
    """
    For each place of a text, how far the pattern is from what ends there: from the best of all
    beginnings or, anchored, from the text's.
    """
    mask, high = (1 << length) - 1, 1 << (length - 1)
    carried = 1 if anchored else 0
    more, fewer, score = mask, 0, length
    for at, char in enumerate(text):
        equal = peq.get(char, 0)
        vertical = equal | fewer
        horizontal = (((equal & more) + more) ^ more) | equal
        plus = fewer | (~(horizontal | more) & mask)
        minus = more & horizontal
        if plus & high:
            score += 1
        elif minus & high:
            score -= 1
        plus = (plus << 1 | carried) & mask
        minus = (minus << 1) & mask
        more = minus | (~(vertical | plus) & mask)
        fewer = plus & vertical
        yield at, score
