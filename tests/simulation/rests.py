"""
Rest: when everybody has come to the end of the log, and nothing is due.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from projections.engine.deadlines import deadlines
from tests.simulation import books as book_keeping
from tests.simulation.loop import StuckError
from tests.simulation.tables import FED

if TYPE_CHECKING:
    from tests.simulation.history import History

#: How long everybody may take to come to rest, in the history's seconds: a payment that is pending
#: is looked at every minute at first.
REST_SECONDS_MAX = 600.0
#: What becomes due within this is waited for.
_SOON = timedelta(seconds=60)


async def come_to_rest(history: "History") -> None:
    """
    Wait until nobody has anything left to do.

    :raises StuckError: somebody always has.
    """
    deadline = history.loop.time() + REST_SECONDS_MAX
    while (why_not := _why_not(history)) is not None:
        if history.loop.time() > deadline:
            raise StuckError(f"no rest: {why_not}")
        await asyncio.sleep(0.1)


def _why_not(history: "History") -> str | None:
    heads, books = history.ground.store_heads(), history.ground.books
    if any(server.process.stopped_until > history.loop.time() for server in history.servers):
        return "a server is stopped"
    names = [f"model/{model.name}" for model in FED]
    for name, found in book_keeping.load(books, names).items():
        if found != heads:
            return f"{name} is at {found}, not {heads}"
    leading = [server for server in history.servers if server.policies.leading]
    if not any(
        all(dict(one.positions) == heads and one.failure is None for one in status.subscribers)
        for status in (server.policies.status() for server in leading)
    ):
        return "policies are behind"
    if due := _due(history):
        return f"{due} are due"
    for app in history.apps:
        if not app.caught_up(heads):
            return f"the app of {app.viewer.qq} is at {app.cursor}, not {heads}"
    return None


def _due(history: "History") -> list[str]:
    """The kinds of the deadlines whose time has come, or comes soon."""
    soon = max(server.clock.now() for server in history.servers) + _SOON
    return [
        row["kind"]
        for row in history.ground.books.tables.every(deadlines).values()
        if row["due"] <= soon
    ]
