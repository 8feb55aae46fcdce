"""
What the examples of a backtest's report say: looked up in the log, and opened for a stated purpose.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from api.http.positions import parse_positions
from api.services import AuditLog, events_at
from domain.event import Recorded
from domain.sealed import Sealed
from replay.backtest.report import Report
from replay.backtest.texts import text_of

#: By position, what a text says by field; null what can no longer be read.
Texts: TypeAlias = dict[str, dict[str, str | None]]


async def examples_of(log: AuditLog, report: Report) -> list[Recorded]:
    """The events that a report's examples are about, in order."""
    recorded: list[Recorded] = []
    for cell, positions in sorted(_places(report).items()):
        recorded += await events_at(log, cell, sorted(positions))
    return recorded


def _places(report: Report) -> Mapping[int, Sequence[int]]:
    differing = (report.newly_caught, report.no_longer_caught, report.otherwise_caught)
    places = {example.position for kind in differing for example in kind.examples}
    places |= {example.text for example in report.contradicted.examples}
    by_cell: dict[int, list[int]] = {}
    for place in places:
        ((cell, position),) = parse_positions(place).items()
        by_cell.setdefault(cell, []).append(position)
    return by_cell


def opened(recorded: Iterable[Recorded], open: Callable[[Sealed[str]], str | None]) -> Texts:
    """What some events say."""
    texts: Texts = {}
    for event in recorded:
        text = text_of(event)
        if text is not None:
            texts[event.at] = {name: open(said) for name, said in text.fields}
    return texts
