"""
Claims that their rail does not bear out: so many a day, and no more.

A payment's reference is a secret as good as its rail makes it. Whoever guesses at others' payments
is wrong most of the time, and being wrong is counted: in a stream of the member's own beside the
payments, so that it is the same on all servers.
"""

from datetime import datetime
from typing import Final

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, derive
from domain.money import china_day

#: Honest claims are wrong when they are mistyped, or come before the rail knows of the payment.
MISCLAIMS_MAX: Final = 20


class PaymentMisclaimed(Event, frozen=True, tag="payment.misclaimed.v1"):
    """A member claimed what the rail does not know, or not so; on ``day``, by China's calendar."""

    member: MemberId
    rail: str
    day: str
    effective_at: datetime


class Misclaims(msgspec.Struct, frozen=True):
    """How many there were on the last day that had any."""

    day: str = ""
    count: int = 0

    def on(self, day: str) -> int:
        """How many there were on a day, be it the last or a later one."""
        return self.count if day == self.day else 0


def evolve(misclaims: Misclaims, event: PaymentMisclaimed, version: int) -> Misclaims:
    """The count after one more."""
    return Misclaims(event.day, misclaims.on(event.day) + 1)


MISCLAIMS: Aggregate[Misclaims] = Aggregate("misclaims", Misclaims(), evolve)


def misclaims_stream(member: MemberId) -> StreamId:
    """A member's wrong claims stand in the directory cell, beside the payments."""
    return StreamId(derive(DIRECTORY_CELL, "misclaims", member))


# Decisions


def may_claim(misclaims: Misclaims, at: datetime) -> None:
    """
    Whether somebody may claim another payment.

    :raises Refused: too many claims of the day were wrong.
    """
    if misclaims.on(_day(at)) >= MISCLAIMS_MAX:
        raise Refused("claims-exhausted", "Too many claims were wrong today.", "/rail_ref")


def misclaim(member: MemberId, rail: str, at: datetime) -> tuple[PaymentMisclaimed, ...]:
    """Count a claim that was wrong."""
    return (PaymentMisclaimed(member, rail, _day(at), at),)


def _day(at: datetime) -> str:
    return china_day(at).isoformat()
