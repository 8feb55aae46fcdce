"""
Whatever happens to a wallet, no coin is lost or made, to the fen.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain import wallet_moves as decisions
from domain.catalogue import EVENTS
from domain.charge import Charge, charge_of, refunding
from domain.event import Refused, type_of
from domain.ids import LotId, OrderId
from domain.lots import Part, coins_in
from domain.money import Worth
from domain.wallet import WALLET, Wallet
from domain.wallet_events import (
    BonusExpired,
    BonusGranted,
    CoinsCaptured,
    CoinsHeld,
    CoinsRefunded,
    CoinsSpent,
    HoldVoided,
    WalletEvent,
    WalletToppedUp,
)
from tests.domain.coins import DAY, NOON, bonus_lot, order, payment, refund_id
from tests.domain.people import ANNA, sealed

FEW = st.integers(1, 12)
ORDERS = st.integers(1, 4)


class Coins(RuleBasedStateMachine):
    """A wallet, and the charges of the orders that it paid."""

    def __init__(self) -> None:
        super().__init__()
        self.wallet = Wallet()
        self.history: list[WalletEvent] = []
        self.lived: list[Wallet] = []
        self.charges: dict[OrderId, Charge] = {}
        self.now = NOON
        self.count = 0

    def happen(self, events: Sequence[WalletEvent]) -> None:
        """Live, one event at a time."""
        for event in events:
            self.history.append(event)
            self.wallet = WALLET.evolve(self.wallet, event, len(self.history))
            self.lived.append(self.wallet)

    def number(self) -> int:
        self.count += 1
        return self.count

    @rule(hours=st.integers(1, 90))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(coins=FEW, fen=st.integers(0, 1_300))
    def top_up(self, coins: int, fen: int) -> None:
        bought = payment(self.number())
        for _ in range(2):
            worth = Worth(coins, fen)
            self.happen(decisions.top_up(self.wallet, ANNA, bought, "demo", worth, self.now))

    @rule(coins=FEW, days=st.integers(1, 9))
    def grant(self, coins: int, days: int) -> None:
        lot, until = bonus_lot(self.number()), self.now + days * DAY
        reason = sealed("hello")
        self.happen(decisions.grant(self.wallet, ANNA, lot, coins, until, reason, self.now))

    @rule(ahead=st.integers(0, 90))
    def expire(self, ahead: int) -> None:
        """A timer, be it on a server whose clock is so many hours ahead of whoever decides next."""
        for lot in self.wallet.lots:
            at = self.now + timedelta(hours=ahead)
            self.happen(decisions.expire(self.wallet, ANNA, lot.id, at))

    @rule(number=ORDERS, coins=FEW)
    def spend(self, number: int, coins: int) -> None:
        which = order(number)
        if which in self.charges or self.wallet.hold(which) is not None:
            return
        before = self.wallet.balance(self.now)
        try:
            (spent,) = decisions.spend(self.wallet, ANNA, which, coins, self.now)
        except Refused:
            assert before < coins
            return
        self.happen((spent,))
        self.charges[which] = charge_of(spent.parts, self.now)
        assert self.wallet.balance(self.now) == before - coins

    @rule(number=ORDERS, coins=FEW, hours=st.integers(1, 90), gift=st.booleans())
    def hold(self, number: int, coins: int, hours: int, gift: bool) -> None:
        which, until = order(number), self.now + timedelta(hours=hours)
        if which not in self.charges:
            with suppress(Refused):
                held = decisions.hold(self.wallet, ANNA, which, coins, until, self.now, gift=gift)
                self.happen(held)

    @rule(number=ORDERS, coins=FEW, keep=st.booleans())
    def capture(self, number: int, coins: int, keep: bool) -> None:
        which = order(number)
        with suppress(Refused):
            events = decisions.capture(self.wallet, ANNA, which, coins, self.now, keep=keep)
            self.happen(events)
            captured = events[0]
            assert isinstance(captured, CoinsCaptured)
            # An order charges once: what a kept hold still has is let go of.
            self.charges[which] = charge_of(captured.parts, self.now)
            self.happen(decisions.void(self.wallet, ANNA, which, self.now))

    @rule(number=ORDERS, expired=st.booleans())
    def void(self, number: int, expired: bool) -> None:
        self.happen(decisions.void(self.wallet, ANNA, order(number), self.now, expired=expired))

    @rule(number=ORDERS, which=st.integers(1, 6), coins=st.none() | FEW)
    def refund(self, number: int, which: int, coins: int | None) -> None:
        bought = order(number)
        charge = self.charges.get(bought)
        if charge is None:
            return
        refund = refund_id(100 * number + which)
        with suppress(Refused):
            parts = refunding(charge, refund, coins)
            events = decisions.refund(
                self.wallet, ANNA, bought, refund, parts, charge.taken_at, self.now
            )
            self.happen(events)
            if events:
                self.charges[bought] = charge.without(refund, parts)
            assert refunding(self.charges[bought], refund, coins) == () or not events

    @invariant()
    def no_coin_is_lost_or_made(self) -> None:
        assert _in(self.history) == _total(self.wallet).plus(_out(self.history))

    @invariant()
    def nothing_is_below_zero(self) -> None:
        for lot in self.wallet.lots:
            assert lot.left.coins >= 0
            assert lot.left.fen >= 0
            assert (lot.left.coins > 0) or lot.left.fen == 0, "no coin, no cost"

    @invariant()
    def what_has_ended_is_empty_and_stays_only_for_what_may_come_back(self) -> None:
        ended = {event.lot for event in self.history if isinstance(event, BonusExpired)}
        out = self.taken_and_not_returned()
        for lot in self.wallet.lots:
            assert lot.began.coins == lot.left.coins + lot.gone + out[lot.id]
            assert lot.ended == (lot.id in ended)
            assert not lot.ended or (lot.left == Worth() and out[lot.id] > 0)
        there = {lot.id for lot in self.wallet.lots}
        assert all(lot in there for lot, coins in out.items() if coins)

    def taken_and_not_returned(self) -> Counter[LotId]:
        """How many coins of each lot are held or were spent."""
        out: Counter[LotId] = Counter()
        for event in self.history:
            match event:
                case CoinsSpent(parts=parts) | CoinsHeld(parts=parts):
                    out.update({part.lot: part.coins for part in parts})
                case HoldVoided(returned=returned) | CoinsRefunded(returned=returned):
                    out.subtract({one.part.lot: one.part.coins for one in returned})
                case _:
                    pass
        return out

    @invariant()
    def no_lot_is_there_twice(self) -> None:
        assert len({lot.id for lot in self.wallet.lots}) == len(self.wallet.lots)

    @invariant()
    def holds_end_within_what_was_held(self) -> None:
        held: Counter[OrderId] = Counter()
        for event in self.history:
            match event:
                case CoinsHeld(order=which, parts=parts):
                    held[which] += coins_in(parts)
                case CoinsCaptured(order=which, parts=parts):
                    held[which] -= coins_in(parts)
                case HoldVoided(order=which, returned=returned):
                    held[which] -= coins_in(one.part for one in returned)
                case _:
                    pass
        standing = {one.order: coins_in(one.parts) for one in self.wallet.holds}
        assert {which: coins for which, coins in held.items() if coins} == standing

    @invariant()
    def what_goes_into_escrow_comes_out_of_it(self) -> None:
        escrow = 0
        for event in self.history:
            match event:
                case CoinsHeld(parts=parts, gift=True):
                    escrow += coins_in(parts)
                case CoinsCaptured(parts=parts, gift=True):
                    escrow -= coins_in(parts)
                case HoldVoided(returned=returned, gift=True):
                    escrow -= coins_in(one.part for one in returned)
                case _:
                    pass
        assert escrow == sum(coins_in(one.parts) for one in self.wallet.holds if one.gift)

    @invariant()
    def refunds_stay_within_what_was_taken_of_each_lot(self) -> None:
        taken: Counter[tuple[OrderId, LotId]] = Counter()
        for event in self.history:
            match event:
                case CoinsSpent(order=which, parts=parts) | CoinsCaptured(order=which, parts=parts):
                    _count(taken, which, parts, 1)
                case CoinsRefunded(order=which, returned=returned):
                    _count(taken, which, [one.part for one in returned], -1)
                case _:
                    pass
        assert all(coins >= 0 for coins in taken.values())

    def teardown(self) -> None:
        """Read back from what is stored, every prefix of the history folds to what was lived."""
        state = Wallet()
        for version, (event, lived) in enumerate(zip(self.history, self.lived, strict=True), 1):
            stored = EVENTS.decode(type_of(event), EVENTS.encode(event))
            state = WALLET.evolve(state, stored, version)
            assert state == lived


def _count(
    taken: "Counter[tuple[OrderId, LotId]]", which: OrderId, parts: Sequence[Part], sign: int
) -> None:
    for part in parts:
        taken[which, part.lot] += sign * part.coins


def _total(wallet: Wallet) -> Worth:
    total = Worth()
    for lot in wallet.lots:
        total = total.plus(lot.left)
    for hold in wallet.holds:
        for part in hold.parts:
            total = total.plus(part.worth)
    return total


def _in(history: Sequence[WalletEvent]) -> Worth:
    """All that came in, refunds among it."""
    total = Worth()
    for event in history:
        match event:
            case WalletToppedUp(coins=coins, fen=fen):
                total = total.plus(Worth(coins, fen))
            case BonusGranted(coins=coins):
                total = total.plus(Worth(coins))
            case CoinsRefunded(returned=returned):
                for one in returned:
                    total = total.plus(one.part.worth)
            case _:
                pass
    return total


def _out(history: Sequence[WalletEvent]) -> Worth:
    """All that went: spent, captured, expired."""
    total = Worth()
    for event in history:
        match event:
            case CoinsSpent(parts=parts) | CoinsCaptured(parts=parts):
                for part in parts:
                    total = total.plus(part.worth)
            case BonusExpired(coins=coins):
                total = total.plus(Worth(coins))
            case _:
                pass
    return total


TestCoins = Coins.TestCase
TestCoins.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
