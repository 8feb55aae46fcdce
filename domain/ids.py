"""
Ids that route themselves.

Every id is a UUIDv8 (RFC 9562, section 5.8) that carries, beside its time, the cell of the member
whose stream it is. So any id tells which shard of members holds it, and ids sort by time.

    48 bits milliseconds | 4 bits version (8) | 12 bits cell | 2 bits variant | 62 bits random
"""

import hashlib
from typing import NewType
from uuid import UUID, SafeUUID

MemberId = NewType("MemberId", UUID)
StreamId = NewType("StreamId", UUID)
PostId = NewType("PostId", UUID)
CommentId = NewType("CommentId", UUID)
MessageId = NewType("MessageId", UUID)
ListId = NewType("ListId", UUID)
CaseId = NewType("CaseId", UUID)
DecisionId = NewType("DecisionId", UUID)
LotId = NewType("LotId", UUID)
OrderId = NewType("OrderId", UUID)
PaymentId = NewType("PaymentId", UUID)
ItemId = NewType("ItemId", UUID)
ExportId = NewType("ExportId", UUID)
AlbumId = NewType("AlbumId", UUID)
PhotoId = NewType("PhotoId", UUID)

#: A post, a comment or a message: what a gate stands before.
ContentId = NewType("ContentId", UUID)

CELLS_MAX = 1 << 12
_RANDOM_BITS = 62
_SIXTEEN = (16).to_bytes(4, "big")
_VERSION = 8 << 76
_VARIANT = 2 << 62
_UNKNOWN = SafeUUID.unknown
_new = UUID.__new__
_set = object.__setattr__


def mint(milliseconds: int, cell: int, entropy: int) -> UUID:
    """
    A new id.

    :param milliseconds: since the Unix epoch, below 2**48.
    :param cell: of the member whose stream it is, below 4096.
    :param entropy: 62 random bits.
    """
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError("milliseconds")
    if not 0 <= cell < CELLS_MAX:
        raise ValueError("cell")
    if not 0 <= entropy < 1 << _RANDOM_BITS:
        raise ValueError("entropy")
    return uuid_of(milliseconds << 80 | _VERSION | cell << 64 | _VARIANT | entropy)


def uuid_of(value: int) -> UUID:
    """
    What ``UUID(int=value)`` makes, in a third of the time, for a value known to have 128 bits: a
    command makes several ids, and reading a log five an event.
    """
    made = _new(UUID)
    _set(made, "int", value)
    _set(made, "is_safe", _UNKNOWN)
    return made


def derive(cell: int, name: str, *parts: UUID | bytes) -> UUID:
    """
    The one id that these parts always give: one member's like of one post, a policy's command.

    Its time bits are a hash as well, so that it tells nothing of when it was made.
    """
    named = name.encode()
    for part in parts:
        if isinstance(part, UUID):
            named += _SIXTEEN + part.int.to_bytes(16, "big")
        else:
            named += len(part).to_bytes(4, "big") + part
    hashed = int.from_bytes(hashlib.sha256(named).digest()[:14], "big")
    return mint(hashed >> 64, cell, hashed & ((1 << _RANDOM_BITS) - 1))


def derive_at(milliseconds: int, cell: int, name: str, *parts: UUID | bytes) -> UUID:
    """
    As :func:`derive`, of something made at a time that its parts tell: its id tells it as well.

    :param milliseconds: since the Unix epoch, below 2**48.
    """
    return mint(milliseconds, cell, derive(cell, name, *parts).int & ((1 << _RANDOM_BITS) - 1))


def cell_of(id: UUID) -> int:
    """The cell that holds the stream, or -1 when the id is none of ours."""
    value = id.int
    if value >> 76 & 0xF != 8 or value >> 62 & 0b11 != 2:
        return -1
    return value >> 64 & 0xFFF


def milliseconds_of(id: UUID) -> int:
    """When a minted id was made, in milliseconds since the Unix epoch."""
    return id.int >> 80
