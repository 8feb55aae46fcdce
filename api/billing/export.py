"""
The ledger as a file: every transaction between two moments, and before them what was carried over.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

from api.billing.beancount import Beancount
from api.billing.hledger import Hledger
from api.billing.journal import Journal, Transaction
from api.http.positions import format_positions
from domain.event import Event, Recorded
from domain.ids import StreamId
from domain.money import china_day
from domain.period import PERIODS_STREAM, PeriodClosed
from projections.postings import POSTING

Format: TypeAlias = Literal["beancount", "hledger"]
Moment: TypeAlias = Mapping[int, int] | datetime

#: Events of each cell that are in memory at once.
_STEP: Final = 1_000


class Log(Protocol):
    """The log, read in order."""

    def heads(self) -> Mapping[int, int]: ...

    def heads_at(self, moment: datetime) -> Mapping[int, int]: ...

    def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Sequence[type[Event]] | None = None,
    ) -> Sequence[Recorded]: ...

    def read_streams(
        self, stretches: Sequence[tuple[StreamId, int, int | None]]
    ) -> Sequence[Sequence[Recorded]]: ...


class Writer(Protocol):
    """A format."""

    def header(self, about: str) -> str: ...

    def text(self, transaction: Transaction) -> str: ...


WRITERS: Final[Mapping[Format, Callable[[], Writer]]] = {
    "beancount": Beancount,
    "hledger": Hledger,
}


def export(log: Log, format: Format, since: Moment | None, until: Moment | None) -> Iterator[str]:
    """
    The file, piece by piece; it takes memory for the lots there are, and for no transaction.

    :param since: after which moment; what was before is one transaction, lot by lot.
    """
    heads = log.heads()
    start = {} if since is None else _vector(log, since)
    asked = heads if until is None else _vector(log, until)
    end = {cell: min(asked.get(cell, 0), at) for cell, at in heads.items()}
    journal, writer = Journal(_closed(log)), WRITERS[format]()
    yield writer.header(f"Homezone, after {_shown(start)}, up to {_shown(end)}")
    carried: Recorded | None = None
    before = {cell: min(start.get(cell, 0), at) for cell, at in end.items()}
    for recorded in _in_order(log, {}, before):
        journal.take(recorded)
        carried = recorded
    if carried is not None:
        yield writer.text(journal.carried(china_day(carried.recorded_at), _shown(before)))
    for recorded in _in_order(log, before, end):
        transaction = journal.take(recorded)
        if transaction is not None and transaction.legs:
            yield writer.text(transaction)


def _vector(log: Log, moment: Moment) -> Mapping[int, int]:
    return log.heads_at(moment) if isinstance(moment, datetime) else moment


def _shown(vector: Mapping[int, int]) -> str:
    return format_positions({cell: at for cell, at in vector.items() if at}) or "nothing"


def _closed(log: Log) -> list[PeriodClosed]:
    (history,) = log.read_streams([(PERIODS_STREAM, 0, None)])
    return [one.event for one in history if isinstance(one.event, PeriodClosed)]


def _in_order(log: Log, after: Mapping[int, int], until: Mapping[int, int]) -> Iterator[Recorded]:
    """What posts, as it was recorded; within a cell in the order of positions."""
    cells: Iterable[Iterator[Recorded]] = [
        _of_cell(log, cell, after.get(cell, 0), end) for cell, end in sorted(until.items())
    ]
    return heapq.merge(*cells, key=lambda one: (one.recorded_at, one.cell, one.position))


def _of_cell(log: Log, cell: int, after: int, until: int) -> Iterator[Recorded]:
    while after < until:
        events = log.read(cell, after, _STEP, until, POSTING)
        after = events[-1].position if len(events) == _STEP else until
        yield from events
