"""
What one set found in one text, bounded: a text made of nothing but forbidden words is no heavier
than another.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from adapters.screening.allowed import Allowed
from adapters.screening.text import Text, View
from adapters.screening.work import Work
from domain.rules import Action, Rule
from domain.screening import HITS_MAX, Hit, broken_off

#: Hits of one rule in one text. More tell a moderator nothing.
PER_RULE_MAX: Final = 5

#: Steps to see where something found is in the original, and whether it is excused there.
_ADDED: Final = 5


class Findings:
    """
    Hits, as they come in.

    Of each action as many are kept as the log keeps of a whole screening, the first ones. So the
    gravest are always among them: nobody hides a blocked word behind a thousand flagged ones.

    :param name: of the set.
    :param actions: those that its rules ask for.
    :param work: what is left to be done for the text.
    """

    __slots__ = (
        "_actions", "_allowed", "_excused", "_level", "_name", "_rules", "_taken", "hits", "text",
        "work",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        rules: tuple[Rule, ...],
        actions: frozenset[Action],
        allowed: Allowed | None,
        text: Text,
        level: int,
        work: Work,
    ) -> None:
        self.text = text
        self.work = work
        self.hits: list[Hit] = []
        self._name = name
        self._actions = actions
        self._rules = rules
        self._allowed = allowed
        self._level = level
        self._excused: Callable[[int, int], bool] | None = None
        self._taken: defaultdict[int | tuple[str, bool], int] = defaultdict(int)

    def wanted(self, rule: int, *, by_sound: bool = False) -> bool:
        """Whether a further hit of a rule would be kept."""
        found = self._rules[rule]
        return (
            found.from_level <= self._level
            and self._taken[rule] < PER_RULE_MAX
            and self._taken[found.action, by_sound] < HITS_MAX
        )

    @property
    def full(self) -> bool:
        """Whether no further hit of any rule would be kept, but for sounds."""
        return self._full(by_sound=False)

    @property
    def full_of_sounds(self) -> bool:
        """Whether no further hit by sound would be kept."""
        return self._full(by_sound=True)

    def _full(self, *, by_sound: bool) -> bool:
        return all(self._taken[action, by_sound] >= HITS_MAX for action in self._actions)

    def excused(self, start: int, end: int) -> bool:
        """Whether a part of the original lies in a word that is allowed."""
        if self._allowed is None:
            return False
        if self._excused is None:
            self._excused = self._allowed.within(self.text.original, self.work)
        return self._excused(start, end)

    def add(self, rule: int, view: View, start: int, end: int, *, by_sound: bool = False) -> None:
        """Keep a hit in a part of a view, unless it is excused."""
        if not self.wanted(rule, by_sound=by_sound):
            return
        self.work.spend(_ADDED)
        span = view.span(start, end)
        if not self.excused(*span):
            found = self._rules[rule]
            self._taken[rule] += 1
            self._taken[found.action, by_sound] += 1
            self.hits.append(
                Hit(
                    self._name,
                    found.id,
                    found.category,
                    found.action,
                    self.text.field,
                    *span,
                    by_sound=by_sound,
                )
            )

    def break_off(self) -> None:
        """Note that the text takes more than may be done for it, and is to be looked at."""
        hit = broken_off(self._name, self.text.field, len(self.text.original))
        if hit not in self.hits:
            self.hits.append(hit)
