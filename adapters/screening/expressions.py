"""
Regular expressions by compliance, in time that grows with the text and not with their cunning.

RE2 has no backtracking, and what it has no linear time for (look-arounds, back references) does not
compile. What is left to bound is the size of what it compiles to, one by one and for a whole set.

An expression sees the readable view: as compact as what phrases are looked for in (simplified,
casefolded, full width made narrow, no marks, nothing that takes no room), but with its separators:
white space is a blank, except for the end of a line, and punctuation and symbols stay. Case makes
no difference.
"""

from collections.abc import Iterator
from typing import Final

import re2

from adapters.screening.characters import TABLE_END, characters
from adapters.screening.work import Work

LENGTH_MAX: Final = 1_000
PER_SET_MAX: Final = 100
#: Instructions that RE2 makes of one expression, and of all those of a set.
SIZE_MAX: Final = 1_000
SIZE_PER_SET_MAX: Final = 10_000

_MEMORY_MAX: Final = 1024 * 1024
_BYTES_PER_STEP: Final = 128
_SAMPLES: Final = (b"", b"a", b"a b", b"1\n2", "\u4e00 \u4e00".encode())


class Expression:
    """
    :raises ValueError: it does not compile, is too large, or has characters that it will never see.
    """

    __slots__ = ("_compiled",)

    def __init__(self, source: str) -> None:
        if not source or len(source) > LENGTH_MAX:
            raise ValueError(f"an expression has 1 to {LENGTH_MAX} characters")
        _only_what_is_seen(source)
        options = re2.Options()
        options.max_mem = _MEMORY_MAX
        options.log_errors = False
        options.case_sensitive = False
        options.never_capture = True
        try:
            self._compiled = re2.compile(source.encode(), options)
        except re2.error as error:
            (reason,) = error.args
            raise ValueError(reason.decode(errors="replace")) from None
        except UnicodeEncodeError:
            raise ValueError("not a text") from None
        if self.size > SIZE_MAX:
            raise ValueError(f"too large: it takes {self.size} instructions of {SIZE_MAX}")
        for sample in _SAMPLES:
            if any(one.start() == one.end() for one in self._compiled.finditer(sample)):
                raise ValueError("it matches where there is nothing")

    @property
    def size(self) -> int:
        """In instructions."""
        return int(max(self._compiled.programsize, self._compiled.reverseprogramsize))

    def found(self, text: bytes, work: Work) -> Iterator[tuple[int, int]]:
        """
        Where it matches the UTF-8 of a readable view, as start and end in characters.

        :raises Spent: it does so too often. RE2's time is linear for one match and not for all:
            each may be looked for up to the end of the text.
        """
        if self._compiled.search(text) is None:
            return
        at = characters_before = 0
        for match in self._compiled.finditer(text):
            start, end = match.span()
            work.spend(4 + (len(text) - start) // _BYTES_PER_STEP)
            if start < end:
                characters_before += len(text[at:start].decode())
                length = len(text[start:end].decode())
                yield characters_before, characters_before + length
                characters_before += length
                at = end


def _only_what_is_seen(source: str) -> None:
    """Refuse a character that normalisation makes another one of, unless it bounds a range."""
    table = characters().readable
    for at, char in enumerate(source):
        if char.isascii() or "-" in (source[at - 1 : at], source[at + 1 : at + 2]):
            continue
        became = table[ord(char)] if ord(char) < TABLE_END else None
        seen = chr(became) if isinstance(became, int) else became or ""
        if seen != char and seen != char.casefold():
            wanted = f"write {seen!r} for it" if seen.strip() else "leave it out"
            raise ValueError(f"{char!r} does not occur in normalised text; {wanted}")
