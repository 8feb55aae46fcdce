"""
A text as it was written and as rules see it, with the way back from the one to the other.

Rules see three views of it. *Compact* is what phrases and passages are looked for in: letters and
digits in their plainest form (NFKD, simplified, no marks, casefolded), nothing in between. *Latin*
is the compact view once more, with letters of other scripts that pass for Latin ones made so; most
texts have none, and then there is none. *Readable* is for regular expressions: the compact view
with its separators left in, look-alikes made Latin in words that have Latin letters as well.

A view is one ``str.translate``. Which characters of the original a span came from is worked out
character by character, and only for texts in which something was found.
"""

import re
from collections.abc import Sequence
from typing import Final

from adapters.screening.characters import RARE, TABLE_END, characters, invisible, mark, spelled

#: A syllable written as two or three letters, as it comes from other systems.
_JAMO_SYLLABLE: Final = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_JAMO: Final = re.compile("[\u1100-\u11ff]")
#: Letters, and what takes no room between them.
_WORD: Final = re.compile(
    r"(?:[^\W\d_]|[\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff])+"
)


class View:
    """
    One view of a text.

    :param text: what is matched.
    """

    __slots__ = ("_careful", "_marked", "_origins", "_source", "_table", "text")

    def __init__(self, source: str, table: Sequence[int | str | None], *, careful: bool) -> None:
        self._source = source
        self._table = table
        self._careful = careful
        self._origins: tuple[list[int], list[int]] | None = None
        self._marked: dict[int, int] = {}
        text = source.translate(table)
        if careful:
            text = _composed("".join(one for one in text if ord(one) < TABLE_END))
        self.text = text

    def origins(self) -> tuple[list[int], list[int]]:
        """For each character, the first and the last one of the original that it came from."""
        if self._origins is None:
            self._origins = self._one_each() or self._traced()
        return self._origins

    def _one_each(self) -> tuple[list[int], list[int]] | None:
        """The origins where every character became one or none, as nearly always; else None."""
        if self._careful:
            return None
        table = self._table
        first = [at for at, char in enumerate(self._source) if table[ord(char)] is not None]
        return (first, first) if len(first) == len(self.text) else None

    def _traced(self) -> tuple[list[int], list[int]]:
        plain: list[str] = []
        first: list[int] = []
        for at, char in enumerate(self._source):
            code = ord(char)
            became = self._table[code] if code < TABLE_END else None
            if became is not None:
                made = became if isinstance(became, str) else chr(became)
                plain.append(made)
                first.extend([at] * len(made))
        return _merged("".join(plain), first)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """What a part of this view, not empty, is in the original, marks on its end included."""
        first, last = self.origins()
        return first[start], self._after_marks(last[end - 1] + 1)

    def _after_marks(self, at: int) -> int:
        """Where the marks end that begin at a place, if any do; looked for once."""
        stop = self._marked.get(at)
        if stop is None:
            stop = at
            while stop < len(self._source) and mark(self._source[stop]):
                stop += 1
            self._marked[at] = stop
        return stop


class Text:
    """
    A text, for all sets; satisfies ``Normalised``. Views are made when first asked for, the same
    whoever asks, so threads may share one.

    :param field: which text of the thing: ``text``, ``title``, ``mood``, …
    """

    __slots__ = (
        "_careful", "_foreign", "_gaps", "_latin", "_readable", "compact", "field", "original"
    )  # fmt: skip

    def __init__(self, field: str, original: str) -> None:
        tables = characters()
        self.field = field
        self.original = original
        self.compact = View(original, tables.swift, careful=False)
        self._careful = RARE in self.compact.text
        if self._careful:
            self.compact = View(original, tables.compact, careful=True)
        self._latin: View | None = None
        self._readable: View | None = None
        self._foreign: bool | None = None
        self._gaps: dict[int, tuple[bool, bool]] = {}

    @property
    def latin(self) -> View:
        """The compact view with look-alikes made Latin; the same view where it has none."""
        if self._latin is None:
            self._latin = self.compact
            if self._careful:
                tables = characters()
                passing = self.original.translate(tables.lookalikes)
                if passing != self.original:
                    self._latin = View(passing, tables.compact, careful=True)
        return self._latin

    @property
    def foreign(self) -> bool:
        """Whether it has letters, Greek ones or later in Unicode, that could not be Latin."""
        if self._foreign is None:
            pairs = zip(self.compact.text, self.latin.text, strict=True)
            self._foreign = any(
                one == other and one >= "\u0370" and spelled(one) == "letter"
                for one, other in pairs
            )
        return self._foreign

    @property
    def readable(self) -> View:
        """With separators."""
        if self._readable is None:
            tables = characters()
            source = _WORD.sub(_latin_word, self.original) if self._careful else self.original
            self._readable = View(source, tables.readable, careful=self._careful)
        return self._readable

    def apart(self, at: int) -> bool:
        """Whether anything stands between a character of the compact view and the one before."""
        return self._gap(at)[0]

    def blank(self, at: int) -> bool:
        """Whether there is white space among it."""
        return self._gap(at)[1]

    def _gap(self, at: int) -> tuple[bool, bool]:
        """Both, looked for once: a gap may be as long as the text, and everything span it."""
        found = self._gaps.get(at)
        if found is None:
            first, last = self.compact.origins()
            between = self.original[last[at - 1] + 1 : first[at]]
            found = (not all(map(invisible, between)), any(map(str.isspace, between)))
            self._gaps[at] = found
        return found


def _latin_word(word: "re.Match[str]") -> str:
    written = word[0]
    table = characters().compact
    plain = (table[ord(one)] for one in written if ord(one) < TABLE_END)
    if not any(isinstance(one, int) and 97 <= one <= 122 for one in plain):
        return written
    return written.translate(characters().lookalikes)


def _composed(text: str) -> str:
    if _JAMO.search(text) is None:
        return text
    return _JAMO_SYLLABLE.sub(lambda found: _syllable(found[0]), text)


def _syllable(jamo: str) -> str:
    lead, vowel, *tail = map(ord, jamo)
    final = tail[0] - 0x11A7 if tail else 0
    return chr(0xAC00 + ((lead - 0x1100) * 21 + vowel - 0x1161) * 28 + final)


def _merged(plain: str, first: list[int]) -> tuple[list[int], list[int]]:
    """The origins of a text whose syllables are put together."""
    if _JAMO.search(plain) is None:
        return first, first
    starts, ends, at = [], [], 0
    for found in _JAMO_SYLLABLE.finditer(plain):
        starts += [*first[at : found.start()], first[found.start()]]
        ends += [*first[at : found.start()], first[found.end() - 1]]
        at = found.end()
    return starts + first[at:], ends + first[at:]
