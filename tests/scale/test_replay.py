"""A replay's memory does not grow with the log."""

import asyncio
import subprocess
import sys
from pathlib import Path

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault.memory import MemoryKeyVault
from api.wiring.models import MODELS, prepare_store
from domain.catalogue import EVENTS
from projections.engine.apply import InlineModels
from tests.support.database import database_url, server_url
from tests.support.filling import Filling

__all__ = ["database_url", "server_url"]

ROOT = Path(__file__).parents[2]
#: Both beyond what fills every batch and cache there is, which the first few thousand do.
EVENTS_FEW, EVENTS_MANY = 15_000, 60_000
#: A replay that kept what it read, or what it made of it, would take a kilobyte an event.
GROWTH_BYTES_MAX = 8 << 20


def test_a_rebuild_and_a_check_take_no_more_memory_of_a_longer_log(database_url: str) -> None:
    clock = SystemClock()
    prepare_store(database_url, 4, clock)
    database = Database(database_url)
    log = PostgresLog(database, EVENTS, clock, inline=InlineModels(MODELS).statements)
    filling = Filling(log, MemoryKeyVault())
    try:
        asyncio.run(_people(filling))
        asyncio.run(filling.talk(EVENTS_FEW - filling.events))
        few = _replayed(database_url)
        asyncio.run(filling.talk(EVENTS_MANY - filling.events))
        many = _replayed(database_url)
    finally:
        log.close()
        database.dispose()
    assert many - few < GROWTH_BYTES_MAX, f"{few:,} bytes became {many:,}"


async def _people(filling: Filling) -> None:
    await filling.people(100, friends=10)


def _replayed(url: str) -> int:
    command = [sys.executable, "-m", "tests.scale.replaying", url]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.splitlines()[-1])
