"""
What a member asked to have a copy of: all that is theirs.

The copy itself is made while it is fetched, so nothing of it lies about. What is kept is that it
was asked for, and until when it can be fetched.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import ExportId, MemberId, StreamId, cell_of, derive

#: How long a copy can be fetched.
FETCHABLE: Final = timedelta(days=7)
#: How many copies a member may ask for within a day.
EXPORTS_A_DAY_MAX: Final = 5
_DAY: Final = timedelta(days=1)


class ExportAsked(Event, frozen=True, tag="export.asked.v1"):
    """A member asked for a copy of all that is theirs."""

    member: MemberId
    export: ExportId
    asked_at: datetime
    expires_at: datetime


class Asked(msgspec.Struct, frozen=True):
    """A copy that can be fetched until then; ``version`` is that of the event that made it so."""

    export: ExportId
    asked_at: datetime
    expires_at: datetime
    version: int


class Exports(msgspec.Struct, frozen=True):
    """The copies that could be fetched when the latest was asked for, in that order."""

    asked: tuple[Asked, ...] = ()

    def at(self, now: datetime) -> list[Asked]:
        """Those that can be fetched now, the latest first."""
        return [one for one in reversed(self.asked) if now < one.expires_at]


def evolve(exports: Exports, event: ExportAsked, version: int) -> Exports:
    """The copies after one more was asked for."""
    still = (one for one in exports.asked if event.asked_at < one.expires_at)
    return Exports((*still, Asked(event.export, event.asked_at, event.expires_at, version)))


EXPORTS: Aggregate[Exports] = Aggregate("exports", Exports(), evolve)


def exports_stream(member: MemberId) -> StreamId:
    """The stream of a member's copies."""
    return StreamId(derive(cell_of(member), "exports", member))


def ask(
    exports: Exports, member: MemberId, export: ExportId, at: datetime
) -> tuple[ExportAsked, ...]:
    """
    Ask for one more.

    :raises Refused: there were too many within a day.
    """
    if sum(at - _DAY < one.asked_at for one in exports.asked) >= EXPORTS_A_DAY_MAX:
        raise Refused("exports-exhausted", "The copies of today can still be fetched.")
    return (ExportAsked(member, export, at, at + FETCHABLE),)
