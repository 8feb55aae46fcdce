"""
The closed loop of threads, and the names and versions that its callers append under.
"""

import threading
import time
from collections.abc import Callable

import pytest

from benchmarks.peers.protocol import Round, Step, Stream, closed_loop


def test_every_caller_appends_again_until_the_time_is_over() -> None:
    done: list[int] = []

    def make(number: int) -> Step:
        def step() -> None:
            time.sleep(0.01)
            done.append(number)

        return step

    round_ = closed_loop(4, 100, 0.2, make)
    assert round_.events == 100 * len(done)
    assert set(done) == {0, 1, 2, 3}
    assert round_.seconds >= 0.2


def test_what_is_in_flight_at_the_end_counts_with_its_time() -> None:
    done = closed_loop(1, 1, 0.01, lambda _: lambda: time.sleep(0.1))
    assert done.events == 1
    assert done.seconds >= 0.1


def test_callers_begin_together() -> None:
    begun = threading.Barrier(8, timeout=30)

    def make(_: int) -> Step:
        steps: list[Callable[[], object]] = [begun.wait]

        def step() -> None:
            # Once: whoever goes on longer than the others has nobody to wait for.
            if steps:
                steps.pop()()

        return step

    assert closed_loop(8, 1, 0.001, make).events >= 8


def test_a_caller_that_fails_fails_the_round() -> None:
    def make(number: int) -> Step:
        def step() -> None:
            if number == 1:
                raise ValueError("no")

        return step

    with pytest.raises(ValueError, match="no"):
        closed_loop(2, 1, 0.01, make)


def test_new_streams_begin_at_nothing_and_own_ones_go_on() -> None:
    new, own = Stream(own=False), Stream(own=True)
    assert [new.next(10)[1] for _ in range(3)] == [0, 0, 0]
    assert new.next(1)[0] != new.next(1)[0]
    assert [own.next(10)[1] for _ in range(3)] == [0, 10, 20]
    assert own.next(1)[0] == own.next(1)[0]


def test_a_round_is_told_by_name() -> None:
    assert Round(3, 1.5)._asdict() == {"events": 3, "seconds": 1.5}
