"""
Whatever happens to a gift, and however late its recipient's cell hears of it: one outcome, no coin
lost, and never both the coins back and the item kept.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain import giving, order, wallet_moves
from domain import received_gift as received
from domain.belonging import BELONGING, Belonging, BelongingGained, Nothing, Owned
from domain.event import Event, Refused
from domain.gift import ANSWER_TERM, GiftAccepted, GiftOffered, GiftReturned, Offered, SentBack
from domain.ids import ItemId, mint
from domain.lots import coins_in
from domain.mall import Terms
from domain.money import Worth
from domain.order import ORDER, NoOrder, Order, Placed
from domain.received_gift import RECEIVED_GIFT, Heard, ReceivedGift, Unheard
from domain.wallet import WALLET, Wallet
from tests.domain.coins import DAY, NOON, bonus_lot, payment, refund_id
from tests.domain.coins import order as order_id
from tests.domain.people import ANNA, BELA, sealed

WHICH = order_id(1)
TERMS = Terms("theme", "雪", 6, valid_days=30)
PRICE = 6


class Gift(RuleBasedStateMachine):
    """Anna's wallet, one order for Bela, and what Bela's cell has heard of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.count = 0
        self.wallet = Wallet()
        self.order: Order = NoOrder()
        self.half: ReceivedGift = Unheard()
        self.belonging: Belonging = Nothing()
        self.answers: list[Event] = []
        self.owned = 0
        self.expired = 0
        for events in (
            wallet_moves.top_up(self.wallet, ANNA, payment(1), "demo", Worth(4, 401), NOON),
            wallet_moves.grant(
                self.wallet, ANNA, bonus_lot(1), 5, NOON + 4 * DAY, sealed("hello"), NOON
            ),
        ):
            self.wallet = WALLET.fold(events, self.wallet)

    def answer(self, events: Sequence[Event], moved: Sequence[Event]) -> None:
        """One append in the sender's cell: both or neither."""
        self.order = ORDER.fold(events, self.order, self.count)
        self.count += len(events)
        self.wallet = WALLET.fold(moved, self.wallet)
        self.answers += [one for one in events if isinstance(one, GiftAccepted | GiftReturned)]

    @rule(hours=st.sampled_from((1, 30, 80, 168)))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: isinstance(self.order, NoOrder))
    @rule()
    def offer(self) -> None:
        until = self.now + ANSWER_TERM
        with suppress(Refused):
            held = wallet_moves.hold(self.wallet, ANNA, WHICH, PRICE, until, self.now, gift=True)
            item = ItemId(mint(0, 0, 1))
            offered = GiftOffered(ANNA, BELA, item, TERMS, 1, PRICE, until, self.now)
            self.answer((offered,), held)

    @precondition(lambda self: not isinstance(self.order, NoOrder))
    @rule()
    def accept(self) -> None:
        held = self.wallet.hold(WHICH)
        with suppress(Refused):
            parts = () if held is None else held.parts
            events = giving.accept(self.order, BELA, parts, self.now)
            if events:
                paid = wallet_moves.capture(self.wallet, ANNA, WHICH, PRICE, self.now)
                self.answer(events, paid)

    @precondition(lambda self: not isinstance(self.order, NoOrder))
    @rule()
    def decline(self) -> None:
        with suppress(Refused):
            events = giving.decline(self.order, BELA, self.now)
            if events:
                self.answer(events, wallet_moves.void(self.wallet, ANNA, WHICH, self.now))

    @rule()
    def run_out(self) -> None:
        events = giving.expire(self.order, self.now)
        if events:
            back = wallet_moves.void(self.wallet, ANNA, WHICH, self.now, expired=True)
            assert back
            self.answer(events, back)

    @precondition(lambda self: isinstance(self.order, Placed))
    @rule(coins=st.none() | st.integers(1, 3))
    def refund(self, coins: int | None) -> None:
        assert isinstance(self.order, Placed)
        refund, charge = refund_id(self.count), self.order.charge
        with suppress(Refused):
            events = order.refund(self.order, refund, coins, sealed("no"), self.now)
            for event in events:
                back = wallet_moves.refund(
                    self.wallet, ANNA, WHICH, refund, event.parts, charge.taken_at, self.now
                )
                self.answer((event,), back)

    @rule()
    def expire_lots(self) -> None:
        for lot in self.wallet.lots:
            events = wallet_moves.expire(self.wallet, ANNA, lot.id, self.now)
            self.expired += sum(one.coins for one in events)
            self.wallet = WALLET.fold(events, self.wallet)

    @rule()
    def hear(self) -> None:
        """The policy comes round: late, twice, or after several things at once."""
        for _ in range(2):
            half, belonging = self.half, self.belonging
            heard = received.hear(half, self.order, WHICH, self.now)
            moved = received.hand_over(half, belonging, self.order, WHICH, self.now)
            self.half = RECEIVED_GIFT.fold(heard, half)
            self.belonging = BELONGING.fold(moved, belonging)
            self.owned += sum(isinstance(one, BelongingGained) for one in moved)
        assert isinstance(self.belonging, Owned) == self.is_belas
        if isinstance(self.order, SentBack):
            assert self.half == Heard(self.order.why)

    @property
    def is_belas(self) -> bool:
        return isinstance(self.order, Placed) and self.order.charge.refundable > 0

    @invariant()
    def it_is_answered_once(self) -> None:
        assert len(self.answers) <= 1
        assert self.owned <= 1

    @invariant()
    def no_coin_is_lost_or_made(self) -> None:
        held = self.wallet.hold(WHICH)
        in_escrow = 0 if held is None else coins_in(held.parts)
        assert in_escrow == (PRICE if isinstance(self.order, Offered) else 0)
        paid = self.order.charge.refundable if isinstance(self.order, Placed) else 0
        left = sum(lot.left.coins for lot in self.wallet.lots)
        assert left + in_escrow + paid + self.expired == 9

    @invariant()
    def whoever_has_it_has_it_paid(self) -> None:
        if isinstance(self.belonging, Owned):
            assert isinstance(self.order, Placed)

    @invariant()
    def the_fen_of_paid_coins_are_all_there(self) -> None:
        held = self.wallet.hold(WHICH)
        parts = () if held is None else held.parts
        charged = self.order.charge.left if isinstance(self.order, Placed) else ()
        fen = sum(lot.left.fen for lot in self.wallet.lots)
        assert fen + sum(part.fen for part in (*parts, *charged)) == 401


TestGift = Gift.TestCase
TestGift.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
