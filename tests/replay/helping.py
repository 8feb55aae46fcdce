"""
The toy models as a helper of a replay opens them, in a process of its own.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from domain.event import Recorded, Registry
from projections.rows import Change, Put, ReadModel
from replay.together import Opened
from tests.projections.engine.toys import Edited, History, Noted, Notes, Struck, Tallies, notes


class Dying(Notes):
    """Kills the process that works on it."""

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().rows(recorded)


class Fussy(Notes):
    """Cannot take anything."""

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        raise LookupError("secret")


class Broken(Notes):
    """Asks for what the database cannot do."""

    def rows(self, recorded: Recorded) -> Iterable[Change]:
        values = {"text": "", "sealed": b"", "at": None, "position": 0, "edited": False}
        return (Put(notes, ("no number", UUID(int=0)), values),)


@contextmanager
def open_toys(url: str, model: type[Notes] = Notes) -> Iterator[Opened]:
    """Log, database and models."""
    database, models = Database(url), list[ReadModel]([model(), Tallies(), History(inline=True)])
    log = PostgresLog(database, Registry([Noted | Edited | Struck], {}), SystemClock())
    try:
        yield Opened(log.reader, database.owner, models)
    finally:
        log.close()
        database.dispose()
