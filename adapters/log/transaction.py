"""
One batch inside one transaction: the append, to the letter.

Raise the heads, which locks everyone else out of their cells; look at guards; write, and let the
unique keys speak. Only when they do, look up what is known, drop the losers, renumber, and write
once more. A command that cannot be written for a reason of its own is found by writing one at a
time, so that it fails alone. The caller commits.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec
from sqlalchemy.exc import DBAPIError

from adapters.database import is_lost
from adapters.log import copy, statements
from adapters.log.batch import Answer, EpochOf, Facts, Head, Plan, Submission, plan, recorded
from adapters.log.statements import Cursor, Prepared
from commands.ports import Clock, LogFault
from domain.event import Recorded

logger = logging.getLogger("homezone.log")

#: What events change in the models that the append's own transaction writes.
Inline = Callable[[Sequence[Recorded]], Sequence[Prepared]]

_UNIQUE: Final = "23505"
#: SQLSTATE classes that tell of the server's state, not of what it was asked to write: connection,
#: transaction, rollback, resources, not ready, intervention, system, internal.
_OF_THE_SERVER: Final = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})


class Setting(msgspec.Struct, frozen=True):
    """What every transaction of a log shares."""

    clock: Clock
    inline: Inline | None
    epoch_of: EpochOf | None


class Written(msgspec.Struct, frozen=True):
    """
    What a transaction holds, once committed. ``rest`` is still to be run, best with the commit.
    """

    plan: Plan
    facts: Facts
    events: Sequence[Recorded]
    rest: Sequence[Prepared] = ()


class Connected(Protocol):
    """A session, as far as a transaction needs it."""

    def cursor(self) -> Cursor: ...

    def run(self, prepared: Sequence[Prepared]) -> None: ...


def write(
    session: Connected,
    submissions: Sequence[Submission],
    setting: Setting,
    *,
    careful: bool = False,
) -> Written:
    """
    Begin a transaction and write a batch; the commit is the caller's.

    :param careful: leave no ``rest``: what an inline model cannot take is found here and now.
    :raises Exception: the server cannot write now; nothing is known of the commands.
    """
    return _Batch(session, submissions, setting, careful=careful).run()


def sqlstate_of(error: BaseException) -> str | None:
    """PostgreSQL's code for an error, whoever wrapped it."""
    if isinstance(error, DBAPIError):
        error = error.orig or error
    code: str | None = getattr(error, "pgcode", None)
    return code


def is_of_the_server(error: BaseException) -> bool:
    """Whether an error tells of the connection or the server, and may be gone when tried again."""
    state = sqlstate_of(error)
    if state is not None:
        return state[:2] in _OF_THE_SERVER
    if isinstance(error, DBAPIError):
        error = error.orig or error
    return is_lost(error)


class _Batch:
    def __init__(
        self,
        session: Connected,
        submissions: Sequence[Submission],
        setting: Setting,
        *,
        careful: bool,
    ) -> None:
        self._session = session
        self._cursor = session.cursor()
        self._submissions = submissions
        self._setting = setting
        self._careful = careful
        self._facts = Facts({}, {})
        self._events: Sequence[Recorded] = ()
        self._rest: Sequence[Prepared] = ()

    def run(self) -> Written:
        added: dict[int, int] = dict.fromkeys(
            sorted(frozenset().union(*[each.cells for each in self._submissions])), 0
        )
        for each in self._submissions:
            added[each.append.cell] += len(each.append.events)
        guards = {pair for each in self._submissions for pair in each.append.guards.items()}
        now = self._setting.clock.now()
        heads, stale = statements.begin(self._cursor, added, now, guards)
        self._facts.heads = heads
        self._facts.recorded_at = {cell: head.recorded_at for cell, head in heads.items()}
        self._facts.stale = stale
        done = self._attempt()
        rest = [*self._rest, *_corrections(heads, added, done)]
        if self._careful:
            self._session.run(rest)
            rest = []
        return Written(done, self._facts, self._events, rest)

    def _attempt(self) -> Plan:
        """At most: believe, know, then one at a time."""
        believed = self._plan(self._submissions)
        if keys := believed.losers_keys():
            self._facts.answers = statements.answers(self._cursor, keys)
            believed = self._plan(self._submissions)
        try:
            self._write(believed, "SAVEPOINT batch")
        except Exception as error:
            if is_of_the_server(error):
                raise
            again = sqlstate_of(error) == _UNIQUE
        else:
            return believed
        self._undo("batch")
        self._look_everything_up()
        known = self._plan(self._submissions)
        if again and not known.same_losers(believed):
            try:
                self._write(known)
            except Exception as error:
                if is_of_the_server(error):
                    raise
            else:
                return known
            self._undo("batch")
        return self._one_by_one()

    def _plan(self, submissions: Sequence[Submission]) -> Plan:
        return plan(submissions, self._facts, self._setting.epoch_of)

    def _write(self, result: Plan, first: str = "") -> None:
        """
        :param first: a statement to go before all others, on the same journey if there is one.
        """
        events = copy.events_of(result, dict(self._facts.recorded_at))
        self._events, self._rest = recorded(result, self._facts), ()
        inline = self._setting.inline
        before = f"{first}; " if first else ""
        if events is not None:
            self._cursor.copy_expert(before + copy.EVENTS, events, copy.CHUNK_BYTES)
        elif first:
            self._cursor.execute(first)
        keys = copy.commands_of(result)
        if keys is not None:
            self._cursor.copy_expert(copy.COMMANDS, keys, copy.CHUNK_BYTES)
        if inline is not None and self._events:
            self._rest = inline(self._events)
            if self._careful:
                self._session.run(self._rest)
                self._rest = ()

    def _undo(self, savepoint: str) -> None:
        self._cursor.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")

    def _look_everything_up(self) -> None:
        streams = {new.stream for each in self._submissions for new in each.append.events}
        keys = {each.key_at for each in self._submissions} - {None}
        self._facts.versions = statements.versions(self._cursor, streams)
        self._facts.answers = statements.answers(self._cursor, [key for key in keys if key])

    def _one_by_one(self) -> Plan:
        """Each alone behind a savepoint, with what the earlier ones wrote taken as known."""
        whole = Plan()
        events: list[Recorded] = []
        lost: set[Submission] = set()
        self._careful = True
        for each in self._submissions:
            alone = plan([each], self._facts, self._setting.epoch_of, lost)
            if alone.written:
                try:
                    self._write(alone, "SAVEPOINT one")
                except Exception as error:
                    if is_of_the_server(error):
                        raise
                    self._undo("one")
                    alone = Plan()
                    alone.results.append((each, _fault(error, each)))
                    lost.add(each)
                else:
                    self._cursor.execute("RELEASE SAVEPOINT one")
                    events += self._events
            self._facts = after(self._facts, alone)
            whole.absorb(alone)
        self._events = events
        return whole


def _corrections(
    heads: Mapping[int, Head], added: Mapping[int, int], done: Plan
) -> Iterator[Prepared]:
    """The heads were raised by all that was queued; losers leave no gap."""
    truly = {
        cell: heads[cell].position + done.added.get(cell, 0)
        for cell, count in added.items()
        if done.added.get(cell, 0) != count or cell in done.epochs
    }
    if truly:
        yield statements.correct_heads(truly, done.epochs)


def after(facts: Facts, done: Plan) -> Facts:
    """What is known once a plan is written, for the next one under the same locks."""
    heads = dict(facts.heads)
    for cell in done.added.keys() | done.epochs.keys():
        head = heads[cell]
        heads[cell] = Head(
            head.position + done.added.get(cell, 0),
            facts.recorded_at.get(cell, head.recorded_at),
            done.epochs.get(cell, head.rules_epoch),
        )
    versions = dict(facts.versions or {})
    answers = dict(facts.answers)
    for submission, first in done.written:
        append = submission.append
        versions.update((new.stream, new.version) for new in append.events)
        if (at := submission.key_at) is not None and append.key is not None:
            answers[at] = Answer(
                append.cell, append.key.digest, append.answer, first, len(append.events)
            )
    return msgspec.structs.replace(facts, heads=heads, versions=versions, answers=answers)


def _fault(error: BaseException, submission: Submission) -> LogFault:
    append = submission.append
    logger.error(
        "a command cannot be written, alone of its batch",
        extra={
            "fields": {
                "sqlstate": sqlstate_of(error),
                "cell": append.cell,
                "command": str(append.command),
                "correlation": str(append.correlation),
                "events": [type(new.event).__name__ for new in append.events],
            }
        },
        exc_info=error,
    )
    fault = LogFault(type(error).__name__)
    with contextlib.suppress(Exception):
        fault.__cause__ = error
    return fault
