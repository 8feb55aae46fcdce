"""
The writer's figures: what a bucket holds, by comparison with counting one by one.
"""

from bisect import bisect_left
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from adapters.log.statistics import SECONDS, Histogram, Statistics
from commands.ports import (
    Appended,
    Conflict,
    LogFault,
    LogUnavailable,
    OutcomeUnknown,
    StaleRules,
    Superseded,
)

NOW = 1_000.0


@given(st.lists(st.one_of(st.floats(0, 20), st.sampled_from(SECONDS)), min_size=1, max_size=60))
def test_waits_are_counted_as_if_one_by_one(waits: list[float]) -> None:
    queued = sorted(NOW - wait for wait in waits)
    submissions = cast(Any, [SimpleNamespace(queued_at=at) for at in queued])
    together, apart = Histogram(SECONDS), [0] * (len(SECONDS) + 1)
    together.observe_waits(submissions, NOW)
    for at in queued:
        # As the batch compares, so that rounding cannot tell the two apart.
        place = bisect_left([-(NOW - bound) for bound in SECONDS], -at)
        apart[place] += 1
    assert together.counts == apart
    assert abs(together.sum - sum(NOW - at for at in queued)) < 1e-6


def test_a_bound_belongs_to_its_own_bucket() -> None:
    histogram = Histogram((1, 10))
    for value in (1, 10, 11):
        histogram.observe(value)
    assert histogram.cumulative == [(1, 1), (10, 2), (float("inf"), 3)]
    assert histogram.sum == 22


def test_every_outcome_has_its_count() -> None:
    statistics = Statistics()
    fine, replayed = Appended(0, (1,), None), Appended(0, (1,), None, replayed=True)
    lost = [Conflict(), Superseded(), Superseded(), StaleRules(), LogFault()]
    outcomes = [fine, fine, replayed, *lost]
    statistics.committed(cast(Any, [(None, each) for each in outcomes]), written=2, events=7)
    assert (statistics.written, statistics.replayed, statistics.events) == (2, 1, 7)
    assert statistics.lost == {"moved": 1, "superseded": 2, "stale_rules": 1, "fault": 1}
    assert statistics.conflicts == 4
    away = [LogUnavailable(), OutcomeUnknown()]
    statistics.abandoned(cast(Any, [(None, each) for each in away]))
    assert statistics.given_up == {"unavailable": 1, "unknown": 1}
