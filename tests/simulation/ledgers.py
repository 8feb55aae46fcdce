"""
What the books must say, entered anew from what happened: accounts, days to be earned, and months.

An entry here is a signed amount an account (debit is more), so that balances and sums of both sides
are worked out another way than the product does.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

import msgspec

from domain.event import Recorded
from domain.membership_events import MembershipPaused, MembershipResumed
from domain.payment import PaymentTurned
from domain.period import PeriodClosed
from domain.reversal_events import (
    CoinsRecovered,
    CoinsSwept,
    DebtIncurred,
    EscrowReversed,
    LotRestored,
    LotReversed,
)
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
from tests.simulation.tenures import day_by_day, earned

_CHINA: Final = timezone(timedelta(hours=8))
_DEFERRED: Final = "liability:deferred:memberships"
_REVERSED: Final = "suspense:reversed-payments"
_RESTING: Final = "liability:paused:memberships"
_NOBODY: Final = UUID(int=0)
#: Account, commodity, and how much more of it: below 0 on the credit side.
Leg = tuple[str, str, int]


class Term(msgspec.Struct, frozen=True):
    """Fen that are earned over days; below 0 where they are taken back."""

    fen: int
    since: datetime
    until: datetime


#: What an event moves, and what of it is earned over which days.
Entered = tuple[tuple[Leg, ...], tuple[Term, ...]]


class Entry(msgspec.Struct, frozen=True):
    """
    What one event moved, in which month it is booked, and what of it is earned by the day.

    :param closing: it is what a closed month's days have earned, which stands in that month alone.
    """

    cell: int
    position: int
    member: UUID
    month: str
    legs: tuple[Leg, ...]
    terms: tuple[Term, ...]
    closing: bool = False


class Ledgers:
    """All entries there are."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.closed: list[PeriodClosed] = []
        #: What is between the house and a rail, and no member's.
        self.turns: list[tuple[Recorded, PaymentTurned]] = []
        self._sums: dict[tuple[str, str], tuple[int, int]] = {}

    def take(self, recorded: Recorded, event: Any) -> None:
        """Enter what an event moved."""
        legs, terms = _entered(event)
        if not legs:
            return
        for commodity in ("QC", "CNY"):
            total = sum(amount for _, each, amount in legs if each == commodity)
            must(total == 0, recorded, f"{commodity} is moved, not made")
        at = min(event.effective_at, recorded.recorded_at)
        owner: UUID = recorded.owner
        if isinstance(event, PaymentTurned):
            self.turns.append((recorded, event))
            owner = _NOBODY
        entry = Entry(recorded.cell, recorded.position, owner, month_of(at), legs, terms)
        self._enter(entry)

    def _enter(self, entry: Entry) -> None:
        self.entries.append(entry)
        _add(self._sums, entry.legs)

    # Sums

    def sides(
        self, until: Mapping[int, int] | None = None, member: UUID | None = None
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """Debits and credits of every account, up to some positions, or of one member."""
        if until is None and member is None:
            return self._sums
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for entry in self.entries:
            there = until is None or entry.position <= until.get(entry.cell, 0)
            if there and member in (None, entry.member):
                _add(found, entry.legs)
        return found

    def balance(self, account: str, commodity: str) -> int:
        """Debits less credits."""
        debit, credit = self.sides().get((account, commodity), (0, 0))
        return debit - credit

    def to_earn(self, now: datetime) -> int:
        """What is not earned when a moment's day begins, resting days among it."""
        day = now.astimezone(_CHINA).date()
        unearned = sum(
            _signed(term.fen, term, None) - _signed(term.fen, term, day)
            for entry in self.entries
            for term in entry.terms
        )
        return unearned - self.balance(_RESTING, "CNY")

    # Months

    @property
    def first(self) -> str | None:
        """The month of the first entry."""
        return min((entry.month for entry in self.entries), default=None)

    @property
    def late_before_first(self) -> bool:
        """
        Whether what was written first is not of the first month: a timer was late by more than a
        month, and either month may be held to be the first.
        """
        firsts: dict[int, str] = {}
        for entry in self.entries:
            firsts.setdefault(entry.cell, entry.month)
        return min(firsts.values(), default=None) != self.first

    @property
    def next(self) -> str | None:
        """The month to be closed next."""
        return following(self.closed[-1].month) if self.closed else self.first

    def _period(self, entry: Entry) -> str:
        for one in self.closed:
            if entry.month <= one.month and entry.position <= one.until.get(str(entry.cell), 0):
                return one.month
        return max(entry.month, following(self.closed[-1].month)) if self.closed else entry.month

    def close(self, recorded: Recorded, event: PeriodClosed) -> None:
        """
        A month is closed.

        :raises Illegal: it is not over or not next, or its figures are others.
        """
        must(event.month == self.next, recorded, f"{self.next} is next")
        over = month_of(event.effective_at) > event.month
        must(over, recorded, "a month is closed once it is over")
        mine = [
            entry
            for entry in self.entries
            if not entry.closing
            and entry.position <= event.until.get(str(entry.cell), 0)
            and self._period(entry) == event.month
        ]
        figures: dict[tuple[str, str], tuple[int, int]] = {}
        for entry in mine:
            _add(figures, entry.legs)
        earned_by_then = self._earned(event.until, following(event.month))
        before = sum(one.fen for closed in self.closed for one in closed.recognised)
        fen = earned_by_then - before
        must(sum(one.fen for one in event.recognised) == fen, recorded, f"{fen} fen are earned")
        legs = _legs("CNY", fen, _DEFERRED, "revenue:memberships")
        _add(figures, legs)
        said = {(one.account, one.commodity): (one.debit, one.credit) for one in event.figures}
        must(said == figures, recorded, f"its figures are {figures}, not {said}")
        must(event.postings == sum(len(one.legs) for one in mine), recorded, "so many postings")
        self.closed.append(event)
        if legs:
            stamp = (recorded.cell, recorded.position, recorded.owner, event.month)
            self._enter(Entry(*stamp, legs, (), closing=True))

    def _earned(self, until: Mapping[str, int], month: str) -> int:
        """What the days before a month have earned, of what was entered up to some positions."""
        day = date(int(month[:4]), int(month[5:]), 1)
        return sum(
            _signed(term.fen, term, day)
            for entry in self.entries
            if entry.position <= until.get(str(entry.cell), 0)
            for term in entry.terms
        )

    def period_at(self, cell: int, position: int) -> str:
        """The period of an entry."""
        found = [one for one in self.entries if (one.cell, one.position) == (cell, position)]
        return self._period(found[0])


def root_of(lines: Sequence[str]) -> str:
    """The hash over some lines."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def month_of(moment: datetime) -> str:
    """A month of China: ``2026-11``."""
    return f"{moment.astimezone(_CHINA):%Y-%m}"


def following(month: str) -> str:
    """The month after."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"


def _signed(fen: int, term: Term, day: date | None) -> int:
    if day is None:
        return fen
    some = earned(abs(fen), term.since, term.until, day)
    return some if fen > 0 else -some


def _add(found: dict[tuple[str, str], tuple[int, int]], legs: Sequence[Leg]) -> None:
    for account, commodity, amount in legs:
        debit, credit = found.get((account, commodity), (0, 0))
        found[account, commodity] = (debit + max(amount, 0), credit + max(-amount, 0))


def _legs(commodity: str, amount: int, debit: str, credit: str) -> tuple[Leg, ...]:
    """What goes from one account to another; the other way when it is below 0."""
    return ((debit, commodity, amount), (credit, commodity, -amount)) if amount else ()


def _entered(event: Any) -> Entered:
    entering = _ENTERING.get(type(event))
    return ((), ()) if entering is None else entering(event)


def _topped_up(event: WalletToppedUp) -> Entered:
    money = _legs("CNY", event.fen, f"asset:rail-clearing:{event.rail}", "liability:coins-sold")
    return (*money, *_legs("QC", event.coins, "equity:coins-issued", "liability:coins:paid")), ()


def _granted(event: BonusGranted) -> Entered:
    return _legs("QC", event.coins, "contra:promo", "liability:coins:bonus"), ()


def _expired(event: BonusExpired) -> Entered:
    return _legs("QC", event.coins, "liability:coins:bonus", "contra:promo"), ()


def _spent(event: CoinsSpent) -> Entered:
    fen, service = _fen(event.parts), event.service
    if service is None:
        coins = _coins(event.parts, "revenue:mall", 1)
        return (*coins, *_legs("CNY", fen, "liability:coins-sold", "revenue:mall")), ()
    coins = _coins(event.parts, "revenue:memberships", 1)
    terms = (Term(fen, service.since, service.until),) if fen else ()
    return (*coins, *_legs("CNY", fen, "liability:coins-sold", _DEFERRED)), terms


def _held(event: CoinsHeld) -> Entered:
    return _coins(event.parts, _set_aside(event), 1), ()


def _captured(event: CoinsCaptured) -> Entered:
    coins = sum(part.coins for part in event.parts)
    moved = _legs("QC", coins, _set_aside(event), "revenue:mall")
    fen, service = _fen(event.parts), event.service
    if service is None:
        return (*moved, *_legs("CNY", fen, "liability:coins-sold", "revenue:mall")), ()
    moved = _legs("QC", coins, _set_aside(event), "revenue:memberships")
    terms = (Term(fen, service.since, service.until),) if fen else ()
    return (*moved, *_legs("CNY", fen, "liability:coins-sold", _DEFERRED)), terms


def _voided(event: HoldVoided) -> Entered:
    return _coins([one.part for one in event.returned], _set_aside(event), -1), ()


def _refunded(event: CoinsRefunded) -> Entered:
    back, service = [one.part for one in event.returned], event.service
    coins = _coins(back, "contra:refunds", -1)
    if service is None:
        owed = _legs("CNY", _fen(back), "contra:refunds", "liability:coins-sold")
        return (*coins, *owed), ()
    unearned = service.unearned or 0
    taken = _taken_back(back, unearned)
    return (*coins, *taken), _off(unearned, service.since, service.until)


def _paused(event: MembershipPaused) -> Entered:
    legs = [leg for one in event.cuts for leg in _legs("CNY", one.unearned, _DEFERRED, _RESTING)]
    terms = [term for one in event.cuts for term in _off(one.unearned, one.since, one.until)]
    return tuple(legs), tuple(terms)


def _resumed(event: MembershipResumed) -> Entered:
    """What the days had still to earn when they began to rest."""
    paid: list[tuple[int, Any]] = []
    for one in event.periods:
        days = day_by_day(_fen(one.parts), one.before + one.days)
        paid.append((sum(days[one.before :]), one))
    legs = [leg for fen, _ in paid for leg in _legs("CNY", fen, _RESTING, _DEFERRED)]
    return tuple(legs), tuple(Term(fen, one.since, one.until) for fen, one in paid if fen)


def turned(event: PaymentTurned) -> tuple[Leg, ...]:
    """The money is at the rail, withheld there, or gone."""
    places = {
        "paid": f"asset:rail-clearing:{event.rail}",
        "disputed": f"asset:rail-disputed:{event.rail}",
    }
    was, now = (places.get(each, _REVERSED) for each in (event.was, event.now))
    return () if was == now else _legs("CNY", event.fen, now, was)


def _lot_reversed(event: LotReversed) -> Entered:
    coins = _legs("QC", event.coins, "liability:coins:paid", "equity:coins-issued")
    return (*coins, *_legs("CNY", event.fen, "liability:coins-sold", _REVERSED)), ()


def _escrow_reversed(event: EscrowReversed) -> Entered:
    coins = _legs("QC", event.coins, "liability:gift-escrow", "equity:coins-issued")
    return (*coins, *_legs("CNY", event.fen, "liability:coins-sold", _REVERSED)), ()


def _recovered(event: CoinsRecovered) -> Entered:
    coins = _legs("QC", event.coins, "contra:refunds", "equity:coins-issued")
    return (*coins, *_legs("CNY", event.fen, "contra:refunds", _REVERSED)), ()


def _owed(event: DebtIncurred) -> Entered:
    return _legs("CNY", event.fen, "asset:receivable:members", _REVERSED), ()


def _swept(event: CoinsSwept) -> Entered:
    """What was owed before comes off what members owe."""
    paid = "asset:receivable:members" if event.owed else _REVERSED
    coins = _legs("QC", event.coins, "liability:coins:paid", "equity:coins-issued")
    return (*coins, *_legs("CNY", event.fen, "liability:coins-sold", paid)), ()


def _lot_restored(event: LotRestored) -> Entered:
    escrowed = sum(one.coins for one in event.escrow), sum(one.fen for one in event.escrow)
    return (
        *_legs("QC", event.coins, "equity:coins-issued", "liability:coins:paid"),
        *_legs("CNY", event.fen, _REVERSED, "liability:coins-sold"),
        *_legs("QC", event.recovered_coins, "equity:coins-issued", "contra:refunds"),
        *_legs("CNY", event.recovered_fen, _REVERSED, "contra:refunds"),
        *_legs("QC", escrowed[0], "equity:coins-issued", "liability:gift-escrow"),
        *_legs("CNY", escrowed[1], _REVERSED, "liability:coins-sold"),
        *_legs("CNY", event.owed_fen, _REVERSED, "asset:receivable:members"),
    ), ()


_ENTERING: Final[dict[type, Callable[[Any], Entered]]] = {
    WalletToppedUp: _topped_up,
    BonusGranted: _granted,
    BonusExpired: _expired,
    CoinsSpent: _spent,
    CoinsHeld: _held,
    CoinsCaptured: _captured,
    HoldVoided: _voided,
    CoinsRefunded: _refunded,
    MembershipPaused: _paused,
    MembershipResumed: _resumed,
    PaymentTurned: lambda event: (turned(event), ()),
    LotReversed: _lot_reversed,
    EscrowReversed: _escrow_reversed,
    CoinsRecovered: _recovered,
    DebtIncurred: _owed,
    CoinsSwept: _swept,
    LotRestored: _lot_restored,
}


def _off(fen: int, since: datetime, until: datetime) -> tuple[Term, ...]:
    return (Term(-fen, since, until),) if fen else ()


def _taken_back(parts: Sequence[Any], unearned: int) -> tuple[Leg, ...]:
    """Days that will earn nothing; what their coins cost besides is settled."""
    settled = _fen(parts) - unearned
    every: tuple[Leg, ...] = (
        (_DEFERRED, "CNY", unearned),
        ("contra:refunds:memberships", "CNY", settled),
        ("liability:coins-sold", "CNY", -_fen(parts)),
    )
    return tuple(leg for leg in every if leg[2])


def _coins(parts: Sequence[Any], other: str, sign: int) -> tuple[Leg, ...]:
    """Coins of each kind from members to an account; the other way when ``sign`` is -1."""
    legs: list[Leg] = []
    for kind in ("paid", "bonus"):
        coins = sum(part.coins for part in parts if part.kind == kind)
        legs += _legs("QC", sign * coins, f"liability:coins:{kind}", other)
    return tuple(legs)


def _set_aside(event: CoinsHeld | CoinsCaptured | HoldVoided) -> str:
    return "liability:gift-escrow" if event.gift else "liability:holds"


def _fen(parts: Sequence[Any]) -> int:
    return sum(part.fen for part in parts)
