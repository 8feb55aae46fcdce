"""
Reading ahead: the next stretch of the log is fetched while the one before is worked on.

Positions have no gap, so where the next stretch begins is known before this one has come. Half of
what reading costs is waiting for PostgreSQL, and that half is had for nothing.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from domain.event import Event, Recorded
from projections.engine.ports import LogReader

#: The one that is decoded and the one that is fetched, beside the one that is worked on.
_AHEAD = 2


class Stretch(NamedTuple):
    """A cell's events with ``after < position <= until``; it has as many as that."""

    cell: int
    after: int
    until: int


def read_ahead(
    log: LogReader,
    wanted: Iterable[Stretch],
    limit: int,
    bytes_max: int | None = None,
    types: Collection[type[Event]] | None = None,
) -> Iterator[Sequence[Recorded]]:
    """
    Stretches of the log, one after the other, in batches as ``log.read`` gives them.

    :param limit: events a batch; ``bytes_max`` ends one early. Three are in memory at most.
    :param types: of events; all, by default. A part without any is an empty batch.
    """
    parts = _parts(wanted, limit)
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="replay-reader") as threads:
        read = partial(log.read, types=types, bytes_max=bytes_max)
        reading: deque[tuple[Stretch, Future[Sequence[Recorded]]]] = deque()

        def begin() -> None:
            if (part := next(parts, None)) is not None:
                cell, after, until = part
                reading.append((part, threads.submit(read, cell, after, limit, until)))

        for _ in range(_AHEAD):
            begin()
        try:
            while reading:
                (cell, after, until), begun = reading.popleft()
                batch = begun.result()
                begin()
                if not batch:
                    # Of no such type; whoever works on them hears that it goes on.
                    yield batch
                while batch:
                    yield batch
                    after = batch[-1].position
                    if after >= until:
                        break
                    # As many bytes as one batch may have: the rest of the part comes by itself.
                    batch = read(cell, after, limit, until)
        finally:
            for _, begun in reading:
                begun.cancel()


def _parts(wanted: Iterable[Stretch], limit: int) -> Iterator[Stretch]:
    for cell, after, until in wanted:
        for begun in range(after, until, limit):
            yield Stretch(cell, begun, min(begun + limit, until))
