"""
One holder at a time, however wrong the clocks are.
"""

from datetime import timedelta
from uuid import uuid4

import pytest

from projections.engine import checkpoints
from projections.engine.checkpoints import CheckpointMovedError, Move
from projections.engine.lease import Lease
from tests.projections.engine.toys import World


class Watch:
    """A monotonic clock by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def take(world: World, lease: Lease) -> bool:
    with world.server.begin() as connection:
        return lease.take(connection)


def test_a_lease_is_had_by_one_until_it_runs_out(world: World) -> None:
    first, second = (Lease("job", uuid4(), world.clock, 10) for _ in range(2))
    assert take(world, first)
    assert not take(world, second)
    assert take(world, first)
    world.clock.advance(timedelta(seconds=11))
    assert take(world, second)
    assert not take(world, first)


def test_a_released_lease_is_free_at_once(world: World) -> None:
    first, second = (Lease("job", uuid4(), world.clock, 10) for _ in range(2))
    assert take(world, first)
    with world.server.begin() as connection:
        first.release(connection)
    assert take(world, second)


def test_a_lease_left_by_a_clock_that_had_jumped_is_taken_over(world: World) -> None:
    watch = Watch()
    first = Lease("job", uuid4(), world.clock, 10)
    second = Lease("job", uuid4(), world.clock, 10, monotonic=watch)
    world.clock.advance(timedelta(days=3))
    assert take(world, first)
    world.clock.advance(timedelta(days=-3))
    assert not take(world, second)
    watch.now += 9
    assert not take(world, second)
    watch.now += 2
    assert take(world, second)


def test_a_lease_that_is_renewed_is_not_taken_over(world: World) -> None:
    watch = Watch()
    first = Lease("job", uuid4(), world.clock, 10)
    second = Lease("job", uuid4(), world.clock, 10, monotonic=watch)
    for _ in range(5):
        assert take(world, first)
        assert not take(world, second)
        watch.now += 8
        world.clock.advance(timedelta(seconds=8))


def test_checkpoints_move_from_where_they_are_or_not_at_all(world: World) -> None:
    with world.server.begin() as connection:
        checkpoints.ensure(connection, "a", {0: 5, 1: 5})
        checkpoints.ensure(connection, "a", {0: 9, 2: 1})
        checkpoints.advance(connection, [Move("a", 0, 5, 6), Move("a", 1, 5, 8)])
    with pytest.raises(CheckpointMovedError), world.server.begin() as connection:
        checkpoints.advance(connection, [Move("a", 0, 6, 7), Move("a", 1, 5, 9)])
    with world.server.begin() as connection:
        assert checkpoints.load(connection, ["a", "b"]) == {"a": {0: 6, 1: 8, 2: 1}, "b": {}}
