"""
Work that many wait for is done once for all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Shared(Generic[K]):
    """
    Runs a piece of work on the running loop for all who ask; whoever asks while it runs waits for
    the next run, which begins after they asked.

    :param work: takes what was asked for by all, each once.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[None]]) -> None:
        self._work = work
        self._keys: dict[K, None] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._running: asyncio.Task[None] | None = None

    def __call__(self, keys: Iterable[K] = ()) -> Awaitable[None]:
        """Return once a run that began after this call is done; its error is raised here."""
        # One future each: a caller who is cancelled must not take the others along.
        waits = asyncio.get_running_loop().create_future()
        self._waiting.append(waits)
        for key in keys:
            self._keys[key] = None
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return waits

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                keys, self._keys = list(self._keys), {}
                try:
                    await self._work(keys)
                except Exception as error:  # noqa: BLE001  it is raised where it is waited for
                    for waits in waiting:
                        if not waits.done():
                            waits.set_exception(error)
                except BaseException:
                    for waits in waiting:
                        waits.cancel()
                    raise
                else:
                    for waits in waiting:
                        if not waits.done():
                            waits.set_result(None)
        finally:
            self._running = None
