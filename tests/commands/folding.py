"""
Fold logs, given as lines on standard input with an empty one between two of them, and tell what
they come to: every state that matters to a case, every deadline, and every due date counted again.

Run as a program, so that a test can do so under another clock, time zone, locale and hash seed.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.working_days import ChineseCalendar
from domain.account import ACCOUNT
from domain.case import CASE
from domain.case_events import CaseOpened
from domain.catalogue import AGGREGATES_BY_TYPE, EVENTS
from domain.disclosure_policy import DISCLOSURE_POLICY
from domain.event import Recorded, type_of
from domain.ids import MemberId, StreamId
from domain.standing import STANDING
from projections.arming import ARMING
from projections.engine.deadlines import Arm

#: The kinds of streams of which a case's trail is made.
FOLDED = (CASE, STANDING, ACCOUNT, DISCLOSURE_POLICY)


def lines_of(recorded: Iterable[Recorded]) -> str:
    """A log as lines."""
    return "".join(
        json.dumps(
            [
                one.cell, one.position, str(one.stream), one.version,
                one.recorded_at.isoformat(), type_of(one.event), EVENTS.encode(one.event).decode(),
            ]
        )
        + "\n"
        for one in recorded
    )  # fmt: skip


def read(lines: Iterable[str]) -> Iterator[Recorded]:
    """The log in them."""
    nobody = MemberId(UUID(int=0))
    for line in lines:
        cell, position, stream, version, at, tag, data = json.loads(line)
        event = EVENTS.decode(tag, data.encode())
        yield Recorded(
            cell, position, StreamId(UUID(stream)), version, datetime.fromisoformat(at), nobody,
            nobody, nobody, nobody, None, event,
        )  # fmt: skip


def told(logs: Iterable[Iterable[Recorded]]) -> Iterator[str]:
    """What several logs come to, in lines."""
    for log in logs:
        for name, state in folded(log):
            yield f"{name} {state.decode()}"


def folded(log: Iterable[Recorded]) -> Iterator[tuple[str, bytes]]:
    """What it comes to, by name; every state after every event, in bytes as they come."""
    # Not in sorted order: whatever has no order of its own is to show.
    encode = msgspec.json.Encoder().encode
    states: dict[StreamId, Any] = {}
    deadlines: dict[UUID, Arm] = {}
    calendar = ChineseCalendar()
    for recorded in log:
        event, aggregate = recorded.event, AGGREGATES_BY_TYPE[type(recorded.event)]
        if aggregate in FOLDED:
            before = states.get(recorded.stream, aggregate.initial)
            states[recorded.stream] = aggregate.evolve(before, event, recorded.version)
            name = f"{recorded.at} {aggregate.name} {recorded.version}"
            yield name, encode(states[recorded.stream])
        if isinstance(event, CaseOpened):
            yield (
                f"{recorded.at} due",
                encode(calendar.promise(event.promise.kind, recorded.recorded_at)),
            )
        for order in ARMING[type(event)](recorded) if type(event) in ARMING else ():
            if isinstance(order, Arm):
                deadlines[order.id] = order
            else:
                deadlines.pop(order.id, None)
    yield "deadlines", encode(list(deadlines.values()))


def main() -> None:
    """Tell it, and under which circumstances."""
    sys.stdout.write(f"{time.time():.0f} {'/'.join(time.tzname)} {hash('case')}\n")
    logs = sys.stdin.read().split("\n\n")
    for line in told(read(log.splitlines()) for log in logs):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
