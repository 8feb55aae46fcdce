"""
The harness's end of a contestant, against a real process.
"""

import sys
from collections.abc import Iterator

import pytest

from benchmarks.driver import ContestantError, Team

TOY = [sys.executable, "-m", "tests.benchmarks.toy_contestant"]


@pytest.fixture
def team() -> Iterator[Team]:
    made = Team(TOY, {})
    yield made
    made.close()


def test_a_round_is_events_over_seconds(team: Team) -> None:
    measured = team.append(32, 100, 1.0, {})
    assert (measured.rate, measured.events) == (1_600.0, 3_200)


def test_a_reading_is_events_over_seconds(team: Team) -> None:
    assert team.read(50, {}).rate == 100.0


def test_processes_share_the_callers_and_the_slowest_tells_the_time(team: Team) -> None:
    measured = team.append(33, 1, 1.0, {"processes": 2})
    assert measured.events == 33
    assert measured.told["callers"] == 17
    assert measured.rate == 33 / 4  # the second was told what the first shares, and takes longer


def test_no_process_is_without_a_caller(team: Team) -> None:
    assert team.append(1, 1, 1.0, {"processes": 2}).told["callers"] == 1


def test_an_error_of_a_contestant_ends_the_measuring() -> None:
    with pytest.raises(ContestantError, match="ValueError: not today"):
        Team(TOY, {"refuse": True})


def test_a_contestant_that_dies_is_told_apart_from_a_slow_one(team: Team) -> None:
    with pytest.raises(ContestantError, match="it ended"):
        team.append(1, 1, 1.0, {"die": True})


def test_a_contestant_that_does_not_answer_is_ended(team: Team) -> None:
    with pytest.raises(ContestantError, match="it ended"):
        team.ask("sleep", patience=0.2)
