"""
What the rules said of a text, kept with the decision it led to: the answer to "why was this held?"
stays in the log whatever the rules say today.
"""

from operator import attrgetter
from typing import Final, Literal, TypeAlias

import msgspec

from domain.promise import Promise
from domain.rules import ACTIONS, Action

#: What becomes of words that were screened, from the mildest to the gravest.
Outcome: TypeAlias = Literal["published", "flagged", "private_view", "held", "refused"]

#: How words wait for somebody to decide: kept back, or shown to their author as a preview.
Wait: TypeAlias = Literal["held", "private_view"]

#: How many hits are kept of one screening; the gravest first.
HITS_MAX: Final = 50

#: The category of what was not looked through to its end.
UNFINISHED: Final = "unfinished"

_OUTCOMES: Final[dict[Action, Outcome]] = {
    "flag": "flagged",
    "private_view": "private_view",
    "hold": "held",
    "block": "refused",
}


class Hit(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """
    One rule found in one text; or, ``unfinished``, that the text took more to look through than
    its length allows, and is held for people to do so: of no rule, and all of the text.

    :param set: the name of the rule set; ``rule`` the rule's id in it.
    :param field: which text of the thing: ``text``, ``title``, ``mood``, …
    :param start: the span in the text as it was written, in code points; ``end`` is exclusive.
    :param by_sound: found by pronunciation alone, which may hold but never block.
    """

    set: str
    rule: str
    category: str
    action: Action
    field: str
    start: int
    end: int
    by_sound: bool = False
    unfinished: bool = False


class SetVersion(msgspec.Struct, frozen=True, gc=False):
    """One version of one rule set. ``hash`` is of its content, in hexadecimal."""

    name: str
    version: int
    hash: str


class Screening(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """
    The rules in force when a text was decided, and what they found.

    :param epoch: of the cell's rules.
    :param level: of sensitivity.
    :param normaliser: the version of what was done to the text before it was matched.
    """

    epoch: int
    level: int
    sets: tuple[SetVersion, ...]
    normaliser: str
    hits: tuple[Hit, ...]


class Found(msgspec.Struct, frozen=True, gc=False):
    """What the rules found in something, and by when somebody is to have looked at it."""

    screening: Screening
    promise: Promise

    @property
    def outcome(self) -> Outcome:
        """What becomes of it."""
        return outcome_of(self.screening.hits)


def broken_off(set: str, field: str, length: int) -> Hit:
    """The hit of a text, of so many characters, that a set was not done with."""
    return Hit(set, "", UNFINISHED, "hold", field, 0, length, unfinished=True)


def outcome_of(hits: tuple[Hit, ...]) -> Outcome:
    """The gravest of what the rules ask for; sound alone never blocks."""
    worst = max((_gravity(hit) for hit in hits), default=-1)
    return "published" if worst < 0 else _OUTCOMES[ACTIONS[worst]]


def gravest_first(hits: list[Hit]) -> tuple[Hit, ...]:
    """At most :data:`HITS_MAX` hits, the gravest first, then as they stand in the text."""
    key = attrgetter("field", "start", "set", "rule")
    ordered = sorted(sorted(hits, key=key), key=_gravity, reverse=True)
    return tuple(ordered[:HITS_MAX])


def _gravity(hit: Hit) -> int:
    gravity = ACTIONS.index(hit.action)
    return min(gravity, ACTIONS.index("hold")) if hit.by_sound else gravity
