"""
All about money, as events make it: payments, purses, memberships, goods and the books, each worked
out anew, and held against each other in the commit that changed them.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from domain.allowance import AllowanceEvent, AllowanceReturned, AllowanceTaken
from domain.belonging import BelongingEvent
from domain.decoration import DecorationEvent
from domain.event import Recorded
from domain.gift import GiftEvent
from domain.mall import ItemEvent
from domain.membership_events import (
    MembershipCancelled,
    MembershipEvent,
    MembershipExpired,
    MembershipPaused,
)
from domain.misclaim import PaymentMisclaimed
from domain.order import OrderEvent
from domain.payment import (
    PaymentClaimed,
    PaymentEvent,
    PaymentFailed,
    PaymentPending,
    PaymentSettled,
    PaymentTurned,
)
from domain.period import PeriodClosed
from domain.received_gift import ReceivedGiftEvent
from domain.reversal_events import DebtIncurred, LotRestored, LotReversed, ReversalEvent
from domain.wallet_events import CoinsRefunded, CoinsSpent, WalletEvent, WalletToppedUp
from tests.simulation.gifts import Gifts
from tests.simulation.goods import Goods
from tests.simulation.ledgers import Ledgers, month_of
from tests.simulation.legal import Witness, must
from tests.simulation.purses import Purses, Taken, told
from tests.simulation.rail import SimulatedRail
from tests.simulation.reversals import Reversals
from tests.simulation.tenures import Tenures

_OF_PAYMENT = frozenset(get_args(PaymentEvent))
_OF_WALLET = frozenset(get_args(WalletEvent))
_OF_REVERSAL = frozenset(get_args(ReversalEvent))
_OF_MEMBERSHIP = frozenset(get_args(MembershipEvent))
_OF_GIFTS = frozenset(get_args(GiftEvent) + get_args(ReceivedGiftEvent))
_OF_GOODS = frozenset(
    get_args(ItemEvent)
    + get_args(OrderEvent)
    + get_args(BelongingEvent)
    + get_args(DecorationEvent)
)
_OF_ALLOWANCE = frozenset(get_args(AllowanceEvent))
_OTHERS = frozenset({PeriodClosed, PaymentMisclaimed})
OF_MONEY = frozenset().union(
    _OF_PAYMENT, _OF_WALLET, _OF_MEMBERSHIP, _OF_GIFTS, _OF_GOODS, _OF_ALLOWANCE, _OTHERS
)

#: How old what a rail said may be when it is acted on.
_MOMENT = timedelta(seconds=30)
#: What a rail says of money that never was ours, or is not any longer.
_LOST = frozenset({"failed", "refunded", "disputed", "charged_back"})
#: What who is 8 to 15 may pay, in coins: at once, and in a month.
MINOR_EACH, MINOR_MONTH = 50, 200
#: How often a day somebody may claim what a rail does not know.
WRONG_MAX = 20


@dataclass(eq=False)
class Claim:
    """
    A payment that somebody says was theirs. ``credited`` is the lot that it bought, ``now`` whose
    its money is, after so many ``turns``.
    """

    member: UUID
    reference: str
    coins: int
    month: str
    state: str = "waiting"
    credited: UUID | None = None
    now: str = "paid"
    turns: int = 0


class Treasury:
    """
    The money of a history.

    :param minors: who is 8 to 15 years old.
    """

    def __init__(self, witness: Witness, rail: SimulatedRail | None = None) -> None:
        self._witness = witness
        #: Set by whoever has one.
        self.rail = rail
        self.claims: dict[UUID, Claim] = {}
        #: How many claims were wrong, by who made them and on which day.
        self.wrong: Counter[tuple[UUID, str]] = Counter()
        self.purses = Purses()
        self.tenures = Tenures()
        self.goods = Goods(self.tenures)
        self.minors = self.goods.minors
        self.gifts = Gifts(witness, self.goods, self.purses)
        self.reversals = Reversals(self.purses, self.goods, self.tenures)
        self.ledgers = Ledgers()
        #: Who owed something when the command under way did something to their days.
        self._owing: set[UUID] = set()

    def take(self, recorded: Recorded, event: Any) -> None:
        """
        Something became of money.

        :raises Illegal: it must not be so.
        """
        kind = type(event)
        if recorded.actor == recorded.owner and recorded.owner in self._witness.people:
            self._act(recorded, event)
        if kind in _OF_PAYMENT:
            self._pay(recorded, event)
        elif kind in _OF_WALLET:
            self._move(recorded, event)
        elif kind in _OF_MEMBERSHIP:
            if self.purses.purse(event.member).owed:
                self._owing.add(event.member)
            self.tenures.take(recorded, event)
        elif kind in _OF_GIFTS:
            self.gifts.take(recorded, event)
        elif kind in _OF_GOODS:
            self.goods.take(recorded, event)
        elif isinstance(event, PeriodClosed):
            self.ledgers.close(recorded, event)
        elif isinstance(event, PaymentMisclaimed):
            self.wrong[event.member, event.day] += 1
            few = self.wrong[event.member, event.day] <= WRONG_MAX
            must(few, recorded, "who is wrong too often is not listened to")
        elif isinstance(event, AllowanceTaken | AllowanceReturned):
            must(event.member in self.minors, recorded, "only minors have an allowance")
        if not isinstance(event, PeriodClosed):
            self.ledgers.take(recorded, event)

    def _move(self, recorded: Recorded, event: Any) -> None:
        """Coins moved."""
        if type(event) in _OF_REVERSAL:
            named = isinstance(event, LotReversed | LotRestored)
            paid = self.claims[event.payment] if named else None
            self.reversals.take(recorded, event, paid)
            return
        if isinstance(event, WalletToppedUp):
            self._credit(recorded, event)
        self.purses.take(recorded, event)

    def _act(self, recorded: Recorded, event: Any) -> None:
        """
        Who is suspended ends renewals and lets days rest, and no more; time passes for everybody.
        """
        stopping = isinstance(event, MembershipCancelled | MembershipPaused) or (
            isinstance(event, MembershipExpired) and event.why == "cancelled"
        )
        if type(event) in _OF_MEMBERSHIP and (stopping or self.tenures.by_itself(event)):
            self._witness.stops(recorded, recorded.owner)
        elif isinstance(event, CoinsSpent) and event.service is not None:
            # What days took is held against the days, which were asked for or due.
            self._witness.stops(recorded, recorded.owner)
        else:
            self._witness.acts(recorded, recorded.owner)

    # Payments

    def _pay(self, recorded: Recorded, event: Any) -> None:
        claim = self.claims.get(recorded.stream)
        if isinstance(event, PaymentClaimed):
            must(claim is None, recorded, "a payment is claimed once, by anybody")
            reference = self._witness.open(event.reference)
            claim = Claim(event.member, reference, event.coins, month_of(event.effective_at))
            known = self._states(claim)
            must(bool(known & {"paid", "pending"}), recorded, f"its rail said {known}")
            self.claims[recorded.stream] = claim
            self._check_minor(recorded, claim)
            return
        assert claim is not None, "it was claimed"
        if isinstance(event, PaymentTurned):
            self._turn(recorded, claim, event)
            return
        late = claim.state == "failed" and isinstance(event, PaymentSettled)
        must(
            late or claim.state == "waiting", recorded, "it ends once, unless its money comes late"
        )
        known = self._states(claim)
        match event:
            case PaymentSettled(member=member, coins=coins):
                must("paid" in known, recorded, f"its rail says {known}")
                same = (member, coins) == (claim.member, claim.coins)
                must(same, recorded, "coins are for who claimed it")
                claim.state = "settled"
            case PaymentFailed(why="failed"):
                must(bool(known & _LOST), recorded, f"its rail says {known}")
                claim.state = "failed"
            case PaymentFailed():
                claim.state = "failed"
            case _:
                must(isinstance(event, PaymentPending), recorded, "or is looked at again")

    def _turn(self, recorded: Recorded, claim: Claim, event: PaymentTurned) -> None:
        """Its money is somebody else's, or ours again, since the rail says so."""
        known = self._states(claim)
        must(claim.state == "settled", recorded, "what was paid turns")
        must(event.was == claim.now != event.now, recorded, f"it was {claim.now}")
        must(event.now in known, recorded, f"its rail says {known}")
        must(event.turn == claim.turns + 1, recorded, "each turn counts")
        same = (event.member, event.coins) == (claim.member, claim.coins)
        must(same and claim.credited in (None, event.lot), recorded, "it is that payment")
        claim.now, claim.turns = event.now, event.turn

    def _states(self, claim: Claim) -> AbstractSet[str]:
        """What the rail knows, or knew a moment ago: an answer may have been under way."""
        assert self.rail is not None
        transfer = self.rail.transfers.get(claim.reference)
        if transfer is None or transfer.fen != 100 * claim.coins:
            return {"another amount"}
        return self.rail.states(claim.reference, _MOMENT)

    def _check_minor(self, recorded: Recorded, claim: Claim) -> None:
        if claim.member in self.minors:
            must(claim.coins <= MINOR_EACH, recorded, "a minor pays so much at once")
            paid = self.of_month(claim.member, claim.month)
            must(paid <= MINOR_MONTH, recorded, "a minor pays so much a month")

    def of_month(self, member: UUID, month: str) -> int:
        """The coins of all payments in a month that have not failed."""
        mine = [one for one in self.claims.values() if one.member == member]
        return sum(one.coins for one in mine if one.month == month and one.state != "failed")

    def _credit(self, recorded: Recorded, event: WalletToppedUp) -> None:
        claim = self.claims[event.payment]
        owed = claim.state == "settled" and claim.credited is None
        must(owed, recorded, "what was paid is credited once")
        same = (event.member, event.coins) == (claim.member, claim.coins)
        must(same, recorded, "to who paid")
        claim.credited = event.lot

    # What one command did

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold what one command did to purses against what it did to the rest.

        :raises Illegal: they do not fit.
        """
        if not any(type(one.event) in OF_MONEY for one in command):
            return
        self.goods.settle(command, self.purses.purse)
        self.gifts.settle(command)
        self._settle_days(command)
        self.reversals.settle(command)
        self._check_books(command[-1])

    def _settle_days(self, command: Sequence[Recorded]) -> None:
        tenures = self.tenures
        spent = {
            one.event.order: told(one.event.parts)
            for one in command
            if isinstance(one.event, CoinsSpent) and one.event.service is not None
        }
        back: dict[UUID, list[Taken]] = {}
        for one in command:
            if isinstance(one.event, CoinsRefunded) and one.event.service is not None:
                parts = told(part.part for part in one.event.returned)
                back.setdefault(one.event.order, []).extend(parts)
        must(tenures.paid == spent, command[0], f"days cost {tenures.paid}, not {spent}")
        cut = {charge: parts for charge, parts in tenures.cut.items() if parts}
        must(cut == back, command[0], f"{cut} come back for days, not {back}")
        for recorded, member, at, price in tenures.short:
            has = 0 if member in self._owing else self.purses.purse(member).balance(at)
            must(has < price, recorded, f"there were {has} coins for {price}")
        for recorded, tenure in tenures.ended:
            must(not tenure.renews, recorded, "where renewal was ended, it stays so")
        for recorded, tenure, renewed, months in tenures.given:
            must(tenure.renews is renewed, recorded, "whether it renews stays as it was")
            same = not renewed or tenure.months == months
            must(same, recorded, f"it renews by {months} months, as before")
        tenures.given = []
        self._owing.clear()
        if any(isinstance(one.event, DebtIncurred) for one in command):
            # Days that were not paid after all: nothing takes their place.
            tenures.replaced = 0
        tenures.paid, tenures.cut, tenures.short, tenures.ended = {}, {}, [], []
        must(not tenures.replaced, command[0], "days are given back for a longer term")

    def _check_books(self, recorded: Recorded) -> None:
        """The books and what members hold are one."""
        every, books = list(self.purses.of.values()), self.ledgers
        for account, commodity, wanted in (
            ("liability:coins:paid", "QC", sum(one.coins("paid") for one in every)),
            ("liability:coins:bonus", "QC", sum(one.coins("bonus") for one in every)),
            ("liability:holds", "QC", sum(one.held - one.escrow for one in every)),
            ("liability:gift-escrow", "QC", sum(one.escrow for one in every)),
            ("liability:coins-sold", "CNY", sum(one.fen for one in every)),
        ):
            owed = -books.balance(account, commodity)
            must(owed == wanted, recorded, f"{account} owes {owed}, members hold {wanted}")
