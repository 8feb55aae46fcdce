"""
Who is measured when, and with which settings.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from benchmarks import contest
from benchmarks.contest import COPY, OURS, Entry, Plan, cell_name, read_name
from benchmarks.driver import ContestantError, Measured, Team
from benchmarks.figures import Report


class FakeTeam:
    """Appends at the rate that its settings name, and notes that it did."""

    def __init__(self, name: str, diary: list[str], rows: int = 1) -> None:
        self.name, self.diary, self.rows = name, diary, rows
        self.asked: list[Mapping[str, Any]] = []
        self.there = 0

    def append(
        self, callers: int, batch: int, seconds: float, settings: Mapping[str, Any]
    ) -> Measured:
        self.diary.append(self.name)
        self.asked.append(settings)
        self.there += 1_000
        return Measured(settings.get("rate", 10.0), 1_000, {"rows": self.rows})

    def read(self, limit: int, settings: Mapping[str, Any]) -> Measured:
        return Measured(7.0, min(limit, self.there), {})


class FailingTeam(FakeTeam):
    def append(
        self, callers: int, batch: int, seconds: float, settings: Mapping[str, Any]
    ) -> Measured:
        if len(self.asked) == 1:
            raise ContestantError("enough")
        return super().append(callers, batch, seconds, settings)


def entry(
    name: str, diary: list[str], settings: Sequence[Mapping[str, Any]], rows: int = 1
) -> Entry:
    team = cast(Team, FakeTeam(name, diary, rows))
    candidates: Callable[[int], Sequence[Mapping[str, Any]]] = lambda _: settings  # noqa: E731
    return Entry(name, team, candidates, [{"page": 10}])


def run(entries: Sequence[Entry], **plan: Any) -> Report:
    report = Report()
    settings = {"rounds": 3, "seconds": 1.0, "tuning_seconds": 0.0, "read": 2_500, **plan}
    contest.run(entries, Plan(**settings, callers=(32,), batches=(1,)), report, lambda _: None)
    return report


def test_rounds_are_interleaved_and_each_begins_with_another() -> None:
    diary: list[str] = []
    run([entry("a", diary, [{}]), entry("b", diary, [{}])], read=0)
    assert diary == ["a", "b", "b", "a", "a", "b"]


def test_a_peer_is_measured_with_what_served_it_best() -> None:
    tried = [{"rate": 5.0}, {"rate": 20.0}, {"rate": 8.0}]
    report = run([entry("peer", [], tried)], tuning_seconds=0.1)
    series = report.find(cell_name("peer", 32, 1))
    assert series is not None
    assert series.values == (20.0, 20.0, 20.0)
    assert series.settings == {"rate": 20.0}


def test_copy_makes_batches_as_large_as_our_log_did() -> None:
    copying = entry(COPY, [], [{"encoded": "before"}])
    run([entry(OURS, [], [{"workload": "bare"}], rows=140), copying])
    rows = [settings["rows"] for settings in cast(FakeTeam, copying.team).asked[:3]]
    # In the second round it comes first, with what ours made in the first.
    assert rows == [140, 140, 140]


def test_logs_are_filled_before_they_are_read() -> None:
    report = run([entry("peer", [], [{}])], rounds=1)
    series = report.find(read_name("peer"))
    assert series is not None
    assert series.settings["events"] == 2_500


def test_a_peer_that_fails_leaves_and_the_others_go_on() -> None:
    diary: list[str] = []
    bad = Entry("bad", cast(Team, FailingTeam("bad", diary)), lambda _: [{}], [{"page": 10}])
    report = run([bad, entry("good", diary, [{}])])
    assert report.left_out == ["bad left the contest: enough"]
    assert report.find(cell_name("bad", 32, 1)) is None
    good = report.find(cell_name("good", 32, 1))
    assert good is not None
    assert len(good.values) == 3


def test_a_run_without_ours_is_no_run() -> None:
    ours = Entry(OURS, cast(Team, FailingTeam(OURS, [])), lambda _: [{}], [{"page": 10}])
    with pytest.raises(ContestantError):
        run([ours])
