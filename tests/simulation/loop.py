"""
An event loop in which time is a number and order is a draw.

Nothing waits: when nothing is ready, time jumps to the next timer. What is ready runs in an order
drawn from the seed, within what asyncio promises: whatever hangs on one future, and each task,
keeps its own order. Threads are callbacks here, so a history is one sequence of steps and a seed
lives it again to the bit (the idea is FoundationDB's, and TigerBeetle's after it).

Everything belongs to a process, which its context names. A process that is killed runs no further
step, not even to clean up, just as after ``kill -9``; one that is stopped goes on later.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, TypeVar, cast

T = TypeVar("T")

#: Callbacks that a history may take before it is said to go round in circles.
STEPS_MAX = 5_000_000
_PRUNE_AT = 2_000


class Process:
    """Something that can be killed or stopped as a whole; everything else is the world's."""

    __slots__ = ("alive", "awaited", "name", "stopped_until")

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.stopped_until = 0.0
        #: What others wait for it to answer.
        self.awaited: dict[asyncio.Future[Any], None] = {}


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def context_of(process: Process | None) -> Context:
    """A context in which everything is a process's."""
    context = copy_context()
    context.run(PROCESS.set, process)
    return context


class StuckError(Exception):
    """Nothing will ever happen again, or far too much did."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """
    The loop of one history.

    :param order: draws what runs next; None runs what is ready first come, first served.
    :param thread_seconds: how long what is given to a thread waits for it, and its answer after.
    """

    def __init__(
        self,
        order: random.Random | None = None,
        thread_seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.steps = 0
        #: The first thing that went wrong; it ends the history.
        self.failure: BaseException | None = None
        self._now = 0.0
        self._order = order
        self._thread_seconds = thread_seconds
        self._lanes: dict[object, deque[asyncio.Handle]] = {}
        self._keys: list[object] = []
        self._fifo: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.Handle]] = []
        self._numbers = count()
        self._tasks: list[asyncio.Task[Any]] = []
        self._closed = False

    # What asyncio asks of a loop.

    def time(self) -> float:
        """Seconds since the history began."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run on one of the next steps."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self._closed:
            self._push(handle, callback, args)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As there are no threads, the same."""
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run after so many seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run at a time."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self._closed:
            heapq.heappush(self._timers, (max(when, self._now), next(self._numbers), handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        """
        A task of this loop. It is held until it is done: a dead process' tasks must not be found
        by the garbage collector, which would run their last rites whenever it comes by.
        """
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if len(self._tasks) > _PRUNE_AT:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run a function in one piece, some time later; its result comes some time after that."""
        answer: asyncio.Future[T] = self.create_future()

        def deliver(result: T | BaseException) -> None:
            if answer.done():
                return
            if isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        def work() -> None:
            try:
                result: T | BaseException = func(*args)
            except Exception as error:  # noqa: BLE001 - it is the caller's
                result = error
            self.call_later(self._thread_seconds(), deliver, result)

        self.call_later(self._thread_seconds(), work)
        return answer

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """While it is not closed."""
        return not self._closed

    def is_closed(self) -> bool:
        """After its history."""
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An exception that nobody caught ends the history."""
        error = context.get("exception")
        if error is not None and not self._closed:
            self.fail(error)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    # What a history asks of it.

    def fail(self, error: BaseException) -> None:
        """End the history with an error; the first one counts."""
        if self.failure is None:
            self.failure = error

    def spawn(self, process: Process | None, coro: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of a process; if it fails, so does the history."""
        task = self.create_task(coro, context=context_of(process))
        task.add_done_callback(self._end_if_failed)
        return task

    def _end_if_failed(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def live(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until ``main`` returns, or something fails."""
        asyncio.events._set_running_loop(self)
        try:
            task = self.spawn(None, main)
            while not task.done() and self.failure is None:
                self._step()
            if self.failure is not None:
                raise self.failure
            return task.result()
        finally:
            asyncio.events._set_running_loop(None)
            self._end()

    def _end(self) -> None:
        self._closed = True
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with suppress(Exception):
                    cast("Coroutine[Any, Any, Any]", task.get_coro()).close()
        self._tasks.clear()
        self._lanes.clear()
        self._keys.clear()
        self._fifo.clear()
        self._timers.clear()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise StuckError(f"{self.steps} steps and no end")
        if not self._keys and not self._fifo:
            self._jump()
        handle = self._pop()
        if handle.cancelled():
            return
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is not None:
            if not process.alive:
                return
            if process.stopped_until > self._now:
                timer = (process.stopped_until, next(self._numbers), handle)
                heapq.heappush(self._timers, timer)
                return
        handle._run()

    def _jump(self) -> None:
        """To the next moment at which anything happens."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise StuckError("everybody waits and nothing is to come")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            handle = heapq.heappop(timers)[2]
            self._push(handle, handle._callback, handle._args)  # type: ignore[attr-defined]

    def _push(
        self, handle: asyncio.Handle, callback: Callable[..., object], args: Sequence[Any]
    ) -> None:
        if self._order is None:
            self._fifo.append(handle)
            return
        # Callbacks of one future run in the order in which they were added; so do one task's.
        owner = args[0] if args and asyncio.isfuture(args[0]) else callback
        key = id(getattr(owner, "__self__", owner))
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            self._keys.append(key)
        lane.append(handle)

    def _pop(self) -> asyncio.Handle:
        if self._order is None:
            return self._fifo.popleft()
        keys = self._keys
        at = int(self._order.random() * len(keys))
        key = keys[at]
        lane = self._lanes[key]
        handle = lane.popleft()
        if not lane:
            del self._lanes[key]
            keys[at] = keys[-1]
            keys.pop()
        return handle
