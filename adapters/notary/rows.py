"""
Events as they are stored, and their leaves: nothing is decoded that is only hashed.

They are read in binary COPY format, in which all columns but type and data are of fixed width, so
that one unpacking takes a row apart; the ids of who and why are hashed as they lie there.
"""

import io
from collections.abc import Iterator
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
_HEADER_BYTES: Final = 19
_fixed = Struct(">hiqi16siiiqi16si16si16si16si")
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
    target = io.BytesIO()
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with closing(driver.cursor()) as cursor:
        cursor.copy_expert(cursor.mogrify(_COPY, (cell, after, until, limit)).decode(), target)
    return _rows(target.getvalue())


def _rows(raw: bytes) -> Iterator[StoredRow]:
    at, width, unpack = _HEADER_BYTES, _fixed.size, _fixed.unpack_from
    while raw[at : at + 2] != b"\xff\xff":
        # fmt: off
        (_, _, position, _, stream, _, version, _, microseconds, _, actor, _, owner, _, command,
         _, correlation, causation_bytes) = unpack(raw, at)
        # fmt: on
        at += width
        context = actor + owner + command + correlation
        if causation_bytes == 16:
            context += raw[at : at + 16]
            at += 16
        (length,) = _length(raw, at)
        kind = raw[at + 4 : at + 4 + length].decode()
        at += 4 + length
        (length,) = _length(raw, at)
        data = raw[at + 4 : at + 4 + length]
        at += 4 + length
        yield StoredRow(position, stream, version, microseconds, owner, actor, context, kind, data)
