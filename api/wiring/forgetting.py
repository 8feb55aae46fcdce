"""
Members whose keys are destroyed, in a log that is older than that: a restored backup.

The keys say who was forgotten, and the log is made to say so as well before anybody is served. What
follows from it, items and photos, the policy does once it runs.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from commands.erasures import BeginErasureAgain, ErasureHandlers
from commands.executor import Executor
from commands.work import Context
from domain.catalogue import EVENTS
from domain.erasure import Terms
from domain.event import Refused
from domain.ids import MemberId, cell_of, derive
from domain.sealed import KeyClass

RESTORE_ACTOR: Final = derive(0, "restore", b"homezone")

#: Of whoever has one of these no longer, nothing is to be seen; the others follow from an erasure.
_TELLING: Final = frozenset({KeyClass.CONTENT, KeyClass.IDENTITY})


def forgotten(vault: FileKeyVault, lost: Iterable[bytes]) -> dict[UUID, tuple[KeyClass, ...]]:
    """
    Whose keys were destroyed on purpose, and of which classes.

    :param lost: ids of keys that were never destroyed, but are not to be had any more.
    """
    never = set(lost)
    gone: dict[UUID, set[KeyClass]] = defaultdict(set)
    classes = {one.value: one for one in KeyClass}
    for key, subject, name, destroyed in vault.listed(None, 0):
        if destroyed and key not in never and name in classes:
            gone[subject].add(classes[name])
    return {
        subject: tuple(sorted(found))
        for subject, found in gone.items()
        if not _TELLING.isdisjoint(found)
    }


def say_forgotten(
    database: Database,
    vault: FileKeyVault,
    gone: dict[UUID, tuple[KeyClass, ...]],
    terms: Terms,
) -> int:
    """
    Append what the log does not say yet, before read models are made of it; of how many members
    that was. Keys of other things than members are passed over.
    """
    if not gone:
        return 0
    return asyncio.run(_say(database, vault, gone, terms))


async def _say(
    database: Database,
    vault: FileKeyVault,
    gone: dict[UUID, tuple[KeyClass, ...]],
    terms: Terms,
) -> int:
    clock = SystemClock()
    log = await asyncio.to_thread(PostgresLog, database, EVENTS, clock, notify=False)
    executor = Executor(log, vault, clock, SystemEntropy())
    handler, said = ErasureHandlers(terms).begin_again, 0
    try:
        for subject, classes in gone.items():
            cell = cell_of(subject)
            if not 0 <= cell < log.cells:
                continue
            command = executor.new_id(cell)
            context = Context(RESTORE_ACTOR, cell, command, command, clock.now())
            try:
                again = BeginErasureAgain(MemberId(subject), classes)
                answer = await executor.execute(handler, again, context)
            except Refused:
                continue
            said += bool(answer.written)
    finally:
        await asyncio.to_thread(log.close)
    return said
