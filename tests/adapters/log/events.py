"""
Toy events and appends: the log does not care what happened.
"""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from commands.ports import Append, IdempotencyKey, NewEvent
from domain.event import Event, Registry
from domain.ids import MemberId, StreamId, mint

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Said(Event, frozen=True, tag="test.said.v1"):
    """Something."""

    text: str = ""


class RulesSet(Event, frozen=True, tag="test.rules_set.v1"):
    """A rule set reached the cell."""

    epoch: int


EPOCH_OF: dict[type[Event], Any] = {RulesSet: lambda event: event.epoch}

REGISTRY = Registry([Said | RulesSet], {})
MEMBER = MemberId(mint(0, 0, 1))


def stream(cell: int = 0) -> StreamId:
    """A new stream's id."""
    return StreamId(mint(int(time.time() * 1000), cell, secrets.randbits(62)))


def said(
    *written: tuple[StreamId, int],
    cell: int = 0,
    text: str = "",
    guards: Mapping[StreamId, int] | None = None,
    **given: Any,
) -> Append:
    """A command that says something at each (stream, version)."""
    events = tuple(NewEvent(at, version, MEMBER, Said(text)) for at, version in written)
    return append(*events, cell=cell, guards=guards or {}, **given)


def append(*events: NewEvent, cell: int = 0, **given: Any) -> Append:
    """A command with these events."""
    command = given.pop("command", uuid4())
    return Append(cell, command, MEMBER, command, None, events, **given)


def key(name: str, digest: bytes = b"digest", expires_at: datetime | None = None) -> IdempotencyKey:
    """A caller's key."""
    return IdempotencyKey(UUID(int=7), name, digest, expires_at)
