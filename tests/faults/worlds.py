"""
Places where more can go wrong than anywhere, each with the faults that only it knows.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

import psycopg2

from tests.faults import means
from tests.faults.cluster import Cluster
from tests.faults.nemesis import EVERYWHERE, Fault
from tests.faults.world import World, free_ports

Faults: TypeAlias = Mapping[Fault, int]
Place: TypeAlias = "Callable[[Path], AbstractContextManager[tuple[World, Faults]]]"

DISK_MEBIBYTES: Final = 320
_BALLAST: Final = "ballast"
_PIECES_MAX: Final = 40


@contextmanager
def embedded(directory: Path) -> Iterator[tuple[World, Faults]]:
    """One server with its own PostgreSQL, and a clock that jumps, where that can be had."""
    faults = dict(EVERYWHERE)
    environment: Mapping[str, str] = {}
    if means.why_no_clock() is None:
        clock = means.Clock(directory)
        environment = clock.environment
        faults[jumping(clock)] = 2
    yield World(directory, environment=environment), faults
    means.Clock.tidy()


@contextmanager
def distant(directory: Path, *, fuse: bool = True) -> Iterator[tuple[World, Faults]]:
    """
    Two servers on one PostgreSQL, behind a wire that is cut and on a disk that goes bad, where
    these can be had.

    :param fuse: prefer the disk that forgets to the calls that only fail.
    """
    faults = dict(EVERYWHERE)
    with ExitStack() as held:
        address = "127.0.0.1"
        inside: Sequence[str] = ()
        if means.why_no_network() is None:
            wire = held.enter_context(means.network())
            address, inside = wire.address, wire.inside
            faults[cutting(wire, "network cut", 0.3, 3.0)] = 2
            faults[cutting(wire, "network cut for long", 11.0, 13.0)] = 1
        home = directory / "postgres"
        forgets = fuse and means.why_no_fuse() is None
        disk: means.SickDisk | None = None
        if not forgets and means.why_no_shim() is None:
            disk = means.FailingCalls(directory)
        cluster = Cluster(
            home,
            free_ports(1)[0],
            address=address,
            inside=inside,
            environment={} if disk is None else disk.environment,
        )
        if forgets:
            disk = forgetful = means.ForgetfulDisk(home)
            held.callback(forgetful.close)
        held.callback(cluster.stop)
        if disk is not None:
            faults[failing_fsync(disk)] = 2
        yield World(directory, servers=2, cluster=cluster), faults


@contextmanager
def small(directory: Path) -> Iterator[tuple[World, Faults]]:
    """One server with its own PostgreSQL on a disk that runs full."""
    with means.small_disk(directory / "data", DISK_MEBIBYTES) as disk:
        home = disk / "postgres"
        home.mkdir(mode=0o700)
        (home / "local.conf").write_text("max_wal_size = '64MB'\nmin_wal_size = '32MB'\n")
        (home / "local.conf").chmod(0o644)
        world = World(directory)
        try:
            yield world, {**EVERYWHERE, filling(disk): 8}
        finally:
            world.close()


def jumping(clock: means.Clock) -> Fault:
    """The server's clock jumps by three days, there and back; once with a server that dies."""

    def inflict(world: World, random: Random) -> None:
        for offset in random.sample(["+3d", "-3d"], 2):
            clock.jump(offset)
            time.sleep(random.uniform(1.2, 2.0))
            if random.random() < 0.3:
                world.server().kill()
                world.start()
        clock.jump("+0")

    return Fault("clock jumps 3 days", inflict)


def cutting(wire: means.Network, name: str, least: float, most: float) -> Fault:
    """Nothing gets from the servers to the database or back, for a while, without a word."""

    def inflict(world: World, random: Random) -> None:
        wire.cut()
        try:
            time.sleep(random.uniform(least, most))
        finally:
            wire.mend()

    return Fault(name, inflict)


def failing_fsync(disk: means.SickDisk) -> Fault:
    """What PostgreSQL thinks written is not: it must not believe what it has in memory."""

    def inflict(world: World, random: Random) -> None:
        assert world.cluster is not None
        before = world.cluster.log.read_text().count("PANIC")
        disk.fail()
        try:
            until = time.monotonic() + 20
            while world.cluster.log.read_text().count("PANIC") == before:
                assert time.monotonic() < until, "PostgreSQL takes no notice"
                time.sleep(0.02)
            time.sleep(random.uniform(0.0, 1.0))
        finally:
            disk.heal()
        # One that crashed again while it recovered may never come back by itself.
        world.cluster.stop(signal.SIGQUIT)
        world.cluster.start()

    return Fault("fsync fails", inflict)


def filling(disk: Path) -> Fault:
    """There is not a byte left, and then there is again."""

    def inflict(world: World, random: Random) -> None:
        ballast = disk / _BALLAST
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(b"\0" * (1 << 20)):
                    pass
            # Until a piece of write-ahead log cannot be made: that is a crash, not an error.
            with suppress(psycopg2.Error), world.connected(5) as cursor:
                for _ in range(_PIECES_MAX):
                    cursor.execute("SELECT pg_logical_emit_message(true, 'homezone', 'x')")
                    cursor.execute("SELECT pg_switch_wal()")
            time.sleep(random.uniform(1.0, 6.0))
            free = os.statvfs(disk).f_bavail
            assert free * os.statvfs(disk).f_frsize < 32 << 20, "the disk is not full"
        finally:
            ballast.unlink(missing_ok=True)

    return Fault("full disk", inflict)


def named(faults: Faults, name: str) -> Fault:
    """One of a world's faults."""
    return next(fault for fault in faults if fault.name == name)
