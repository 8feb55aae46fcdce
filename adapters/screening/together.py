"""
``all_of``: phrases that are to be there together, in whichever texts of one thing.

A part is noted where it is first found, once for all rules that have it. Only then it is asked
which rules have all of theirs: each waits at the one of its parts that the fewest rules have, so
a part that thousands have in common brings none of them up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from adapters.screening.checking import Phrase
from adapters.screening.findings import Findings
from adapters.screening.text import View
from adapters.screening.work import Work


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    """A rule, its parts, and the next one that waits at the same part. Linked: see ``patterns``."""

    rule: int
    parts: tuple[int, ...]
    other: "_Waiting | None"


class Together:
    """
    The ``all_of`` rules of a set.

    :param rules: by their place in the set, the phrases of each.
    """

    __slots__ = ("_waiting", "parts")

    def __init__(self, rules: Mapping[int, Sequence[Phrase]]) -> None:
        #: The phrases of all of them, each by its number.
        self.parts: dict[Phrase, int] = {}
        numbered = {
            rule: tuple(self.parts.setdefault(one, len(self.parts)) for one in dict.fromkeys(parts))
            for rule, parts in rules.items()
        }
        shared = Counter(part for parts in numbered.values() for part in parts)
        self._waiting: dict[int, _Waiting] = {}
        for rule, parts in numbered.items():
            rarest = min(parts, key=shared.__getitem__)
            self._waiting[rarest] = _Waiting(rule, parts, self._waiting.get(rarest))

    def join(self, places: "Places", work: Work) -> None:
        """
        Add a hit for each part of the rules that have all of theirs.

        :raises Spent: too many rules have.
        """
        for part in places.found:
            one = self._waiting.get(part)
            while one is not None:
                work.spend(2 + len(one.parts))
                if all(map(places.found.__contains__, one.parts)):
                    for each in one.parts:
                        findings, view, start, end = places.found[each]
                        findings.add(one.rule, view, start, end)
                one = one.other


class Places:
    """Where the texts of one thing have parts: each the first time, with the text's findings."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: dict[int, tuple[Findings, View, int, int]] = {}

    def has(self, part: int) -> bool:
        """Whether a part was found."""
        return part in self.found

    def note(self, part: int, findings: Findings, view: View, start: int, end: int) -> None:
        """Keep where a part is, unless that is in a word that is allowed."""
        if not findings.excused(*view.span(start, end)):
            self.found[part] = (findings, view, start, end)
