"""
Lots: which coins are which, and in which order they are spent.

Coins of one origin, bought by one payment or granted at once, are a lot. What is taken from lots is
a list of parts that says how many coins of which lot at which cost, and is stored with the event;
so giving back restores those very lots, whatever the order of spending is by then.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from domain.event import Refused
from domain.ids import LotId, PaymentId, cell_of, derive
from domain.money import Worth

Kind: TypeAlias = Literal["paid", "bonus"]

#: The order of spending and of giving back that this module implements: bonus coins first, the
#: soonest to expire before all, then paid ones, first in, first out; back come the last taken
#: first. Stored with whatever was decided by it; another order is another version.
POLICY: Final = 1


class Bought(msgspec.Struct, frozen=True, tag="paid"):
    """Coins that a payment bought; they never expire."""

    rail: str
    payment: PaymentId


class Granted(msgspec.Struct, frozen=True, tag="bonus"):
    """
    Coins that cost nothing and expire.

    :param of: the lot whose expired coins came back as this one.
    """

    expires_at: datetime
    of: LotId | None = None


class Part(msgspec.Struct, frozen=True):
    """Coins taken from a lot. ``fen`` is what exactly these cost."""

    lot: LotId
    kind: Kind
    coins: int
    fen: int

    @property
    def worth(self) -> Worth:
        """Its coins and their cost."""
        return Worth(self.coins, self.fen)

    def of(self, worth: Worth) -> "Part":
        """Other coins of the same lot."""
        return Part(self.lot, self.kind, worth.coins, worth.fen)


class Returned(msgspec.Struct, frozen=True):
    """
    Coins that go back. ``into`` is the lot they came from, or a new one where that has expired;
    ``expires_at`` is the new one's.
    """

    part: Part
    into: LotId
    expires_at: datetime | None = None


class Lot(msgspec.Struct, frozen=True):
    """
    Coins of one origin.

    :param began: all of them, with their cost: the unit cost is this exact pair.
    :param left: those neither spent, held nor expired.
    :param gone: those that expired, or came back as another lot: nothing brings them back here.
    :param ended: an event said that its time is over; whatever any clock says, it takes in nothing.
    """

    id: LotId
    source: Bought | Granted
    began: Worth
    left: Worth
    acquired_at: datetime
    gone: int = 0
    ended: bool = False

    @property
    def kind(self) -> Kind:
        """Whether somebody paid for them."""
        return "paid" if isinstance(self.source, Bought) else "bonus"

    def expired(self, at: datetime) -> bool:
        """Whether its time is over, be it that no timer has come round to say so."""
        return self.ended or (isinstance(self.source, Granted) and self.source.expires_at <= at)

    @property
    def over(self) -> bool:
        """Whether it has ended, and none of its coins is anywhere it could come back from."""
        return self.ended and self.gone == self.began.coins

    def part(self, coins: int) -> Part:
        """Some of what is left."""
        worth = self.left.share(coins)
        return Part(self.id, self.kind, worth.coins, worth.fen)


def balance(lots: Iterable[Lot], at: datetime) -> int:
    """The coins that can be spent at a moment."""
    return sum(lot.left.coins for lot in lots if not lot.expired(at))


def allocate(lots: Sequence[Lot], coins: int, at: datetime) -> tuple[Part, ...]:
    """
    Which coins are spent, in the order of the policy.

    :param lots: in the order in which they were acquired.
    :raises Refused: there are not enough.
    """
    parts: list[Part] = []
    missing = coins
    for lot in sorted(lots, key=_turn):
        if missing and lot.left.coins and not lot.expired(at):
            parts.append(lot.part(min(missing, lot.left.coins)))
            missing -= parts[-1].coins
    if missing:
        raise Refused("insufficient-coins", "The wallet does not hold enough coins.")
    return tuple(parts)


def _turn(lot: Lot) -> tuple[int, float]:
    if isinstance(lot.source, Granted):
        return (0, lot.source.expires_at.timestamp())
    return (1, 0.0)


def split(parts: Sequence[Part], coins: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The first coins of some parts, and the rest; together exactly what there was."""
    first: list[Part] = []
    rest: list[Part] = []
    missing = coins
    for part in parts:
        taken = part.of(part.worth.share(min(missing, part.coins)))
        left = part.of(part.worth.minus(taken.worth))
        missing -= taken.coins
        first += [taken] if taken.coins else []
        rest += [left] if left.coins else []
    if missing:
        raise ValueError("more coins than there are in these parts")
    return tuple(first), tuple(rest)


def give_back(
    lots: Sequence[Lot], parts: Iterable[Part], taken_at: datetime, at: datetime, cause: bytes
) -> tuple[Returned, ...]:
    """
    Where coins go that come back: to the very lots they came from. Those of a lot that has expired
    meanwhile, or was ended by a server whose clock is ahead of this one's, become a lot of their
    own, with the life they had left when they were taken.

    :param cause: names what gives them back; the same always makes the same new lots.
    """
    by_id = {lot.id: lot for lot in lots}
    returned: list[Returned] = []
    for part in parts:
        lot = by_id[part.lot]
        if isinstance(lot.source, Granted) and lot.expired(at):
            anew = LotId(derive(cell_of(lot.id), "returned-lot", lot.id, cause))
            life = lot.source.expires_at - taken_at
            returned.append(Returned(part, anew, at + life))
        else:
            returned.append(Returned(part, part.lot))
    return tuple(returned)


def coins_in(parts: Iterable[Part]) -> int:
    """How many coins some parts are."""
    return sum(part.coins for part in parts)
