"""
What an order took, and how much of it has been given back.

Refunds come from rails, operators and timers, twice or out of order; a charge is where each counts
once and all of them never exceed what was taken.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.event import Refused
from domain.ids import LotId
from domain.lots import Part, coins_in, split


class Charge(msgspec.Struct, frozen=True):
    """
    Coins that an order took.

    :param taken: in the order in which they were taken; ``left`` are those not refunded, likewise.
    :param refunds: those that counted, the first first.
    """

    taken: tuple[Part, ...]
    left: tuple[Part, ...]
    taken_at: datetime
    refunds: tuple[UUID, ...] = ()

    @property
    def refundable(self) -> int:
        """How many coins can still be refunded."""
        return coins_in(self.left)

    def without(self, refund: UUID, parts: Sequence[Part]) -> "Charge":
        """After a refund."""
        rest, back = split(self.left, self.refundable - coins_in(parts))
        if back != tuple(parts):
            raise ValueError("a refund of other coins than were taken last")
        return msgspec.structs.replace(self, left=rest, refunds=(*self.refunds, refund))

    def of(self, lot: LotId) -> tuple[Part, ...]:
        """What is left of a lot's coins."""
        return tuple(part for part in self.left if part.lot == lot)

    def lifted(self, parts: Sequence[Part]) -> "Charge":
        """Without some parts, for as long as their lots are reversed."""
        lots = {part.lot for part in parts}
        return msgspec.structs.replace(
            self, left=tuple(part for part in self.left if part.lot not in lots)
        )

    def put_back(self, parts: Sequence[Part]) -> "Charge":
        """With those parts again, in the order in which they were taken."""
        turns = {part.lot: turn for turn, part in enumerate(self.taken)}
        left = sorted((*self.left, *parts), key=lambda part: turns[part.lot])
        return msgspec.structs.replace(self, left=tuple(left))


def charge_of(parts: tuple[Part, ...], taken_at: datetime) -> Charge:
    """A charge nothing of which has been refunded."""
    return Charge(parts, parts, taken_at)


def refunding(charge: Charge, refund: UUID, coins: int | None) -> tuple[Part, ...]:
    """
    The coins that a refund gives back: those taken last first.

    :param coins: how many; None for all that are left.
    :returns: nothing when this refund was made before, or when there is nothing left of all.
    :raises Refused: there are not so many left.
    """
    if refund in charge.refunds:
        return ()
    if coins is not None and coins > charge.refundable:
        raise Refused("refund-too-much", "More than this order still holds.", "/coins")
    wanted = charge.refundable if coins is None else coins
    _, back = split(charge.left, charge.refundable - wanted)
    return back
