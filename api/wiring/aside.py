"""
Commands to the store from the command line, beside a server or without one: another writer, as a
second server would be.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

from adapters.clock import SystemEntropy
from adapters.log.postgres import PostgresLog
from adapters.objects import ObjectStore
from adapters.screening import RuleMatcher
from adapters.working_days import ChineseCalendar
from api.wiring.keys import check_keys, existing_vault
from api.wiring.models import MODELS
from api.wiring.pictures import Photos
from api.wiring.store import Store
from commands.executor import Executor
from commands.screening import EPOCHS, Screens
from domain.catalogue import EVENTS
from domain.ids import MemberId
from domain.photo import photo_of, photo_stream
from projections.engine.apply import InlineModels


@contextmanager
def executor_beside(store: Store, keys: Path, *, screened: bool = False) -> Iterator[Executor]:
    """
    What runs a command as a server would, and writes the inline models with it.

    :param keys: the vault's directory.
    :param screened: the rules are made ready, for commands that publish.
    :raises VaultFault: there is no vault, or it is another store's.
    """
    with ExitStack() as held:
        vault = held.enter_context(existing_vault(keys))
        check_keys(store.database, vault, keys)
        inline = InlineModels(MODELS).statements
        log = PostgresLog(store.database, EVENTS, store.clock, inline=inline, epoch_of=EPOCHS)
        held.callback(log.close)
        screens = Screens(log, RuleMatcher(), ChineseCalendar()) if screened else None
        yield Executor(log, vault, store.clock, SystemEntropy(), screens=screens)


@asynccontextmanager
async def photos_beside(
    executor: Executor, objects: ObjectStore, length_max: int
) -> AsyncIterator[Photos]:
    """
    Uploads and pictures for such a command; quotas are held when a photo is added.

    :param length_max: bytes of one upload.
    """

    async def left(_: MemberId) -> int:
        return sys.maxsize

    async def added(member: MemberId, upload: UUID) -> bool:
        return bool(await executor.log.read_stream(photo_stream(photo_of(member, upload))))

    photos = Photos(objects, executor.vault, executor.clock, left, added, length_max=length_max)
    try:
        yield photos
    finally:
        await photos.close()
