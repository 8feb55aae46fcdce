"""
Events as they are stored, and their leaves: nothing is decoded that is only hashed.

They are read in binary COPY format, in which all columns but type and data are of fixed width, so
that one unpacking takes a row apart; the ids of who and why are hashed as they lie there.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from struct import Struct
from typing import Final, NamedTuple

from sqlalchemy import Connection

from domain.evidence.records import moment_text, record_of

_COPY: Final = (
    "COPY (SELECT position, stream_id, version, recorded_at, actor, owner, command_id,"
    " correlation_id, causation_id, type, data FROM log.events"
    " WHERE cell = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s)"
    " TO STDOUT (FORMAT binary)"
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
#: Lengths that are always the same are passed over; the last is that of the causation, or -1.
_fixed = Struct(">2x4xq4x16s4xi4xq4x16s4x16s4x16s4x16si")
_length = Struct(">i").unpack_from


class StoredRow(NamedTuple):
    """One event. ``context`` is what records hash of who and why; times are PostgreSQL's."""

    position: int
    stream: bytes
    version: int
    microseconds: int
    owner: bytes
    actor: bytes
    context: bytes
    kind: str
    data: bytes

    def record(self, cell: int, tags: bytes) -> bytes:
        """Its digest record."""
        return record_of(
            cell,
            self.position,
            self.stream,
            self.version,
            moment_text(self.microseconds),
            self.kind,
            self.context,
            self.data,
            tags,
        )


def read_rows(
    connection: Connection, cell: int, after: int, until: int, limit: int
) -> Iterator[StoredRow]:
    """At most ``limit`` events of a cell with ``after < position <= until``, in order."""
    kept: list[bytes] = []
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with closing(driver.cursor()) as cursor:
        statement = cursor.mogrify(_COPY, (cell, after, until, limit)).decode()
        cursor.copy_expert(statement, _Rows(kept.append))
    # A row comes in a piece of its own; the header may come with the first.
    kept[0] = kept[0].removeprefix(_HEADER)
    return map(_row, (one for one in kept if one not in {b"", _TRAILER}))


class _Rows(NamedTuple):
    """As the driver wants it: a file."""

    write: Callable[[bytes], None]


def _row(raw: bytes) -> StoredRow:
    position, stream, version, microseconds, actor, owner, command, correlation, causation = (
        _fixed.unpack_from(raw)
    )
    context, at = actor + owner + command + correlation, _fixed.size
    if causation == 16:
        context += raw[at : at + 16]
        at += 16
    (length,) = _length(raw, at)
    at += 4 + length
    kind = raw[at - length : at].decode()
    return StoredRow(
        position, stream, version, microseconds, owner, actor, context, kind, raw[at + 4 :]
    )
