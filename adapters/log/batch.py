"""
Who of a batch is written, in which order, and who loses: pure, and the same for every adapter.

The rules stand here once, apart from any database, so that the log on PostgreSQL and its twin in
memory cannot differ in them, and so that generated histories can be held against a naive model.
The idea of such a core without I/O is h11's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from commands.ports import Append, Appended, Conflict, StaleRules, Superseded
from domain.event import Event, Recorded
from domain.ids import StreamId, cell_of

#: Where an idempotency row lives: cell, actor, the caller's key.
KeyAt: TypeAlias = tuple[int, UUID, str]
Result: TypeAlias = "Appended | BaseException"


class State(IntEnum):
    """What became of a queued append, as those that were queued after it need to know."""

    QUEUED = 0
    WRITTEN = 1
    #: Its events are not in the log: it conflicted, failed, or only replayed an earlier answer.
    LOST = 2


class Submission:
    """
    A queued append. ``after`` are those whose effects it read; it is emptied once this one is
    settled, or a busy stream's tickets would hold each other in memory for ever.
    """

    __slots__ = ("after", "append", "cells", "outcome", "queued_at", "rows", "size", "state")

    def __init__(self, append: Append, after: tuple["Submission", ...], cells: int) -> None:
        self.append = append
        self.after = after
        self.cells = _cells_of(append, cells)
        self.state = State.QUEUED
        self.queued_at = 0.0
        self.outcome: Any = None
        self.rows: Sequence[bytes] = ()
        self.size = 0

    @property
    def key_at(self) -> KeyAt | None:
        """Where its idempotency row lives, if it brought a key."""
        append = self.append
        return None if append.key is None else (append.cell, append.key.actor, append.key.key)


class Head(msgspec.Struct, frozen=True):
    """A cell's end: its last position, when that was recorded, and the epoch of its rules."""

    position: int
    recorded_at: datetime
    rules_epoch: int


class Answer(msgspec.Struct, frozen=True):
    """A stored idempotency row."""

    cell: int
    digest: bytes
    answer: bytes
    position: int
    events: int

    def replay(self) -> Appended:
        """What a caller gets who brings a known key."""
        positions = tuple(range(self.position, self.position + self.events))
        return Appended(self.cell, positions, None, True, self.answer, self.digest)


class Facts(msgspec.Struct):
    """
    What is known of the log under the heads' locks.

    :param heads: the cells' ends without this batch.
    :param recorded_at: of this batch's events, for each cell.
    :param stale: guarded streams that moved on, as (stream, version seen).
    :param versions: last versions of every stream written; None before anybody had to look.
    :param answers: known idempotency keys.
    :param faults: what cannot be written at all, with the reason.
    """

    heads: Mapping[int, Head]
    recorded_at: Mapping[int, datetime]
    stale: frozenset[tuple[StreamId, int]] = frozenset()
    versions: Mapping[StreamId, int] | None = None
    answers: Mapping[KeyAt, Answer] = {}
    faults: Mapping[Submission, BaseException] = {}


class Plan:
    """
    What a batch comes to: ``written`` with their first positions, in order; ``results`` of all.
    """

    __slots__ = ("added", "epochs", "results", "written")

    def __init__(self) -> None:
        self.written: list[tuple[Submission, int]] = []
        self.results: list[tuple[Submission, Result]] = []
        self.added: dict[int, int] = {}
        self.epochs: dict[int, int] = {}

    def same_losers(self, other: "Plan") -> bool:
        """Whether both write the same submissions."""
        return [item for item, _ in self.written] == [item for item, _ in other.written]

    def losers_keys(self) -> list[KeyAt]:
        """
        Keys of those that lose. Their rows are not written, so no unique key can tell that one of
        them was done long ago; it has to be asked, or a retry would hear of a conflict instead.
        """
        return [
            at
            for submission, result in self.results
            if isinstance(result, BaseException) and (at := submission.key_at) is not None
        ]

    def absorb(self, later: "Plan") -> None:
        """Go on with the plan of what was queued next."""
        self.written += later.written
        self.results += later.results
        for cell, count in later.added.items():
            self.added[cell] = self.added.get(cell, 0) + count
        self.epochs.update(later.epochs)

    def settle(self) -> None:
        """Let everyone queued later see who was written."""
        for submission, result in self.results:
            settle(submission, result)


class EpochOf(msgspec.Struct, frozen=True):
    """How an event raises its cell's rules epoch: by type, the new epoch from the event."""

    types: Mapping[type[Event], Any] = {}

    def __call__(self, append: Append) -> int | None:
        if self.types:
            for new in append.events:
                if (read := self.types.get(type(new.event))) is not None:
                    return int(read(new.event))
        return None


def settle(submission: Submission, result: Result) -> None:
    """Mark one submission, before any later one is looked at."""
    lost = isinstance(result, BaseException) or result.replayed
    submission.state = State.LOST if lost else State.WRITTEN
    submission.after = ()


def plan(
    submissions: Iterable[Submission],
    facts: Facts,
    epoch_of: EpochOf | None = None,
    lost: set[Submission] | None = None,
) -> Plan:
    """
    Decide a batch in the order in which it was queued.

    Without known versions the first event of a stream is believed: the unique key will speak.

    :param lost: those of the same batch that were decided before; those that lose here join them.
    """
    result = Plan()
    overlay: dict[StreamId, int] = {}
    keys: dict[KeyAt, Answer] = {}
    lost = set() if lost is None else lost
    for submission in submissions:
        append = submission.append
        at = submission.key_at
        if at is not None and (known := facts.answers.get(at) or keys.get(at)) is not None:
            result.results.append((submission, known.replay()))
            lost.add(submission)
            continue
        reason = _why_not(submission, facts, overlay, lost, result)
        if reason is not None:
            result.results.append((submission, reason))
            lost.add(submission)
            continue
        first = _take(submission, facts, result)
        for new in append.events:
            overlay[new.stream] = new.version
        if append.key is not None and at is not None:
            count = len(append.events)
            keys[at] = Answer(append.cell, append.key.digest, append.answer, first, count)
        if epoch_of is not None and (epoch := epoch_of(append)) is not None:
            now = result.epochs.get(append.cell, facts.heads[append.cell].rules_epoch)
            result.epochs[append.cell] = max(now, epoch)
    return result


def recorded(plan: Plan, facts: Facts) -> list[Recorded]:
    """The events that a plan writes, as readers will get them."""
    return [
        Recorded(
            append.cell,
            position,
            new.stream,
            new.version,
            facts.recorded_at[append.cell],
            new.owner,
            append.actor,
            append.command,
            append.correlation,
            append.causation,
            new.event,
        )
        for submission, first in plan.written
        for append in (submission.append,)
        for position, new in enumerate(append.events, first)
    ]


def check(append: Append, cells: int) -> None:
    """
    :raises ValueError: the append itself is wrong, whatever the log holds.
    """
    if not 0 <= append.cell < cells:
        raise ValueError(f"there is no cell {append.cell}")
    versions: dict[StreamId, int] = {}
    for new in append.events:
        if cell_of(new.stream) != append.cell:
            raise ValueError("a command writes to streams of its own cell only")
        before = versions.get(new.stream)
        if new.version < 1 or (before is not None and new.version != before + 1):
            raise ValueError("versions of one stream run on from 1 without a gap")
        versions[new.stream] = new.version
    for stream, seen in append.guards.items():
        if not 0 <= cell_of(stream) < cells or seen < 0:
            raise ValueError("a guard names no stream of this log")


def _cells_of(append: Append, cells: int) -> frozenset[int]:
    check(append, cells)
    if not append.guards:
        return _ALONE[append.cell]
    return frozenset([append.cell, *(cell_of(stream) for stream in append.guards)])


_ALONE = [frozenset([cell]) for cell in range(1 << 12)]


def _why_not(
    submission: Submission,
    facts: Facts,
    overlay: Mapping[StreamId, int],
    lost: set[Submission],
    result: Plan,
) -> BaseException | None:
    append = submission.append
    for earlier in submission.after:
        if earlier.state is State.LOST or earlier in lost:
            return Superseded()
    if (fault := facts.faults.get(submission)) is not None:
        return fault
    if append.rules_epoch is not None:
        epoch = result.epochs.get(append.cell, facts.heads[append.cell].rules_epoch)
        if append.rules_epoch < epoch:
            return StaleRules()
    for stream, seen in append.guards.items():
        if (stream, seen) in facts.stale or overlay.get(stream, seen) != seen:
            return Conflict()
    return Conflict() if _moved(append, facts.versions, overlay) else None


def _moved(
    append: Append, versions: Mapping[StreamId, int] | None, overlay: Mapping[StreamId, int]
) -> bool:
    seen: set[StreamId] | None = set() if len(append.events) > 1 else None
    for new in append.events:
        if seen is not None:
            if new.stream in seen:
                continue
            seen.add(new.stream)
        last = overlay.get(new.stream)
        if last is None and versions is not None:
            last = versions.get(new.stream, 0)
        if last is not None and new.version != last + 1:
            return True
    return False


def _take(submission: Submission, facts: Facts, result: Plan) -> int:
    """Number a command's events; its first position."""
    append = submission.append
    cell = append.cell
    added = result.added.get(cell, 0)
    first = facts.heads[cell].position + added + 1
    count = len(append.events)
    result.added[cell] = added + count
    result.written.append((submission, first))
    if count == 0:
        result.results.append((submission, Appended(cell, (), None)))
    else:
        at = facts.recorded_at[cell]
        positions = (first,) if count == 1 else tuple(range(first, first + count))
        result.results.append((submission, Appended(cell, positions, at)))
    return first
