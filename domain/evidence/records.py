"""
Digest records: what the tree says of an event, and all that it says.

A record names an event's place, stream, version, type and time, and holds digests of the rest: of
the stored bytes, and of who did it and why. So whoever has a record learns nothing that a member
wrote, and whoever has the event can tell whether it is that one. Records are canonical JSON (RFC
8785): keys sorted, nothing between the tokens.

A tag stands for a member: it can be made only with a key that dies with the member's identity, so
it links a member's records while they are known, and is a random number after. It is not worked out
again, since one day that cannot be done: it is kept beside the leaf, and the leaf covers it.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

#: Bytes of an owner's or an actor's tag, and what stands where nobody has one.
TAG_BYTES: Final = 16
NO_TAG: Final = bytes(TAG_BYTES)
#: Bytes of both tags of an event.
TAGS_BYTES: Final = 2 * TAG_BYTES

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_sha256 = hashlib.sha256


class DigestRecord(msgspec.Struct, frozen=True, gc=False):
    """
    A record, its fields in the order of their names.

    :param actor_tag: hexadecimal, as are the digests; None for whoever has no identity to erase.
    :param context_sha256: of the ids of actor, owner, command, correlation and causation, 16 bytes
        each, one after the other; the last is left out where nothing caused it.
    :param data_sha256: of the event's stored bytes.
    :param recorded_at: RFC 3339 in UTC with six digits of a second: text, and never rounded.
    """

    actor_tag: str | None
    cell: int
    context_sha256: str
    data_sha256: str
    owner_tag: str | None
    position: int
    recorded_at: str
    stream: str
    type: str
    version: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(DigestRecord, strict=True).decode


def encode_record(record: DigestRecord) -> bytes:
    """The one encoding of a record."""
    return _encode(record)


def decode_record(raw: bytes) -> DigestRecord:
    """
    A record that somebody shows.

    :raises ValueError: it is none, or is not encoded in the one way.
    """
    try:
        record = _decode(raw)
    except msgspec.MsgspecError:
        raise ValueError("no digest record") from None
    if _encode(record) != raw:
        raise ValueError("not in its canonical encoding")
    return record


def record_of(
    cell: int,
    position: int,
    stream: bytes,
    version: int,
    recorded_at: str,
    kind: str,
    context: bytes,
    data: bytes,
    tags: bytes,
) -> bytes:
    """
    An event's record, encoded: what ``encode_record`` makes of it, in fewer steps.

    :param stream: the id's 16 bytes.
    :param context: the ids of actor, owner, command, correlation and, if any, causation.
    :param tags: the owner's and the actor's, one after the other.
    """
    owner, actor = tag_texts(tags)
    return record_with(
        cell, position, stream, version, recorded_at, kind_text(kind), context, data, owner, actor
    )


def record_with(
    cell: int,
    position: int,
    stream: bytes,
    version: int,
    recorded_at: str,
    kind: str,
    context: bytes,
    data: bytes,
    owner: str,
    actor: str,
) -> bytes:
    """The same, with type and tags as they are written; they come again and again."""
    id_ = stream.hex()
    return (
        f'{{"actor_tag":{actor},"cell":{cell},"context_sha256":"{_sha256(context).hexdigest()}",'
        f'"data_sha256":"{_sha256(data).hexdigest()}","owner_tag":{owner},"position":{position},'
        f'"recorded_at":"{recorded_at}",'
        f'"stream":"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}",'
        f'"type":{kind},"version":{version}}}'
    ).encode()


@lru_cache(8192)
def tag_texts(tags: bytes) -> tuple[str, str]:
    """An owner's and an actor's tag as records write them."""
    owner, actor = tags[:TAG_BYTES], tags[TAG_BYTES:]
    return (
        "null" if owner == NO_TAG else f'"{owner.hex()}"',
        "null" if actor == NO_TAG else f'"{actor.hex()}"',
    )


def kind_text(kind: str) -> str:
    """A type as records write it, whatever is in it: somebody may have altered the column."""
    return _encode(kind).decode()


@lru_cache(4096)
def moment_text(microseconds: int) -> str:
    """A time as records write it. Events come by the batch, so each is asked for often."""
    return moment_of(_EPOCH + timedelta(microseconds=microseconds))


def moment_of(at: datetime) -> str:
    """A time as records write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
