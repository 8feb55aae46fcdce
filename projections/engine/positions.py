"""
Where the read models are, and who waits for them to be further.

Reading one's own write is waiting: the write answered with a position, the read names it, and the
waiter wakes the moment the models it reads from have got there. The engine publishes from its
thread; waiters live in event loops; one lock joins the two.
"""

import asyncio
import threading
from collections.abc import Collection, Iterable, Mapping

import msgspec

Vector = Mapping[int, int]


def reached(positions: Vector, target: Vector) -> bool:
    """Whether every cell that the target names is at least that far."""
    return all(positions.get(cell, 0) >= position for cell, position in target.items())


class _Waiter(msgspec.Struct, eq=False):
    target: Vector
    models: frozenset[str]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"


class PositionBoard:
    """The positions of every asynchronous model, as last committed."""

    def __init__(self, models: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._positions: dict[str, dict[int, int]] = {name: {} for name in models}
        self._waiters: list[_Waiter] = []

    @property
    def waited_for(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiters)

    def read(self) -> dict[str, dict[int, int]]:
        """A copy of all positions."""
        with self._lock:
            return {name: dict(vector) for name, vector in self._positions.items()}

    def has_reached(self, target: Vector, models: Collection[str] | None = None) -> bool:
        """Whether those models (all, by default) are at least that far."""
        names = self._positions if models is None else models
        with self._lock:
            return all(reached(self._positions.get(name, {}), target) for name in names)

    def publish(self, positions: Mapping[str, Vector]) -> None:
        """Take over committed positions and wake those who waited for them."""
        with self._lock:
            for name, vector in positions.items():
                self._positions[name] = dict(vector)
            woken: list[_Waiter] = []
            waiting: list[_Waiter] = []
            for waiter in self._waiters:
                (woken if self._satisfied(waiter) else waiting).append(waiter)
            self._waiters = waiting
        for waiter in woken:
            try:
                waiter.loop.call_soon_threadsafe(_resolve, waiter.done)
            except RuntimeError:
                continue  # its loop was closed: nobody waits any more

    async def wait_for(
        self, target: Vector, seconds: float, models: Collection[str] | None = None
    ) -> None:
        """
        Return when those models (all, by default) have reached the target.

        :raises TimeoutError: they had not within that many seconds.
        :raises KeyError: there is no such asynchronous model.
        """
        loop = asyncio.get_running_loop()
        names = frozenset(self._positions if models is None else models)
        if unknown := names.difference(self._positions):
            raise KeyError(*sorted(unknown))
        waiter = _Waiter(target, names, loop, loop.create_future())
        with self._lock:
            if self._satisfied(waiter):
                return
            self._waiters.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter.done
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    def _satisfied(self, waiter: _Waiter) -> bool:
        return all(reached(self._positions[name], waiter.target) for name in waiter.models)


def _resolve(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
