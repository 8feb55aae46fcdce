"""
Whole commands, from decision to durable, as the doors issue them but without HTTP.
"""

import asyncio
import os
from functools import partial
from itertools import count
from random import Random
from typing import Any

from adapters.clock import SystemClock, SystemEntropy
from adapters.log.postgres import PostgresLog
from benchmarks import cpu
from benchmarks.ours import events
from benchmarks.ours.loops import TEXT, closed_loop
from commands.directory import Directory
from commands.executor import Executor
from commands.ports import KeyVault
from commands.posts import PostHandlers, PublishShuoshuo
from commands.streams import Streams
from commands.types import AudienceChoice, ToFriends, ToPublic
from commands.work import Context
from domain.ids import MemberId, PostId, cell_of
from domain.post_events import PostPublished
from domain.sealed import KeyClass

_EVENTS_PER_APPEND = 100
_IN_FLIGHT = 64
_FOREVER = 3_600.0
_POSTS_PER_PAGE = 50


async def fill(log: PostgresLog, members: list[MemberId], number: int) -> None:
    """Append so many events, a hundred of one member's at a time."""
    left = iter(range(0, number, _EVENTS_PER_APPEND))

    async def caller() -> None:
        for index in left:
            who = members[index // _EVENTS_PER_APPEND % len(members)]
            part = tuple(events.mixed(who, cell_of(who), min(_EVENTS_PER_APPEND, number - index)))
            await log.submit(events.append_of(cell_of(who), who, part)).outcome

    await asyncio.gather(*(caller() for _ in range(_IN_FLIGHT)))


class _Commands:
    """Publishing a post, or changing the audience of an old one."""

    def __init__(self, log: PostgresLog, vault: KeyVault, capacity: int) -> None:
        self._executor = Executor(
            log, vault, SystemClock(), SystemEntropy(), Streams(log, capacity=capacity)
        )
        self._handlers = PostHandlers(Directory(log, vault))

    async def publish(self, who: MemberId) -> None:
        """A short post."""
        command = PublishShuoshuo(TEXT, ToPublic())
        await self._executor.execute(self._handlers.publish, command, _context(who))

    async def change_audience(self, who: MemberId, post: PostId, turn: int) -> None:
        """Show a post, public at first, to others than the turn before."""
        choice: AudienceChoice = ToFriends() if turn % 2 == 0 else ToPublic()
        change = partial(self._handlers.change_audience, post)
        await self._executor.execute(change, choice, _context(who))


def _context(who: MemberId) -> Context:
    cell = cell_of(who)
    command = events.new_id(cell)
    return Context(who, cell, command, command, SystemClock().now())


async def run(
    log: PostgresLog,
    vault: KeyVault,
    members: list[MemberId],
    callers: int,
    number: int,
    kind: str,
) -> dict[str, Any]:
    """
    So many commands by so many callers; a round, and the processor time of everybody in the run.

    :param kind: ``warm`` and ``cold`` change the audience of posts whose streams, the post's and
        its author's account, are in memory or have to be loaded; ``any`` publishes and changes
        posts in turns, all cold.
    """
    commands = _Commands(log, vault, 1_000_000 if kind == "warm" else 0)
    posts = await asyncio.to_thread(_posts, log, number)
    if kind == "any":
        for who in members:
            await vault.seal(who, KeyClass.CONTENT, TEXT)
    if kind == "warm":
        await asyncio.gather(*(commands.change_audience(who, post, 0) for who, post in posts))
    turns = count(len(posts) if kind == "warm" else 0)
    index = count()

    async def step(_: int) -> int:
        if kind == "any" and (turn := next(index)) % 2 == 0:
            await commands.publish(members[turn % len(members)])
        else:
            turn = next(turns)
            who, post = posts[turn % len(posts)]
            await commands.change_audience(who, post, turn // len(posts))
        return 1

    everybody = [os.getppid()]
    used = cpu.seconds(everybody)
    done = await closed_loop(step, callers, _FOREVER, most=number)
    used = cpu.seconds(everybody) - used
    return {**done._asdict(), "cpu_us": 1e6 * used / done.events}


def _posts(log: PostgresLog, number: int) -> list[tuple[MemberId, PostId]]:
    """At most so many posts, from places all over the log, in no order."""
    found: list[tuple[MemberId, PostId]] = []
    heads = log.reader.heads()
    pages = max(1, number // len(heads) // _POSTS_PER_PAGE)
    for cell, head in heads.items():
        for page in range(pages):
            after = head * page // pages
            read = log.reader.read(cell, after, _POSTS_PER_PAGE, types=(PostPublished,))
            found += [
                (recorded.event.author, PostId(recorded.stream))
                for recorded in read
                if isinstance(recorded.event, PostPublished)
            ]
    different = list(dict.fromkeys(found))
    Random(1).shuffle(different)
    return different[:number]
