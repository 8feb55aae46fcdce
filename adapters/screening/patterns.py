"""
What it means that something was found that a set looks for: which patterns there are, and what each
is wanted for.
"""

from collections.abc import Sequence

import msgspec

from adapters.screening.automaton import Automaton
from adapters.screening.characters import spelled
from adapters.screening.checking import Phrase
from adapters.screening.passages import Piece


class PhraseTarget(msgspec.Struct, frozen=True, gc=False):
    """
    A phrase of a rule. Linked, not in tuples, and of no interest to the garbage collector: a
    hundred thousand containers would have it stop everybody to look at them.

    :param rule: by its place in the set.
    :param gaps: before which of its characters it has a separator; None where it counts wherever
        it is found, as it has neither letters nor digits that make words.
    :param other: the next with the same pattern.
    """

    rule: int
    gaps: tuple[int, ...] | None
    other: "Target | None"


class PartTarget(msgspec.Struct, frozen=True, gc=False):
    """A part of ``all_of`` rules, by its number; the same of all that have it."""

    part: int
    gaps: tuple[int, ...] | None
    other: "Target | None"


class PieceTarget(msgspec.Struct, frozen=True, gc=False):
    """A piece of the passage of a rule, and where the passage has it."""

    rule: int
    number: int
    offset: int
    other: "Target | None"


Target = PhraseTarget | PartTarget | PieceTarget


class Patterns:
    """Patterns, each once, with all that is wanted of them."""

    __slots__ = ("_targets",)

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}

    def phrase(self, rule: int, phrase: Phrase) -> None:
        """A phrase that is a rule by itself."""
        gaps = _gaps(phrase)
        for form in _forms(phrase):
            self._targets[form] = PhraseTarget(rule, gaps, self._targets.get(form))

    def part(self, part: int, phrase: Phrase) -> None:
        """A phrase that others are to be there with."""
        gaps = _gaps(phrase)
        for form in _forms(phrase):
            self._targets[form] = PartTarget(part, gaps, self._targets.get(form))

    def piece(self, rule: int, piece: Piece) -> None:
        """A piece of a passage."""
        known = self._targets.get(piece.text)
        self._targets[piece.text] = PieceTarget(rule, piece.number, piece.offset, known)

    def ready(self, shard_bytes: int) -> tuple[Automaton, Sequence[Target]]:
        """What looks for them, and what each is wanted for, by the number that it is told by."""
        return Automaton(tuple(self._targets), shard_bytes), tuple(self._targets.values())


def _forms(phrase: Phrase) -> tuple[str, ...]:
    return (phrase.text, phrase.latin) if phrase.latin else (phrase.text,)


def _gaps(phrase: Phrase) -> tuple[int, ...] | None:
    return phrase.gaps if any(map(spelled, phrase.text)) else None
