"""
What policies and timers share: a task that does something again and again while it holds a lease.

Each pass is started by a wake-up or by the poll, whichever comes first; a database that is away is
waited for.
"""

import asyncio
import contextlib
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from commands.ports import Clock
from projections.engine.backoff import Retry
from projections.engine.lease import Lease
from projections.engine.telling import tell


class LeasedLoop:
    """
    One leased job of a process, in its event loop. Subclasses do one ``turn`` at a time.

    :param name: of the lease: one process at a time holds it.
    :param poll_seconds: how long an idle loop trusts that nothing happened.
    :param rest_seconds: from being woken to the next turn: for what may come so much later.
    """

    def __init__(
        self,
        name: str,
        database: Engine,
        clock: Clock,
        holder: UUID,
        poll_seconds: float,
        lease_seconds: float,
        retry_seconds: float,
        rest_seconds: float = 0.0,
    ) -> None:
        self.trouble: str | None = None
        self._name = name
        self._database = database
        self._lease = Lease(name, holder, clock, lease_seconds)
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._rest_seconds = rest_seconds
        self._woken = asyncio.Event()
        self._asking = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def leading(self) -> bool:
        """Whether this process does the job."""
        return self._lease.held

    def start(self) -> None:
        """Run in the current event loop until stopped."""
        assert self._task is None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stop where it is (whatever was cut off is done again by the next) and free the lease."""
        if self._task is not None:
            async with self._asking:  # or a thread might take the lease after it was freed
                self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with contextlib.suppress(SQLAlchemyError):  # a lease not freed runs out
            await asyncio.to_thread(self._release)

    def wake(self) -> None:
        """There may be something to do; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def turn(self) -> float:
        """Do what there is to do now; in how many seconds there may be more."""
        raise NotImplementedError

    def forget(self) -> None:
        """The lease was won or lost, or the database: what is remembered of it may be old."""

    async def lead(self) -> bool:
        """Take or renew the lease when it is time to; whether it is held."""
        async with self._asking:
            if self._lease.due:
                held = self._lease.held
                await asyncio.to_thread(self._take)
                if self._lease.held != held:
                    self.forget()
            return self._lease.held

    async def _run(self) -> None:
        retry = Retry(self._retry_seconds)
        while True:
            seconds = self._poll_seconds
            try:
                if await self.lead():
                    seconds = min(seconds, await self.turn())
                retry.succeeded()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 - the database comes back, and so must we
                if self.trouble is None:
                    tell("a job waits for the database", error, job=self._name)
                self.trouble = type(error).__name__
                self.forget()
                await asyncio.sleep(min(retry.failed(), 5.0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.001, seconds)):
                    await self._woken.wait()
                    # What wakes it again meanwhile is answered by the same turn.
                    await asyncio.sleep(self._rest_seconds)
            self._woken.clear()

    def _take(self) -> None:
        with self._database.begin() as connection:
            self._lease.take(connection)

    def _release(self) -> None:
        with self._database.begin() as connection:
            self._lease.release(connection)
