"""
What a bundle is made of: which leaves of the tree, and which of its checkpoints.

Everything follows from the range and from what was signed by then, so that the same range is the
same bundle: the first checkpoint that has all of it, the last that was before it, and the first
since that a witness signed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Connection, text

from adapters.notary import store
from adapters.notary.store import Run
from domain.account import DIRECTORY_CELL
from domain.evidence.bundles import SetName, rule_sets_named
from domain.evidence.questions import Bound, Filter, Span, is_of
from domain.evidence.records import moment_of
from domain.rulebook import rules_stream
from replay.altered import Altered

#: Positions by cell, or a time; None is the beginning, or now.
Moment: TypeAlias = Mapping[int, int] | datetime | None
#: A time as the last position of each cell recorded at or before it.
HeadsAt: TypeAlias = Callable[[datetime], Mapping[int, int]]

#: Leaves that are held at once, with their events.
WINDOW: Final = 4_000

# Each cell's last run that begins in a tree of that size: leaves rise with positions.
_SIGNED: Final = text(
    "SELECT h.cell, coalesce(r.position + least(r.events, :size - r.leaf) - 1, 0)"
    " FROM log.log_heads h LEFT JOIN LATERAL (SELECT position, leaf, events FROM log.notary_runs"
    " WHERE cell = h.cell AND leaf < :size ORDER BY position DESC LIMIT 1) r ON true"
)
_BEFORE: Final = text("SELECT max(size) FROM log.notary_checkpoints WHERE size <= :size")
_WITNESSED: Final = text("SELECT min(size) FROM log.notary_cosignatures WHERE size >= :size")
# Only what was decided under rules names their hash.
_JUDGED: Final = text(
    "SELECT type, stream_id, owner, data FROM log.events"
    " WHERE cell = :cell AND position > :after AND position <= :until"
    " AND position('\\x2268617368223a22'::bytea IN data) > 0"
)
_RULE_SET: Final = text(
    "SELECT position FROM log.events WHERE cell = :cell AND stream_id = :stream AND version = 1"
)


class NotSigned(Exception):
    """Not all of the range is in a signed tree yet; a second later it may be."""


class NoSuchRange(Exception):
    """The range ends where the log has not come to; the message says where."""


class Chosen(msgspec.Struct, frozen=True):
    """
    :param span: with its ends as a manifest has them.
    :param after: and ``until``, the positions of each cell between which the range lies.
    :param beside: leaves that are not of the range, in order, as runs of one.
    :param rule_sets: where those were published that decisions refer to.
    :param leaves: where the range begins and ends among all leaves.
    :param checkpoints: sizes, in order.
    :param checkpoint: the one whose tree everything is shown to be in.
    """

    span: Span
    after: dict[int, int]
    until: dict[int, int]
    beside: tuple[Run, ...]
    rule_sets: frozenset[tuple[int, int]]
    leaves: tuple[int, int]
    checkpoints: tuple[int, ...]
    checkpoint: int

    @property
    def total(self) -> int:
        """How many records there will be."""
        return sum(self.until.values()) - sum(self.after.values()) + len(self.beside)

    def windows(self, connection: Connection) -> Iterator[list[Run]]:
        """All that is shown, in the order of leaves; each list is of a bounded number of events."""
        first, end = self.leaves
        yield [one for one in self.beside if one.leaf < first]
        for start in range(first, end, WINDOW):
            stop = min(start + WINDOW, end)
            parts = [
                part
                for run in store.runs_over(connection, start, stop)
                if (part := self._within(run.part(start, stop))).events > 0
            ]
            parts += [one for one in self.beside if start <= one.leaf < stop]
            yield sorted(parts, key=lambda part: part.leaf)
        yield [one for one in self.beside if one.leaf >= end]

    def _within(self, run: Run) -> Run:
        after = self.after.get(run.cell, 0)
        skipped = max(0, after + 1 - run.position)
        kept = min(run.events, self.until.get(run.cell, 0) + 1 - run.position)
        return run.part(run.leaf + skipped, run.leaf + max(kept, skipped))


class _Ends(NamedTuple):
    since: Bound | None
    to: Bound
    after: dict[int, int]
    until: dict[int, int]


def choose(
    connection: Connection,
    heads_at: HeadsAt,
    since: Moment,
    until: Moment,
    wanted: Filter,
) -> Chosen:
    """
    What belongs into a bundle.

    :raises NotSigned: the notary has not come that far.
    :raises NoSuchRange: the log has not.
    :raises Altered: something that was signed is not there.
    """
    last = store.last_checkpoint(connection)
    if last is None:
        raise NotSigned
    signed = {int(cell): int(at) for cell, at in connection.execute(_SIGNED, {"size": last[0]})}
    ends = _ends(connection, heads_at, since, until, signed)
    leaf = {
        cell: (_leaf(connection, cell, after + 1), _leaf(connection, cell, ends.until[cell]))
        for cell, after in ends.after.items()
        if after < ends.until[cell]
    }
    first = min((begins for begins, _ in leaf.values()), default=0)
    end = max((ends_at for _, ends_at in leaf.values()), default=-1) + 1
    rule_sets = _rule_sets(connection, ends, wanted, signed)
    beside = [
        _one(connection, cell, position)
        for cell, position in _edges(ends, signed) | rule_sets
        if not ends.after[cell] < position <= ends.until[cell]
    ]
    needed = max([end - 1, *(one.leaf for one in beside)])
    ((size, _),) = store.checkpoints(connection, needed, last[0], 1)
    before = connection.scalar(_BEFORE, {"size": first})
    witnessed = connection.scalar(_WITNESSED, {"size": size})
    sizes = {size, *(int(one) for one in (before, witnessed) if one is not None)}
    return Chosen(
        span=Span(ends.since, ends.to),
        after=ends.after,
        until=ends.until,
        beside=tuple(sorted(beside, key=lambda one: one.leaf)),
        rule_sets=frozenset(rule_sets),
        leaves=(first, end),
        checkpoints=tuple(sorted(sizes)),
        checkpoint=size,
    )


def _ends(
    connection: Connection,
    heads_at: HeadsAt,
    since: Moment,
    until: Moment,
    signed: Mapping[int, int],
) -> _Ends:
    start = _vector(heads_at, since)
    end = signed if until is None else _vector(heads_at, until)
    standing = store.standing(connection)
    heads = {} if standing is None else standing.heads
    for cell, position in end.items():
        if position > heads.get(cell, 0) and not isinstance(until, datetime):
            raise NoSuchRange(f"there is no event {cell}-{position} yet")
        if position > signed.get(cell, 0):
            raise NotSigned
    upto = {cell: end.get(cell, 0) for cell in signed}
    after = {cell: min(start.get(cell, 0), upto[cell]) for cell in signed}
    return _Ends(
        None if since is None else _bound(since),
        _bound(end if until is None else until),
        after,
        upto,
    )


def _vector(heads_at: HeadsAt, moment: Moment) -> Mapping[int, int]:
    if moment is None:
        return {}
    return heads_at(moment) if isinstance(moment, datetime) else moment


def _bound(moment: Mapping[int, int] | datetime) -> Bound:
    if isinstance(moment, datetime):
        return Bound(time=moment_of(moment))
    return Bound(positions={str(cell): position for cell, position in sorted(moment.items())})


def _edges(ends: _Ends, signed: Mapping[int, int]) -> set[tuple[int, int]]:
    """
    The events just outside a range that is bounded by times: they show that it is all there. Where
    the next event is not signed yet, there is none to show.
    """
    found: set[tuple[int, int]] = set()
    begins, ends_so = ends.since is not None and ends.since.time, ends.to.time
    for cell, until in ends.until.items():
        after = ends.after[cell]
        if after and (begins or (ends_so and after == until)):
            found.add((cell, after))
        if ends_so and until < signed[cell]:
            found.add((cell, until + 1))
    return found


def _rule_sets(
    connection: Connection, ends: _Ends, wanted: Filter, signed: Mapping[int, int]
) -> set[tuple[int, int]]:
    """Where the rule sets were published that what is asked for was decided under."""
    named: set[SetName] = set()
    for cell, until in ends.until.items():
        between = {"cell": cell, "after": ends.after[cell], "until": until}
        rows = connection.execution_options(yield_per=500).execute(_JUDGED, between)
        for kind, stream, owner, data in rows:
            if (
                is_of(wanted.kind, kind)
                and wanted.stream in (None, stream)
                and wanted.owner in (None, owner)
            ):
                named.update(rule_sets_named(bytes(data)))
    found = set()
    for name, version, _ in named:
        stream = rules_stream(json.loads(name), int(version))
        asked = {"cell": DIRECTORY_CELL, "stream": stream}
        position = connection.scalar(_RULE_SET, asked)
        if position is None:
            raise Altered("", f"rule set {name.decode()} {version.decode()} is not in the log")
        if position > signed[DIRECTORY_CELL]:
            raise NotSigned
        found.add((DIRECTORY_CELL, int(position)))
    return found


def _one(connection: Connection, cell: int, position: int) -> Run:
    """An event as a run of its own."""
    run = store.run_of(connection, cell, position)
    if run is None:
        raise Altered(f"{cell}-{position}", "the tree has no such event")
    leaf = run.leaf + position - run.position
    return run.part(leaf, leaf + 1)


def _leaf(connection: Connection, cell: int, position: int) -> int:
    return _one(connection, cell, position).leaf
