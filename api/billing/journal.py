"""
The ledger as transactions for other programs: in the order in which they were recorded, with the
lots that coins come from and go to.

A transaction has the day on which it was recorded, in China: within a member's cell days never run
backwards, so lots are first in and first out for whoever reads the file as they were for us. When
it took effect, and the period that it belongs to, stand beside it. Nothing in it is personal: a
member is a random id.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.event import Event, Recorded
from domain.ids import MemberId
from domain.lots import Kind
from domain.money import Commodity, china_day
from domain.period import PERIODS_STREAM, PeriodClosed, period_of
from domain.reversal_events import CoinsRecovered, EscrowReversed, LotRestored
from projections.postings import COINS, REFUNDS, Posting
from projections.turnovers import booked

#: Of which kind the coins on an account are; such an account has a part for each member.
KINDS: Final[dict[str, Kind]] = {account: kind for kind, account in COINS.items()}


class LotLeg(msgspec.Struct, frozen=True):
    """
    Coins of one lot, debits positive, and what these cost.

    :param day: when the lot was acquired.
    """

    lot: UUID
    coins: int
    fen: int
    day: date


class Leg(msgspec.Struct, frozen=True):
    """
    An amount on an account, debits positive.

    :param member: whose coins they are, in the lots ``lots``.
    :param by_lot: lots are to be named: not the first in were taken, or their days do not tell.
    :param fen: what exactly the coins cost, with the sign of the amount; 0 for money.
    """

    account: str
    commodity: Commodity
    amount: int
    member: MemberId | None = None
    lots: tuple[LotLeg, ...] = ()
    by_lot: bool = True
    fen: int = 0


class Transaction(msgspec.Struct, frozen=True):
    """What one event posted. ``position`` is the event's, or where the ledger is carried from."""

    day: date
    effective: date
    period: str
    position: str
    what: str
    about: UUID
    legs: tuple[Leg, ...]


class Journal:
    """
    Turns events into transactions, and keeps what is left: ``balances`` on each account but those
    of members' coins, with what coins on it cost, and ``stock``, the lots of each account and
    member.

    :param closed: the periods that are closed, in order.
    """

    def __init__(self, closed: Sequence[PeriodClosed]) -> None:
        self.balances: dict[tuple[str, Commodity], tuple[int, int]] = {}
        self.stock: dict[tuple[str, MemberId], dict[UUID, LotLeg]] = {}
        self._closed = closed
        self._days: dict[UUID, date] = {}

    def take(self, recorded: Recorded) -> Transaction | None:
        """What an event posts; None when it moves no money."""
        made = booked(recorded)
        if made is None:
            return None
        day, postings = china_day(recorded.recorded_at), made.entry.postings
        legs = [
            Leg(one.account, "CNY", self._add(one, 0)) for one in postings if one.commodity == "CNY"
        ]
        coins = [one for one in postings if one.commodity == "QC"]
        for debit, credit in zip(coins[::2], coins[1::2], strict=True):
            legs += self._moved(recorded, day, debit, credit)
        period = made.month
        if not isinstance(recorded.event, PeriodClosed):
            period = period_of(made.month, recorded.cell, recorded.position, self._closed)
        return Transaction(
            day,
            china_day(made.entry.at),
            period,
            recorded.at,
            made.entry.what,
            made.entry.about,
            tuple(legs),
        )

    def carried(self, day: date, position: str) -> Transaction:
        """All that is left, as the transaction with which a journal from here on begins."""
        legs = [
            Leg(account, commodity, amount, fen=fen)
            for (account, commodity), (amount, fen) in sorted(self.balances.items())
            if amount
        ]
        for (account, member), stock in sorted(self.stock.items()):
            lots = tuple(sorted(stock.values(), key=lambda one: one.day))
            coins, fen = sum(one.coins for one in lots), sum(one.fen for one in lots)
            legs.append(Leg(account, "QC", coins, member, lots, fen=fen))
        return Transaction(
            day, day, f"{day:%Y-%m}", position, "carried", PERIODS_STREAM, tuple(legs)
        )

    def _moved(
        self, recorded: Recorded, day: date, debit: Posting, credit: Posting
    ) -> Iterator[Leg]:
        """Both sides of a movement of coins, and what these cost."""
        moved = [self._lots(recorded, day, one) for one in (debit, credit)]
        lots = moved[0] or moved[1]
        cost = sum(abs(one.fen) for one in lots) if lots else _cost(recorded.event, credit)
        for posting, own in zip((debit, credit), moved, strict=True):
            amount, fen = posting.debit - posting.credit, cost if posting.debit else -cost
            if own:
                at = (posting.account, recorded.owner)
                chosen = bool(posting.debit) and hasattr(recorded.event, "parts")
                by_lot = not (chosen and self._in_order(at))
                self._store(at, own)
                yield Leg(posting.account, "QC", amount, recorded.owner, own, by_lot, fen)
            else:
                yield Leg(posting.account, "QC", self._add(posting, fen), fen=fen)

    def _add(self, posting: Posting, fen: int) -> int:
        """Keep what is left on an account; the amount, debits positive."""
        amount, where = posting.debit - posting.credit, (posting.account, posting.commodity)
        before = self.balances.get(where, (0, 0))
        self.balances[where] = (before[0] + amount, before[1] + fen)
        return amount

    def _lots(self, recorded: Recorded, day: date, posting: Posting) -> tuple[LotLeg, ...]:
        kind = KINDS.get(posting.account)
        if kind is None:
            return ()
        sign = 1 if posting.debit else -1
        lots = tuple(
            LotLeg(lot, sign * coins, sign * fen, self._days.setdefault(lot, day))
            for lot, coins, fen in _said(recorded.event, kind, taken=bool(posting.debit))
        )
        if sum(one.coins for one in lots) != posting.debit - posting.credit:
            raise ValueError(f"{recorded.at} does not say of which lots all of its coins are")
        return lots

    def _in_order(self, at: tuple[str, MemberId]) -> bool:
        """Whether the days of the lots in stock say which is first, of those that are first in."""
        days = [one.day for one in self.stock.get(at, {}).values()]
        return KINDS[at[0]] == "paid" and len(set(days)) == len(days)

    def _store(self, at: tuple[str, MemberId], lots: Sequence[LotLeg]) -> None:
        stock = self.stock.setdefault(at, {})
        for one in lots:
            before = stock.pop(one.lot, LotLeg(one.lot, 0, 0, one.day))
            coins, fen = before.coins + one.coins, before.fen + one.fen
            if coins:
                stock[one.lot] = LotLeg(one.lot, coins, fen, one.day)
        if not stock:
            del self.stock[at]


def _said(event: Event, kind: Kind, *, taken: bool) -> Iterator[tuple[UUID, int, int]]:
    """
    Lots with coins and their cost, as events say it: ``parts`` that were taken, ``returned`` that
    went back, or a ``lot`` that began or ended as a whole.
    """
    said: Any = event
    if taken and hasattr(event, "parts"):
        yield from ((one.lot, one.coins, one.fen) for one in said.parts if one.kind == kind)
    elif not taken and hasattr(event, "returned"):
        back = (one for one in said.returned if one.part.kind == kind)
        yield from ((one.into, one.part.coins, one.part.fen) for one in back)
    elif hasattr(event, "lot"):
        yield said.lot, said.coins, getattr(event, "fen", 0)


def _cost(event: Event, credit: Posting) -> int:
    """What coins cost that move among accounts of the house."""
    match event:
        case CoinsRecovered() | EscrowReversed():
            return event.fen
        case LotRestored() if credit.account == REFUNDS:
            return event.recovered_fen
        case LotRestored():
            return sum(one.fen for one in event.escrow)
        case _:
            said: Any = event
            return sum(one.fen for one in getattr(said, "parts", ()))
