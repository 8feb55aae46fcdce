"""
Rows in PostgreSQL's binary COPY format, encoded by hand.

Of every event only position and time are unknown when it is queued; the rest of its row is encoded
then, on the caller's thread, while the writer's connection is busy with the batch before. Position
and time come last in the row for that reason.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from struct import Struct
from typing import Final
from uuid import UUID

from adapters.log.batch import Plan
from commands.ports import Append, IdempotencyKey
from domain.event import Event, type_of

EVENTS: Final = (
    "COPY log.events (stream_id, version, type, owner, data, cell, actor, command_id,"
    " correlation_id, causation_id, position, recorded_at) FROM STDIN (FORMAT binary)"
)
COMMANDS: Final = (
    "COPY log.commands (cell, actor, key, digest, answer, position, events, expires_at)"
    " FROM STDIN (FORMAT binary)"
)
#: How much psycopg2 hands to libpq at once.
CHUNK_BYTES: Final = 1 << 17

_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_length = Struct(">i").pack
_stream = Struct(">hi16sii").pack
_uuid = Struct(">i16s").pack
_command = Struct(">ihi16si16si16s").pack
_place = Struct(">iqiq").pack
_short = Struct(">hih").pack
_ends = Struct(">iqii").pack
_long = Struct(">iq").pack

Encode = Callable[[Event], bytes]


def event_rows(append: Append, encode: Encode) -> list[bytes]:
    """All of each event's row but its position and time."""
    common = _command(
        2,
        append.cell,
        16,
        append.actor.bytes,
        16,
        append.command.bytes,
        16,
        append.correlation.bytes,
    )
    cause = append.causation
    common += _NULL if cause is None else _uuid(16, cause.bytes)
    rows = []
    for new in append.events:
        data = encode(new.event)
        rows.append(
            _stream(12, 16, new.stream.bytes, 4, new.version)
            + _type(type_of(new.event))
            + _uuid(16, new.owner.bytes)
            + _length(len(data))
            + data
            + common
        )
    return rows


def foreign_row(
    cell: int, stream: UUID, version: int, kind: str, data: bytes, position: int, at: datetime
) -> bytes:
    """A row of an event that comes with nothing but its stream, version, type and bytes."""
    nobody = bytes(16)
    return b"".join(
        (
            _stream(12, 16, stream.bytes, 4, version),
            _type(kind),
            _uuid(16, nobody),
            _length(len(data)),
            data,
            _command(2, cell, 16, nobody, 16, nobody, 16, nobody),
            _NULL,
            _place(8, position, 8, microseconds(at)),
        )
    )


def events_of(plan: Plan, recorded_at: dict[int, datetime]) -> BytesIO | None:
    """Every event of a plan; None when there is none."""
    times = {cell: microseconds(at) for cell, at in recorded_at.items()}
    parts = [_HEAD]
    for submission, position in plan.written:
        at = times[submission.append.cell]
        for row in submission.rows:
            parts.append(row)
            parts.append(_place(8, position, 8, at))
            position += 1
    return framed(parts)


def commands_of(plan: Plan) -> BytesIO | None:
    """The idempotency rows of a plan; None when no command brought a key."""
    parts = [_HEAD]
    for submission, position in plan.written:
        append = submission.append
        if append.key is not None:
            parts.append(_key_row(append, append.key, position))
    return framed(parts)


def framed(parts: list[bytes]) -> BytesIO | None:
    """Rows after the header as one stream to copy from."""
    if len(parts) == 1:
        return None
    parts.append(_TAIL)
    return BytesIO(b"".join(parts))


def frame(rows: Iterable[bytes]) -> BytesIO | None:
    """Rows as one stream to copy from; None when there is none."""
    return framed([_HEAD, *rows])


def microseconds(at: datetime) -> int:
    """A time as PostgreSQL counts it."""
    return (at - _EPOCH) // _MICROSECOND


def _key_row(append: Append, key: IdempotencyKey, position: int) -> bytes:
    name = key.key.encode()
    expires = key.expires_at
    return b"".join(
        (
            _short(8, 2, append.cell),
            _uuid(16, key.actor.bytes),
            _length(len(name)),
            name,
            _length(len(key.digest)),
            key.digest,
            _length(len(append.answer)),
            append.answer,
            _ends(8, position, 4, len(append.events)),
            _NULL if expires is None else _long(8, microseconds(expires)),
        )
    )


@cache
def _type(tag: str) -> bytes:
    name = tag.encode()
    return _length(len(name)) + name


def size_of(rows: Sequence[bytes], append: Append) -> int:
    """About how many bytes an append puts on the wire."""
    return sum(map(len, rows)) + len(append.answer) + 128
