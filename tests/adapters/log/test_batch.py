"""
The choice of who is written, over generated histories, against a model so naive that it is right.

The model takes the commands one by one, each against everything that was written before it. The
plan sees whole batches, once believing and, where a key would have spoken, once more knowing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.log.batch import Answer, Facts, Head, KeyAt, Plan, Submission, plan
from adapters.log.transaction import after
from commands.ports import Append, Appended, NewEvent
from domain.ids import StreamId, mint
from tests.adapters.log.events import MEMBER, Said, key

NOW = datetime(2026, 5, 1, tzinfo=UTC)
STREAMS = [StreamId(mint(0, at % 2, at)) for at in range(5)]


class Wish(msgspec.Struct, frozen=True):
    """A command: what it writes, guards, brings as key, and read (as distances back)."""

    cell: int
    writes: tuple[tuple[int, int], ...]
    guards: dict[int, int]
    key: int | None
    read: tuple[int, ...]
    cut: bool


def wishes() -> st.SearchStrategy[list[Wish]]:
    version = st.integers(1, 4)
    return st.lists(
        st.builds(
            Wish,
            cell=st.integers(0, 1),
            writes=st.lists(st.tuples(st.integers(0, 4), version), max_size=2).map(tuple),
            guards=st.dictionaries(st.integers(0, 4), st.integers(0, 3), max_size=1),
            key=st.none() | st.integers(0, 2),
            read=st.lists(st.integers(1, 4), max_size=2).map(tuple),
            cut=st.booleans(),
        ),
        max_size=25,
    )


def submissions(wished: Sequence[Wish]) -> list[Submission]:
    made: list[Submission] = []
    for at, wish in enumerate(wished):
        own = {STREAMS[index]: version for index, version in wish.writes if index % 2 == wish.cell}
        guards = {STREAMS[index]: seen for index, seen in wish.guards.items()}
        append = Append(
            wish.cell,
            UUID(int=at),
            MEMBER,
            UUID(int=at),
            None,
            tuple(NewEvent(each, version, MEMBER, Said()) for each, version in own.items()),
            {each: seen for each, seen in guards.items() if each not in own},
            key=None if wish.key is None else key(str(wish.key)),
            answer=str(at).encode(),
        )
        earlier = [made[at - back] for back in wish.read if at - back >= 0]
        made.append(Submission(append, tuple(earlier), 2))
    return made


class Naive:
    """One command at a time."""

    def __init__(self) -> None:
        self.versions: dict[StreamId, int] = {}
        self.positions = {0: 0, 1: 0}
        self.keys: dict[KeyAt, tuple[int, ...]] = {}
        self.lost: set[int] = set()

    def take(self, submission: Submission, earlier: Sequence[Submission]) -> str:
        append = submission.append
        at = submission.key_at
        if at is not None and at in self.keys:
            self.lost.add(id(submission))
            return f"replayed {self.keys[at]}"
        if any(id(each) in self.lost for each in earlier):
            self.lost.add(id(submission))
            return "Superseded"
        moved = any(self.versions.get(each, 0) > seen for each, seen in append.guards.items())
        torn = any(new.version != self.versions.get(new.stream, 0) + 1 for new in append.events)
        if moved or torn:
            self.lost.add(id(submission))
            return "Conflict"
        first = self.positions[append.cell] + 1
        positions = tuple(range(first, first + len(append.events)))
        self.positions[append.cell] += len(append.events)
        self.versions.update((new.stream, new.version) for new in append.events)
        if at is not None:
            self.keys[at] = positions
        return f"written {positions}"


class Log:
    """What a store would do with plans: heads, unique keys, nothing else."""

    def __init__(self) -> None:
        self.facts = Facts({0: Head(0, NOW, 0), 1: Head(0, NOW, 0)}, {0: NOW, 1: NOW}, versions={})
        self.answers: dict[KeyAt, Answer] = {}

    def write(self, batch: list[Submission]) -> Plan:
        versions = dict(self.facts.versions or {})
        stale = frozenset(
            (each, seen)
            for submission in batch
            for each, seen in submission.append.guards.items()
            if versions.get(each, 0) > seen
        )
        knowing = msgspec.structs.replace(self.facts, stale=stale, answers=self.answers)
        believing = msgspec.structs.replace(knowing, versions=None, answers={})
        done = plan(batch, believing)
        if keys := done.losers_keys():
            asked = {at: self.answers[at] for at in keys if at in self.answers}
            done = plan(batch, msgspec.structs.replace(believing, answers=asked))
        if self._breaks_a_key(done, versions):
            done = plan(batch, knowing)
            assert not self._breaks_a_key(done, versions)
        self.facts = after(knowing, done)
        self.answers = dict(self.facts.answers)
        done.settle()
        return done

    def _breaks_a_key(self, done: Plan, versions: dict[StreamId, int]) -> bool:
        return any(
            submission.key_at in self.answers
            or any(new.version <= versions.get(new.stream, 0) for new in submission.append.events)
            for submission, _ in done.written
        )


def told(result: object) -> str:
    if isinstance(result, Appended):
        return f"{'replayed' if result.replayed else 'written'} {result.positions}"
    return type(result).__name__


@settings(max_examples=400, deadline=None)
@given(wishes())
def test_knowing_everything_the_plan_is_the_naive_model(wished: list[Wish]) -> None:
    naive, made = Naive(), submissions(wished)
    earlier = [each.after for each in made]
    facts = Facts({0: Head(0, NOW, 0), 1: Head(0, NOW, 0)}, {0: NOW, 1: NOW}, versions={})
    lost: set[Submission] = set()
    versions: dict[StreamId, int] = {}
    for submission, read in zip(made, earlier, strict=True):
        stale = frozenset(
            (each, seen)
            for each, seen in submission.append.guards.items()
            if versions.get(each, 0) > seen
        )
        facts = msgspec.structs.replace(facts, stale=stale)
        # A guard beyond the stream's end is the caller's dependency to declare; see below.
        done = plan([submission], facts, lost=lost)
        assert told(done.results[0][1]) == naive.take(submission, read)
        facts = after(facts, done)
        versions = dict(facts.versions or {})


@settings(max_examples=600, deadline=None)
@given(wishes())
def test_batches_come_to_the_same_as_one_at_a_time(wished: list[Wish]) -> None:
    """For commands that are honest: each version and guard was seen, in the log or in the queue."""
    naive, log = Naive(), Log()
    made = honest(submissions(wished))
    earlier = [each.after for each in made]
    results: list[str] = []
    batch: list[Submission] = []
    for wish, submission in zip(wished, made, strict=True):
        batch.append(submission)
        if wish.cut:
            results += [told(result) for _, result in log.write(batch).results]
            batch = []
    results += [told(result) for _, result in log.write(batch).results]
    expected = [naive.take(each, read) for each, read in zip(made, earlier, strict=True)]
    assert results == expected
    assert {at: head.position for at, head in log.facts.heads.items()} == naive.positions


def honest(made: list[Submission]) -> list[Submission]:
    """Let every command depend on the queued one that wrote the version it goes on from."""
    writers: dict[tuple[StreamId, int], Submission] = {}
    kept: list[Submission] = []
    for submission in made:
        append = submission.append
        seen = [(new.stream, new.version - 1) for new in append.events]
        seen += list(append.guards.items())
        known = all(version == 0 or (each, version) in writers for each, version in seen)
        if not known:
            append = msgspec.structs.replace(append, events=(), guards={})
            seen = []
        needed = [writers[pair] for pair in seen if pair in writers]
        made_again = Submission(append, (), 2)
        made_again.after = tuple(dict.fromkeys(needed))
        kept.append(made_again)
        for new in append.events:
            writers.setdefault((new.stream, new.version), made_again)
    return kept
