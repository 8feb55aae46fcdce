"""
Migrated databases for the log's tests: one for each number of cells, emptied for each test.
"""

import functools
from contextlib import ExitStack

from sqlalchemy import text

from adapters.database import Database
from adapters.schema import migrate
from tests.support.database import fresh_database, shared_server


def migrated(cells: int) -> str:
    """The URL of a migrated database; it goes with the session's server."""
    return _kept(cells)[0]


@functools.cache
def _kept(cells: int) -> tuple[str, ExitStack]:
    # The stack is kept, never closed: the server goes, with all its data, when the session ends.
    stack = ExitStack()
    url = stack.enter_context(fresh_database(shared_server()))
    migrate(url, cells)
    return url, stack


def emptied(cells: int) -> str:
    """The same database, as it was after the migration."""
    url = migrated(cells)
    database = Database(url)
    with database.owner.begin() as connection:
        connection.execute(
            text("TRUNCATE log.events, log.commands, log.checkpoints, log.snapshots, log.leases")
        )
        connection.execute(
            text(
                "UPDATE log.log_heads SET position = 0, rules_epoch = 0,"
                " last_recorded_at = '1970-01-01 00:00:00+00'"
            )
        )
    database.dispose()
    return url
