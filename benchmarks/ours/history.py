"""
A history of texts that can be read again: filled, and read and unsealed, in a process of its own.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from api.wiring.collecting import collect_rarely
from api.wiring.models import prepare_store
from benchmarks.ours import events
from benchmarks.peers.protocol import serve
from benchmarks.screening import post
from commands.ports import NewEvent
from domain.catalogue import EVENTS
from domain.comment import CommentWritten
from domain.event import Event
from domain.ids import CommentId, MemberId, PostId, StreamId, cell_of
from domain.sealed import KeyClass, Sealed
from replay.ahead import Stretch, read_ahead
from replay.backtest.texts import TYPES, Text, texts
from replay.backtest.trial import BYTES_PER_BATCH, EVENTS_PER_BATCH

_MEMBERS = 512
_TEXTS_PER_APPEND = 80
_IN_FLIGHT = 32
_CHARACTERS = 40


class History:
    """One database of texts."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Migrate."""
        prepare_store(config["url"], events.CELLS, SystemClock())
        self._database = Database(config["url"], "homezone-bench")
        self._log = PostgresLog(self._database, EVENTS, SystemClock(), notify=False)
        self._vault = FileKeyVault(Path(config["keys"]), SystemClock())
        self._random = Random(1)
        return {}

    def fill(self, number: int) -> dict[str, Any]:
        """So many texts of members in all cells, five posts and three comments of eight."""
        uvloop.run(self._fill(number))
        return {}

    def unseal(self) -> dict[str, Any]:
        """Every text in the log, read and opened, and nothing else done with it."""
        open_, heads = self._vault.open, self._log.reader.heads()
        wanted = [Stretch(cell, 0, head) for cell, head in heads.items()]
        began, used, read = time.perf_counter(), time.process_time(), 0
        batches = read_ahead(self._log.reader, wanted, EVENTS_PER_BATCH, BYTES_PER_BATCH, TYPES)
        for batch in batches:
            for text in texts(batch):
                assert isinstance(text, Text)
                for _, sealed in text.fields:
                    open_(sealed)
                read += 1
        return {
            "events": read,
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - used,
        }

    def close(self) -> None:
        """Close the log and the vault."""
        self._log.close()
        self._database.dispose()
        self._vault.close()

    async def _fill(self, number: int) -> None:
        members = events.members(_MEMBERS)
        left = iter(range(0, number, _TEXTS_PER_APPEND))

        async def caller() -> None:
            for index in left:
                who = members[index // _TEXTS_PER_APPEND % len(members)]
                count = min(_TEXTS_PER_APPEND, number - index)
                said = [
                    await self._vault.seal(who, KeyClass.CONTENT, post(self._random, _CHARACTERS))
                    for _ in range(count)
                ]
                part = tuple(_new(who, said))
                await self._log.submit(events.append_of(cell_of(who), who, part)).outcome

        await asyncio.gather(*(caller() for _ in range(_IN_FLIGHT)))


def _new(who: MemberId, said: list[Sealed[str]]) -> Iterator[NewEvent]:
    cell = cell_of(who)
    under = PostId(events.new_id(cell))
    for index, text in enumerate(said):
        id_ = events.new_id(cell)
        event: Event = events.a_post(who, text)
        if index % 8 >= 5:
            event = CommentWritten(who, under, who, text, CommentId(id_))
        else:
            under = PostId(id_)
        yield NewEvent(StreamId(id_), 1, who, event)


if __name__ == "__main__":
    collect_rarely()  # as the server does
    serve(History())
