"""Percentiles are right to about 3 %, at any magnitude, in a fixed space."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from api.simulation.latency import Histogram

latencies = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=200)


@given(latencies, st.sampled_from([1.0, 50.0, 95.0, 99.0, 100.0]))
def test_a_percentile_is_near_the_exact_one_and_never_below(
    measured: list[float], percent: float
) -> None:
    histogram = Histogram()
    for latency_ms in measured:
        histogram.record(latency_ms)
    exact = sorted(measured)[ceil(len(measured) * percent / 100) - 1]
    assert exact - 0.001 <= histogram.percentile(percent) <= exact * 1.04 + 0.002
    assert histogram.count == len(measured)


@given(latencies, latencies)
def test_merging_is_recording_both(one: list[float], other: list[float]) -> None:
    merged, second, both = Histogram(), Histogram(), Histogram()
    for latency_ms in one:
        merged.record(latency_ms)
    for latency_ms in other:
        second.record(latency_ms)
    for latency_ms in one + other:
        both.record(latency_ms)
    merged.merge(second)
    for percent in (10.0, 50.0, 99.0, 100.0):
        assert merged.percentile(percent) == both.percentile(percent)


def test_nothing_measured_is_zero() -> None:
    assert Histogram().percentile(99.0) == 0.0
