"""
The allow list of a set: words in which nothing of that set is found.

An entry counts only where a text has it exactly as it is written, so nobody gets past a rule by
dressing up an allowed word; and it excuses only what lies wholly inside it, so nobody gets past one
by putting an allowed word beside it.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from adapters.screening.automaton import Automaton
from adapters.screening.work import Work

#: In the place of what is no character: half of one, which UTF-8 cannot say.
_NO_CHARACTER: Final = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


class Allowed:
    """
    :param entries: as they are written.
    """

    __slots__ = ("_automaton",)

    def __init__(self, entries: Sequence[str]) -> None:
        self._automaton = Automaton(sorted({_text(entry) for entry in entries}))

    def within(self, original: str, work: Work) -> Callable[[int, int], bool]:
        """
        For a text: whether a part of it, from start to end, lies in an allowed word.

        :raises Spent: allowed words are in it too often.
        """
        starts: list[int] = []
        ends: list[int] = []
        for start, end, _ in self._automaton.matches(_text(original), work):
            if not ends or end > ends[-1]:
                starts.append(start)
                ends.append(end)

        def excused(start: int, end: int) -> bool:
            before = bisect_right(starts, start)
            return before > 0 and ends[before - 1] >= end

        return excused


def _text(written: str) -> str:
    # Looked at first, because hardly any text has one and looking is cheap.
    try:
        written.encode()
    except UnicodeEncodeError:
        return written.translate(_NO_CHARACTER)
    return written
