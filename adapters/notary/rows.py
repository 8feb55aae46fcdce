"""
Events as they are stored, and their leaves: nothing is decoded that is only hashed.

They are read in binary COPY format, in which all columns but type and data are of fixed width, so
that one unpacking takes a row apart; the ids of who and why are hashed as they lie there.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from struct import Struct
from typing import Final, NamedTuple

from sqlalchemy import Connection

from domain.evidence.records import (
    TAGS_BYTES,
    kind_text,
    moment_text,
    record_of,
    record_with,
    tag_texts,
)

_COPY: Final = (
    "COPY (SELECT position, stream_id, version, recorded_at, actor, owner, command_id,"
    " correlation_id, causation_id, type, data FROM log.events"
    " WHERE cell = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s)"
    " TO STDOUT (FORMAT binary)"
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
#: Lengths that are always the same are passed over; the last is that of what caused the event, or
#: -1 (0xff…) where nothing did. Behind it there may be that, and there is the type's length.
_FIXED: Final = ">2x4xq4x16s4xi4xq4x16s4x16s4x16s4x16s"
_CAUSE_AT: Final = Struct(_FIXED).size
_uncaused = Struct(_FIXED + "4xi").unpack_from
_UNCAUSED_BYTES: Final = _CAUSE_AT + 8
_caused = Struct(_FIXED + "4x16si").unpack_from
_CAUSED_BYTES: Final = _CAUSE_AT + 24
_ACTOR: Final = slice(_CAUSE_AT - 76, _CAUSE_AT - 60)
_OWNER: Final = slice(_CAUSE_AT - 56, _CAUSE_AT - 40)


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
    return map(_taken_apart, read_raw(connection, cell, after, until, limit))


def read_raw(connection: Connection, cell: int, after: int, until: int, limit: int) -> list[bytes]:
    """The same, as the database sends them."""
    kept: list[bytes] = []
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with closing(driver.cursor()) as cursor:
        statement = cursor.mogrify(_COPY, (cell, after, until, limit)).decode()
        cursor.copy_expert(statement, _Pieces(kept.append))
    # A row comes in a piece of its own, the header with the first or before it.
    kept[0] = kept[0].removeprefix(_HEADER)
    return [piece for piece in kept if piece and piece != _TRAILER]


def members_of(raw: bytes) -> tuple[bytes, bytes]:
    """Owner and actor of an event as it was sent."""
    return raw[_OWNER], raw[_ACTOR]


def leaves_of(rows: Iterable[bytes], cell: int, position: int, tags: bytes) -> list[bytes]:
    """
    The leaves' hashes of events as they were sent, up to the first that is not in its place.

    :param position: of the first; the others follow without a gap.
    :param tags: both of each, one after the other.
    """
    # Nearly all of a verification's time is spent here: nothing is made twice, and little at all.
    leaves: list[bytes] = []
    at, sha256, kinds = 0, hashlib.sha256, _Kinds()
    now, recorded_at = -1, ""
    known, owner_tag, actor_tag = b"", "", ""
    for raw in rows:
        if raw[_CAUSE_AT]:
            found, stream, version, time, actor, owner, command, correlation, length = _uncaused(
                raw
            )
            context, start = b"".join((actor, owner, command, correlation)), _UNCAUSED_BYTES
        else:
            found, stream, version, time, actor, owner, command, correlation, cause, length = (
                _caused(raw)
            )
            context, start = b"".join((actor, owner, command, correlation, cause)), _CAUSED_BYTES
        if found != position:
            break
        if time != now:
            now, recorded_at = time, moment_text(time)
        both = tags[at : at + TAGS_BYTES]
        if both != known:
            known, (owner_tag, actor_tag) = both, tag_texts(both)
        end = start + length
        record = record_with(
            cell, position, stream, version, recorded_at, kinds[raw[start:end]],
            context, raw[end + 4 :], owner_tag, actor_tag,
        )  # fmt: skip
        leaves.append(sha256(b"\x00" + record).digest())
        position += 1
        at += TAGS_BYTES
    return leaves


class _Kinds(dict[bytes, str]):
    """Types as records write them, by their bytes."""

    def __missing__(self, kind: bytes) -> str:
        text = self[kind] = kind_text(kind.decode())
        return text


class _Pieces(NamedTuple):
    """As the driver wants it: a file."""

    write: Callable[[bytes], None]


def _taken_apart(raw: bytes) -> StoredRow:
    unpack, at = (_uncaused, _UNCAUSED_BYTES) if raw[_CAUSE_AT] else (_caused, _CAUSED_BYTES)
    position, stream, version, microseconds, actor, owner, *others, length = unpack(raw)
    end = at + length
    context, kind = b"".join((actor, owner, *others)), raw[at:end].decode()
    return StoredRow(
        position, stream, version, microseconds, owner, actor, context, kind, raw[end + 4 :]
    )
