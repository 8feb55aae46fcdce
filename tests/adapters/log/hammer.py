"""
A server that fights others for the same streams; started as a process of its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from commands.ports import Conflict
from domain.ids import StreamId, cell_of
from tests.adapters.log.events import REGISTRY, said


async def add(log: Any, one: StreamId, other: StreamId, count: int) -> int:
    """Append to a stream under the guard of another, again whenever somebody was faster."""
    lost = 0
    for _ in range(count):
        while True:
            version = len(await log.read_stream(one))
            guard = len(await log.read_stream(other))
            command = said((one, version + 1), cell=cell_of(one), guards={other: guard})
            try:
                await log.submit(command).outcome
            except Conflict:
                lost += 1
            else:
                break
    return lost


async def hammer(url: str, count: int, streams: Sequence[StreamId]) -> int:
    """Every stream at once, each guarded by the next one's first events."""
    database = Database(url)
    log = PostgresLog(database, REGISTRY, SystemClock(), patience_seconds=30)
    lost = await asyncio.gather(*[add(log, one, other, count) for one, other in pairwise(streams)])
    await asyncio.to_thread(log.close)
    database.dispose()
    return sum(lost)


if __name__ == "__main__":
    ids = [StreamId(UUID(each)) for each in sys.argv[3:]]
    print(asyncio.run(hammer(sys.argv[1], int(sys.argv[2]), ids)))
