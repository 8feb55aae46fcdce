"""
What minors may pay: by age, a top-up and a month (China's notice of 2019 on minors and games).

The sum of a month is a stream in the directory cell, written in the very append that claims a
payment, so that two payments at once cannot both be the last that fits, and no payment that was
claimed is ever refused its coins. Those of age have no such stream.
"""

from datetime import date, datetime
from typing import Final, TypeAlias

import msgspec

from domain.account import DIRECTORY_CELL
from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, PaymentId, StreamId, derive
from domain.money import china_day, china_month

OF_AGE: Final = 18


class Limit(msgspec.Struct, frozen=True):
    """Until the birthday of ``below``: so many fen a top-up, and so many a month."""

    below: int
    each_fen: int
    month_fen: int


#: A change is a new version, added here: what was taken names the one it was decided by.
LIMITS: Final[dict[int, tuple[Limit, ...]]] = {
    1: (Limit(8, 0, 0), Limit(16, 5_000, 20_000), Limit(OF_AGE, 10_000, 40_000)),
}
VERSION: Final = 1


class AllowanceTaken(Event, frozen=True, tag="allowance.taken.v1"):
    """A minor's payment counts in a month, ``2026-11``, of China's calendar."""

    member: MemberId
    payment: PaymentId
    month: str
    fen: int
    limits: int


class AllowanceReturned(Event, frozen=True, tag="allowance.returned.v1"):
    """That payment came to nothing, and counts no longer, unless its money comes after all."""

    member: MemberId
    payment: PaymentId
    month: str
    fen: int


AllowanceEvent: TypeAlias = AllowanceTaken | AllowanceReturned


class Taken(msgspec.Struct, frozen=True):
    """What one payment takes of a month."""

    month: str
    fen: int


class Allowance(msgspec.Struct, frozen=True):
    """What counts, by payment; and what would, had the payment not failed."""

    taken: dict[PaymentId, Taken] = {}
    returned: dict[PaymentId, Taken] = {}

    def of_month(self, month: str) -> int:
        """How many fen count in a month."""
        return sum(one.fen for one in self.taken.values() if one.month == month)


def evolve(allowance: Allowance, event: AllowanceEvent, version: int) -> Allowance:
    """The allowance after one more event."""
    payment, one = event.payment, Taken(event.month, event.fen)
    match event:
        case AllowanceTaken():
            return Allowance(
                {**allowance.taken, payment: one}, _without(allowance.returned, payment)
            )
        case AllowanceReturned():
            return Allowance(
                _without(allowance.taken, payment), {**allowance.returned, payment: one}
            )


def _without(some: dict[PaymentId, Taken], payment: PaymentId) -> dict[PaymentId, Taken]:
    return {one: it for one, it in some.items() if one != payment}


ALLOWANCE: Aggregate[Allowance] = Aggregate("allowance", Allowance(), evolve)


def allowance_stream(member: MemberId) -> StreamId:
    """A minor's allowance stands in the directory cell, beside the payments."""
    return StreamId(derive(DIRECTORY_CELL, "allowance", member))


def age_at(birth: date, moment: datetime) -> int:
    """The age in years on the calendar day in China; those of 29 February grow older in March."""
    day = china_day(moment)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def minor(birth: date, moment: datetime) -> bool:
    """Whether somebody is not of age at a moment."""
    return age_at(birth, moment) < OF_AGE


# Decisions


def take(
    allowance: Allowance,
    member: MemberId,
    birth: date,
    payment: PaymentId,
    fen: int,
    at: datetime,
) -> tuple[AllowanceEvent, ...]:
    """
    Let a payment count in its month; nothing for somebody of age.

    :raises Refused: too young to pay, or it is beyond a limit.
    """
    age = age_at(birth, at)
    limit = next((one for one in LIMITS[VERSION] if age < one.below), None)
    if limit is None or payment in allowance.taken:
        return ()
    if not limit.each_fen:
        raise Refused("minor-may-not-pay", "Children under eight cannot pay.")
    month = china_month(at)
    if fen > limit.each_fen:
        raise Refused("minor-limit", f"At most {limit.each_fen // 100} yuan at once.", "/coins")
    if allowance.of_month(month) + fen > limit.month_fen:
        raise Refused("minor-limit", f"At most {limit.month_fen // 100} yuan a month.", "/coins")
    return (AllowanceTaken(member, payment, month, fen, VERSION),)


def give_back(
    allowance: Allowance, member: MemberId, payment: PaymentId
) -> tuple[AllowanceEvent, ...]:
    """Let a payment that came to nothing count no longer."""
    taken = allowance.taken.get(payment)
    if taken is None:
        return ()
    return (AllowanceReturned(member, payment, taken.month, taken.fen),)


def take_again(
    allowance: Allowance, member: MemberId, payment: PaymentId
) -> tuple[AllowanceEvent, ...]:
    """
    Let a payment that failed count once more, in its month: its money came after all. It is not
    refused, be it beyond a limit by now, for it is paid.
    """
    returned = allowance.returned.get(payment)
    if returned is None:
        return ()
    return (AllowanceTaken(member, payment, returned.month, returned.fen, VERSION),)
