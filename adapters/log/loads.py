"""
Loads of streams, many in one query.

After a restart every command must load its streams. Those that ask in the same turn of the loop
share a query; those that ask while it runs share the next.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, TypeAlias

from adapters.log.reader import Stretch
from domain.event import Recorded

_STRETCHES_MAX: Final = 500

Read: TypeAlias = Callable[[Sequence[Stretch]], list[list[Recorded]]]
_Waiting: TypeAlias = "tuple[Stretch, asyncio.Future[list[Recorded]]]"


class Loads:
    """Used from one loop."""

    def __init__(self, read: Read, executor: Executor) -> None:
        self._read = read
        self._executor = executor
        self._waiting: list[_Waiting] = []
        self._running: set[asyncio.Future[list[list[Recorded]]]] = set()

    async def load(self, stretch: Stretch) -> list[Recorded]:
        """One part of one stream."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Recorded]] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((stretch, found))
        return await found

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _STRETCHES_MAX):
            self._query(waiting[start : start + _STRETCHES_MAX])

    def _query(self, waiting: list[_Waiting]) -> None:
        asked = list(dict.fromkeys(stretch for stretch, _ in waiting))
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, self._read, asked)
        # The loop itself keeps only a weak reference.
        self._running.add(running)

        def answer(done: asyncio.Future[list[list[Recorded]]]) -> None:
            self._running.discard(done)
            error = done.exception()
            found = {} if error is not None else dict(zip(asked, done.result(), strict=True))
            for stretch, future in waiting:
                if future.done():
                    continue
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(found[stretch])

        running.add_done_callback(answer)
