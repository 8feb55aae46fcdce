"""
What one set found in one text, bounded: a text made of nothing but forbidden words is no heavier
than another.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from adapters.screening.allowed import Allowed
from adapters.screening.text import Text, View
from domain.rules import Action, Rule
from domain.screening import HITS_MAX, Hit

#: Hits of one rule in one text. More tell a moderator nothing.
PER_RULE_MAX: Final = 5


class Findings:
    """
    Hits, as they come in.

    Of each action as many are kept as the log keeps of a whole screening, the first ones. So the
    gravest are always among them: nobody hides a blocked word behind a thousand flagged ones.

    :param name: of the set.
    :param actions: those that its rules ask for.
    """

    __slots__ = (
        "_actions", "_allowed", "_excused", "_level", "_name", "_rules", "_taken", "hits", "text"
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        rules: tuple[Rule, ...],
        actions: frozenset[Action],
        allowed: Allowed | None,
        text: Text,
        level: int,
    ) -> None:
        self.text = text
        self.hits: list[Hit] = []
        self._name = name
        self._actions = actions
        self._rules = rules
        self._allowed = allowed
        self._level = level
        self._excused: Callable[[int, int], bool] | None = None
        self._taken: Counter[int | tuple[str, bool]] = Counter()

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
        return all(self._taken[action, False] >= HITS_MAX for action in self._actions)

    def excused(self, start: int, end: int) -> bool:
        """Whether a part of the original lies in a word that is allowed."""
        if self._allowed is None:
            return False
        if self._excused is None:
            self._excused = self._allowed.within(self.text.original)
        return self._excused(start, end)

    def add(self, rule: int, view: View, start: int, end: int, *, by_sound: bool = False) -> None:
        """Keep a hit in a part of a view, unless it is excused."""
        span = view.span(start, end)
        if self.wanted(rule, by_sound=by_sound) and not self.excused(*span):
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
