"""
The engine on a real database: in batches, through restarts, crashes, doubles and poison.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from domain.event import Event
from projections.engine import apply, runner
from projections.engine.lease import Lease
from projections.engine.status import Condition
from projections.rows import Add, ReadModel
from tests.projections.engine.toys import (
    CELLS,
    START,
    Allergic,
    Edited,
    History,
    Noted,
    Notes,
    Struck,
    Tallies,
    World,
    expected,
    tallies,
)


def models() -> list[ReadModel]:
    return [Notes(), Tallies(), History()]


def write_history(world: World, count: int, seed: int = 1) -> None:
    """Notes written, edited and struck, over all cells."""
    choices = random.Random(seed)
    known: list[tuple[int, UUID]] = []
    for _ in range(count):
        cell = choices.randrange(CELLS)
        event: Event = Noted(UUID(int=choices.getrandbits(128)), f"note {choices.random()}")
        if known and choices.random() < 0.4:
            cell, subject = choices.choice(known)
            event = Edited(subject, "edited") if choices.random() < 0.6 else Struck(subject)
        if isinstance(event, Noted):
            known.append((cell, event.subject))
        world.log.append(cell, event)


class BlindFaith(Lease):
    """Believes that it leads, whatever the database says."""

    def take(self, connection: Connection) -> bool:
        self.held = True
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "did not happen in time"
        time.sleep(0.005)


def at_head(world: World, engine: Any) -> bool:
    heads = dict(world.log.heads())
    return all(vector == heads for vector in engine.positions().values())


def condition_of(engine: Any, name: str) -> Condition:
    found = [one.condition for one in engine.status().subscribers if one.name == name]
    return Condition(found[0])


@pytest.mark.parametrize("batch_events", [1, 7, 1_000])
def test_catching_up_gives_the_same_in_any_batches(world: World, batch_events: int) -> None:
    write_history(world, 60)
    world.engine(models(), batch_events=batch_events).catch_up()
    assert world.content() == expected(models(), world.log.all())


@pytest.mark.parametrize("bytes_max", [1, 500])
def test_catching_up_gives_the_same_in_batches_of_any_size(
    world: World, monkeypatch: pytest.MonkeyPatch, bytes_max: int
) -> None:
    write_history(world, 60)
    monkeypatch.setattr(runner, "BYTES_PER_BATCH", bytes_max)
    world.engine(models()).catch_up()
    assert world.log.reads > CELLS
    assert world.content() == expected(models(), world.log.all())


def test_all_live_models_are_fed_from_one_reading(world: World) -> None:
    write_history(world, 200)
    world.engine(models()).catch_up()
    assert world.log.reads == CELLS


def test_a_restart_goes_on_where_it_stopped(world: World) -> None:
    for seed in range(4):
        write_history(world, 30, seed)
        engine = world.engine(models(), batch_events=11)
        engine.catch_up()
        with world.server.begin() as connection:
            engine._lease.release(connection)
    assert world.content() == expected(models(), world.log.all())


def test_a_crash_between_batch_and_checkpoint_leaves_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_history(world, 50)

    class CrashError(BaseException):
        pass

    def crash(connection: Any, statements: Any) -> None:
        for sql, parameters in statements:
            connection.exec_driver_sql(sql, parameters)
        raise CrashError

    monkeypatch.setattr(apply, "execute", crash)
    with pytest.raises(CrashError):
        world.engine(models(), lease_seconds=0.0).catch_up()
    assert world.content() == expected(models(), [])
    monkeypatch.undo()
    world.clock.advance(START.resolution)
    world.engine(models()).catch_up()
    assert world.content() == expected(models(), world.log.all())


def test_two_engines_that_both_believe_they_lead_change_nothing(world: World) -> None:
    engines = [world.engine(models(), batch_events=13) for _ in range(3)]
    for engine in engines:
        engine._lease = BlindFaith("models", uuid4(), world.clock)
        engine.start()
    for seed in range(20):
        write_history(world, 20, seed)
        engines[seed % 3].wake(world.log.heads())
    wait_until(lambda: all(at_head(world, engine) for engine in engines[:1]))
    for engine in engines:
        engine.stop()
    assert world.content() == expected(models(), world.log.all())


def test_only_the_lease_holder_works_and_the_other_takes_over(world: World) -> None:
    first, second = world.engine(models()), world.engine(models())
    first.start()
    wait_until(lambda: first.status().leading)
    second.start()
    write_history(world, 10)
    wait_until(lambda: at_head(world, first) and at_head(world, second))
    assert not second.status().leading
    first.stop()
    write_history(world, 10, seed=2)
    wait_until(lambda: at_head(world, second))
    assert second.status().leading
    second.stop()
    assert world.content() == expected(models(), world.log.all())


def test_a_poison_event_stops_one_model_alone_until_it_is_fixed(world: World) -> None:
    allergic = Allergic("nuts")
    engine = world.engine([Notes(), History(), allergic])
    for word in ("milk", "nuts", "eggs"):
        world.log.append(1, Noted(uuid4(), word))
    engine.start()
    wait_until(lambda: condition_of(engine, "allergic") is Condition.FAILED)
    wait_until(lambda: engine.positions()["notes"][1] == 3)
    assert len(world.content()["notes"]) == 3
    assert world.content()["tallies"] == [(1, "allergic", 1, 0)]
    status = next(one for one in engine.status().subscribers if one.name == "allergic")
    assert status.failure is not None
    assert (status.failure.cell, status.failure.position) == (1, 2)
    assert status.failure.error == "LookupError"
    assert "nuts" not in repr(engine.status())
    allergic.allergen = None
    wait_until(lambda: engine.positions()["allergic"][1] == 3)
    wait_until(lambda: condition_of(engine, "allergic") is Condition.LIVE)
    engine.stop()
    assert world.content()["tallies"] == [(1, "allergic", 3, 0)]


def test_an_event_the_database_refuses_stops_one_model_alone(world: World) -> None:
    class Strict(Allergic):
        name = "strict"

        def rows(self, recorded: Any) -> Any:
            # NUL is text to Python and not to PostgreSQL.
            name = "\0" if recorded.event.text == "nuts" and self.allergen else "strict"
            yield Add(tallies, (recorded.cell, name), {"notes": 1})

    strict = Strict("none")
    engine = world.engine([Notes(), strict])
    for number in range(40):
        world.log.append(number % CELLS, Noted(uuid4(), "nuts" if number == 25 else "milk"))
    engine.start()
    wait_until(lambda: condition_of(engine, "strict") is Condition.FAILED)
    wait_until(lambda: sum(engine.positions()["notes"].values()) == 40)
    failure = next(one.failure for one in engine.status().subscribers if one.name == "strict")
    assert failure is not None
    assert (failure.cell, failure.position) == (25 % CELLS, 25 // CELLS + 1)
    strict.allergen = None
    wait_until(lambda: sum(engine.positions()["strict"].values()) == 40)
    engine.stop()
    assert sum(row[2] for row in world.content()["tallies"]) == 40


def test_a_new_model_catches_up_without_holding_the_others(world: World) -> None:
    write_history(world, 300)
    first = world.engine([Notes()])
    first.catch_up()
    with world.server.begin() as connection:
        first._lease.release(connection)
    engine = world.engine(models(), batch_events=10)
    engine._heads = dict(world.log.heads())
    engine.step()
    world.log.append(0, Noted(uuid4(), "fresh"))
    engine._heads = dict(world.log.heads())
    engine.step()
    assert engine.positions()["notes"] == world.log.heads()
    assert engine.lag()["history"] > 200
    engine.catch_up()
    assert world.content() == expected(models(), world.log.all())


def test_a_lost_connection_is_overcome(world: World) -> None:
    engine = world.engine(models())
    engine.start()
    for seed in range(5):
        write_history(world, 20, seed)
        with world.database.owner.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        wait_until(lambda: at_head(world, engine))
    engine.stop()
    assert world.content() == expected(models(), world.log.all())


def test_a_waiter_wakes_when_its_models_are_there(world: World) -> None:
    engine = world.engine(models(), poll_seconds=5.0)
    engine.start()

    async def read_own_write() -> float:
        await engine.wait_for({}, 1)
        recorded = world.log.append(2, Noted(uuid4(), "mine"))
        began = time.monotonic()
        engine.wake({2: recorded.position})
        await engine.wait_for({2: recorded.position}, 5)
        return time.monotonic() - began

    try:
        wait_until(lambda: engine.status().leading)
        assert asyncio.run(read_own_write()) < 1.0
    finally:
        engine.stop()


def test_a_waiter_gives_up_in_time_and_leaves_no_trace(world: World) -> None:
    engine = world.engine([Notes()])
    with pytest.raises(TimeoutError):
        asyncio.run(engine.wait_for({0: 1}, 0.05))
    with pytest.raises(KeyError):
        asyncio.run(engine.wait_for({0: 1}, 0.05, ["unknown"]))
    assert not engine._board.waited_for


def test_a_follower_wakes_its_own_waiters(world: World) -> None:
    leader, follower = world.engine(models()), world.engine(models(), poll_seconds=0.5)
    leader.start()
    wait_until(lambda: leader.status().leading)
    follower.start()
    try:
        world.log.append(0, Noted(uuid4(), "x"))
        asyncio.run(follower.wait_for({0: 1}, 5))
    finally:
        leader.stop()
        follower.stop()


def test_a_waiter_may_wait_for_some_models_only(world: World) -> None:
    engine = world.engine([Notes(), Allergic("nuts")])
    world.log.append(0, Noted(uuid4(), "nuts"))
    engine.start()
    try:
        asyncio.run(engine.wait_for({0: 1}, 5, ["notes"]))
        with pytest.raises(TimeoutError):
            asyncio.run(engine.wait_for({0: 1}, 0.05))
    finally:
        engine.stop()


def test_wake_ups_lost_or_doubled_cost_time_only(world: World) -> None:
    engine = world.engine(models())
    engine.start()
    write_history(world, 10)
    wait_until(lambda: at_head(world, engine))
    wakers = [threading.Thread(target=engine.wake) for _ in range(50)]
    for waker in wakers:
        waker.start()
    write_history(world, 50, seed=3)
    wait_until(lambda: at_head(world, engine))
    for waker in wakers:
        waker.join()
    engine.stop()
    assert world.content() == expected(models(), world.log.all())
