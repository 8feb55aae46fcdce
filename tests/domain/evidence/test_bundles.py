"""
What bundles say of events: to which trail they belong, and how they stand in a table.
"""

import csv
import io

import pytest

from domain.catalogue import EVENTS
from domain.evidence.bundles import BundledEvent, key_ids, parse_event_line, trail_row
from domain.evidence.questions import is_of
from domain.evidence.records import DigestRecord
from replay.bundles import verify

CONTEXT = bytes(range(80))


def record(type: str = "x.y.v1") -> DigestRecord:
    return DigestRecord(None, 0, "", "", None, 7, "2026-01-01T00:00:00.000000Z", "s", type, 1)


def test_both_checkers_put_every_type_into_the_same_trails() -> None:
    for tag in (*EVENTS.types, "post.pinned.v1", "case.new.v9", "wallet.held.v2", "post", ""):
        for kind in ("moderation", "billing", "all"):
            assert is_of(kind, tag) == verify.is_of(kind, tag)


def test_what_belongs_to_which_trail() -> None:
    moderation = {tag for tag in EVENTS.types if is_of("moderation", tag)}
    billing = {tag for tag in EVENTS.types if is_of("billing", tag)}
    assert not moderation & billing
    assert {
        "post.held.v1", "post.unpublished.v1", "post.edit_rejected.v1", "comment.restored.v1",
        "photo.words_held.v1", "album.title_approved.v1", "account.nickname_withdrawn.v1",
        "account.ban_lifted.v1", "home.names_refused.v1", "case.decided.v1", "strike.given.v1",
        "rules.published.v1", "screening.activated.v1",
    } <= moderation  # fmt: skip
    assert {
        "wallet.held.v1", "order.restored.v1", "payment.claimed.v1", "membership.paid.v1",
        "gift.offered.v1", "belonging.revoked.v1", "period.closed.v1", "item.listed.v1",
    } <= billing  # fmt: skip
    others = set(EVENTS.types) - moderation - billing
    assert {"post.published.v1", "post.deleted.v1", "visit.made.v1", "decoration.restored.v1",
            "consent.withdrawn.v1", "like.withdrawn.v1"} <= others  # fmt: skip


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@a", "\tx", "\r=1", "\n=1"])
def test_no_cell_of_a_table_is_a_formula(start: str) -> None:
    event = BundledEvent.of(0, 7, CONTEXT, start.encode())
    row = trail_row(record(type=f"{start},x"), event)
    (cells,) = csv.reader(io.StringIO(row.decode(), newline=""))
    assert cells[3] == f"'{start},x"
    assert cells[-1] == f"'{start}"
    plain = {name: getattr(record(f"{start},x"), name) for name in verify.RECORD_KEYS}
    assert verify.trail_row(plain, verify.Event(event.line)) == row if "\n" not in start else True


def test_what_is_sealed_is_said_to_be() -> None:
    data = b'{"type":"x","text":{"sealed":"AQGiEMY6WoADnqXxkGVkEqlaQ6wn"},"more":"a,\\"b"}'
    event = BundledEvent.of(0, 7, CONTEXT, data)
    (cells,) = csv.reader(io.StringIO(trail_row(record(), event).decode(), newline=""))
    assert cells[-1] == '{"type":"x","text":{"sealed":true},"more":"a,\\"b"}'
    assert key_ids(data) == ["AQGiEMY6WoADnqXxkGVkEqla"]


@pytest.mark.parametrize("context", [CONTEXT, CONTEXT[:64]])
def test_an_event_is_read_as_it_was_written(context: bytes) -> None:
    event = BundledEvent.of(3, 12, context, b'{"type":"x"}')
    assert parse_event_line(event.line) == event
    assert verify.Event(event.line).context == context
