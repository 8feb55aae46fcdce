"""
What the engine tells of itself, as data for ``status``, ``/readyz`` and the metrics.

A failure names the event's place and the exception's type, never its message: a message may quote
what the event held, and that may be a member's text.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """What stopped a subscriber, and where. ``retry_in`` is in seconds."""

    cell: int
    position: int
    error: str
    attempts: int
    retry_in: float


class Condition(StrEnum):
    """How a subscriber is doing."""

    LIVE = "live"
    BEHIND = "behind"
    FAILED = "failed"


class SubscriberStatus(msgspec.Struct, frozen=True):
    """One read model or policy. ``lag`` counts events of all cells that it has not seen."""

    name: str
    condition: Condition
    positions: Mapping[int, int]
    lag: int
    failure: Failure | None = None


class EngineStatus(msgspec.Struct, frozen=True):
    """
    One engine. ``leading`` tells whether this process feeds the models or follows another that
    does; ``trouble`` is the exception type of a database error not yet overcome.
    """

    leading: bool
    trouble: str | None
    subscribers: tuple[SubscriberStatus, ...]


class Report(msgspec.Struct, frozen=True):
    """
    What changed in an engine. ``positions`` are those just committed; the rest is how it stands.
    """

    positions: Mapping[str, Mapping[int, int]]
    leading: bool
    trouble: str | None
    failures: Mapping[str, Failure]


def engine_status(
    report: Report,
    positions: Mapping[str, Mapping[int, int]],
    heads: Mapping[int, int],
    behind_events: int,
) -> EngineStatus:
    """
    An engine's status, from what it reported last.

    :param positions: of every model.
    :param behind_events: a model with a greater lag counts as behind.
    """
    subscribers = []
    for name, vector in sorted(positions.items()):
        failure = report.failures.get(name)
        lag = lag_of(heads, vector)
        condition = Condition.BEHIND if lag > behind_events else Condition.LIVE
        if failure is not None:
            condition = Condition.FAILED
        subscribers.append(SubscriberStatus(name, condition, vector, lag, failure))
    return EngineStatus(report.leading, report.trouble, tuple(subscribers))


def lag_of(heads: Mapping[int, int], positions: Mapping[int, int]) -> int:
    """How many events of all cells lie beyond the positions."""
    return sum(max(0, head - positions.get(cell, 0)) for cell, head in heads.items())
