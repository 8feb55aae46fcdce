"""
What the rules say of a text, as plainly as it can be said: whether one of their words is in it.

Rules here look for one made-up word each, so nothing of the matcher's cunning is needed; which
rules a cell had in force when something was written there is what is held against the log.
"""

from typing import Any

from domain.event import Recorded
from domain.rulebook import (
    LevelEnded,
    LevelRaised,
    RulesPublished,
    ScreeningActivated,
    SetAdopted,
)
from domain.rules import RuleSet, unpacked
from tests.simulation.legal import must

RuleEvent = RulesPublished | SetAdopted | LevelRaised | LevelEnded | ScreeningActivated

#: What each action makes of a text, from the mildest to the gravest.
OUTCOMES = {
    "flag": "flagged",
    "private_view": "private_view",
    "hold": "held",
    "block": "refused",
}
_FROM_MILD_TO_GRAVE = tuple(OUTCOMES)


class Rules:
    """The rules of every cell, and how far the rulebook is."""

    def __init__(self) -> None:
        #: The rulebook's version: that of its last change.
        self.epoch = 0
        self.level = 0
        self._raised: LevelRaised | None = None
        self._sets: dict[tuple[str, int], RuleSet] = {}
        self._cells: dict[int, ScreeningActivated] = {}

    def take(self, recorded: Recorded, event: RuleEvent) -> None:
        """The rules are as this says."""
        match event:
            case RulesPublished(name=name, version=version, rules=rules):
                must((name, version) not in self._sets, recorded, "a version is published once")
                self._sets[name, version] = unpacked(rules)
                return
            case ScreeningActivated():
                known = self._cells.get(recorded.cell)
                newer = known is None or known.epoch < event.epoch
                must(newer and event.epoch <= self.epoch, recorded, "rules do not go back")
                self._cells[recorded.cell] = event
                return
            case SetAdopted(set=adopted):
                must((adopted.name, adopted.version) in self._sets, recorded, "it was published")
            case LevelRaised(level=level):
                self.level, self._raised = level, event
            case LevelEnded(raising=raising):
                stood = self._raised is not None and self._raised.raising == raising
                must(stood, recorded, "this raising stood")
                self.level, self._raised = 0, None
        self.epoch = recorded.version

    def epoch_of(self, cell: int) -> int:
        """How far a cell has followed the rulebook."""
        known = self._cells.get(cell)
        return 0 if known is None else known.epoch

    def outcome(self, cell: int, text: str) -> str:
        """What becomes of a text that is said in a cell now."""
        screen = self._cells.get(cell)
        if screen is None:
            return "published"
        words = set(text.split())
        found = [
            _FROM_MILD_TO_GRAVE.index(rule.action)
            for one in screen.sets
            for rule in self._sets[one.name, one.version].rules
            if rule.from_level <= screen.level and rule.match.phrase in words
        ]
        return OUTCOMES[_FROM_MILD_TO_GRAVE[max(found)]] if found else "published"

    def check_end(self, now: Any) -> None:
        """A raised level does not outlive its time."""
        assert self._raised is None or self._raised.until > now, "the level is raised for ever"
