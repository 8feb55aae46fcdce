"""
Rules that are tried on history for somebody who asked over HTTP: one at a time, in a process of its
own, and kept in memory until others have taken their place. A server that restarts knows none.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from commands.ports import BadRule
from domain.rules import RuleSet
from replay.backtest.report import Report
from replay.backtest.words import (
    COMMAND,
    Bad,
    Began,
    Done,
    Failed,
    Job,
    Moment,
    Progress,
    Word,
    decode_word,
    encode,
)

State: TypeAlias = Literal["running", "done", "failed"]

#: How many are kept; a report with a thousand examples of each kind takes a few megabytes.
KEPT_MAX: Final = 20
#: Behind whatever else the machine does: members do not wait for it.
_NICENESS: Final = 10
_LINE_BYTES_MAX: Final = 64 << 20

logger = logging.getLogger("homezone")


class Busy(Exception):
    """Another one is under way."""


class NotStarted(Exception):
    """It did not come to begin; why is in the log."""


class Backtest(msgspec.Struct):
    """One of them, as far as it is."""

    id: UUID
    set: str
    asked_at: datetime
    state: State = "running"
    progress: Progress | None = None
    report: Report | None = None


class Backtests:
    """
    Those of one server.

    :param database_url: and ``keys``, the vault's directory: where history is.
    :param lent: that vault's master key, where it would have to be asked for again.
    """

    def __init__(
        self,
        database_url: str,
        keys: Path,
        lent: bytes | None,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
    ) -> None:
        self._database_url = database_url
        self._keys = keys
        self._lent = lent
        self._new_id = new_id
        self._now = now
        self._kept: OrderedDict[UUID, Backtest] = OrderedDict()
        self._busy = False
        self._following: asyncio.Task[None] | None = None

    def find(self, id: UUID) -> Backtest | None:
        """The one of that id, if it is still known."""
        return self._kept.get(id)

    async def start(
        self,
        name: str,
        rules: RuleSet,
        *,
        level: int | None,
        since: Moment | None,
        until: Moment | None,
        sample: int,
    ) -> Backtest:
        """
        Begin to try a set; returns once it is known to be usable.

        :raises Busy: another one is under way.
        :raises BadRule: a rule of it cannot be used.
        :raises NotStarted: the process ended before it began.
        """
        if self._busy:
            raise Busy
        self._busy = True
        job = Job(
            database_url=self._database_url,
            keys=str(self._keys),
            lent=self._lent,
            name=name,
            rules=rules,
            level=level,
            since=since,
            until=until,
            sample=sample,
            niceness=_NICENESS,
        )
        began: asyncio.Future[Backtest] = asyncio.get_running_loop().create_future()
        self._following = asyncio.create_task(self._follow(job, began))
        # Whoever asked may go; the slot is given back by the task all the same.
        return await asyncio.shield(began)

    async def stop(self) -> None:
        """End the one that is under way."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self, job: Job, began: "asyncio.Future[Backtest]") -> None:
        # Fetched by nobody who has gone, a failure is no error.
        began.add_done_callback(lambda done: done.cancelled() or done.exception())
        one: Backtest | None = None
        word: Word | None = None
        try:
            async with _process(job) as process:
                assert process.stdout is not None
                while line := await process.stdout.readline():
                    word = decode_word(line)
                    if isinstance(word, Began):
                        one = self._keep(job.name)
                        began.set_result(one)
                    elif one is not None and isinstance(word, Progress):
                        one.progress = word
        except Exception:
            logger.exception("rules could not be tried on history")
        finally:
            # First of all: whoever hears that it is over may ask for the next at once.
            self._busy = False
            _end(one, word, began)

    def _keep(self, name: str) -> Backtest:
        one = Backtest(self._new_id(), name, self._now())
        self._kept[one.id] = one
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return one


def _end(one: Backtest | None, word: Word | None, began: "asyncio.Future[Backtest]") -> None:
    """Tell whoever asked how it ended, by its last word."""
    if isinstance(word, Failed):
        logger.error("rules could not be tried on history: %s", word.error)
    if one is not None:
        if isinstance(word, Done):
            one.report, one.state = word.report, "done"
        else:
            one.state = "failed"
    elif isinstance(word, Bad):
        began.set_exception(BadRule(word.rule, word.reason, word.field))
    elif not began.done():
        began.set_exception(NotStarted())


@contextlib.asynccontextmanager
async def _process(job: Job) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A session of its own: a Ctrl-C at the terminal is for the server, which then ends it.
        start_new_session=True,
        limit=_LINE_BYTES_MAX,
    )
    assert process.stdin is not None
    try:
        # A large set takes a while to encode.
        process.stdin.write(await asyncio.to_thread(encode, job))
        with contextlib.suppress(ConnectionError):
            await process.stdin.drain()
        process.stdin.close()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
