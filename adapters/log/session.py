"""
The writer's own connection: outside any pool, replaced when it breaks.
"""

import contextlib
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Engine, text

from adapters.log import statements
from adapters.log.transaction import Written

#: A writer that was stopped in mid-transaction must not keep the heads from the others for ever.
#: Probes are by key: statistics of a young table must not talk the planner into reading all of it.
_SETTINGS: Final = (
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_seqscan = off",
)


class Session:
    """One connection at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The connection, made if need be."""
        if self._connection is None:
            connection = self._engine.connect()
            connection.detach()
            with connection.begin():
                for setting in _SETTINGS:
                    connection.execute(text(setting))
            self._connection = connection
        return self._connection

    def discard(self) -> None:
        """Give the connection up; whatever it had not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # It is broken, most likely; closing it is all that is left to do.
            with contextlib.suppress(Exception):
                connection.invalidate()
            with contextlib.suppress(Exception):
                connection.close()


def landed(connection: Connection, written: Written) -> bool:
    """
    Whether a batch whose commit was in doubt is in the log.

    Locking its heads first waits for the old session, should it still be committing.
    """
    driver = connection.connection.dbapi_connection
    assert driver is not None
    with connection.begin():
        cursor = driver.cursor()
        statements.lock_heads(cursor, _cells(written))
        for submission, first in written.plan.written:
            if submission.append.events:
                append = submission.append
                event = append.events[0]
                at = written.facts.recorded_at[append.cell]
                expected = (event.stream, event.version, append.command, at)
                return statements.event_at(cursor, append.cell, first) == expected
        for submission, _ in written.plan.written:
            key, at_key = submission.append.key, submission.key_at
            if key is not None and at_key is not None:
                found = statements.answers(cursor, [at_key]).get(at_key)
                return found is not None and found.digest == key.digest
        return False


def _cells(written: Written) -> Iterable[int]:
    return sorted({submission.append.cell for submission, _ in written.plan.written})
