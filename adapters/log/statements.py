"""
The SQL of an append, in one place: heads, guards, versions, keys.

All of it runs on a plain cursor. Arrays of ids travel as one literal, which costs a tenth of a
value each; they come back as UUIDs, which SQLAlchemy's dialect sees to. Every statement takes its
own snapshot, so what follows the one that locks the heads sees all that was committed before.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from adapters.log.batch import Answer, Head, KeyAt
from domain.ids import StreamId, cell_of

Cursor: TypeAlias = Any
#: SQL and its parameters.
Prepared: TypeAlias = tuple[str, tuple[str, ...]]

# The inner query fixes the order of the locks; an update alone takes them in any order, and two
# writers would deadlock.
_RAISE: Final = """
WITH locked AS (
    SELECT cell FROM log.log_heads WHERE cell = ANY (%s::smallint[]) ORDER BY cell FOR UPDATE
)
UPDATE log.log_heads h
SET position = h.position + d.added,
    last_recorded_at = CASE
        WHEN d.added > 0 THEN greatest(h.last_recorded_at, %s) ELSE h.last_recorded_at END
FROM locked JOIN unnest(%s::smallint[], %s::bigint[]) AS d (cell, added) USING (cell)
WHERE h.cell = locked.cell
"""
_RAISED: Final = " RETURNING h.cell, h.position - d.added, h.last_recorded_at, h.rules_epoch"
_BEGIN: Final = f"BEGIN; {_RAISE}; EXECUTE homezone_look (%s, %s, %s, %s, %s)"
# A statement of its own, after the one that waited for the locks: its snapshot sees all that was
# committed before they were granted. Heads and stale guards come home in one answer.
_LOOK: Final = """
PREPARE homezone_look (smallint[], bigint[], smallint[], uuid[], integer[]) AS
SELECT h.cell, h.position - d.added, h.last_recorded_at, h.rules_epoch, NULL::uuid
FROM unnest($1, $2) AS d (cell, added) JOIN log.log_heads h ON h.cell = d.cell
UNION ALL
SELECT NULL, g.seen, NULL, NULL, g.stream
FROM unnest($3, $4, $5) AS g (cell, stream, seen)
WHERE EXISTS (
    SELECT 1 FROM log.events e
    WHERE e.cell = g.cell AND e.stream_id = g.stream AND e.version = g.seen + 1
)
"""
_LOCK: Final = """
SELECT cell FROM log.log_heads WHERE cell = ANY (%s::smallint[]) ORDER BY cell FOR UPDATE
"""
_CORRECT: Final = """
UPDATE log.log_heads h
SET position = d.position, rules_epoch = greatest(h.rules_epoch, d.epoch)
FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[]) AS d (cell, position, epoch)
WHERE h.cell = d.cell
"""
_VERSIONS: Final = """
SELECT s.stream, last.version
FROM unnest(%s::smallint[], %s::uuid[]) AS s (cell, stream)
CROSS JOIN LATERAL (
    SELECT e.version FROM log.events e
    WHERE e.cell = s.cell AND e.stream_id = s.stream ORDER BY e.version DESC LIMIT 1
) AS last
"""
_ANSWERS: Final = """
SELECT c.cell, c.actor, c.key, c.digest, c.answer, c.position, c.events
FROM unnest(%s::smallint[], %s::uuid[], %s::text[]) AS k (cell, actor, key)
JOIN log.commands c ON c.cell = k.cell AND c.actor = k.actor AND c.key = k.key
"""
_HEADS: Final = "SELECT cell, position, last_recorded_at, rules_epoch FROM log.log_heads"
_AT: Final = """
SELECT stream_id, version, command_id, recorded_at
FROM log.events WHERE cell = %s AND position = %s
"""


def uuids(ids: Iterable[UUID]) -> str:
    """Ids as the literal of an array."""
    return "{" + ",".join([each.hex for each in ids]) + "}"


def integers(numbers: Iterable[int]) -> str:
    """Numbers as the literal of an array."""
    return "{" + ",".join(map(str, numbers)) + "}"


def prepare(cursor: Cursor) -> None:
    """Prepare a session, outside any transaction, for those that are run with every batch."""
    cursor.execute(_LOOK)


def begin(
    cursor: Cursor,
    added: Mapping[int, int],
    now: datetime,
    guards: Iterable[tuple[StreamId, int]],
) -> tuple[dict[int, Head], frozenset[tuple[StreamId, int]]]:
    """
    Begin a transaction, lock the heads of these cells, in cell order, and move them on.

    :param guards: of (stream, version seen).
    :return: each cell's head from before, with the time at which to record what was added; and
        those guards whose stream holds a later version.
    """
    asked = list(guards)
    streams = [stream for stream, _ in asked]
    looked = (integers(map(cell_of, streams)), uuids(streams), integers(seen for _, seen in asked))
    raised = _raised(added, now)
    cursor.execute(_BEGIN, (*raised, *raised[2:], *looked))
    heads: dict[int, Head] = {}
    stale = set()
    for cell, position, recorded_at, epoch, stream in cursor.fetchall():
        if stream is None:
            heads[cell] = Head(position, recorded_at, epoch)
        else:
            stale.add((stream, position))
    assert heads.keys() == added.keys(), "a cell of the store has no head"
    return heads, frozenset(stale)


def raise_heads(cursor: Cursor, added: Mapping[int, int], now: datetime) -> dict[int, Head]:
    """As :func:`begin`, in a transaction that was begun, for an append without guards."""
    cursor.execute(_RAISE + _RAISED, _raised(added, now))
    heads = {
        cell: Head(position, recorded_at, epoch)
        for cell, position, recorded_at, epoch in cursor.fetchall()
    }
    assert heads.keys() == added.keys(), "a cell of the store has no head"
    return heads


def _raised(added: Mapping[int, int], now: datetime) -> tuple[str, datetime, str, str]:
    cells = integers(added)
    return cells, now, cells, integers(added.values())


def lock_heads(cursor: Cursor, cells: Iterable[int]) -> None:
    """Wait until nobody is writing to these cells, and keep others out."""
    cursor.execute(_LOCK, (integers(cells),))


def correct_heads(positions: Mapping[int, int], epochs: Mapping[int, int]) -> Prepared:
    """What sets heads to where the batch truly ended; a rules epoch only rises."""
    cells = integers(positions)
    risen = integers(epochs.get(cell, 0) for cell in positions)
    return _CORRECT, (cells, integers(positions.values()), risen)


def versions(cursor: Cursor, streams: Iterable[StreamId]) -> dict[StreamId, int]:
    """The last version of each stream that has one."""
    asked = list(streams)
    cursor.execute(_VERSIONS, (integers(map(cell_of, asked)), uuids(asked)))
    return dict(cursor.fetchall())


def answers(cursor: Cursor, keys: Iterable[KeyAt]) -> dict[KeyAt, Answer]:
    """The stored rows of known idempotency keys."""
    asked = list(keys)
    if not asked:
        return {}
    cells, actors, names = zip(*asked, strict=True)
    cursor.execute(_ANSWERS, (integers(cells), uuids(actors), list(names)))
    return {
        (cell, actor, key): Answer(cell, bytes(digest), bytes(answer), position, events)
        for cell, actor, key, digest, answer, position, events in cursor.fetchall()
    }


def all_heads(cursor: Cursor) -> dict[int, Head]:
    """Every cell's head, in cell order."""
    cursor.execute(_HEADS)
    return {row[0]: Head(*row[1:]) for row in sorted(cursor.fetchall())}


def event_at(cursor: Cursor, cell: int, position: int) -> tuple[UUID, int, UUID, datetime] | None:
    """Stream, version, command and time of one event."""
    cursor.execute(_AT, (cell, position))
    row: tuple[UUID, int, UUID, datetime] | None = cursor.fetchone()
    return row
