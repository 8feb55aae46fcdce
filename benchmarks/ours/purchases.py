"""
Purchases as a process that the harness asks: buyers with coins, items to buy, whole commands from
decision to durable, without HTTP; and the books that are made of them.
"""

import asyncio
import os
import time
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import uvloop

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.wiring.collecting import collect_rarely, take_short_turns
from api.wiring.models import MODELS, prepare_store
from api.wiring.store import open_replay
from benchmarks import cpu
from benchmarks.ours import events
from benchmarks.ours.loops import closed_loop
from benchmarks.peers.protocol import serve
from commands.executor import Executor
from commands.orders import PlaceOrder, place
from commands.ports import Append, NewEvent
from commands.streams import Streams
from commands.work import Context
from domain.catalogue import EVENTS
from domain.ids import ItemId, MemberId, PaymentId, cell_of
from domain.mall import ItemListed, Terms, item_stream
from domain.money import FEN_PER_COIN
from domain.wallet import lot_of, wallet_stream
from domain.wallet_events import WalletToppedUp
from projections.engine.apply import InlineModels
from replay.ahead import Stretch, read_ahead
from replay.rebuild import rebuild
from replay.together import processes

#: As many as there are accounts to transfer between.
ACCOUNTS: Final = 50
_COINS: Final = 1_000_000_000
_PAGE: Final = 1_000


class Purchases:
    """One database, its buyers and its items."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Migrate; members join and have coins, items are for sale."""
        clock = SystemClock()
        prepare_store(config["url"], events.CELLS, clock)
        self._clock, self._url = clock, config["url"]
        self._database = Database(config["url"], "homezone-bench")
        self._vault = FileKeyVault(Path(config["keys"]), clock)
        inline = InlineModels(MODELS).statements
        self._log = PostgresLog(self._database, EVENTS, clock, inline=inline)
        self._executor = Executor(
            self._log, self._vault, clock, SystemEntropy(), Streams(self._log, capacity=100_000)
        )
        self._buyers = events.members(ACCOUNTS)
        self._items = [ItemId(events.new_id(0)) for _ in range(ACCOUNTS)]
        uvloop.run(self._stock())
        return {}

    def buy(self, callers: int, seconds: float, buyers: int, items: int) -> dict[str, Any]:
        """So many callers buy for so many members, of so many items in turns."""
        index = count()

        async def step(_: int) -> int:
            number = next(index)
            await self._buy(self._buyers[number % buyers], self._items[number // buyers % items])
            return 1

        everybody = [os.getppid()]
        used = cpu.seconds(everybody)
        done = uvloop.run(closed_loop(step, callers, seconds))
        used = cpu.seconds(everybody) - used
        return {**done._asdict(), "cpu_us": 1e6 * used / done.events}

    def read(self) -> dict[str, Any]:
        """The log read and decoded, as a rebuild reads it."""
        reader = self._log.reader
        began = time.perf_counter()
        stretches = [Stretch(cell, 0, head) for cell, head in reader.heads().items()]
        number = sum(map(len, read_ahead(reader, stretches, _PAGE)))
        return {"events": number, "seconds": time.perf_counter() - began}

    def rebuild(self) -> dict[str, Any]:
        """The ledger made again from the log, and swapped in."""
        reader, owner = self._log.reader, self._database.owner
        take_short_turns()  # as the command does
        number, began = sum(reader.heads().values()), time.perf_counter()
        rebuild(
            reader,
            owner,
            MODELS,
            self._clock,
            uuid4(),
            names=["ledger"],
            open_=partial(open_replay, self._url),
            helpers=processes() - 1,
        )
        return {"events": number, "seconds": time.perf_counter() - began}

    def close(self) -> None:
        """Close the log and the connections."""
        self._log.close()
        self._database.dispose()
        self._vault.close()

    async def _buy(self, who: MemberId, item: ItemId) -> None:
        cell = cell_of(who)
        command = events.new_id(cell)
        context = Context(who, cell, command, command, self._clock.now())
        await self._executor.execute(place, PlaceOrder(item), context)

    async def _stock(self) -> None:
        appends = list(events.openings(self._buyers))
        appends += map(self._top_up, self._buyers)
        listed = ItemListed(Terms("theme", "雪夜", 1))
        staff = MemberId(events.new_id(0))
        offered = (NewEvent(item_stream(one), 1, staff, listed) for one in self._items)
        appends.append(events.append_of(0, staff, tuple(offered)))
        await asyncio.gather(*(self._log.submit(one).outcome for one in appends))

    def _top_up(self, who: MemberId) -> Append:
        payment = PaymentId(events.new_id(0))
        worth = (_COINS, _COINS * FEN_PER_COIN)
        event = WalletToppedUp(
            who, lot_of(payment, who), payment, "bench", *worth, self._clock.now()
        )
        new = NewEvent(wallet_stream(who), 1, who, event)
        return events.append_of(cell_of(who), who, (new,))


if __name__ == "__main__":
    collect_rarely()  # as the server does
    serve(Purchases())
