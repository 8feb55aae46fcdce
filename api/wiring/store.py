"""
The store of a data directory, for commands that run beside a server or without one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text

from adapters.clock import SystemClock, SystemEntropy
from adapters.database import CELLS_DEFAULT, Database
from adapters.embedded import EmbeddedPostgres, discover, reach
from adapters.log.postgres import PostgresLog
from api.tokens import TokenIssuer, TokenKey
from api.wiring.models import MODELS, prepare_store
from domain.catalogue import EVENTS


def token_issuer(data_dir: Path) -> TokenIssuer:
    """Issues tokens that the server of this data directory accepts."""
    return TokenIssuer(TokenKey.open(data_dir / "keys" / "token.key"), SystemEntropy())


def utc_now() -> datetime:
    """The time, for commands that run without a server."""
    return SystemClock().now()


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
    data_dir: Path, database_url: str | None, say: Callable[[str], None] | None = None
) -> Iterator[Store]:
    """The store, on the server that runs already or on one started for this command."""
    with reach(database_url, data_dir, say) as url:
        prepare_store(url, CELLS_DEFAULT, SystemClock())
        store = Store(url)
        try:
            yield store
        finally:
            store.close()


def describe(data_dir: Path, database_url: str | None) -> dict[str, Any]:
    """How the store is doing, as plain data, read in one transaction."""
    with open_store(data_dir, database_url) as store, store.database.server.connect() as connection:
        heads = {int(cell): int(at) for cell, at in connection.execute(_HEADS)}
        lags = {name.removeprefix("model/"): int(lag) for name, lag in connection.execute(_LAG)}
        now = store.clock.now()
        armed, due = connection.execute(_TIMERS, {"now": now}).one()
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
        "notary": None,
    }


_HEADS = text("SELECT cell, position FROM log.log_heads ORDER BY cell")
_LAG = text(
    "SELECT subscriber, sum(h.position - c.position) FROM log.checkpoints c"
    " JOIN log.log_heads h USING (cell) WHERE subscriber LIKE 'model/%'"
    " GROUP BY subscriber ORDER BY subscriber"
)
_TIMERS = text("SELECT count(*), count(*) FILTER (WHERE due <= :now) FROM models.deadlines")
