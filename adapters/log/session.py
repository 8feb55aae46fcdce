"""
The writer's own connection: outside any pool, replaced when it breaks.

Transactions are begun and committed in SQL, together with the statements beside them: every journey
to the server costs the writer two turns of waiting for the interpreter, far more than its bytes do.
"""

import contextlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Engine

from adapters.log import statements
from adapters.log.statements import Cursor, Prepared
from adapters.log.transaction import Written

#: A writer that was stopped in mid-transaction must not keep the heads from the others for ever.
#: Probes are by key: statistics of a young table must not talk the planner into reading all of it.
_SETTINGS: Final = """
SET idle_in_transaction_session_timeout = '10s';
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan
"""
_ARRAY: Final = re.compile(r"%s::([A-Za-z0-9_ ]+\[\])")


class Session:
    """One connection at a time; between transactions it is in none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cursor: Cursor | None = None
        self._names: dict[str, str] = {}

    def cursor(self) -> Cursor:
        """A cursor on the connection, which is made if need be."""
        if self._cursor is None:
            pooled = self._engine.raw_connection()
            driver: Any = pooled.driver_connection
            pooled.detach()
            try:
                driver.autocommit = True
                cursor = driver.cursor()
                cursor.execute(_SETTINGS)
                statements.prepare(cursor)
            except BaseException:
                driver.close()
                raise
            self._cursor = cursor
            self._names = {}
        return self._cursor

    def run(self, prepared: Sequence[Prepared], *, commit: bool = False) -> None:
        """
        Run statements in one journey, each prepared when it is first met.

        :param commit: end the transaction with them.
        """
        cursor = self.cursor()
        said = [f"EXECUTE {self._name(sql)} ({', '.join(['%s'] * len(p))})" for sql, p in prepared]
        if commit:
            said.append("COMMIT")
        if said:
            cursor.execute(";".join(said), [each for _, some in prepared for each in some])

    def rollback(self) -> None:
        """Undo what was not committed; the connection is kept, unless it is broken."""
        if self._cursor is not None:
            # Whoever uses it next finds out, and knows what to do.
            with contextlib.suppress(Exception):
                self._cursor.execute("ROLLBACK")

    def discard(self) -> None:
        """Give the connection up; whatever it had not committed is undone."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            # It is broken, most likely; closing it is all that is left to do.
            with contextlib.suppress(Exception):
                cursor.connection.close()

    def _name(self, sql: str) -> str:
        """The name under which a statement is prepared; what was prepared outlives a rollback."""
        name = self._names.get(sql)
        if name is None:
            name = f"homezone_{len(self._names)}"
            kinds: list[str] = []

            def number(found: re.Match[str]) -> str:
                kinds.append(found[1])
                return f"${len(kinds)}"

            body = _ARRAY.sub(number, sql)
            self.cursor().execute(f"PREPARE {name} ({', '.join(kinds)}) AS {body}")
            self._names[sql] = name
        return name


def landed(cursor: Cursor, written: Written) -> bool:
    """
    Whether a batch whose commit was in doubt is in the log.

    Locking its heads first waits for the old session, should it still be committing.
    """
    cursor.execute("BEGIN")
    try:
        statements.lock_heads(cursor, _cells(written))
        return _is_there(cursor, written)
    finally:
        # Should it fail, so did the question.
        with contextlib.suppress(Exception):
            cursor.execute("ROLLBACK")


def _is_there(cursor: Cursor, written: Written) -> bool:
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
