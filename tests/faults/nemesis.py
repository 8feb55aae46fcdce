"""
What goes wrong: each fault is inflicted on a world while members use it, and is over when it
returns.

A fault does its harm and then what an operator's init system would do, such as starting a process
that died; whatever else it takes to be served again must happen by itself.
"""

import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from random import Random
from typing import Final

import msgspec
import psutil

from tests.faults.workload import Workload
from tests.faults.world import World

RECOVERY_SECONDS_MAX: Final = 90.0
_CATCH_SECONDS: Final = 2.0


class Fault(msgspec.Struct, frozen=True):
    """
    Something that goes wrong.

    :param kills: whether a process is killed with -9.
    """

    name: str
    inflict: Callable[[World, Random], None]
    kills: bool = False


class Nemesis:
    """Inflicts faults in an order that a seed decides, and waits for recovery after each."""

    def __init__(self, world: World, workload: Workload, seed: object) -> None:
        self.counts: Counter[str] = Counter()
        self.kills = 0
        #: How long all took to be served again, by fault.
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        #: What did not recover.
        self.wrong: list[str] = []
        self._world = world
        self._workload = workload
        self._random = Random(f"nemesis {seed}")

    def strike(self, fault: Fault) -> None:
        """One round: some peace, one fault, and recovery without help."""
        time.sleep(self._random.uniform(0.05, 0.4))
        fault.inflict(self._world, self._random)
        self.counts[fault.name] += 1
        self.kills += fault.kills
        over = time.monotonic()
        late = self._workload.wait_for_recovery(over, RECOVERY_SECONDS_MAX)
        self.recoveries[fault.name].append(time.monotonic() - over)
        self.wrong += [f"after {fault.name}: {each}" for each in late]

    def choose(self, faults: Iterable[tuple[Fault, int]]) -> Fault:
        """One of them, by weight."""
        every = list(faults)
        weights = [weight for _, weight in every]
        return self._random.choices([fault for fault, _ in every], weights)[0]


# Kill -9


def kill_server(world: World, random: Random) -> None:
    """The server's process dies; an init system starts it again."""
    number = random.randrange(len(world.servers))
    world.server(number).kill()
    time.sleep(random.uniform(0.0, 0.3))
    world.start(number)


def kill_backend(world: World, random: Random) -> None:
    """One of the server's connections dies in PostgreSQL, which takes down all the others."""
    victim = _in_commit(world) or random.choice(_backends(world))
    _send(signal.SIGKILL, victim)


def kill_postmaster(world: World, random: Random) -> None:
    """PostgreSQL's first process dies in the middle of a commit; backends go when they notice."""
    postmaster = world.postmaster()
    _in_commit(world)
    _send(signal.SIGKILL, postmaster)
    if world.cluster is not None:
        psutil.wait_procs([postmaster], timeout=10)
        world.cluster.start()


def kill_cluster(world: World, random: Random) -> None:
    """All of PostgreSQL is gone in one moment, in the middle of a commit."""
    postmaster = world.postmaster()
    family = [postmaster, *postmaster.children()]
    _in_commit(world)
    _send(signal.SIGKILL, *family)
    if world.cluster is not None:
        psutil.wait_procs(family, timeout=10)
        world.cluster.start()


# SIGSTOP


def stop_server(world: World, random: Random) -> None:
    """The server stands still, long enough to lose its leases, and goes on."""
    _pause(
        random.uniform(0.3, 5.0), *world.server(random.randrange(len(world.servers))).family()[:1]
    )


def stop_backend(world: World, random: Random) -> None:
    """A connection's backend stands still, with whatever it has locked, and goes on."""
    _pause(random.uniform(0.3, 6.5), _in_commit(world) or random.choice(_backends(world)))


def stop_postmaster(world: World, random: Random) -> None:
    """Nobody new is let in for a while."""
    _pause(random.uniform(0.3, 2.5), world.postmaster())


# In order


def restart_postgres(world: World, random: Random) -> None:
    """PostgreSQL is shut down and started again, by our supervisor or by its own operator."""
    postmaster = world.postmaster()
    if world.cluster is None:
        _send(signal.SIGINT, postmaster)
        psutil.wait_procs([postmaster], timeout=30)
    else:
        world.cluster.stop()
        time.sleep(random.uniform(0.2, 2.0))
        world.cluster.start()


def restart_server(world: World, random: Random) -> None:
    """The server is told to stop, does so cleanly, and is started again."""
    number = random.randrange(len(world.servers))
    server = world.server(number)
    assert server.stop() == 0, server.said
    world.start(number)


# In the read models, and in what wakes them


def kill_in_batch(world: World, random: Random) -> None:
    """The engine dies when it has written its checkpoint and not yet the rows that go with it."""
    with world.connected() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE models.posts IN SHARE ROW EXCLUSIVE MODE")
        waiting = _wait_for(world, _WAITING_FOR_POSTS)
        if len(world.servers) > 1:
            # Only one of them feeds, and which is not said: so it is its backend that dies.
            _send(signal.SIGKILL, waiting)
            return
        world.server().kill()
    world.start()


def poison(world: World, random: Random) -> None:
    """A read model meets rows that it cannot take, until somebody mends that."""
    with world.connected() as cursor:
        cursor.execute("ALTER TABLE models.posts ADD CONSTRAINT poison CHECK (false) NOT VALID")
    try:
        time.sleep(random.uniform(0.5, 2.0))
    finally:
        with world.connected() as cursor:
            cursor.execute("ALTER TABLE models.posts DROP CONSTRAINT poison")


def disturb_wake_ups(world: World, random: Random) -> None:
    """Hints between servers are lost with their connections, and come when nothing happened."""
    until = time.monotonic() + random.uniform(0.5, 2.0)
    while time.monotonic() < until:
        with world.connected() as cursor:
            for _ in range(random.randrange(100)):
                cursor.execute("NOTIFY homezone_log")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'homezone%' AND query ~ '^(LISTEN|NOTIFY)'"
            )
        time.sleep(random.uniform(0.0, 0.2))


KILL_SERVER = Fault("kill -9 server", kill_server, kills=True)
KILL_BACKEND = Fault("kill -9 backend", kill_backend, kills=True)
KILL_POSTMASTER = Fault("kill -9 postmaster", kill_postmaster, kills=True)
KILL_CLUSTER = Fault("kill -9 all of PostgreSQL", kill_cluster, kills=True)
STOP_SERVER = Fault("SIGSTOP server", stop_server)
STOP_BACKEND = Fault("SIGSTOP backend", stop_backend)
STOP_POSTMASTER = Fault("SIGSTOP postmaster", stop_postmaster)
RESTART_POSTGRES = Fault("restart PostgreSQL", restart_postgres)
RESTART_SERVER = Fault("restart server", restart_server)
KILL_IN_BATCH = Fault("kill -9 in a batch", kill_in_batch, kills=True)
POISON = Fault("poison event", poison)
WAKE_UPS = Fault("wake-ups lost and doubled", disturb_wake_ups)

#: What any world suffers, and how often beside each other.
EVERYWHERE: Final[Mapping[Fault, int]] = {
    KILL_SERVER: 3,
    KILL_BACKEND: 6,
    KILL_POSTMASTER: 5,
    KILL_CLUSTER: 3,
    STOP_SERVER: 1,
    STOP_BACKEND: 1,
    STOP_POSTMASTER: 1,
    RESTART_POSTGRES: 1,
    RESTART_SERVER: 1,
    KILL_IN_BATCH: 1,
    POISON: 1,
    WAKE_UPS: 1,
}


# How


def _in_commit(world: World) -> psutil.Process | None:
    """A backend that is committing just now, unless none is caught at it for a while."""
    until = time.monotonic() + _CATCH_SECONDS
    with world.connected() as cursor:
        while time.monotonic() < until:
            cursor.execute(_COMMITTING)
            row = cursor.fetchone()
            if row is not None:
                with suppress(psutil.NoSuchProcess):
                    return psutil.Process(row[0])
    return None


_COMMITTING = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE application_name = 'homezone' AND state = 'active' AND query = 'COMMIT' LIMIT 1"
)
_WAITING_FOR_POSTS = (
    "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'models.posts'::regclass LIMIT 1"
)
_CLIENTS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'homezone%'"


def _backends(world: World) -> list[psutil.Process]:
    """The backends of the servers' connections; there are some, or will be."""
    until = time.monotonic() + RECOVERY_SECONDS_MAX
    while time.monotonic() < until:
        with world.connected() as cursor, suppress(psutil.NoSuchProcess):
            cursor.execute(_CLIENTS)
            if found := [psutil.Process(pid) for (pid,) in cursor.fetchall()]:
                return found
        time.sleep(0.05)
    raise AssertionError("the servers have no connections")


def _wait_for(world: World, question: str) -> psutil.Process:
    """The backend that a question names, once it names one."""
    until = time.monotonic() + RECOVERY_SECONDS_MAX
    with world.connected() as cursor:
        while time.monotonic() < until:
            cursor.execute(question)
            row = cursor.fetchone()
            if row is not None:
                with suppress(psutil.NoSuchProcess):
                    return psutil.Process(row[0])
            time.sleep(0.01)
    raise AssertionError(f"nobody: {question}")


def _send(number: signal.Signals, *processes: psutil.Process) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _pause(seconds: float, *processes: psutil.Process) -> None:
    _send(signal.SIGSTOP, *processes)
    try:
        time.sleep(seconds)
    finally:
        _send(signal.SIGCONT, *processes)
