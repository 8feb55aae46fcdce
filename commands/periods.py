"""
Closing a period of the books.
"""

from collections.abc import Mapping

import msgspec

from commands.work import Outcome, Work
from domain.account import DIRECTORY_CELL
from domain.event import Refused
from domain.ids import MemberId
from domain.period import (
    PERIODS,
    PERIODS_STREAM,
    Figure,
    PeriodClosed,
    Recognised,
    check,
)


class ClosePeriod(msgspec.Struct, frozen=True):
    """
    Close a month, with what was read of it.

    :param first: the month of the first posting there is.
    :param refused: why it cannot be closed, where that was seen before anything was read of it.
    """

    month: str
    first: str | None
    until: Mapping[int, int] = {}
    figures: tuple[Figure, ...] = ()
    recognised: tuple[Recognised, ...] = ()
    postings: int = 0
    root: str = ""
    refused: Refused | None = None


async def close_period(command: ClosePeriod, work: Work) -> Outcome:
    """Close it; what was closed already stays as it was closed."""
    work.cell = DIRECTORY_CELL
    stream, context = PERIODS_STREAM, work.context
    periods = await work.load(PERIODS, stream)
    if command.refused is not None:
        # Here, so that it is kept under the request's key like any other answer.
        raise command.refused
    if not check(periods, command.month, command.first, context.effective_at):
        return Outcome(stream, (stream, periods.versions[command.month]), state="closed")
    event = PeriodClosed(
        command.month,
        {str(cell): position for cell, position in sorted(command.until.items())},
        command.figures,
        command.recognised,
        command.postings,
        command.root,
        by=context.actor,
        effective_at=context.effective_at,
    )
    version = work.version(stream) + 1
    work.append(PERIODS, stream, MemberId(context.actor), (event,))
    return Outcome(stream, (stream, version), state="closed")
