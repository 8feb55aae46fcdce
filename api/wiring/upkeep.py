"""
What a server does now and again, whatever is asked of it.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final

from adapters.embedded import Server
from adapters.log.postgres import PostgresLog
from api.services import Services
from commands.ports import Clock, LogOverloaded, LogUnavailable
from projections.reading import cases
from projections.reading.cases import QueueSizes
from replay.published import Progress, Published

PURGE_SECONDS: Final = 600.0
#: How old what the figures say of cases may be: they are counted in the database.
COUNT_SECONDS: Final = 10.0
NOTARY_SECONDS: Final = 2.0
WATCH_SECONDS: Final = 0.2

logger = logging.getLogger("homezone")


class Upkeep:
    """
    The works themselves; whoever starts them ends them.

    :param server: the database's; it is started again when it ended.
    """

    def __init__(
        self,
        log: PostgresLog,
        server: Server,
        services: Services,
        published: Published,
        clock: Clock,
    ) -> None:
        self._log = log
        self._server = server
        self._services = services
        self._published = published
        self._clock = clock
        #: What waits for moderators, as it was counted last.
        self.waiting: QueueSizes | None = None
        #: How far the notary was when it was looked at last.
        self.notarised: Progress | None = None

    def works(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Each goes on until it is cancelled."""
        return self.purge(), self._watch(), self._count_cases(), self._follow_notary()

    async def purge(self) -> None:
        """Forget idempotency keys whose time is over."""
        while True:
            await asyncio.sleep(PURGE_SECONDS)
            with _another_time("expired keys are forgotten later"):
                while await asyncio.to_thread(self._log.purge, self._clock.now()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    async def _count_cases(self) -> None:
        """Keep count of what waits for moderators: a scrape itself asks no database."""
        while True:
            # While the database is away there are other figures to look at.
            with (
                _another_time("cases are counted later"),
                suppress(LogUnavailable, LogOverloaded),
            ):
                self.waiting = await self._services.look(cases.sizes)
            await asyncio.sleep(COUNT_SECONDS)

    async def _follow_notary(self) -> None:
        """Keep in mind how far the notary is: a scrape itself asks no database."""
        while True:
            with _another_time("the notary is looked at later"):
                self.notarised = await asyncio.to_thread(self._published.progress)
            await asyncio.sleep(NOTARY_SECONDS)

    async def _watch(self) -> None:
        """Start the embedded database again when it has died under us, or never will serve."""
        for turn in count():
            await asyncio.sleep(WATCH_SECONDS)
            with _another_time("the database does not start again yet"):
                ended = not self._server.alive
                if ended or (turn % 5 == 0 and await asyncio.to_thread(self._server.stuck)):
                    await asyncio.to_thread(self._server.restart)


@contextmanager
def _another_time(what: str) -> Iterator[None]:
    """A failure that costs a turn, and not all turns to come."""
    try:
        yield
    except Exception:
        logger.exception(what)
