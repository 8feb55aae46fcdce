"""
What members' coins must be, worked out anew from what happened to them.

It knows the rules as they are told to clients and nothing of the code that follows them: which lot
is spent first, what a part of a lot cost, where coins go that come back. Each event is held against
that before it is believed, so a purse is what it must be at every commit.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from domain.event import Recorded
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletToppedUp,
)
from tests.simulation.legal import must

#: Coins of a lot, and the fen that they cost.
Taken: TypeAlias = tuple[UUID, int, int]
#: Coins, and the fen that they cost.
Worth: TypeAlias = tuple[int, int]


@dataclass(eq=False)
class Lot:
    """Coins of one origin: ``left`` of them, for which ``fen`` were paid; bonus ones expire."""

    id: UUID
    coins: int
    left: int
    fen: int
    expires_at: datetime | None = None
    acquired_at: datetime | None = None

    @property
    def kind(self) -> str:
        """Whether somebody paid for them."""
        return "paid" if self.expires_at is None else "bonus"

    def over(self, at: datetime) -> bool:
        """Whether they cannot be spent any longer."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(eq=False)
class Held:
    """
    Coins set aside for an order: ``took`` are those that are, or were until their lots' payments
    were taken back, which ``gone`` names; ``captured`` are those that were spent of it.
    """

    took: list[Taken]
    held_at: datetime
    expires_at: datetime
    coins: int
    captured: int = 0
    #: In escrow: it is for a friend who has not answered.
    gift: bool = False
    gone: set[UUID] = field(default_factory=set)

    @property
    def parts(self) -> list[Taken]:
        """What is there."""
        return [part for part in self.took if part[0] not in self.gone]


@dataclass(eq=False)
class Reversal:
    """
    What is gone of a lot whose payment was taken back, as coins and fen: ``taken`` from the lot,
    from the escrow of gifts, and with orders. ``owed`` is the rest, once all was looked for.
    """

    taken: Worth
    escrow: dict[UUID, Worth] = field(default_factory=dict)
    orders: dict[UUID, Worth] = field(default_factory=dict)
    owed: Worth | None = None

    @property
    def gone(self) -> Worth:
        """All of it."""
        every = (self.taken, *self.escrow.values(), *self.orders.values())
        return sum(coins for coins, _ in every), sum(fen for _, fen in every)


@dataclass(eq=False)
class Purse:
    """One member's coins, and what was taken from them by order."""

    lots: dict[UUID, Lot] = field(default_factory=dict)
    holds: dict[UUID, Held] = field(default_factory=dict)
    spent: dict[UUID, tuple[list[Taken], datetime]] = field(default_factory=dict)
    back: dict[UUID, list[Taken]] = field(default_factory=dict)
    #: What was captured of ordinary holds, by lot: nothing of that comes back.
    used: Counter[UUID] = field(default_factory=Counter)
    reversed: dict[UUID, Reversal] = field(default_factory=dict)

    @property
    def owed(self) -> int:
        """Coins that were used up although their payments were taken back."""
        return sum(one.owed[0] for one in self.reversed.values() if one.owed is not None)

    def balance(self, at: datetime) -> int:
        """What can be spent."""
        return sum(lot.left for lot in self.lots.values() if not lot.over(at))

    def coins(self, kind: str) -> int:
        """All coins of a kind, be they over."""
        return sum(lot.left for lot in self.lots.values() if lot.kind == kind)

    @property
    def held(self) -> int:
        """All that is set aside."""
        return sum(coins_in(hold.parts) for hold in self.holds.values())

    @property
    def escrow(self) -> int:
        """What of it is for friends."""
        return sum(coins_in(hold.parts) for hold in self.holds.values() if hold.gift)

    @property
    def fen(self) -> int:
        """What all coins cost that are neither spent nor gone."""
        held = sum(fen for hold in self.holds.values() for _, _, fen in hold.parts)
        return held + sum(lot.fen for lot in self.lots.values())

    def next(self, coins: int, at: datetime) -> list[Taken] | None:
        """Which coins are spent next; None when there are not enough."""
        good = [lot for lot in self.lots.values() if lot.left and not lot.over(at)]
        bonus = [lot for lot in good if lot.expires_at is not None]
        bonus.sort(key=lambda lot: lot.expires_at or at)
        parts: list[Taken] = []
        for lot in (*bonus, *(lot for lot in good if lot.expires_at is None)):
            if coins:
                some = min(coins, lot.left)
                parts.append((lot.id, some, lot.fen * some // lot.left))
                coins -= some
        return None if coins else parts


def first(parts: Iterable[Taken], coins: int) -> tuple[list[Taken], list[Taken]]:
    """The first coins of some parts, and the others."""
    taken: list[Taken] = []
    rest: list[Taken] = []
    for lot, there, fen in parts:
        some = min(coins, there)
        cost = fen * some // there
        if some:
            taken.append((lot, some, cost))
        if there > some:
            rest.append((lot, there - some, fen - cost))
        coins -= some
    return taken, rest


def coins_in(parts: Iterable[Taken]) -> int:
    """How many coins they are."""
    return sum(coins for _, coins, _ in parts)


def told(parts: Iterable[Any]) -> list[Taken]:
    """Parts, as an event says them."""
    return [(part.lot, part.coins, part.fen) for part in parts]


class Purses:
    """The purses of all members."""

    def __init__(self) -> None:
        self.of: dict[UUID, Purse] = {}
        #: The lots of all bonuses, and the orders that ever held.
        self.granted: set[UUID] = set()
        self.held: set[UUID] = set()

    def purse(self, member: UUID) -> Purse:
        """A member's, empty at first."""
        return self.of.setdefault(member, Purse())

    def take(self, recorded: Recorded, event: Any) -> None:
        """
        Coins moved.

        :raises Illegal: not as they must.
        """
        purse, at = self.purse(event.member), event.effective_at
        match event:
            case WalletToppedUp(lot=lot, coins=coins, fen=fen):
                must(lot not in purse.lots, recorded, "a payment counts once")
                must(fen == 100 * coins > 0, recorded, "a coin is a yuan")
                purse.lots[lot] = Lot(lot, coins, coins, fen, acquired_at=at)
            case BonusGranted(lot=lot, coins=coins, expires_at=expires_at):
                must(lot not in purse.lots and coins > 0, recorded, "a bonus is given once")
                must(expires_at > at, recorded, "a bonus has time to be spent")
                purse.lots[lot] = Lot(lot, coins, coins, 0, expires_at, at)
                self.granted.add(lot)
            case BonusExpired(lot=lot, coins=coins):
                known = purse.lots[lot]
                must(known.expires_at == at, recorded, "a bonus expires when it is said to")
                must(known.left == coins, recorded, "what is left of it expires")
                known.left = 0
            case CoinsSpent(order=order, parts=parts):
                must(order not in purse.spent, recorded, "an order takes its coins once")
                self._leave(recorded, purse, told(parts), at)
                purse.spent[order] = (told(parts), at)
            case CoinsHeld() | CoinsCaptured() | HoldVoided():
                self._hold(recorded, purse, event)
            case CoinsRefunded(order=order, returned=returned):
                taken_at = purse.spent[order][1]
                back = told(one.part for one in returned)
                self._may_come_back(recorded, purse, order, back)
                self._return(recorded, purse, returned, taken_at, at)
            case _:
                raise AssertionError(event)
        self._check(recorded, purse)

    def _leave(
        self, recorded: Recorded, purse: Purse, parts: Sequence[Taken], at: datetime
    ) -> None:
        wanted = purse.next(coins_in(parts), at)
        must(wanted is not None, recorded, "there were so many coins")
        must(not purse.owed, recorded, "who owes spends nothing")
        must(list(parts) == wanted, recorded, f"these coins are next: {wanted}, not {parts}")
        for lot, coins, fen in parts:
            purse.lots[lot].left -= coins
            purse.lots[lot].fen -= fen

    def _hold(self, recorded: Recorded, purse: Purse, event: Any) -> None:
        order, at = event.order, event.effective_at
        known = purse.holds.get(order)
        match event:
            case CoinsHeld(parts=parts, expires_at=expires_at):
                must(known is None and expires_at > at, recorded, "an order holds once")
                self._leave(recorded, purse, told(parts), at)
                coins = coins_in(told(parts))
                purse.holds[order] = Held(told(parts), at, expires_at, coins, gift=event.gift)
                if not event.gift:
                    self.held.add(order)
            case CoinsCaptured(parts=parts, kept=kept):
                assert known is not None, "something was held"
                must(known.expires_at > at, recorded, "what is held is captured in time")
                taken, rest = first(known.parts, coins_in(told(parts)))
                must(told(parts) == taken, recorded, f"these are captured: {taken}")
                must(kept in (0, coins_in(rest)), recorded, "the others are kept, or none")
                known.captured += coins_in(taken)
                must(known.captured <= known.coins, recorded, "no more than was held")
                must(event.gift is known.gift, recorded, "as what it was held")
                if event.gift:
                    # They had so much life left when they were set aside.
                    purse.spent[order] = (taken, known.held_at)
                else:
                    purse.used.update({lot: coins for lot, coins, _ in taken})
                known.took = rest
                if not rest:
                    del purse.holds[order]
            case HoldVoided(returned=returned, why=why):
                assert known is not None, "something was held"
                back = told(one.part for one in returned)
                must(back == known.parts, recorded, "all that is held is free again")
                must(event.gift is known.gift, recorded, "as what it was held")
                due = why != "expired" or at == known.expires_at
                must(due, recorded, "a hold expires when it is said to")
                self._return(recorded, purse, returned, known.held_at, at)
                del purse.holds[order]
            case _:
                raise AssertionError(event)

    @staticmethod
    def _may_come_back(
        recorded: Recorded, purse: Purse, order: UUID, back: Sequence[Taken]
    ) -> None:
        """Of each lot, no more comes back than was taken, in coins and in fen."""
        so_far = purse.back.setdefault(order, [])
        so_far += back
        taken = purse.spent[order][0]
        for lot in {lot for lot, _, _ in so_far}:
            coins, fen = _sum(so_far, lot)
            most, cost = _sum(taken, lot)
            must(coins <= most and fen <= cost, recorded, "no more comes back than was taken")

    @staticmethod
    def _return(
        recorded: Recorded, purse: Purse, returned: Sequence[Any], taken_at: datetime, at: datetime
    ) -> None:
        """To the very lots; what has expired meanwhile lives as long again as it would have."""
        for one in returned:
            lot, coins, fen = purse.lots[one.part.lot], one.part.coins, one.part.fen
            if lot.over(at):
                assert lot.expires_at is not None
                life = lot.expires_at - taken_at
                anew = one.into not in purse.lots and one.expires_at == at + life
                must(anew, recorded, "expired coins come back with the life they had left")
                purse.lots[one.into] = Lot(one.into, coins, coins, fen, one.expires_at, at)
            else:
                same = one.into == lot.id and one.expires_at is None
                must(same, recorded, "coins come back to the lot that they came from")
                lot.left += coins
                lot.fen += fen

    @staticmethod
    def _check(recorded: Recorded, purse: Purse) -> None:
        for lot in purse.lots.values():
            must(0 <= lot.left <= lot.coins and lot.fen >= 0, recorded, "a lot has what it had")


def _sum(parts: Iterable[Taken], lot: UUID) -> tuple[int, int]:
    mine = [(coins, fen) for which, coins, fen in parts if which == lot]
    return sum(coins for coins, _ in mine), sum(fen for _, fen in mine)
