"""
A store of any size, of all that members do:

    python -m tests.scale.filled URL EVENTS

fills an empty database, or goes no further than so many events; the read models are fed as far as
they are inline, and the others by whoever needs them. A million events take some five minutes.
"""

import asyncio
import sys

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault.memory import MemoryKeyVault
from api.wiring.models import MODELS, prepare_store
from domain.catalogue import EVENTS
from projections.engine.apply import InlineModels
from tests.support.filling import Filling

#: Of a hundred events, about so many are of photos, coins, boards and polls; the rest is talk.
_PART = 100


async def fill(filling: Filling, events: int) -> None:
    """People first, a thirtieth of all; then a round of everything, again and again."""
    await filling.people(max(20, events // 1_000), friends=10)
    round_ = max(100, min(events // 10, 20_000))
    while filling.events < events:
        await filling.talk(round_)
        await filling.photos(albums=round_ // 4_000 + 1, photos=40)
        await filling.coins(round_ // (2 * _PART))
        await filling.boards(round_ // (2 * _PART))
        await filling.polls(round_ // _PART)
        await filling.cases(round_ // (4 * _PART))


def main(url: str, events: int) -> None:
    """Fill."""
    clock = SystemClock()
    prepare_store(url, 16, clock)
    database = Database(url)
    log = PostgresLog(database, EVENTS, clock, inline=InlineModels(MODELS).statements)
    filling = Filling(log, MemoryKeyVault())
    try:
        asyncio.run(fill(filling, events))
        print(f"{filling.events:,} events")
    finally:
        log.close()
        database.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
