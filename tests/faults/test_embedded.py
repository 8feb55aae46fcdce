"""
Processes die and stand still at the worst moment: the server and the PostgreSQL it brings.
"""

import time
from random import Random

import pytest

from tests.faults import means, worlds
from tests.faults.nemesis import (
    KILL_BACKEND,
    KILL_CLUSTER,
    KILL_POSTMASTER,
    KILL_SERVER,
    RESTART_POSTGRES,
    RESTART_SERVER,
    STOP_BACKEND,
    STOP_POSTMASTER,
    STOP_SERVER,
    Fault,
    kill_cluster,
)
from tests.faults.trial import Trial, arena, trial
from tests.faults.world import MEMBERS, World

SEED = 7
NOTICED = ("lost", "unavailable", "unknown")


@pytest.mark.parametrize(
    "faults",
    [
        (KILL_SERVER, KILL_BACKEND, KILL_POSTMASTER, KILL_CLUSTER, KILL_BACKEND),
        (STOP_SERVER, STOP_BACKEND, STOP_POSTMASTER, RESTART_POSTGRES, RESTART_SERVER),
    ],
    ids=["killed", "stopped"],
)
def test_nothing_is_lost_and_all_recovers(faults: tuple[Fault, ...]) -> None:
    with arena() as directory, trial(World(directory), SEED) as running:
        for fault in faults:
            running.nemesis.strike(fault)
    assert noticed(running), "nobody noticed"


@pytest.mark.skipif(means.why_no_clock() is not None, reason=str(means.why_no_clock()))
def test_clocks_jump_three_days_there_and_back() -> None:
    with arena() as directory, worlds.embedded(directory) as (world, faults):
        jump = worlds.named(faults, "clock jumps 3 days")
        with trial(world, SEED) as running:
            # A machine that is busy may write nothing in the second or so that a jump lasts.
            for _ in range(5):
                running.nemesis.strike(jump)
                days = recorded_days(world)
                if max(days) - min(days) >= 2:
                    break
    assert max(days) - min(days) >= 2, "no clock has jumped"


def test_what_could_be_read_can_be_read_after_a_crash() -> None:
    with arena() as directory:
        world = World(directory)
        try:
            world.start()
            world.settle_members()
            author, reader = (world.client(qq) for qq in MEMBERS[:2])
            for _ in range(3):
                written = author.publish()
                path = f"/v1/posts/{written.json['id']}"
                assert reader.get(path, at_least=written.position).status == 200
                kill_cluster(world, Random(SEED))
                until = time.monotonic() + 60
                answers: list[int] = []
                while answers[-3:] != [200] * 3 and time.monotonic() < until:
                    answers.append(reader.get(path, at_least=written.position).status)
                assert set(answers) <= {200, 503, 504}, answers
                assert answers[-1] == 200
        finally:
            assert world.close() == []


def noticed(running: Trial) -> int:
    """How often clients were not served."""
    return sum(running.seen.counts[name] for name in NOTICED)


def recorded_days(world: World) -> list[int]:
    """On which days events were recorded; never backwards in a cell."""
    with world.connected() as cursor:
        cursor.execute(
            "SELECT cell, extract(epoch FROM recorded_at)::bigint FROM log.events"
            " ORDER BY cell, position"
        )
        rows = cursor.fetchall()
    assert rows == sorted(rows), "time ran backwards"
    return [seconds // 86_400 for _, seconds in rows]
