"""
Commands on a real log without a server around them, on a store that was filled.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault.memory import MemoryKeyVault
from api.wiring.models import MODELS, prepare_store
from commands.directory import Directory
from commands.executor import Answer, Executor, Handler
from commands.ports import IdempotencyKey
from commands.posts import PostHandlers
from commands.streams import Streams
from commands.work import Context
from domain.catalogue import EVENTS
from domain.ids import MemberId, cell_of
from projections.engine.apply import InlineModels
from tests.support.filling import Filling

C = TypeVar("C")
CELLS = 4


class Commands:
    """A server's side of commands, and the world that they are about."""

    def __init__(self, url: str) -> None:
        prepare_store(url, CELLS, SystemClock())
        self.clock = SystemClock()
        self.database = Database(url)
        self.vault = MemoryKeyVault()
        inline = InlineModels(MODELS).statements
        self.log = PostgresLog(self.database, EVENTS, self.clock, inline=inline)
        self.filling = Filling(self.log, self.vault)
        self.posts = PostHandlers(Directory(self.log, self.vault))
        self.forget()

    def forget(self, capacity: int = 20_000) -> None:
        """Start anew with empty memory, as after a restart."""
        self.streams = Streams(self.log, capacity)
        self.executor = Executor(
            self.log, self.vault, self.clock, SystemEntropy(), streams=self.streams
        )

    async def run(self, handler: Handler[C], command: C, actor: MemberId) -> Answer:
        """One command in a member's name, under a key of its own."""
        command_id = self.executor.new_id(cell_of(actor))
        key = IdempotencyKey(actor, uuid4().hex, command_id.bytes * 2, None)
        cell, now = cell_of(actor), self.clock.now()
        context = Context(actor, cell, command_id, command_id, now, key=key)
        return await self.executor.execute(handler, command, context)

    async def all_of(
        self, issue: Callable[[int], Coroutine[Any, Any, Answer]], count: int, at_once: int
    ) -> list[Answer]:
        """So many commands, in their order, of which so many are on their way at any time."""
        places = asyncio.Semaphore(at_once)

        async def one(number: int) -> Answer:
            try:
                return await issue(number)
            finally:
                places.release()

        tasks = []
        for number in range(count):
            await places.acquire()
            tasks.append(asyncio.ensure_future(one(number)))
        return await asyncio.gather(*tasks)


@asynccontextmanager
async def commanding(url: str, events: int) -> AsyncIterator[Commands]:
    """A store of about so many events by a hundred members, and commands on it."""
    commands = Commands(url)
    try:
        await commands.filling.people(100, friends=4)
        await commands.filling.talk(max(0, events - commands.filling.events))
        yield commands
    finally:
        await asyncio.to_thread(commands.log.close)
        commands.database.dispose()
