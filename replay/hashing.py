"""
Stretches of the tree, worked out by several processes.

Hashing is all that a verification does for long, and one interpreter does it on one processor. All
processes read one moment of the store: the snapshot of whoever has them work.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeAlias

from sqlalchemy import Connection, Engine, text

from replay.stretches import Stretch, WorkedOut, work_out

#: The database works as well, for each of them.
_PROCESSES_MAX: Final = 4

_fork = multiprocessing.get_context("fork")
#: In a process that hashes: the engine of its own connections, and the one it has.
_engines: list[Engine] = []
_connections: list[Connection] = []

#: Begin with a stretch; what is called gives what it comes to.
Begin: TypeAlias = Callable[[Stretch], Callable[[], WorkedOut]]


class Workers:
    """
    Whoever hashes.

    :param at_once: how many stretches are worthwhile to have begun with, beside the one waited for.
    """

    def __init__(self, pool: ProcessPoolExecutor | None, at_once: int) -> None:
        self.at_once = at_once
        self._pool = pool

    def on(self, connection: Connection) -> Begin:
        """At the moment that a transaction sees, for as long as it lasts."""
        pool = self._pool
        if pool is None:
            return lambda stretch: lambda: work_out(connection, stretch)
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        return lambda stretch: pool.submit(_in_process, snapshot, stretch).result


@contextmanager
def hashing(database: Engine, processes: int | None = None) -> Iterator[Workers]:
    """
    Whoever hashes, until the block ends.

    :param processes: 0 is this one; by default as many as there are processors.
    """
    number = min(os.cpu_count() or 1, _PROCESSES_MAX) if processes is None else processes
    if not number:
        yield Workers(None, 0)
        return
    with ProcessPoolExecutor(number, _fork, _engines_of, (database,)) as pool:
        # Here and now, before there are threads that a fork would cut off.
        pool.submit(int).result()
        try:
            yield Workers(pool, 2 * number)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _engines_of(database: Engine) -> None:
    # Connections that were open before the fork are the parent's.
    database.dispose(close=False)
    _engines.append(database)


def _in_process(snapshot: str, stretch: Stretch) -> WorkedOut:
    if not _connections:
        connection = _engines[0].connect().execution_options(isolation_level="REPEATABLE READ")
        connection.execute(text(f"SET TRANSACTION SNAPSHOT '{snapshot}'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        _connections.append(connection)
    return work_out(_connections[0], stretch)
