"""
What a rule set would have done, in numbers and examples; free of any word that a member wrote.

A cell is tallied on its own and tallies are added up in the order of cells, so that the result is
the same however many processes worked on it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.case_events import SubjectKind
from domain.ids import CaseId, DecisionId
from domain.screening import Hit, Outcome
from domain.verdicts import Verdict
from replay.backtest.texts import Kind

#: In which way a text would have fared otherwise.
Difference: TypeAlias = Literal["newly_caught", "no_longer_caught", "otherwise_caught"]

#: Hits shown of one example; rules listed by how much they found.
HITS_SHOWN: Final = 5
RULES_SHOWN: Final = 1_000


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A text that would have fared otherwise, and where the log has it.

    :param id: of the post, the comment, or the member whose nickname it is.
    :param hits: what the tried set finds in it, the gravest first; where that is nothing, what was
        found then. Spans are in the text as it was written.
    """

    position: str
    kind: Kind
    id: UUID
    member: UUID
    then: Outcome
    would: Outcome
    hits: tuple[Hit, ...]


class Contradiction(msgspec.Struct, frozen=True):
    """
    A decision by people that the set does not agree with.

    :param position: of the decision; ``text`` is that of the text that was decided on.
    """

    position: str
    case: CaseId
    decision: DecisionId
    verdict: Verdict
    subject: SubjectKind
    id: UUID
    member: UUID
    text: str
    would: Outcome
    hits: tuple[Hit, ...]


class Change(msgspec.Struct, frozen=True):
    """So many texts that became one thing and would have become another."""

    then: Outcome
    would: Outcome
    texts: int


class Differing(msgspec.Struct, frozen=True):
    """Texts that would have fared otherwise in one way, and the first of them."""

    texts: int
    changes: tuple[Change, ...]
    examples: tuple[Example, ...]


class Contradicted(msgspec.Struct, frozen=True):
    """Of so many decisions about texts that can be read, those that the set contradicts."""

    of: int
    decisions: int
    by_verdict: dict[str, int]
    examples: tuple[Contradiction, ...]


class RuleFound(msgspec.Struct, frozen=True):
    """In how many texts a rule would have been found."""

    rule: str
    texts: int


class Report(msgspec.Struct, frozen=True):
    """
    A rule set against what was decided.

    :param set: the name of the set whose place it would have taken; other sets count as they did.
    :param since: positions after which it was tried, and ``until`` those up to which.
    :param texts: that were read; ``unreadable`` those whose key was destroyed.
    :param found: texts in which the set finds something; ``unfinished`` those of them that take
        too much to look through, and are held for it.
    :param by_rule: the rules that found most, the first thousand.
    :param members: different members whose texts would have fared otherwise, or about whom a
        decision is contradicted.
    """

    set: str
    hash: str
    level: int
    normaliser: str
    since: str
    until: str
    events: int
    texts: int
    by_kind: dict[str, int]
    unreadable: int
    found: int
    unchanged: int
    newly_caught: Differing
    no_longer_caught: Differing
    otherwise_caught: Differing
    by_rule: tuple[RuleFound, ...]
    by_category: dict[str, int]
    contradicted: Contradicted
    members: int
    unfinished: int = 0


def _counter() -> Any:
    return msgspec.field(default_factory=Counter)


class Tally(msgspec.Struct):
    """What was counted in a cell, or in several."""

    kinds: Counter[str] = _counter()
    rules: Counter[str] = _counter()
    categories: Counter[str] = _counter()
    changes: Counter[tuple[Outcome, Outcome]] = _counter()
    verdicts: Counter[str] = _counter()
    unreadable: int = 0
    found: int = 0
    unfinished: int = 0
    decisions: int = 0
    members: int = 0
    examples: dict[Difference, list[Example]] = {}
    contradictions: list[Contradiction] = []


def difference(then: Outcome, would: Outcome) -> Difference | None:
    """In which way two outcomes differ."""
    if then == would:
        return None
    if then == "published":
        return "newly_caught"
    return "no_longer_caught" if would == "published" else "otherwise_caught"


def added(tallies: Iterable[Tally], sample: int) -> Tally:
    """
    Tallies of different cells, in the order of cells, as one.

    :param sample: how many examples of each kind are kept.
    """
    whole = Tally()
    for tally in tallies:
        whole.kinds += tally.kinds
        whole.rules += tally.rules
        whole.categories += tally.categories
        whole.changes += tally.changes
        whole.verdicts += tally.verdicts
        whole.unreadable += tally.unreadable
        whole.found += tally.found
        whole.unfinished += tally.unfinished
        whole.decisions += tally.decisions
        # A member's texts, and decisions about them, are all in the member's own cell.
        whole.members += tally.members
        for kind, examples in tally.examples.items():
            kept = whole.examples.setdefault(kind, [])
            kept += examples[: sample - len(kept)]
        whole.contradictions += tally.contradictions[: sample - len(whole.contradictions)]
    return whole


def differing(tally: Tally, kind: Difference) -> Differing:
    """The texts that differ in one way."""
    changes = tuple(
        Change(then, would, number)
        for (then, would), number in sorted(tally.changes.items())
        if difference(then, would) == kind
    )
    number = sum(change.texts for change in changes)
    return Differing(number, changes, tuple(tally.examples.get(kind, ())))


def contradicted(tally: Tally) -> Contradicted:
    """The decisions that the set does not agree with."""
    by_verdict = dict(sorted(tally.verdicts.items()))
    number = sum(by_verdict.values())
    return Contradicted(tally.decisions, number, by_verdict, tuple(tally.contradictions))


def rules_found(tally: Tally) -> tuple[RuleFound, ...]:
    """The rules that found most, those that found as much by id."""
    ordered = sorted(tally.rules.items(), key=lambda one: (-one[1], one[0]))
    return tuple(RuleFound(rule, texts) for rule, texts in ordered[:RULES_SHOWN])


def unchanged(tally: Tally) -> int:
    """Texts that would have fared as they did."""
    return sum(number for (then, would), number in tally.changes.items() if then == would)
