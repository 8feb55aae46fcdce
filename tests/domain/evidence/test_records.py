"""
Records: canonical by another's judgement, and every column of an event is in them.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.records import (
    NO_TAG,
    DigestRecord,
    decode_record,
    encode_record,
    moment_of,
    moment_text,
    record_of,
)

GIVEN = {
    "cell": 3,
    "position": 77,
    "stream": bytes(range(16)),
    "version": 2,
    "recorded_at": "2026-11-29T01:02:03.000004Z",
    "kind": "post.published.v1",
    "context": bytes(80),
    "data": b'{"type":"post.published.v1"}',
    "tags": bytes(range(32)),
}
RECORDS = st.builds(
    DigestRecord,
    st.none() | st.text(max_size=40),
    st.integers(0, 4_095),
    st.text(max_size=64),
    st.text(max_size=64),
    st.none() | st.text(max_size=40),
    st.integers(0, (1 << 53) - 1),
    st.text(max_size=30),
    st.text(max_size=40),
    st.text(),
    st.integers(1, (1 << 31) - 1),
)


@given(RECORDS)
def test_records_are_canonical_json(record: DigestRecord) -> None:
    raw = encode_record(record)
    assert raw == rfc8785.dumps(json.loads(raw))
    assert decode_record(raw) == record


def test_a_record_to_the_letter() -> None:
    data = hashlib.sha256(b'{"type":"post.published.v1"}').hexdigest()
    context = hashlib.sha256(bytes(80)).hexdigest()
    assert record_of(**GIVEN).decode() == (  # type: ignore[arg-type]
        '{"actor_tag":"101112131415161718191a1b1c1d1e1f","cell":3,'
        f'"context_sha256":"{context}","data_sha256":"{data}",'
        '"owner_tag":"000102030405060708090a0b0c0d0e0f","position":77,'
        '"recorded_at":"2026-11-29T01:02:03.000004Z",'
        '"stream":"00010203-0405-0607-0809-0a0b0c0d0e0f",'
        '"type":"post.published.v1","version":2}'
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("cell", 4), ("position", 78), ("stream", bytes(16)), ("version", 3),
        ("recorded_at", "2026-11-29T01:02:03.000005Z"), ("kind", "post.published.v2"),
        ("context", bytes(64)), ("data", b"{}"), ("tags", bytes(range(1, 33))),
    ],
)  # fmt: skip
def test_nothing_of_an_event_is_left_out(name: str, other: object) -> None:
    assert record_of(**GIVEN) != record_of(**{**GIVEN, name: other})  # type: ignore[arg-type]


@given(st.text(max_size=30), st.sampled_from([bytes(32), bytes(range(32))]))
def test_whatever_somebody_made_of_a_type_is_encoded_in_the_one_way(kind: str, tags: bytes) -> None:
    raw = record_of(**{**GIVEN, "kind": kind, "tags": tags})  # type: ignore[arg-type]
    assert raw == encode_record(decode_record(raw)) == rfc8785.dumps(json.loads(raw))
    assert decode_record(raw).type == kind


def test_who_has_no_tag_has_none() -> None:
    raw = record_of(**{**GIVEN, "tags": NO_TAG + bytes(range(16))})  # type: ignore[arg-type]
    record = decode_record(raw)
    assert (record.owner_tag, record.actor_tag) == (None, bytes(range(16)).hex())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b",", b", ", 1),
        lambda raw: raw.replace(b'"cell":3', b'"cell":3.0'),
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b'"version":2', b'"version":2,"x":1'),
        lambda raw: b"{}",
        lambda raw: raw.replace(b"post", b"po\\u0073t", 1),
    ],
)
def test_one_record_has_one_encoding(spoil: object) -> None:
    with pytest.raises(ValueError, match=r"record|canonical"):
        decode_record(spoil(record_of(**GIVEN)))  # type: ignore[operator, arg-type]


@given(st.timedeltas(timedelta(0), timedelta(days=2_000_000)))
def test_times_are_exact(later: timedelta) -> None:
    at = datetime(2000, 1, 1, tzinfo=UTC) + later
    since = later // timedelta(microseconds=1)
    assert moment_text(since) == moment_of(at)
    assert datetime.fromisoformat(moment_of(at)) == at
