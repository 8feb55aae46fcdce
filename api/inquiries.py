"""
Payments of which a rail says that there is news: asked after in the background.

Whoever sends a notification has no token, so it must not cost a look at the rail each time, nor
wait for one. It is noted and answered; one reference is looked up at most once at a time and once a
pause, few are at the same moment, and only so many are remembered. What comes while a reference is
being looked up is looked up once more, since the rail may have answered before that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from commands.executor import Contended
from commands.payments import HearOfPayment
from commands.ports import LogOverloaded, LogUnavailable
from commands.rails import RailUnavailable

#: References that are remembered at once; the next notification is to be sent again.
REMEMBERED_MAX: Final = 1_000
AT_ONCE: Final = 4
#: How long a reference rests once its rail was asked.
PAUSE_SECONDS: Final = 1.0
#: When it is tried again, if rail or database cannot be reached.
RETRIES_SECONDS: Final = (1.0, 5.0, 30.0, 120.0)
#: How long a server that stops waits for looks that are under way.
_STOP_SECONDS: Final = 5.0

logger = logging.getLogger("homezone")


class Inquiries:
    """
    The references that are being asked after.

    :param look: asks the rail, unless nobody awaits the payment; says whether it did.
    """

    def __init__(
        self,
        look: Callable[[HearOfPayment], Awaitable[bool]],
        *,
        remembered_max: int = REMEMBERED_MAX,
        at_once: int = AT_ONCE,
        pause_seconds: float = PAUSE_SECONDS,
        retries_seconds: Sequence[float] = RETRIES_SECONDS,
    ) -> None:
        self._look = look
        self._remembered_max = remembered_max
        self._pause_seconds = pause_seconds
        self._retries_seconds = retries_seconds
        self._places = asyncio.Semaphore(at_once)
        self._stopping = asyncio.Event()
        self._attended: dict[HearOfPayment, asyncio.Task[None]] = {}
        #: Those of which there was news since their look began.
        self._again: set[HearOfPayment] = set()

    def note(self, news: HearOfPayment) -> None:
        """
        Have a payment asked after soon.

        :raises LogOverloaded: too many are, or the server stops.
        """
        if news in self._attended:
            self._again.add(news)
        elif len(self._attended) >= self._remembered_max or self._stopping.is_set():
            raise LogOverloaded
        else:
            self._attended[news] = asyncio.create_task(self._attend(news))

    async def stop(self) -> None:
        """Finish the looks that are under way."""
        self._stopping.set()
        tasks = list(self._attended.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _attend(self, news: HearOfPayment) -> None:
        """Look, and look again while there is reason to."""
        retries = iter(self._retries_seconds)
        try:
            while not self._stopping.is_set():
                async with self._places:
                    self._again.discard(news)
                    asked = await self._ask(news)
                pause = self._pause_seconds if asked is not None else next(retries, None)
                if pause is None:
                    logger.warning("a payment could not be asked after on rail %s", news.rail)
                    return
                if asked is not False:
                    await self._rest(pause)
                if asked is not None and news not in self._again:
                    return
        finally:
            self._again.discard(news)
            del self._attended[news]

    async def _ask(self, news: HearOfPayment) -> bool | None:
        """Whether the rail was asked; None when it could not be."""
        try:
            return await self._look(news)
        except (RailUnavailable, LogUnavailable, LogOverloaded, Contended):
            return None
        except Exception:
            logger.exception("a payment was not asked after")
            return False

    async def _rest(self, seconds: float) -> None:
        """So long, unless the server stops."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
