"""
What is quoted: medians of rounds, ratios of medians, and whether a promise is kept.
"""

import pytest

from benchmarks import promises
from benchmarks.contest import COPY, OURS, UMADB, WHOLE, cell_name, read_name
from benchmarks.figures import Ratio, Report, Series


def test_a_series_is_quoted_by_its_median_and_its_spread() -> None:
    series = Series("appends", (90.0, 400.0, 100.0))
    assert series.median == 100
    assert series.spread == pytest.approx(3.1)


@pytest.mark.parametrize(
    ("value", "wanted", "met"),
    [
        (0.6, "at least", True),
        (0.59, "at least", False),
        (0.6, "at most", True),
        (0.61, "at most", False),
    ],
)
def test_a_target_is_a_floor_or_a_ceiling(value: float, wanted: str, met: bool) -> None:
    assert Ratio("x", value, 0.6, wanted).met is met  # type: ignore[arg-type]


def test_what_nobody_promised_is_neither_met_nor_not() -> None:
    assert Ratio("x", 2.0).met is None
    assert Ratio("x", 2.0).as_json() == {"name": "x", "value": 2.0}


def test_a_ratio_is_one_median_over_the_other() -> None:
    report = Report()
    mine = report.add("mine", [1.0, 30.0, 2_000.0])
    theirs = report.add("theirs", [10.0, 10.0, 10.0])
    report.compare("mine, over theirs", mine, theirs, 3)
    assert report.ratios == [Ratio("mine, over theirs", 3.0, 3)]
    assert report.ratios[0].met


def test_what_was_not_measured_is_not_compared() -> None:
    report = Report()
    report.compare("mine, over theirs", report.add("mine", [1.0]), report.find("theirs"), 3)
    assert report.ratios == []


def test_the_best_is_the_highest_median_of_what_there_is() -> None:
    report = Report()
    report.add("32 callers", [10.0, 90.0, 11.0])
    report.add("256 callers", [12.0, 12.0, 12.0])
    best = report.best(["1 caller", "32 callers", "256 callers"])
    assert best is not None
    assert best.name == "256 callers"
    assert report.best(["1 caller"]) is None


def test_series_and_ratios_as_json() -> None:
    report = Report()
    series = report.add("appends", [1_234.56, 1_234.56], settings={"pool": 4})
    report.compare("twice", series, series, 1.5, "at most")
    assert series.as_json() == {
        "name": "appends",
        "unit": "/s",
        "median": 1_235,
        "spread": 0.0,
        "rounds": [1_235, 1_235],
        "settings": {"pool": 4},
    }
    assert report.ratios[0].as_json() == {
        "name": "twice",
        "value": 1.0,
        "target": 1.5,
        "wanted": "at most",
        "met": True,
    }


def test_the_log_at_256_callers_is_held_to_the_peers_best() -> None:
    report = Report()
    report.add(cell_name(OURS, 256, 1), [60.0])
    report.add(cell_name(WHOLE, 256, 1), [30.0])
    report.add(cell_name(COPY, 256, 1), [120.0])
    report.add(cell_name(UMADB, 32, 1), [20.0])
    report.add(cell_name(UMADB, 256, 1), [15.0])
    report.add(read_name(OURS), [50.0])
    report.add(read_name(UMADB), [100.0])
    promises.compare(report)
    found = {ratio.name: (ratio.value, ratio.target) for ratio in report.ratios}
    assert found == {
        "bare log, over UmaDB's best": (3.0, 3),
        "whole append, over UmaDB's best": (1.5, 1.5),
        "bare log, over COPY of rows encoded before the clock": (0.5, 0.6),
        "reading and decoding the log, over UmaDB's reading": (0.5, 0.4),
    }
