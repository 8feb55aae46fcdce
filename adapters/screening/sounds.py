"""
Phrases written with other characters of the same sound.

Every Han character is read as one toneless syllable of Mandarin, the most usual one by pypinyin,
and syllables are looked for as letters are. Chinese has 400 syllables for thousands of characters,
so most short phrases sound like something innocent. What counts as suspicious is therefore

- four Han characters or more that sound like the phrase, whichever they are;
- three, if at least one of them is the phrase's own;
- never fewer, and never a phrase that is not all Han.

A sound alone holds a text at most; it never blocks one.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import msgspec

from adapters.screening.automaton import Automaton
from adapters.screening.characters import TABLE_END
from adapters.screening.work import Work

_SHORTEST: Final = 3
_ANY_CHARACTERS_FROM: Final = 4

_SILENT: Final = "\0"
#: Syllables are two bytes of UTF-8 each.
_FIRST: Final = 0x0100
_TONES: Final = frozenset("\u0300\u0301\u0304\u030c")


class _Heard(msgspec.Struct, frozen=True, gc=False):
    """A phrase, its sound, and the next that begins alike. Linked: see ``matcher._Target``."""

    number: int
    phrase: str
    sound: str
    other: "_Heard | None"


class Sounds:
    """
    Phrases by their sound.

    The automaton knows the first three syllables of each and no more: that is rare enough in a text
    for the rest to be compared one by one, and the automaton stays small, which is what it takes to
    be fast beside another one.

    :param phrases: in the compact view, by number; those that are too short, or not Han, are left
        out. A mapping, since fifty thousand pairs would be as many objects to look for cycles in,
        and that is when everybody else's are looked at.
    """

    __slots__ = ("_automaton", "_beginning")

    def __init__(self, phrases: Mapping[int, str]) -> None:
        beginning: dict[str, _Heard] = {}
        for number, phrase in phrases.items():
            sound = sound_of(phrase)
            if len(phrase) >= _SHORTEST and _SILENT not in sound:
                start = sound[:_SHORTEST]
                beginning[start] = _Heard(number, phrase, sound, beginning.get(start))
        self._automaton = Automaton(tuple(beginning))
        self._beginning = tuple(beginning.values())

    def __bool__(self) -> bool:
        return bool(self._beginning)

    def found(self, text: str, work: Work) -> Iterable[tuple[int, int, int]]:
        """
        Where a text, in the compact view, has a phrase in suspicious other characters, as start,
        end and the phrase's number.

        :raises Spent: too many begin alike, at once or while they are looked at.
        """
        sounds = sound_of(text)
        candidates = self._automaton.matches(sounds, work)
        return self._compared(text, sounds, candidates, work) if candidates else ()

    def _compared(
        self, text: str, sounds: str, candidates: Iterable[tuple[int, int, int]], work: Work
    ) -> Iterator[tuple[int, int, int]]:
        for start, _, beginning in candidates:
            one: _Heard | None = self._beginning[beginning]
            while one is not None:
                work.spend(2)
                end = start + len(one.phrase)
                if (
                    sounds.startswith(one.sound, start)
                    and not text.startswith(one.phrase, start)
                    and _suspicious(one.phrase, text[start:end])
                ):
                    yield start, end, one.number
                one = one.other


def sound_of(text: str) -> str:
    """A compact text as syllables, one a character; what is no Han character has no sound."""
    return text.translate(syllables())


def _suspicious(phrase: str, written: str) -> bool:
    """Whether characters that sound like a phrase, and are not the phrase, were meant to."""
    if len(phrase) >= _ANY_CHARACTERS_FROM:
        return True
    return any(map(str.__eq__, phrase, written))


@cache
def syllables() -> Sequence[int]:
    """For each code point, its syllable as a letter; 0 for what has none."""
    # As a file: what is imported stays in memory, and with it 50 MB of phrases never asked for.
    file = Path(str(distribution("pypinyin").locate_file("pypinyin/pinyin_dict.json")))
    read = json.loads(file.read_text(encoding="utf-8"))
    readings = {int(code): _toneless(found.split(",")[0]) for code, found in read.items()}
    letters = {one: _FIRST + at for at, one in enumerate(sorted(set(readings.values())))}
    table = [0] * TABLE_END
    for code, reading in readings.items():
        if code < TABLE_END:
            table[code] = letters[reading]
    return table


def _toneless(reading: str) -> str:
    parts = unicodedata.normalize("NFD", reading)
    return unicodedata.normalize("NFC", "".join(one for one in parts if one not in _TONES))
