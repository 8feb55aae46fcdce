"""
The line in front of the database's readers, with an end.

The database works on a few reads at once. When it is slow, whoever comes waits, and those who have
waited for seconds are mostly gone by the time it is their turn. So so many wait and no more, and
nobody longer than a few seconds: the rest hear at once that they should come back.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from commands.ports import LogOverloaded, LogUnavailable

T = TypeVar("T")

WAITING_MAX = 1_000
PATIENCE_SECONDS = 5.0


class Reads(Protocol):
    """Runs reads, each on a connection of its own."""

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T: ...


class ReadLine:
    """
    Lets ``places`` reads run at once, in the order in which they came; used from one loop.

    ``running`` and ``waiting`` say how many there are, ``refused`` how many were turned away.
    """

    def __init__(
        self,
        reads: Reads,
        places: int,
        waiting_max: int = WAITING_MAX,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.places = places
        self.waiting_max = waiting_max
        self.running = 0
        self.refused = 0
        self._reads = reads
        self._patience_seconds = patience_seconds
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._line)

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """
        ``await read(connection, *arguments)``.

        :raises LogOverloaded: too many wait already.
        :raises LogUnavailable: there was no place in time, or the database cannot be reached.
        """
        if self.running < self.places:
            self.running += 1
        else:
            await self._turn()
        try:
            return await self._reads.run(read, *arguments)
        finally:
            self._leave()

    async def _turn(self) -> None:
        """Wait for a place that somebody leaves."""
        if len(self._line) >= self.waiting_max:
            self.refused += 1
            raise LogOverloaded
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(self._patience_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The place was given and cannot be taken any more: it is the next one's.
                self._leave()
            else:
                with contextlib.suppress(ValueError):  # passed over already
                    self._line.remove(turn)
            if isinstance(error, TimeoutError):
                self.refused += 1
                raise LogUnavailable from None
            raise

    def _leave(self) -> None:
        """Hand the place on; nobody overtakes who waits."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
