"""
A replay by several processes: each takes one cell after the other until none is left.

One interpreter computes and encodes rows on one core, however many there are; cells share no rows
but counters, which commute. So a helper does with its cells what a replay does with all of them, in
the same scratch schema, from an import of its own: it shares no connection, lock or thread with
whoever started it. A helper that hears no more from that one ends.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Engine

from projections.engine.ports import LogReader
from projections.rows import ReadModel
from replay.progress import Tally
from replay.refeed import Refeed, ReplayError, cells_of

Until: TypeAlias = Mapping[str, Mapping[int, int]]

#: With fewer, a helper has hardly started when all is done.
EVENTS_WORTH_A_HELPER: Final = 50_000
PROCESSES_MAX: Final = 4

_KEEP_SECONDS: Final = 0.2


class Opened(NamedTuple):
    """What a replay works on; the engine connects as the tables' owner."""

    log: LogReader
    engine: Engine
    models: Sequence[ReadModel]


#: Opens it in another process, so it can be pickled.
Open: TypeAlias = Callable[[], AbstractContextManager[Opened]]


class HelperError(Exception):
    """A helper ended before its work was done; says of what kind its error was."""


def processes() -> int:
    """How many processes a replay takes: what this one may run on, within reason."""
    return min(PROCESSES_MAX, len(os.sched_getaffinity(0)))


def run_together(feed: Refeed, until: Until, open_: Open | None, helpers: int) -> None:
    """
    Feed the models, with as many helpers as are worth starting; see ``Refeed.run``.

    :param open_: by which a helper comes to log and database; without it there are none.
    :raises ReplayError: a model cannot take an event.
    :raises HelperError: a helper broke down.
    """
    tally, sizes = feed.tally(until), _sizes(feed, until)
    worth = min(helpers, sum(sizes.values()) // EVENTS_WORTH_A_HELPER, len(sizes) - 1)
    if open_ is None or worth <= 0:
        feed.run(until, tally=tally)
        return
    deal = _Deal(sizes)
    task = _Task(open_, [model.name for model in feed.models], feed.schema, until)
    with _helping(task, worth, deal, tally) as helped:
        feed.run(until, deal, tally)
        while wait(helped, _KEEP_SECONDS).not_done:
            feed.keep()
        for one in helped:
            one.result()


class _Deal:
    """Cells to be fed, the longest first; each is dealt once, to whichever thread asks."""

    def __init__(self, sizes: Mapping[int, int]) -> None:
        self._cells = deque(sorted(sizes, key=lambda cell: (-sizes[cell], cell)))

    def __iter__(self) -> Iterator[int]:
        while (cell := self.next()) is not None:
            yield cell

    def next(self) -> int | None:
        """Another; None when all are dealt."""
        try:
            return self._cells.popleft()
        except IndexError:
            return None


class _Task(NamedTuple):
    open_: Open
    names: Collection[str]
    schema: str
    until: Until


class _Fed(NamedTuple):
    """So many more events are done."""

    events: int


class _Next:
    """Asks for a cell; the answer is its number, or None."""


def _sizes(feed: Refeed, until: Until) -> dict[int, int]:
    """How many events there are in each cell that has any to feed."""
    stretches = [feed.stretch(until, cell) for cell in cells_of(until)]
    return {one.cell: one.until - one.after for one in stretches if one.until > one.after}


@contextmanager
def _helping(
    task: _Task, number: int, deal: _Deal, tally: Tally
) -> Iterator[Sequence[Future[None]]]:
    """Helpers at work, a future each; whoever still works when the block ends is stopped."""
    # Not by fork: there are threads, locks and connections in here that a copy must not have.
    context = get_context("spawn")
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(number, thread_name_prefix="replay-help"))
        helped: list[Future[None]] = []
        for _ in range(number):
            ours, theirs = context.Pipe()
            helper = context.Process(target=_help, args=(task, theirs), daemon=True)
            helper.start()
            theirs.close()
            stack.callback(helper.join)
            stack.callback(helper.terminate)
            helped.append(threads.submit(_attend, ours, deal, tally))
        yield helped


def _attend(connection: Connection, deal: _Deal, tally: Tally) -> None:
    """
    Answer one helper until it is done.

    :raises ReplayError, HelperError: it is not.
    """
    with connection:
        while True:
            try:
                match connection.recv():
                    case _Fed(events):
                        tally.add(events)
                    case _Next():
                        connection.send(deal.next())
                    case ReplayError() | HelperError() as error:
                        raise error
                    case _:
                        return
            except (EOFError, ConnectionError):
                raise HelperError("a process that helped with the replay was ended") from None


class _Telling(Tally):
    """Tells whoever started this process."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(None, 0)
        self._connection = connection

    def add(self, events: int) -> None:
        self._connection.send(_Fed(events))


def _help(task: _Task, connection: Connection) -> None:
    """A helper's life."""
    # An interrupt goes to all processes of a terminal; ours is ended by whoever started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with task.open_() as (log, engine, models):
            chosen = [model for model in models if model.name in task.names]
            cells = cells_of(task.until)
            feed = Refeed(log, engine, task.schema, chosen, cells, lambda: None)
            feed.run(task.until, _dealt(connection), _Telling(connection))
        connection.send(None)
    except (EOFError, ConnectionError):
        return
    except ReplayError as error:
        connection.send(error)
    except Exception as error:  # noqa: BLE001 - told where it can be acted upon
        connection.send(
            HelperError(f"a process that helped with the replay failed: {type(error).__name__}")
        )


def _dealt(connection: Connection) -> Iterator[int]:
    while True:
        connection.send(_Next())
        cell = connection.recv()
        if cell is None:
            return
        yield cell
