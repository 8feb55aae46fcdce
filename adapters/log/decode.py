"""
Events out of PostgreSQL, in binary COPY format.

A text cursor spends most of its time turning ids and times into text and back; reading them as the
bytes they are leaves little more than the JSON to decode.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final
from uuid import UUID

from domain.event import Recorded, Registry
from domain.ids import MemberId, StreamId, uuid_of

#: The columns in the order in which they are read: those of fixed width first.
COLUMNS: Final = (
    "e.cell, e.position, e.stream_id, e.version, e.recorded_at, e.owner, e.actor, e.command_id,"
    " e.correlation_id, e.causation_id, e.type, e.data"
)

_HEADER_BYTES: Final = 19
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_fixed = Struct(">hihiqi16siiiqi16si16si16si16si")
_length = Struct(">i").unpack_from


def decode(raw: bytes | memoryview, registry: Registry) -> list[Recorded]:
    """Rows of :data:`COLUMNS`, as events."""
    return list(_rows(bytes(raw), registry))


def _rows(raw: bytes, registry: Registry) -> Iterator[Recorded]:
    at = _HEADER_BYTES
    ids: dict[bytes, UUID] = {}
    times: dict[int, datetime] = {}
    fixed, width = _fixed.unpack_from, _fixed.size
    while raw[at : at + 2] != b"\xff\xff":
        # fmt: off
        (_, _, cell, _, position, _, stream, _, version, _, microseconds, _, owner, _, actor,
         _, command, _, correlation, causation_bytes) = fixed(raw, at)
        # fmt: on
        at += width
        causation = None
        if causation_bytes == 16:
            causation = _id(raw[at : at + 16], ids)
            at += 16
        (length,) = _length(raw, at)
        kind = raw[at + 4 : at + 4 + length].decode()
        at += 4 + length
        (length,) = _length(raw, at)
        data = raw[at + 4 : at + 4 + length]
        at += 4 + length
        recorded_at = times.get(microseconds)
        if recorded_at is None:
            recorded_at = _EPOCH + timedelta(microseconds=microseconds)
            times[microseconds] = recorded_at
        yield Recorded(
            cell,
            position,
            StreamId(_id(stream, ids)),
            version,
            recorded_at,
            MemberId(_id(owner, ids)),
            _id(actor, ids),
            _id(command, ids),
            _id(correlation, ids),
            causation,
            registry.decode(kind, data),
        )


def _id(raw: bytes, ids: dict[bytes, UUID]) -> UUID:
    found = ids.get(raw)
    if found is None:
        found = ids[raw] = uuid_of(int.from_bytes(raw, "big"))
    return found
