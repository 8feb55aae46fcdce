"""
The leaves of a history, worked out from its events by several processes.

Hashing is all that a verification does for long, and one interpreter does it on one processor. What
goes between the processes is small: tags in, hashes out.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol

from sqlalchemy import Connection, Engine

from adapters.notary.rows import read_rows
from adapters.notary.store import TAGS_BYTES
from domain.evidence.tree import leaf_hash
from replay.altered import Altered

#: The database works as well, for each of them.
_PROCESSES_MAX: Final = 4
_EVENTS_AT_ONCE: Final = 1_000

_fork = multiprocessing.get_context("fork")
#: In a process that hashes: the engine of its own connections.
_engines: list[Engine] = []


class Hashing(Protocol):
    """Whoever hashes."""

    def begin(self, cell: int, position: int, tags: bytes) -> Callable[[], bytes]:
        """
        Begin with the leaves of a cell's events from a position on, as many as there are tags; what
        is called gives their hashes, one after the other.
        """


class _Here:
    """This process, when it is asked for the hashes."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def begin(self, cell: int, position: int, tags: bytes) -> Callable[[], bytes]:
        def hashes() -> bytes:
            with self._database.connect() as connection:
                return hashed(connection, cell, position, tags)

        return hashes


class _Beside:
    """Processes of their own, at once."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def begin(self, cell: int, position: int, tags: bytes) -> Callable[[], bytes]:
        return self._pool.submit(_in_process, cell, position, tags).result


@contextmanager
def hashing(database: Engine, processes: int | None = None) -> Iterator[Hashing]:
    """
    Whoever hashes, until the block ends.

    :param processes: 0 is this one; by default as many as there are processors.
    """
    number = min(os.cpu_count() or 1, _PROCESSES_MAX) if processes is None else processes
    if not number:
        yield _Here(database)
        return
    with ProcessPoolExecutor(number, _fork, _engines_of, (database,)) as pool:
        # Here and now, before there are threads that a fork would cut off.
        pool.submit(int).result()
        try:
            yield _Beside(pool)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def hashed(connection: Connection, cell: int, position: int, tags: bytes) -> bytes:
    """
    The hashes of a cell's events from a position on, as many as there are tags.

    :raises Altered: one of them is not there.
    """
    hashes: list[bytes] = []
    count, at = len(tags) // TAGS_BYTES, 0
    while at < count:
        begun = at
        for row in read_rows(
            connection, cell, position + at - 1, position + count - 1, _EVENTS_AT_ONCE
        ):
            if row.position != position + at:
                break
            both = tags[at * TAGS_BYTES : (at + 1) * TAGS_BYTES]
            hashes.append(leaf_hash(row.record(cell, both)))
            at += 1
        if at == begun or (at < count and (at - begun) % _EVENTS_AT_ONCE):
            raise Altered(f"{cell}-{position + at}", "the event was removed")
    return b"".join(hashes)


def _engines_of(database: Engine) -> None:
    # Connections that were open before the fork are the parent's.
    database.dispose(close=False)
    _engines.append(database)


def _in_process(cell: int, position: int, tags: bytes) -> bytes:
    with _engines[0].connect() as connection:
        return hashed(connection, cell, position, tags)
