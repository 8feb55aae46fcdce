"""
A running server, from its database to its application.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from uuid import uuid4

from aiohttp import web
from sqlalchemy import text

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import Database
from adapters.embedded import Server, discover
from adapters.identity_provider import JwksClient
from adapters.log.postgres import PostgresLog
from adapters.readers import ReadPool
from adapters.vault import FileKeyVault, VaultFault
from api.application import build
from api.limits import Limits
from api.metrics import Metrics
from api.readiness import readiness
from api.services import RecentWrites, Services
from api.settings import Settings
from api.stream import Hub
from api.tokens import TokenIssuer, TokenKey, TokenVerifier, TrustedIssuer
from api.wiring.feeding import spawn
from api.wiring.models import MODELS, prepare_store
from commands.directory import Directory
from commands.executor import Executor
from commands.policies import policies
from commands.ports import Clock, Entropy
from commands.timers import Timers
from domain.catalogue import EVENTS
from domain.event import Event, Recorded
from domain.sealed import Sealed
from projections.arming import ARMING
from projections.engine.apply import InlineModels
from projections.engine.feeder import Feeder, Setup
from projections.engine.policies import PolicyRunner
from projections.engine.timers import Deadline, TimerRunner
from projections.engine.watch import Watch
from projections.recall.recall import CELLS_MAX, Recall

PURGE_SECONDS = 600.0
_ANY_SEALED = text("SELECT nickname FROM models.members LIMIT 1")

logger = logging.getLogger("homezone")


class Homezone:
    """
    A running server, to be started and stopped inside one event loop.

    :param say: tells the operator what is being waited for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.entropy = entropy or SystemEntropy()
        self.server: Server = discover(settings.database_url, settings.data_dir, say)
        self.database_url = ""
        self._holder = uuid4()
        self._say = say
        self._held = AsyncExitStack()
        #: How far this process itself has written, by cell.
        self._written: dict[int, int] = {}
        self._answered: frozenset[type[Event]] = frozenset()

    async def start(self) -> web.Application:
        """Everything up to the application; serving it is the caller's."""
        settings, clock, held = self.settings, self.clock, self._held
        held.push_async_callback(asyncio.to_thread, self.server.stop)
        self.database_url = await asyncio.to_thread(self.server.start)
        await asyncio.to_thread(prepare_store, self.database_url, settings.cells, clock, self._say)
        self.vault = FileKeyVault(settings.keys_dir, clock)
        held.callback(self.vault.close)
        self.token_key = TokenKey.open(settings.keys_dir / "token.key")
        self.database = Database(self.database_url)
        held.callback(self.database.dispose)
        await asyncio.to_thread(self._check_keys)
        self.log = await asyncio.to_thread(self._open_log)
        held.push_async_callback(asyncio.to_thread, self.log.close)
        fed = [model.name for model in MODELS if not model.inline]
        self.engine = Feeder(fed, Setup(self.database_url, self._holder), spawn)
        self.executor = Executor(self.log, self.vault, clock, self.entropy)
        self.services = self._services()
        self._run_policies_and_timers()
        self.services.hub = self.hub = Hub(self.services)
        self._follow_the_log()
        limits = Limits(clock) if settings.limits else None
        verifier = await self._verifier()
        return build(self.services, verifier, self._cursor_secret(), clock, limits)

    async def stop(self) -> None:
        """Finish what was taken, then let go of everything, in the reverse order of starting."""
        await self._held.aclose()

    def _check_keys(self) -> None:
        """
        Refuse a database that was filled under other keys: its members could not be read, and
        their numbers, which only the keys can find, would be given away again.
        """
        with self.database.server.connect() as connection:
            sealed = connection.execute(_ANY_SEALED).scalar()
        try:
            if sealed is not None:
                self.vault.open(Sealed(bytes(sealed)))
        except VaultFault:
            raise VaultFault(
                f"the keys in {self.settings.keys_dir} are not those of this database;"
                " serve it from the data directory that it was filled from"
            ) from None

    def _run_policies_and_timers(self) -> None:
        reader, database, clock = self.log.reader, self.database.server, self.clock
        handlers = self.services.accounts
        every = policies(self.executor, handlers)
        names = [policy.name for policy in every]
        self._answered = frozenset().union(*(policy.types for policy in every))
        self.policies = PolicyRunner(reader, database, every, clock, self._holder, from_start=names)
        self.services.reactions = self.policies
        timers = Timers(self.executor, handlers)

        async def fire(deadline: Deadline) -> None:
            await timers.fire(deadline.kind, deadline.id, deadline.subject, deadline.due)

        self.timers = TimerRunner(reader, database, self.engine, fire, clock, self._holder)

    def _follow_the_log(self) -> None:
        """Start all that follows the log; what is started last is stopped first."""
        held = self._held
        self.engine.start()
        held.push_async_callback(asyncio.to_thread, self.engine.stop)
        self.policies.start()
        held.push_async_callback(self.policies.stop)
        self.timers.start()
        held.push_async_callback(self.timers.stop)
        watch = Watch(self.log.reader, (self.engine.wake, self._hear, self.hub.wake))
        watch.start()
        held.push_async_callback(asyncio.to_thread, watch.stop)
        for work in (self._purge(), self._watch(), self.hub.run()):
            self._hold_task(work)

    def _hold_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._held.push_async_callback(end)

    def announce(self, address: str) -> None:
        """Tell other commands on this data directory where the server is."""
        (self.settings.data_dir / "address").write_text(address + "\n", encoding="utf-8")

    @property
    def tokens(self) -> TokenIssuer:
        """Issues tokens of the embedded default's own key."""
        return TokenIssuer(self.token_key, self.entropy)

    def _open_log(self) -> PostgresLog:
        inline = InlineModels(MODELS)
        return PostgresLog(
            self.database, EVENTS, self.clock, inline=inline.statements, on_commit=self._committed
        )

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        """In the writer's thread: whoever follows the log here need not wait to poll."""
        heads = {one.cell: one.position for one in recorded}
        self._written.update(heads)
        self.engine.wake(heads)
        self.recall.note(recorded)
        types = {type(one.event) for one in recorded}
        if types & ARMING.keys():
            self.timers.wake()
        if types & self._answered:
            self.policies.wake()

    def _hear(self, heads: Mapping[int, int]) -> None:
        """In the watch's thread: if it was not this process who wrote, it may concern policies."""
        if any(position > self._written.get(cell, 0) for cell, position in heads.items()):
            self._written.update(heads)
            self.policies.wake()

    def _services(self) -> Services:
        self.reads = ReadPool(self.database_url)
        self._held.callback(self.reads.close)
        probes = ReadPool(self.database_url, connections=1)
        self._held.callback(probes.close)
        self.recall = Recall(probes, self.reads, self.log)
        self.metrics = Metrics()
        self.metrics.watch(self._figures)
        return Services(
            log=self.log,
            vault=self.vault,
            clock=self.clock,
            executor=self.executor,
            directory=Directory(self.log, self.vault),
            reads=self.reads,
            freshness=self.engine,
            recent=RecentWrites(),
            metrics=self.metrics,
            readiness=lambda: readiness(self.log, (self.engine.status, self.policies.status)),
            recall=self.recall if self.log.cells <= CELLS_MAX else None,
        )

    def _figures(self) -> dict[str, Any]:
        streams, recall = self.executor.streams, self.recall
        return {
            "homezone_log_queue_appends": self.log.queued,
            "homezone_projection_lag_events": self.engine.lag(),
            "homezone_stream_cache_hits_total": streams.hits,
            "homezone_stream_cache_misses_total": streams.misses,
            "homezone_stream_cache_streams": len(streams),
            "homezone_recall_hits_total": recall.answered,
            "homezone_recall_misses_total": recall.given_up,
            "homezone_recall_loads_total": recall.loads,
            "homezone_recall_facts": recall.facts.sizes(),
        }

    async def _verifier(self) -> TokenVerifier:
        trusted = [self.token_key.trusted]
        if self.settings.jwks_url is not None:
            client = JwksClient(self.settings.jwks_url)
            self._held.push_async_callback(client.close)
            await client.refresh()
            self._hold_task(client.run())
            issuer = self.settings.issuer or ""
            trusted = [TrustedIssuer(issuer, client, self.settings.audience)]
        return TokenVerifier(trusted)

    def _cursor_secret(self) -> bytes:
        return hashlib.sha256(self.vault.blind("cursor", "homezone")).digest()

    async def _purge(self) -> None:
        """Forget idempotency keys whose time is over."""
        while True:
            await asyncio.sleep(PURGE_SECONDS)
            with _another_time("expired keys are forgotten later"):
                while await asyncio.to_thread(self.log.purge, self.clock.now()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    async def _watch(self) -> None:
        """Start the embedded database again when it has died under us."""
        while True:
            await asyncio.sleep(0.2)
            if not self.server.alive:
                with _another_time("the database does not start again yet"):
                    await asyncio.to_thread(self.server.restart)


@contextmanager
def _another_time(what: str) -> Iterator[None]:
    """A failure that costs a turn, and not all turns to come."""
    try:
        yield
    except Exception:
        logger.exception(what)
