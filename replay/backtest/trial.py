"""
A rule set on trial: the texts of a cell, through the matcher and the decision that live ones pass.

What a set would have done is told by the outcome that the texts would have had: other sets found
then what they found, and this one finds what it finds, in the place of the version that was in
force under its name.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final, Protocol
from uuid import UUID

from commands.ports import Matcher, WordMatcher
from domain.case_events import CaseDecided
from domain.event import Event, Recorded
from domain.ids import CaseId, StreamId
from domain.screening import Hit, Outcome, gravest_first, outcome_of
from domain.sealed import Sealed
from projections.engine.ports import LogReader
from replay.ahead import Stretch, read_ahead
from replay.backtest.decided import contradicts, decided_text
from replay.backtest.report import (
    HITS_SHOWN,
    Contradiction,
    Example,
    Tally,
    difference,
)
from replay.backtest.texts import TYPES, Text, texts

EVENTS_PER_BATCH: Final = 2_000
BYTES_PER_BATCH: Final = 4 << 20
#: Decisions whose texts are looked up in one read.
_DECISIONS_AT_ONCE: Final = 100

_WANTED: Final[tuple[type[Event], ...]] = (*TYPES, CaseDecided)

Open = Callable[[Sealed[str]], str | None]
#: Told how many events of a stretch are done.
OnEvents = Callable[[int], None]


class History(LogReader, Protocol):
    """The log, by position and by stream."""

    def read_streams(
        self, stretches: Sequence[tuple[StreamId, int, int | None]]
    ) -> Sequence[Sequence[Recorded]]: ...


class Trial:
    """
    One rule set on trial.

    :param open: a sealed text; None when its key was destroyed.
    :param name: of the set; ``matcher`` is the set itself, made ready.
    :param sample: how many examples of each kind are kept.
    """

    def __init__(
        self,
        log: History,
        open: Open,
        words: WordMatcher,
        matcher: Matcher,
        name: str,
        level: int,
        sample: int,
    ) -> None:
        self.log = log
        self._open = open
        self._words = words
        self._matcher = matcher
        self._name = name
        self._level = level
        self.sample = sample

    def cell(self, cell: int, after: int, until: int, head: int, on_events: OnEvents) -> Tally:
        """
        The texts with ``after < position <= until``, and the decisions taken there.

        :param head: of the cell. That the last text was flagged may stand one beyond ``until``.
        """
        return _Cell(self, cell, after, until, head, on_events).run()

    def found(self, text: Text) -> list[Hit] | None:
        """What the set finds in a text; None when it cannot be read."""
        normalised = []
        for field, sealed in text.fields:
            plain = self._open(sealed)
            if plain is None:
                return None
            if plain:
                normalised.append(self._words.normalise(field, plain))
        return self._matcher.hits(normalised, self._level)

    def outcome(self, text: Text, found: Sequence[Hit]) -> Outcome:
        """What would have become of a text."""
        if text.hits:
            found = [*found, *(hit for hit in text.hits if hit.set != self._name)]
        return outcome_of(gravest_first(list(found))) if found else "published"


class _Cell:
    """One cell's tally in the making."""

    def __init__(
        self, trial: Trial, cell: int, after: int, until: int, head: int, on_events: OnEvents
    ) -> None:
        self._trial = trial
        self._stretch = Stretch(cell, after, min(until + 1, head))
        self._until = until
        self._on_events = on_events
        self._tally = Tally()
        self._members: set[UUID] = set()
        self._waiting: list[tuple[Recorded, CaseDecided]] = []

    def run(self) -> Tally:
        """All of it."""
        for one in texts(chain.from_iterable(self._batches())):
            if isinstance(one, Text):
                if one.recorded.position <= self._until:
                    self._text(one)
            elif isinstance(one.event, CaseDecided) and one.position <= self._until:
                self._waiting.append((one, one.event))
                if len(self._waiting) >= _DECISIONS_AT_ONCE:
                    self._look_up()
        self._look_up()
        self._tally.members = len(self._members)
        return self._tally

    def _batches(self) -> Iterator[Sequence[Recorded]]:
        told, until = self._stretch.after, self._until
        if told < until:
            wanted = [self._stretch]
            for batch in read_ahead(
                self._trial.log, wanted, EVENTS_PER_BATCH, BYTES_PER_BATCH, _WANTED
            ):
                if not batch:
                    continue
                yield batch
                done = min(batch[-1].position, until)
                self._on_events(done - told)
                told = done
            self._on_events(until - told)

    def _text(self, text: Text) -> None:
        tally, found = self._tally, self._trial.found(text)
        if found is None:
            tally.unreadable += 1
            return
        tally.kinds[text.kind] += 1
        if not found and text.then == "published":
            tally.changes["published", "published"] += 1
            return
        if found:
            tally.found += 1
            tally.rules.update({hit.rule for hit in found if not hit.unfinished})
            tally.unfinished += any(hit.unfinished for hit in found)
            tally.categories.update({hit.category for hit in found})
        would = self._trial.outcome(text, found)
        tally.changes[text.then, would] += 1
        kind = difference(text.then, would)
        if kind is None:
            return
        self._members.add(text.recorded.owner)
        examples = tally.examples.setdefault(kind, [])
        if len(examples) < self._trial.sample:
            hits = gravest_first(found or list(text.hits))[:HITS_SHOWN]
            at, member = text.recorded.at, text.recorded.owner
            examples.append(Example(at, text.kind, text.id, member, text.then, would, hits))

    def _look_up(self) -> None:
        """The texts that were decided on, and whether the set agrees."""
        about = [one for one in self._waiting if one[1].subject.kind != "member"]
        self._waiting = []
        if about:
            histories = self._trial.log.read_streams(
                [(StreamId(decided.subject.id), 0, decided.decision.on) for _, decided in about]
            )
            for (recorded, decided), history in zip(about, histories, strict=True):
                self._decision(recorded, decided, history)

    def _decision(
        self, recorded: Recorded, decided: CaseDecided, history: Sequence[Recorded]
    ) -> None:
        tally, text = self._tally, decided_text(decided, history)
        found = None if text is None else self._trial.found(text)
        if text is None or found is None:
            return
        tally.decisions += 1
        decision, subject = decided.decision, decided.subject
        would = self._trial.outcome(text, found)
        first = gravest_first(found)
        if not contradicts(decision.verdict, outcome_of(first), would):
            return
        tally.verdicts[decision.verdict] += 1
        self._members.add(subject.owner)
        if len(tally.contradictions) < self._trial.sample:
            tally.contradictions.append(
                Contradiction(
                    position=recorded.at,
                    case=CaseId(recorded.stream),
                    decision=decision.id,
                    verdict=decision.verdict,
                    subject=subject.kind,
                    id=subject.id,
                    member=subject.owner,
                    text=text.recorded.at,
                    would=would,
                    hits=first[:HITS_SHOWN],
                )
            )
