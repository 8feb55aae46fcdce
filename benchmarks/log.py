"""
The log: single-event appends of many callers, bare and whole, against a loop of binary COPY in the
same batch sizes on the same PostgreSQL.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import uvloop
from sqlalchemy import text

from adapters.clock import SystemClock
from adapters.database import Database, migrate
from adapters.embedded import EmbeddedPostgres
from adapters.log import copy
from adapters.log.postgres import PostgresLog
from api.wiring.models import MODELS, prepare_store
from benchmarks.figures import Figure, compared
from commands.ports import Append, IdempotencyKey, NewEvent
from domain.audience import Public
from domain.catalogue import EVENTS
from domain.ids import MemberId, StreamId, mint
from domain.post import PostContent, PostPublished
from domain.sealed import Sealed
from projections.engine.apply import InlineModels

CELLS = 16
CALLERS = 256
EVENTS_PER_ROUND = 20_000

_COPY = copy.EVENTS.replace("log.events", "bench.events")


def measure(data_dir: Path, rounds: int) -> list[Figure]:
    """The log's figures, ours and COPY's interleaved."""
    with EmbeddedPostgres(data_dir) as server:
        url = server.url()
        migrate(url, CELLS)
        prepare_store(url, CELLS, SystemClock())
        database = Database(url, "homezone-bench")
        try:
            copied, bare, whole, hot = [], [], [], []
            _prepare_copy(database)
            for _ in range(rounds):
                copied.append(_copy_loop(database))
                bare.append(_appends(database, _bare))
                whole.append(_appends(database, _whole, inline=True))
                hot.append(_hot_stream(database))
        finally:
            database.dispose()
    base = Figure(f"binary COPY in batches of {CALLERS}", tuple(copied))
    many = compared(f"log, {CALLERS} callers, bare", bare, base)
    return [
        base,
        many,
        compared(f"log, {CALLERS} callers, whole append", whole, base),
        compared("log, one hot stream", hot, many),
    ]


def _event(author: MemberId) -> PostPublished:
    content = PostContent(Sealed(b"\x01" * 160))
    return PostPublished(author, "shuoshuo", content, Public())


_serial = iter(range(1 << 62))


def _id(cell: int) -> UUID:
    return mint(time.time_ns() // 1_000_000, cell, next(_serial))


def _bare(cell: int) -> Append:
    stream, member, command = StreamId(_id(cell)), MemberId(_id(cell)), _id(cell)
    new = NewEvent(stream, 1, member, _event(member))
    return Append(cell, command, member, command, None, (new,))


def _whole(cell: int) -> Append:
    """Guards, an idempotency key, and all inline models: what a post over HTTP is."""
    stream, member, command = StreamId(_id(cell)), MemberId(_id(cell)), _id(cell)
    new = NewEvent(stream, 1, member, _event(member))
    expires_at = datetime.now(UTC) + timedelta(days=8)
    return Append(
        cell,
        command,
        member,
        command,
        None,
        (new,),
        guards={StreamId(member): 0},
        key=IdempotencyKey(member, str(command), command.bytes, expires_at),
        answer=b"{}",
    )


def _appends(database: Database, make: Callable[[int], Append], *, inline: bool = False) -> float:
    models = InlineModels(MODELS).statements if inline else None
    log = PostgresLog(database, EVENTS, SystemClock(), inline=models, notify=False)

    async def caller(count: int, number: int) -> None:
        for index in range(count):
            await log.submit(make((number + index) % CELLS)).outcome

    async def run() -> float:
        began = time.perf_counter()
        each = EVENTS_PER_ROUND // CALLERS
        await asyncio.gather(*(caller(each, number) for number in range(CALLERS)))
        return each * CALLERS / (time.perf_counter() - began)

    try:
        return uvloop.run(run())
    finally:
        log.close()


def _hot_stream(database: Database) -> float:
    """Every event to one stream, through the pipeline: each append after the one before."""
    log = PostgresLog(database, EVENTS, SystemClock(), notify=False)
    stream, member = StreamId(_id(0)), MemberId(_id(0))

    async def run() -> float:
        waiting = asyncio.Semaphore(CALLERS)
        before = None
        outcomes = []
        began = time.perf_counter()
        for version in range(1, EVENTS_PER_ROUND + 1):
            await waiting.acquire()
            command = _id(0)
            new = NewEvent(stream, version, member, _event(member))
            append = Append(0, command, member, command, None, (new,))
            before = log.submit(append, after=() if before is None else (before,))
            before.outcome.add_done_callback(lambda _: waiting.release())
            outcomes.append(before.outcome)
        await asyncio.gather(*outcomes)
        return EVENTS_PER_ROUND / (time.perf_counter() - began)

    try:
        return uvloop.run(run())
    finally:
        log.close()


def _prepare_copy(database: Database) -> None:
    with database.owner.begin() as connection:
        connection.execute(text("CREATE SCHEMA bench"))
        connection.execute(text("CREATE TABLE bench.events (LIKE log.events INCLUDING ALL)"))


def _copy_loop(database: Database) -> float:
    """The calibration: the same rows and keys, one COPY and one commit a batch, nothing else."""
    with database.owner.begin() as connection:
        connection.execute(text("TRUNCATE bench.events"))
    data = EVENTS.encode(_event(MemberId(_id(0))))
    now = datetime.now(UTC)
    batches = []
    for first in range(1, EVENTS_PER_ROUND, CALLERS):
        rows = [
            copy.foreign_row(0, _id(0), 1, "post.published.v1", data, position, now)
            for position in range(first, first + CALLERS)
        ]
        batches.append(copy.frame(rows))
    driver = database.owner.raw_connection()
    try:
        cursor = driver.cursor()
        began = time.perf_counter()
        for batch in batches:
            cursor.copy_expert(_COPY, batch)
            driver.commit()
        return len(batches) * CALLERS / (time.perf_counter() - began)
    finally:
        driver.close()
