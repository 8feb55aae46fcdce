"""
A running server, from its database to its application.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import Database, DatabaseUnfit
from adapters.embedded import EmbeddedPostgres, Server, discover
from adapters.identity_provider import JwksClient
from adapters.log.postgres import PostgresLog
from adapters.readers import BY_COST, ReadPool
from adapters.screening import RuleMatcher
from adapters.vault import FileKeyVault
from adapters.working_days import ChineseCalendar
from api.addresses import Addresses
from api.application import build
from api.backtests import Backtests
from api.badges import badges_policy
from api.bundles import Bundles
from api.clearing import CLEAR_PHOTOS, ClearPhotos
from api.forgetting import ForgetMembers
from api.http.access import AccessLog
from api.http.door import Door
from api.item_keys import DestroyItemKeys
from api.limits import Limits
from api.metrics import Metrics
from api.readiness import readiness
from api.reading import ReadLine
from api.recent import RecentWrites
from api.services import Services
from api.settings import Settings
from api.storage import room
from api.stream import Hub
from api.stream.places import Places
from api.tokens import TokenIssuer, TokenKey, TokenVerifier, TrustedIssuer
from api.wiring import figures
from api.wiring.feeding import spawn
from api.wiring.keys import check_keys
from api.wiring.lateness import Lateness
from api.wiring.models import MODELS, prepare_store
from api.wiring.notarising import notary_keys, witnesses_of
from api.wiring.pictures import Photos, objects_of
from api.wiring.rails import rails_of
from api.wiring.store import check_restored
from api.wiring.upkeep import Upkeep
from commands.directory import Directory
from commands.executor import Executor
from commands.policies import policies
from commands.ports import Clock, Entropy
from commands.rails import Rails
from commands.screening import EPOCHS, Screens
from commands.timers import Timers
from domain.account import DIRECTORY_CELL
from domain.catalogue import EVENTS
from domain.event import Event, Recorded
from domain.ids import MemberId
from domain.photo import photo_of, photo_stream
from projections.arming import ARMING
from projections.engine.apply import InlineModels
from projections.engine.feeder import Feeder, Setup
from projections.engine.policies import PolicyRunner
from projections.engine.timers import Deadline, TimerRunner
from projections.engine.watch import Watch
from projections.recall.recall import CELLS_MAX, Recall
from replay.published import Published

_READS_AT_ONCE = 8
#: Reads of the past are few, and each costs as much as a hundred of the present.
_PAST_READS_AT_ONCE = 2
_PAST_READS_WAITING_MAX = 20
_FEEDER_SECONDS = 10.0


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
        self.door = Door(settings.requests_max)
        self.limits: Limits | None = None
        self.calendar = ChineseCalendar()
        self._late = Lateness()
        self._held = AsyncExitStack()
        #: How far this process itself has written, by cell.
        self._written: dict[int, int] = {}
        self._answered: frozenset[type[Event]] = frozenset()

    async def start(self) -> web.Application:
        """Everything up to the application; serving it is the caller's."""
        settings, clock, held = self.settings, self.clock, self._held
        if settings.migration_url is not None and isinstance(self.server, EmbeddedPostgres):
            raise DatabaseUnfit("a migration URL belongs to a database URL; none is set")
        check_restored(settings.data_dir)
        held.push_async_callback(asyncio.to_thread, self.server.stop)
        self.database_url = await asyncio.to_thread(self.server.start)
        await asyncio.to_thread(self._prepare_store)
        self.vault = await asyncio.to_thread(
            FileKeyVault, settings.keys_dir, clock, service=settings.kms
        )
        held.callback(self.vault.close)
        self.token_key = TokenKey.open(settings.keys_dir / "token.key")
        self.database = Database(self.database_url)
        held.callback(self.database.dispose)
        await asyncio.to_thread(check_keys, self.database, self.vault, settings.keys_dir)
        self.log = await asyncio.to_thread(self._open_log)
        held.push_async_callback(asyncio.to_thread, self.log.close)
        fed = [model.name for model in MODELS if not model.inline]
        self.engine = Feeder(
            fed,
            Setup(self.database_url, self._holder, notary_keys(settings, self.vault.lent)),
            spawn,
        )
        self.screens = Screens(self.log, RuleMatcher(), self.calendar)
        self.executor = Executor(
            self.log,
            self.vault,
            clock,
            self.entropy,
            screens=self.screens,
            retention=settings.retention,
        )
        self.services = self._services()
        self.services.backtests = self._backtests()
        self.services.evidence = self.published = Published(
            self.database.server, witnesses_of(settings)
        )
        self.services.bundles = await asyncio.to_thread(self._bundles)
        self.photos = await asyncio.to_thread(self._photos)
        self.services.uploads, self.services.pictures = self.photos.uploads, self.photos.pictures
        held.push_async_callback(self.photos.close)
        held.push_async_callback(self.services.inquiries.stop)
        self.upkeep = Upkeep(self.log, self.server, self.services, self.published, clock)
        self._run_policies_and_timers()
        places = Places(settings.streams_max, settings.streams_of_member_max)
        self.services.hub = self.hub = Hub(self.services, places=places)
        self._follow_the_log()
        # Else the first to read would wait for it. Should it not come up, the rest serves anyway.
        await asyncio.to_thread(self.engine.wait_until_up, _FEEDER_SECONDS)
        if settings.limits:
            self.limits = Limits(settings.quotas, Addresses(settings.trusted_proxies))
        self._publish_figures()
        access = None
        if settings.access_log != "off":
            access = AccessLog(every=settings.access_log == "all")
        verifier = await self._verifier()
        return build(
            self.services, verifier, self._cursor_secret(), clock, self.limits, self.door, access
        )

    async def stop(self) -> None:
        """Finish what was taken, then let go of everything, in the reverse order of starting."""
        await self._held.aclose()

    def _prepare_store(self) -> None:
        settings = self.settings
        prepare_store(
            self.database_url,
            settings.cells,
            self.clock,
            self._say,
            migration_url=settings.migration_url,
        )

    def _run_policies_and_timers(self) -> None:
        reader, database, clock = self.log.reader, self.database.server, self.clock
        handlers = self.services.accounts
        every = (
            *policies(self.executor, handlers, self.services.rules, self.log.cells),
            badges_policy(self.services),
            ClearPhotos(self.services),
            DestroyItemKeys(self.services),
            ForgetMembers(self.services),
        )
        names = [policy.name for policy in every]
        self._answered = frozenset().union(
            *(policy.types for policy in every if not policy.patient)
        )
        self.policies = PolicyRunner(reader, database, every, clock, self._holder, from_start=names)
        self.services.reactions = self.policies
        services = self.services
        timers = Timers(
            self.executor, handlers, services.rules, services.payments, services.erasures
        )

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
        for work in (*self.upkeep.works(), self.photos.sweep(), self.hub.run()):
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
            self.database,
            EVENTS,
            self.clock,
            inline=inline.statements,
            on_commit=self._committed,
            epoch_of=EPOCHS,
        )

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        """In the writer's thread: whoever follows the log here need not wait to poll."""
        heads = {one.cell: one.position for one in recorded}
        self._written.update(heads)
        self._late.note(heads)
        self.engine.wake(heads)
        self.recall.note(recorded)
        types = {type(one.event) for one in recorded}
        if types & ARMING.keys():
            self.timers.wake()
        if types & self._answered:
            self.policies.wake()

    def _hear(self, heads: Mapping[int, int]) -> None:
        """In the watch's thread: if it was not this process who wrote, it may concern policies."""
        self._late.note(heads)
        if any(position > self._written.get(cell, 0) for cell, position in heads.items()):
            self._written.update(heads)
            self.policies.wake()

    def _services(self) -> Services:
        pool = ReadPool(self.database_url, _READS_AT_ONCE)
        self._held.callback(pool.close)
        self.reads = ReadLine(pool, _READS_AT_ONCE)
        probes = ReadPool(self.database_url, connections=1)
        self._held.callback(probes.close)
        past = ReadPool(self.database_url, _PAST_READS_AT_ONCE, settings=BY_COST)
        self._held.callback(past.close)
        self.recall = Recall(probes, self.reads, self.log)
        self.metrics = Metrics(version("homezone"))
        services = Services(
            log=self.log,
            vault=self.vault,
            clock=self.clock,
            executor=self.executor,
            directory=Directory(self.log, self.vault),
            reads=self.reads,
            freshness=self.engine,
            recent=RecentWrites(),
            metrics=self.metrics,
            readiness=lambda: readiness(
                self.log, (self.engine.status, self.policies.status), self.door, {CLEAR_PHOTOS}
            ),
            screens=self.screens,
            rails=self._rails(),
            terms=self.settings.erasure,
            recall=self.recall if self.log.cells <= CELLS_MAX else None,
        )
        services.past_reads = ReadLine(past, _PAST_READS_AT_ONCE, _PAST_READS_WAITING_MAX)
        return services

    def _rails(self) -> Rails:
        every, over_http = rails_of(self.settings)
        for rail in over_http.values():
            self._held.push_async_callback(rail.close)
        return every

    def _backtests(self) -> Backtests:
        executor, clock = self.executor, self.clock
        backtests = Backtests(
            self.database_url,
            self.settings.keys_dir,
            self.vault.lent,
            lambda: executor.new_id(DIRECTORY_CELL),
            clock.now,
        )
        self._held.push_async_callback(backtests.stop)
        return backtests

    def _bundles(self) -> Bundles:
        executor, clock, settings = self.executor, self.clock, self.settings
        bundles = Bundles(
            self.database_url,
            settings.keys_dir,
            settings.data_dir / "evidence",
            settings.witnesses,
            lambda: executor.new_id(DIRECTORY_CELL),
            clock.now,
        )
        self._held.push_async_callback(bundles.stop)
        return bundles

    def _photos(self) -> Photos:
        settings, services = self.settings, self.services

        async def left(member: MemberId) -> int:
            return await services.look(room, member, self.clock)

        async def added(member: MemberId, upload: UUID) -> bool:
            return bool(await self.log.read_stream(photo_stream(photo_of(member, upload))))

        objects = objects_of(settings.data_dir, settings.object_store)
        return Photos(
            objects,
            self.vault,
            self.clock,
            left,
            added,
            length_max=settings.upload_bytes_max,
        )

    def _publish_figures(self) -> None:
        streams, vault, engine = self.executor.streams, self.vault, self.engine
        watch = self.metrics.watch
        watch(lambda: figures.log_figures(self.log))
        watch(lambda: figures.follower_figures(engine, self.policies, self.timers, self._late))
        watch(lambda: figures.case_figures(self.upkeep.waiting))
        watch(lambda: figures.notary_figures(self.upkeep.notarised))
        watch(lambda: figures.calendar_figures(self.calendar.days_left(self.clock.now())))
        watch(lambda: figures.memory_figures(streams, vault, self.recall))
        watch(lambda: figures.door_figures(self.door, self.reads, self.hub, self.limits))
        self.metrics.watch_process("homezone_feeder", lambda: engine.pid)

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
