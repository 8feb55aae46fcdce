"""
The store of a data directory, for commands that run beside a server or without one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, make_url, text

from adapters.clock import SystemClock
from adapters.database import Database, cells_of, may_migrate
from adapters.embedded import EmbeddedPostgres, discover, has_cluster, reach
from adapters.log.postgres import PostgresLog
from adapters.working_days import ENDING_DAYS, ChineseCalendar
from api.wiring.auditing import notary_trouble
from api.wiring.collecting import collect_rarely, take_short_turns
from api.wiring.keys import wrapper_of
from api.wiring.models import MODELS, outdated, prepare_store
from api.wiring.pictures import pictures_report
from domain.catalogue import EVENTS
from projections.reading import cases
from replay.published import progress
from replay.together import Opened

#: Stands in a data directory while a backup is restored into it.
RESTORING = "restoring"


class NoStore(Exception):
    """There is no store to work on; the message says where."""


class Store:
    """The store of a data directory, for one command beside or without a running server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = SystemClock()
        self.database = Database(url, "homezone-command")
        self.log = PostgresLog(self.database, EVENTS, self.clock, notify=False)

    def close(self) -> None:
        """Let go of it."""
        self.log.close()
        self.database.dispose()


@contextmanager
def open_store(
    data_dir: Path,
    database_url: str | None,
    say: Callable[[str], None] | None = None,
    *,
    as_owner: bool = False,
) -> Iterator[Store]:
    """
    The store, on the server that runs already or on one started for this command.

    :param as_owner: the command makes tables, which takes the login that owns the database.
    :raises NoStore: nothing was ever served from there; a command that asks makes none.
    """
    check_restored(data_dir)
    embedded = isinstance(discover(database_url, data_dir), EmbeddedPostgres)
    if embedded and not has_cluster(data_dir):
        raise NoStore(f"there is no store in {data_dir}; homezone serve makes one")
    with reach(database_url, data_dir, say) as url:
        if as_owner and not may_migrate(url):
            raise NoStore("this takes the login that owns the database: see --migration-url")
        store = Store(url)
        try:
            if not store.log.cells:
                raise NoStore("there is no store in this database; homezone serve makes one")
            if outdated(store.database):
                raise NoStore(
                    "the store is of another release; homezone serve brings it up to date"
                )
            yield store
        finally:
            store.close()


@contextmanager
def open_replay(url: str) -> Iterator[Opened]:
    """What a replay works on, for one of its helpers: ``partial(open_replay, url)``."""
    collect_rarely()
    take_short_turns()
    store = Store(url)
    try:
        yield Opened(store.log.reader, store.database.owner, MODELS)
    finally:
        store.close()


def bring_up_to_date(
    data_dir: Path, database_url: str | None, cells: int, say: Callable[[str], None]
) -> int:
    """
    Migrate, and rebuild the read models that this release has changed; the number of cells.

    :param database_url: by the login that owns the database.
    """
    with reach(database_url, data_dir, say) as url:
        prepare_store(url, cells, SystemClock(), say, migration_url=url)
        database = Database(url, "homezone-command")
        try:
            with database.server.connect() as connection:
                return cells_of(connection)
        finally:
            database.dispose()


def check_restored(data_dir: Path) -> None:
    """
    Refuse a data directory into which a restore was begun and not finished.

    :raises NoStore: it was.
    """
    if (data_dir / RESTORING).exists():
        raise NoStore(
            f"a restore into {data_dir} has not finished; run homezone restore again, or remove"
            f" {data_dir / RESTORING} and begin an empty store"
        )


def has_store(data_dir: Path, database_url: str | None) -> bool:
    """Whether there is a store for what is in a data directory, be it in order or not."""
    embedded = isinstance(discover(database_url, data_dir), EmbeddedPostgres)
    return not embedded or has_cluster(data_dir)


def describe(data_dir: Path, database_url: str | None) -> dict[str, Any]:
    """How the store is doing, as plain data, read in one transaction."""
    with open_store(data_dir, database_url) as store, store.database.server.connect() as connection:
        heads = {int(cell): int(at) for cell, at in connection.execute(_HEADS)}
        lags = {name.removeprefix("model/"): int(lag) for name, lag in connection.execute(_LAG)}
        now = store.clock.now()
        armed, due = connection.execute(_TIMERS, {"now": now}).one()
        moderation = _moderation(connection)
        notary = progress(connection)
        trouble = notary_trouble(data_dir, store.database.server)
        shown = make_url(store.url).render_as_string(hide_password=True)
    inline = [model.name for model in MODELS if model.inline]
    return {
        "database_url": shown,
        "embedded": isinstance(discover(database_url, data_dir), EmbeddedPostgres),
        "cells": len(heads),
        "events": sum(heads.values()),
        "heads": heads,
        "projections": {**dict.fromkeys(inline, 0), **lags},
        "timers_armed": armed,
        "timers_due": due,
        "moderation": moderation,
        "calendar": calendar_report(now),
        "pictures": pictures_report(),
        "keys": {"wrapped_by": wrapper_of(data_dir / "keys")},
        "notary": None if notary is None else msgspec.to_builtins(notary) | {"trouble": trouble},
    }


def calendar_report(now: datetime) -> dict[str, Any]:
    """The calendar that promises are counted on, and for how long it says which days are off."""
    calendar = ChineseCalendar()
    return {
        "version": calendar.version,
        "known_until": calendar.until.isoformat(),
        "days_left": calendar.days_left(now),
        "ending": calendar.days_left(now) <= ENDING_DAYS,
    }


def _moderation(connection: Connection) -> dict[str, Any]:
    """What waits for moderators: by queue, and how many promises were ever broken, by kind."""
    waiting: dict[str, int] = {}
    overdue: dict[str, int] = {}
    for queue, _, count, late in connection.execute(text(cases.SIZES.sql)):
        waiting[queue] = waiting.get(queue, 0) + count
        overdue[queue] = overdue.get(queue, 0) + late
    broken = {str(kind): int(count) for kind, count in connection.execute(text(cases.BREACHES.sql))}
    return {"cases_open": waiting, "cases_overdue": overdue, "promises_broken": broken}


_HEADS = text("SELECT cell, position FROM log.log_heads ORDER BY cell")
_LAG = text(
    "SELECT subscriber, sum(h.position - c.position) FROM log.checkpoints c"
    " JOIN log.log_heads h USING (cell) WHERE subscriber LIKE 'model/%'"
    " GROUP BY subscriber ORDER BY subscriber"
)
_TIMERS = text("SELECT count(*), count(*) FILTER (WHERE due <= :now) FROM models.deadlines")
