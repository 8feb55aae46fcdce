"""
Books in double entry, from the events alone: what each one posts to which accounts.

Two commodities are kept beside each other and never netted: QC says who holds how many coins, CNY
what money came in for them and how much of it has been earned. Each event's postings sum to zero in
each commodity. The accounts and why they are these: docs/adr/0031-two-books-in-one-ledger.md.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, assert_never, get_args
from uuid import UUID

import msgspec

from domain.event import Event
from domain.lots import Kind, Part, coins_in
from domain.membership_events import MembershipPaused, MembershipResumed
from domain.membership_periods import Service
from domain.money import Commodity
from domain.payment import Holding, PaymentTurned
from domain.period import PERIODS_STREAM, PeriodClosed, last_moment
from domain.recognition import Term
from domain.reversal_events import (
    CoinsRecovered,
    CoinsSwept,
    DebtIncurred,
    EscrowReversed,
    LotRestored,
    LotReversed,
    ReversalEvent,
)
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinEvent,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletEvent,
    WalletToppedUp,
)

#: Money that a rail has and owes us.
CLEARING: Final = "asset:rail-clearing"
#: What coins were sold for that nobody has spent yet: not earned.
SOLD: Final = "liability:coins-sold"
#: Coins at members, whom they are owed to; those that are held for an order stand apart.
COINS: Final[dict[Kind, str]] = {"paid": "liability:coins:paid", "bonus": "liability:coins:bonus"}
HOLDS: Final = "liability:holds"
#: Those that are held for a gift until its recipient answers.
ESCROW: Final = "liability:gift-escrow"
#: The other side of coins that were sold: how many there ever were.
ISSUED: Final = "equity:coins-issued"
PROMO: Final = "contra:promo"
REFUNDS: Final = "contra:refunds"
#: Money of ours that a rail withholds while its payer disputes the payment.
DISPUTED: Final = "asset:rail-disputed"
#: Payments that were taken back, less what was taken back for them; nothing, once all is settled.
REVERSED: Final = "suspense:reversed-payments"
#: What members owe for coins that they had used up.
RECEIVABLE: Final = "asset:receivable:members"
MALL: Final = "revenue:mall"
#: Money for days that are not over, by segment: ``liability:deferred:memberships`` is earned day by
#: day as ``revenue:memberships``, without an event (domain/recognition.py).
DEFERRED: Final = "liability:deferred"
REVENUE: Final = "revenue"
#: What days of memberships were sold for; of those that rest, nothing is earned.
DAYS: Final = f"{DEFERRED}:memberships"
DAYS_PAUSED: Final = "liability:paused:memberships"
MEMBERSHIPS: Final = f"{REVENUE}:memberships"
#: What went back for days beyond what these had still to earn.
DAYS_REFUNDED: Final = f"{REFUNDS}:memberships"

#: The types of event that post; whoever reads the log for the books reads these alone.
POSTING: Final[tuple[type[Event], ...]] = (
    *get_args(WalletEvent),
    MembershipPaused,
    MembershipResumed,
    PaymentTurned,
    PeriodClosed,
)


class Posting(msgspec.Struct, frozen=True, gc=False):
    """
    An amount on one side of an account.

    :param term: the days that it is earned over; for ``liability:deferred`` in CNY, and no other. A
        debit takes back what its term had still to earn.
    """

    account: str
    commodity: Commodity
    debit: int = 0
    credit: int = 0
    term: Term | None = None

    @property
    def side(self) -> dict[str, int]:
        """The side that it is on, with its amount, as sums of an account take it in."""
        return {"debit": self.debit} if self.debit else {"credit": self.credit}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """
    What an event posts, and what it is about.

    :param what: in a word, for whoever reads a ledger.
    :param about: an order, or what paid days of a membership, or the lot where there is neither.
    :param at: when it took effect.
    :param own: it moves a member's own coins; else it is between the house and a rail.
    """

    what: str
    about: UUID
    at: datetime
    postings: tuple[Posting, ...]
    own: bool = True


def entry(event: Event) -> Entry | None:
    """What an event posts; None when it moves no money."""
    what: str
    about: UUID
    postings: Iterable[Posting]
    match event:
        case (
            CoinsSpent()
            | CoinsHeld()
            | CoinsCaptured()
            | HoldVoided()
            | CoinsRefunded()
            | WalletToppedUp()
            | BonusGranted()
            | BonusExpired()
        ):
            what, about, postings = _posted(event)
        case MembershipPaused() | MembershipResumed():
            return _rested(event)
        case PeriodClosed():
            return _earned(event)
        case PaymentTurned(lot=about):
            what, postings = "payment_turned", _turned(event)
        case (
            LotReversed()
            | EscrowReversed()
            | CoinsRecovered()
            | DebtIncurred()
            | CoinsSwept()
            | LotRestored()
        ):
            what, about, postings = _reversed(event)
        case _:
            return None
    made = tuple(postings)
    own = not isinstance(event, PaymentTurned)
    return Entry(what, about, event.effective_at, made, own) if made else None


def _posted(event: CoinEvent) -> tuple[str, UUID, Iterable[Posting]]:
    match event:
        case CoinsSpent(order=order, parts=parts, service=Service() as service):
            days = _defer(_fen(parts), SOLD, service)
            return ("membership", order, (*_from_coins(parts, MEMBERSHIPS), *days))
        case CoinsSpent(order=order, parts=parts):
            earned = (*_from_coins(parts, MALL), *_move("CNY", _fen(parts), SOLD, MALL))
            return ("spend", order, earned)
        case WalletToppedUp(lot=lot, rail=rail, coins=coins, fen=fen):
            return (
                "top_up",
                lot,
                (
                    *_move("CNY", fen, f"{CLEARING}:{rail}", SOLD),
                    *_move("QC", coins, ISSUED, COINS["paid"]),
                ),
            )
        case BonusGranted(lot=lot, coins=coins):
            return ("bonus", lot, _move("QC", coins, PROMO, COINS["bonus"]))
        case BonusExpired(lot=lot, coins=coins):
            return ("bonus_expired", lot, _move("QC", coins, COINS["bonus"], PROMO))
        case CoinsHeld(order=order, parts=parts):
            return ("hold", order, _from_coins(parts, _set_aside(event)))
        case CoinsCaptured(order=order, parts=parts, service=Service() as service):
            captured = _move("QC", coins_in(parts), _set_aside(event), MEMBERSHIPS)
            return ("membership", order, (*captured, *_defer(_fen(parts), SOLD, service)))
        case CoinsCaptured(order=order, parts=parts):
            captured = _move("QC", coins_in(parts), _set_aside(event), MALL)
            return ("capture", order, (*captured, *_move("CNY", _fen(parts), SOLD, MALL)))
        case HoldVoided(order=order, returned=returned):
            back = [one.part for one in returned]
            return ("void", order, _to_coins(back, _set_aside(event)))
        case CoinsRefunded(order=order, returned=returned, service=Service() as service):
            back = [one.part for one in returned]
            days = _take_days(_fen(back), SOLD, service)
            return ("days_refund", order, (*_to_coins(back, REFUNDS), *days))
        case CoinsRefunded(order=order, returned=returned):
            back = [one.part for one in returned]
            owed = _move("CNY", _fen(back), REFUNDS, SOLD)
            return ("refund", order, (*_to_coins(back, REFUNDS), *owed))


def _defer(fen: int, source: str, service: Service) -> Iterator[Posting]:
    """What days cost is owed, and earned over them."""
    if fen:
        yield Posting(source, "CNY", debit=fen)
        yield Posting(DAYS, "CNY", credit=fen, term=service.term)


def _take_days(fen: int, to: str, service: Service) -> Iterator[Posting]:
    """
    Days earn nothing any longer: what they had still to earn goes back. Coins are whole, and those
    taken last go back first, so what they cost may be more or less than that; it is settled now.
    """
    unearned = service.unearned or 0
    if unearned:
        yield Posting(DAYS, "CNY", debit=unearned, term=service.term)
    if fen:
        yield Posting(to, "CNY", credit=fen)
    if fen > unearned:
        yield Posting(DAYS_REFUNDED, "CNY", debit=fen - unearned)
    elif unearned > fen:
        yield Posting(DAYS_REFUNDED, "CNY", credit=unearned - fen)


def _rested(event: MembershipPaused | MembershipResumed) -> Entry | None:
    """Days that rest are not earned until they go on."""
    made: list[Posting] = []
    if isinstance(event, MembershipPaused):
        what, about = "pause", event.parked[0].charge
        resting = {one.charge: one.fen for one in event.parked}
        for cut in event.cuts:
            fen = resting.get(cut.charge, 0)
            made += _take_days(fen, DAYS_PAUSED, cut.service(event.plan))
    else:
        what, about = "resume", event.periods[0].charge
        for period in event.periods:
            service = Service(event.plan, period.since, period.until)
            made += _defer(period.worth.fen, DAYS_PAUSED, service)
    return Entry(what, about, event.effective_at, tuple(made)) if made else None


def _earned(event: PeriodClosed) -> Entry | None:
    """What a closed month's days have earned, on its last moment."""
    postings: list[Posting] = []
    for one in event.recognised:
        deferred, revenue = f"{DEFERRED}:{one.segment}", f"{REVENUE}:{one.segment}"
        earned, back = one.sides
        postings += _move("CNY", earned, deferred, revenue)
        postings += _move("CNY", back, revenue, deferred)
    if not postings:
        return None
    return Entry("recognition", PERIODS_STREAM, last_moment(event.month), tuple(postings))


def _turned(event: PaymentTurned) -> Iterable[Posting]:
    """The money is somewhere else."""
    at: dict[Holding, str] = {
        "paid": f"{CLEARING}:{event.rail}",
        "disputed": f"{DISPUTED}:{event.rail}",
        "refunded": REVERSED,
        "charged_back": REVERSED,
    }
    was, now = at[event.was], at[event.now]
    return () if was == now else _move("CNY", event.fen, now, was)


def _reversed(event: ReversalEvent) -> tuple[str, UUID, Iterable[Posting]]:
    """Coins are gone as if they had never been issued; what they brought in is not earned."""
    match event:
        case LotReversed(lot=lot, coins=coins, fen=fen):
            gone = _move("QC", coins, COINS["paid"], ISSUED)
            return ("lot_reversed", lot, (*gone, *_move("CNY", fen, SOLD, REVERSED)))
        case CoinsSwept(lot=lot, coins=coins, fen=fen, owed=owed):
            gone = _move("QC", coins, COINS["paid"], ISSUED)
            paid = _move("CNY", fen, SOLD, RECEIVABLE if owed else REVERSED)
            return ("lot_reversed", lot, (*gone, *paid))
        case EscrowReversed(order=order, coins=coins, fen=fen):
            gone = _move("QC", coins, ESCROW, ISSUED)
            return ("escrow_reversed", order, (*gone, *_move("CNY", fen, SOLD, REVERSED)))
        case CoinsRecovered(order=order, coins=coins, fen=fen):
            gone = _move("QC", coins, REFUNDS, ISSUED)
            return ("order_revoked", order, (*gone, *_move("CNY", fen, REFUNDS, REVERSED)))
        case DebtIncurred(lot=lot, fen=fen):
            return ("owed", lot, _move("CNY", fen, RECEIVABLE, REVERSED))
        case LotRestored(lot=lot):
            return ("lot_restored", lot, _restored(event))
        case _:
            assert_never(event)


def _restored(event: LotRestored) -> Iterator[Posting]:
    """The very reverse of all that was posted for the reversal."""
    yield from _move("QC", event.coins, ISSUED, COINS["paid"])
    yield from _move("CNY", event.fen, REVERSED, SOLD)
    yield from _move("QC", event.recovered_coins, ISSUED, REFUNDS)
    yield from _move("CNY", event.recovered_fen, REVERSED, REFUNDS)
    yield from _move("QC", sum(one.coins for one in event.escrow), ISSUED, ESCROW)
    yield from _move("CNY", sum(one.fen for one in event.escrow), REVERSED, SOLD)
    yield from _move("CNY", event.owed_fen, REVERSED, RECEIVABLE)


def _set_aside(event: CoinsHeld | CoinsCaptured | HoldVoided) -> str:
    return ESCROW if event.gift else HOLDS


def _move(commodity: Commodity, amount: int, debit: str, credit: str) -> tuple[Posting, ...]:
    """Nothing is posted of nothing: bonus coins cost none, and an expired lot may be empty."""
    if not amount:
        return ()
    return (
        Posting(debit, commodity, debit=amount),
        Posting(credit, commodity, credit=amount),
    )


def _from_coins(parts: Iterable[Part], to: str) -> Iterator[Posting]:
    for kind, coins in _by_kind(parts).items():
        yield from _move("QC", coins, COINS[kind], to)


def _to_coins(parts: Iterable[Part], source: str) -> Iterator[Posting]:
    for kind, coins in _by_kind(parts).items():
        yield from _move("QC", coins, source, COINS[kind])


def _by_kind(parts: Iterable[Part]) -> dict[Kind, int]:
    sums: dict[Kind, int] = {}
    for part in parts:
        sums[part.kind] = sums.get(part.kind, 0) + part.coins
    return sums


def _fen(parts: Iterable[Part]) -> int:
    return sum(part.fen for part in parts)
