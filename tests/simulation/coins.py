"""
The twins of the statements about wallets, the mall and the books; and histories of coins made up
for them by the domain's own decisions, since they need no posts to be about.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import Table

from domain import given_months, membership_moves, reversal
from domain import received_gift as received
from domain import wallet_moves as decisions
from domain.belonging import (
    BelongingExpired,
    BelongingGained,
    BelongingTakenBack,
    belonging_stream,
)
from domain.charge import Charge, charge_of, refunding
from domain.decoration import DecorationChanged, DecorationRestored, decoration_stream
from domain.event import Event, Recorded, Refused
from domain.gift import (
    ANSWER_TERM,
    GiftAccepted,
    GiftOffered,
    GiftReturned,
    GivenMonths,
    Offered,
)
from domain.ids import ItemId, LotId, MemberId, OrderId, PaymentId, StreamId, cell_of, derive, mint
from domain.looks import Look, OfHouse, OfOrder
from domain.lots import POLICY, Bought, Part, coins_in
from domain.mall import ItemChanged, ItemDelisted, ItemListed, ItemRelisted, Terms
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_course import Course, advance
from domain.membership_states import Membership, NeverHad
from domain.money import Worth
from domain.order import (
    ORDER,
    OrderPlaced,
    OrderRefunded,
    OrderRestored,
    OrderRevoked,
    Placed,
    brought,
)
from domain.plans import PLANS, Months, Plan
from domain.received_gift import GiftSettled, Unheard, received_gift_stream
from domain.sealed import Sealed
from domain.wallet import WALLET, Wallet, lot_of, wallet_stream
from domain.wallet_events import WalletEvent
from projections.decorations import DECORATIONS, WARDROBE
from projections.gifts import GIFTS
from projections.ledger import ACCOUNTS, POSTINGS
from projections.lot_moves import LOT_MOVES
from projections.mall import ITEMS
from projections.memberships import MEMBERSHIPS, PERIODS
from projections.orders import BELONGINGS, ORDERS
from projections.rows import Key
from projections.turnovers import RATES, TURNOVERS
from projections.wallets import DEBTS, HOLDS, LOT_COINS, LOTS
from tests.simulation.asking import Asked, Rows, pick, twin
from tests.simulation.tables import Row, Tables

_NOON = datetime.fromisoformat("2026-11-22T12:00:00+00:00")

# Twins

_LOT = (
    "kind", "rail", "payment", "of", "coins", "fen", "acquired_at", "expires_at", "position",
)  # fmt: skip
_ITEM = (
    "kind", "title", "price_coins", "members_only", "valid_days", "level_min", "refund_days",
    "listed", "position",
)  # fmt: skip
_ORDER = (
    "member", "item", "kind", "title", "quantity", "coins", "left", "placed_at", "recipient",
    "answer", "missing", "position",
)  # fmt: skip
_BELONGING = (
    "item", "kind", "title", "quantity", "gained_at", "expires_at", "position",
)  # fmt: skip
_MEMBERSHIP = (
    "state", "months", "renews", "until", "benefits_until", "points", "policy", "lapsed_at",
    "position",
)  # fmt: skip
_PERIOD = ("since", "until", "months", "daily", "coins")
_POSTING = ("what", "about", "account", "commodity", "debit", "credit", "at", "since", "until")
_GIFT = (
    "sender", "item", "kind", "title", "quantity", "offered_at", "expires_at", "how", "position",
)  # fmt: skip


@twin("wallet_of_member")
def _wallet_of_member(tables: Tables, asked: Asked) -> Rows:
    at = (asked["cell"], asked["member"])
    rows: Rows = [
        (key[2], *pick(tables.every(LOTS)[key], _LOT), row["left"])
        for key, row in tables.under(LOT_COINS, *at).items()
        if row["left"] > 0
    ]
    for key, row in tables.under(HOLDS, *at).items():
        times = pick(row, ("held_at", "expires_at", "position"))
        rows.append((key[2], "hold", None, None, None, row["coins"], 0, *times, 0))
    for key, row in tables.under(DEBTS, *at).items():
        if row["coins"] > 0:
            rows.append((key[2], "debt", None, None, None, row["coins"], 0, None, None, 0, 0))
    return sorted(rows, key=lambda one: (one[9], one[0]))


@twin("lot_position")
def _lot_position(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(LOTS, asked["cell"], asked["member"], asked["lot"])
    return [] if row is None else [(row["position"],)]


@twin("mall_items")
def _mall_items(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[1], *pick(row, _ITEM))
        for key, row in tables.every(ITEMS).items()
        if key[0] == asked["cell"]
        and row["position"] < asked["before"]
        and (row["listed"] or asked["delisted"])
    ]
    return sorted(found, key=lambda one: one[-1], reverse=True)[: asked["count"]]


@twin("order_by_id")
def _order_by_id(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(ORDERS, asked["cell"], asked["order"])
    return [] if row is None else [(asked["order"], *pick(row, _ORDER))]


@twin("belongings_of_member")
def _belongings_of_member(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[2], *pick(row, _BELONGING))
        for key, row in tables.under(BELONGINGS, asked["cell"], asked["member"]).items()
        if row["position"] < asked["before"]
        and (row["expires_at"] is None or row["expires_at"] > asked["now"])
    ]
    return sorted(found, key=lambda one: one[-1], reverse=True)[: asked["count"]]


@twin("memberships_of_member")
def _memberships_of_member(tables: Tables, asked: Asked) -> Rows:
    at, found = (asked["cell"], asked["member"]), []
    for key, row in sorted(tables.under(MEMBERSHIPS, *at).items()):
        running = [
            (period[2], *pick(values, _PERIOD))
            for period, values in tables.under(PERIODS, *at).items()
            if values["plan"] == key[2]
            and values["until"] > row["changed_at"]
            and values["cut_at"] is None
        ]
        running.sort(key=lambda one: (one[1], one[0]))
        found += [(key[2], *pick(row, _MEMBERSHIP), *one) for one in running or [(None,) * 6]]
    return found


@twin("decoration_of_member")
def _decoration_of_member(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(DECORATIONS, asked["cell"], asked["member"])
    return [] if row is None else [(row["look"], row["position"])]


@twin("wardrobe_by_order")
def _wardrobe_by_order(tables: Tables, asked: Asked) -> Rows:
    return [
        (key[2], row["kind"])
        for key, row in tables.under(WARDROBE, asked["cell"], asked["member"]).items()
        if key[2] in asked["orders"]
        and (row["expires_at"] is None or row["expires_at"] > asked["now"])
    ]


@twin("gifts_of_member")
def _gifts_of_member(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[2], *pick(row, _GIFT))
        for key, row in tables.under(GIFTS, asked["cell"], asked["member"]).items()
        if row["position"] < asked["before"]
    ]
    return sorted(found, key=lambda one: one[-1], reverse=True)[: asked["count"]]


@twin("postings_of_member")
def _postings_of_member(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_line"])
    found = [
        (*key[2:], *pick(row, _POSTING))
        for key, row in tables.every(POSTINGS).items()
        if key[:2] == (asked["cell"], asked["member"]) and key[2:] < mark
    ]
    return sorted(found, key=lambda one: one[:2], reverse=True)[: asked["count"]]


@twin("lots_of_postings")
def _lots_of_postings(tables: Tables, asked: Asked) -> Rows:
    return [
        (*key[2:], *pick(row, ("coins", "fen")))
        for key, row in tables.every(LOT_MOVES).items()
        if key[:2] == (asked["cell"], asked["member"]) and asked["first"] <= key[2] <= asked["last"]
    ]


@twin("moves_of_lot")
def _moves_of_lot(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[2], key[1], *pick(row, ("what", "about", "coins", "fen", "at")))
        for key, row in tables.every(LOT_MOVES).items()
        if (key[0], key[3]) == (asked["cell"], asked["lot"]) and key[2] > asked["after"]
    ]
    return sorted(found, key=lambda one: one[0])[: asked["count"]]


@twin("ledger_accounts")
def _ledger_accounts(tables: Tables, asked: Asked) -> Rows:
    return [
        (*key, *pick(row, ("debit", "credit")))
        for key, row in tables.every(ACCOUNTS).items()
        if key[0] in asked["cells"]
    ]


def _stretches(tables: Tables, table: Table, asked: Asked) -> Iterator[tuple[Key, Row]]:
    """The rows of each cell's stretches before the one asked for."""
    before = dict(zip(asked["cells"], asked["stretches"], strict=True))
    for key, row in tables.every(table).items():
        if key[1] < before.get(key[0], 0):
            yield key, row


@twin("ledger_turnovers")
def _ledger_turnovers(tables: Tables, asked: Asked) -> Rows:
    sums: dict[Key, tuple[int, int]] = {}
    for key, row in _stretches(tables, TURNOVERS, asked):
        debit, credit = sums.get(key[2:], (0, 0))
        sums[key[2:]] = (debit + row["debit"], credit + row["credit"])
    return [(*key, *both) for key, both in sums.items()]


@twin("ledger_rates")
def _ledger_rates(tables: Tables, asked: Asked) -> Rows:
    sums: Counter[Key] = Counter()
    for key, row in _stretches(tables, RATES, asked):
        sums[key[2:]] += row["fen"]
    return [(*key, fen) for key, fen in sums.items()]


# Histories


class Purchases:
    """
    A history of a few wallets and of what was bought from them, by a seed.

    ``events`` are they, on top of ``heads``; ``members``, ``orders`` and ``lots`` are to ask about.

    :param pause: between two steps.
    """

    def __init__(
        self,
        seed: int,
        cells: int,
        heads: dict[int, int],
        steps: int = 300,
        pause: timedelta = timedelta(hours=1),
    ) -> None:
        self._pause = pause
        self._chance = random.Random(f"{seed}/purchases")
        self._heads = dict(heads)
        self._versions: dict[UUID, int] = {}
        self._numbers = count(1)
        self.members = [MemberId(mint(1, number % cells, 9_800 + number)) for number in range(4)]
        self._wallets: dict[MemberId, Wallet] = dict.fromkeys(self.members, Wallet())
        self._memberships: dict[StreamId, Membership] = {}
        self._charges: dict[OrderId, tuple[MemberId, Charge]] = {}
        self._revoked: dict[OrderId, tuple[Part, ...]] = {}
        self._offers: dict[OrderId, GiftOffered] = {}
        self._items: list[ItemId] = []
        self.orders: list[OrderId] = []
        self.lots: list[tuple[MemberId, LotId]] = []
        self.events = [one for number in range(steps) for one in self._step(number)]

    def _id(self, cell: int) -> UUID:
        return mint(9_700, cell, next(self._numbers))

    def _step(self, number: int) -> Iterator[Recorded]:
        member, at = self._chance.choice(self.members), _NOON + number * self._pause
        with suppress(Refused):
            for stream, owner, event in self._some(member, at):
                yield self._recorded(event, stream, owner, at)

    def _some(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        match self._chance.randrange(17):
            case 0:
                return self._shelf(at)
            case 1 | 2:
                return self._filled(member, at)
            case 3 | 4 | 5:
                return self._bought(member, at)
            case 6 | 7:
                return self._held(member, at)
            case 8:
                return self._refunded(at)
            case 9 | 10 | 11:
                return self._subscribed(member, at)
            case 12:
                return self._decorated(member, at)
            case 13 | 14:
                return self._given(member, at)
            case 15:
                return self._turned(member, at)
            case _:
                return self._expired(member, at)

    def _shelf(self, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, staff = self._chance, MemberId(derive(0, "staff", b"1"))
        days = chance.choice((None, 2))
        title, price = chance.choice("风花雪月"), chance.randrange(1, 9)
        terms = Terms("theme", title, price, False, days, refund_days=chance.choice((None, 7)))
        if not self._items or chance.random() < 0.5:
            self._items.append(ItemId(self._id(0)))
            return [(StreamId(self._items[-1]), staff, ItemListed(terms))]
        event = chance.choice((ItemChanged(terms), ItemDelisted(), ItemRelisted()))
        return [(StreamId(chance.choice(self._items)), staff, event)]

    def _filled(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, wallet, coins = self._chance, self._wallets[member], self._chance.randrange(1, 30)
        if chance.random() < 0.5:
            payment = PaymentId(self._id(0))
            worth = Worth(coins, coins * 100)
            events = decisions.top_up(wallet, member, payment, "demo", worth, at)
            self.lots.append((member, lot_of(payment, member)))
        else:
            lot, until = LotId(self._id(cell_of(member))), at + timedelta(days=2)
            reason: Sealed[str] = Sealed(chance.randbytes(40))
            events = decisions.grant(wallet, member, lot, coins, until, reason, at)
        return self._moved(member, events)

    def _bought(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, order = self._chance, OrderId(self._id(cell_of(member)))
        coins = chance.randrange(1, 20)
        events = decisions.spend(self._wallets[member], member, order, coins, at)
        terms, item = Terms("theme", "雪", coins), ItemId(self._id(0))
        until = chance.choice((None, at + timedelta(hours=9)))
        placed = OrderPlaced(member, item, terms, 1, coins, events[0].parts, POLICY, at)
        gained = BelongingGained(member, order, item, "theme", "雪", 1, at, until)
        self._charges[order] = (member, charge_of(events[0].parts, at))
        self.orders.append(order)
        return [
            (StreamId(order), member, placed),
            *self._moved(member, events),
            (belonging_stream(order), member, gained),
        ]

    def _held(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, wallet = self._chance, self._wallets[member]
        holds = [one for one in wallet.holds if not one.gift]
        if not holds or chance.random() < 0.4:
            order, until = OrderId(self._id(cell_of(member))), at + timedelta(days=1)
            coins = chance.randrange(1, 20)
            return self._moved(member, decisions.hold(wallet, member, order, coins, until, at))
        order = chance.choice(holds).order
        if chance.random() < 0.4:
            return self._moved(member, decisions.void(wallet, member, order, at))
        keep = chance.random() < 0.5
        coins = chance.randrange(1, 6)
        return self._moved(member, decisions.capture(wallet, member, order, coins, at, keep=keep))

    def _subscribed(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, moves = self._chance, membership_moves
        plan: Plan = chance.choice(PLANS)
        stream = membership_stream(member, plan)
        before = self._memberships.get(stream, NeverHad())
        course = Course(member, plan, before, self._wallets[member])
        # Hours are days to a membership, so that it lives through much; what is recorded is past.
        now = min(at, at - timedelta(days=300) + (at - _NOON) * 23)
        advance(course, now)
        which = OrderId(self._id(cell_of(member)))
        months: Months = chance.choice((1, 1, 12))
        with suppress(Refused):
            match chance.randrange(8):
                case 0:
                    moves.start_trial(course, which, months, now)
                case 1 | 2 | 3:
                    moves.subscribe(course, which, months, now)
                case 4:
                    moves.extend(course, which, months, now)
                case 5:
                    chance.choice((moves.cancel, moves.resume))(course, now)
                case 6:
                    moves.pause(course, now)
                case _:
                    moves.refund(course, which, Sealed(chance.randbytes(40)), now)
        self._memberships[stream] = MEMBERSHIP.fold(course.events, before)
        events: list[tuple[StreamId, MemberId, Event]] = [
            (stream, member, event) for event in course.events
        ]
        return [*events, *self._moved(member, course.moved)]

    def _decorated(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance, stream = self._chance, decoration_stream(member)
        if chance.random() < 0.2:
            return [(stream, member, DecorationRestored(member, at))]
        theirs = [order for order, (whose, _) in self._charges.items() if whose == member]
        theme = OfOrder(chance.choice(theirs)) if theirs else OfHouse("bamboo")
        background = OfHouse(chance.choice(("paper", "aurora")))
        look = Look(background, theme, wide=chance.random() < 0.5)
        return [(stream, member, DecorationChanged(member, look, at))]

    def _refunded(self, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        if not self._charges:
            return []
        order = self._chance.choice(list(self._charges))
        member, charge = self._charges[order]
        if self._revoked.get(order):
            return []
        refund = self._id(cell_of(order))
        parts = refunding(charge, refund, self._chance.choice((None, 1)))
        if not parts:
            return []
        events = decisions.refund(
            self._wallets[member], member, order, refund, parts, charge.taken_at, at
        )
        charge = charge.without(refund, parts)
        self._charges[order] = (member, charge)
        reason: Sealed[str] = Sealed(self._chance.randbytes(40))
        refunded = OrderRefunded(member, refund, parts, charge.refundable, reason, at)
        made = [(StreamId(order), member, refunded), *self._moved(member, events)]
        if not charge.refundable:
            taken = BelongingTakenBack(member, order, refund, at)
            made.append((belonging_stream(order), member, taken))
        return made

    def _expired(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        made: list[tuple[StreamId, MemberId, Event]] = []
        for lot in self._wallets[member].lots:
            if lot.left.coins:
                events = decisions.expire(self._wallets[member], member, lot.id, at)
                made += self._moved(member, events)
        if self._charges:
            order = self._chance.choice(list(self._charges))
            whose = self._charges[order][0]
            made.append((belonging_stream(order), whose, BelongingExpired(whose, order, at)))
        return made

    def _turned(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        """A rail takes back what a lot was bought with, or gives it back to us."""
        chance, wallet = self._chance, self._wallets[member]
        if wallet.reversals and chance.random() < 0.6:
            gone = chance.choice(wallet.reversals)
            held = wallet.escrowed(gone.lot)
            restored = reversal.restore(gone, held, member, gone.turn + 1, at)
            made: list[tuple[StreamId, MemberId, Event]] = self._moved(member, restored)
            for order in gone.orders:
                parts = tuple(one for one in self._revoked[order] if one.lot == gone.lot)
                still = tuple(one for one in self._revoked[order] if one.lot != gone.lot)
                self._revoked[order] = still
                self._charges[order] = (member, self._charges[order][1].put_back(parts))
                again = OrderRestored(member, gone.lot, parts, 0, at)
                made.append((StreamId(order), member, again))
            return made
        lots = [one for one in wallet.lots if isinstance(one.source, Bought)]
        if not lots:
            return []
        lot = chance.choice(lots)
        assert isinstance(lot.source, Bought)
        held, source = wallet.escrowed(lot.id), lot.source
        closed = reversal.reverse(lot, held, wallet.reversals, member, source.payment, 1, at)
        if not closed:
            return []
        made = self._moved(member, closed)
        for order, (whose, charge) in self._charges.items():
            parts = charge.of(lot.id)
            if whose == member and parts and chance.random() < 0.7:
                self._charges[order] = (member, charge.lifted(parts))
                self._revoked[order] = (*self._revoked.get(order, ()), *parts)
                event = OrderRevoked(member, lot.id, parts, coins_in(parts), at)
                made.append((StreamId(order), member, event))
                recovered = reversal.recover(member, lot.id, order, parts, at)
                made += self._moved(member, recovered)
        wallet = self._wallets[member]
        found, now = wallet.lot(lot.id), reversal.reversal_of(wallet.reversals, lot.id)
        assert found is not None
        assert now is not None
        return [*made, *self._moved(member, reversal.owe(found, now, member, at))]

    def _given(self, member: MemberId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        chance = self._chance
        if self._offers and chance.random() < 0.5:
            return self._answered(chance.choice(list(self._offers)), at)
        order, coins = OrderId(self._id(cell_of(member))), chance.randrange(1, 20)
        until, terms = at + ANSWER_TERM, Terms("theme", "雪", coins)
        wallet = self._wallets[member]
        held = decisions.hold(wallet, member, order, coins, until, at, gift=True)
        friend = chance.choice([one for one in self.members if one != member])
        item, months = ItemId(self._id(0)), chance.choice((None, GivenMonths("yellow", 1, 10)))
        offer = GiftOffered(member, friend, item, terms, 1, coins, until, at, months)
        self._offers[order] = offer
        self.orders.append(order)
        heard = received.hear(Unheard(), Offered(offer, 1), order, at)
        half = received_gift_stream(order, friend)
        return [
            (StreamId(order), member, offer),
            *self._moved(member, held),
            *((half, friend, event) for event in heard),
        ]

    def _answered(self, order: OrderId, at: datetime) -> list[tuple[StreamId, MemberId, Event]]:
        offer = self._offers.pop(order)
        sender, friend, wallet = offer.member, offer.recipient, self._wallets[offer.member]
        held, half = wallet.hold(order), received_gift_stream(order, friend)
        assert held is not None
        if self._chance.random() < 0.5:
            back = decisions.void(wallet, sender, order, at)
            return [
                (StreamId(order), sender, GiftReturned(sender, friend, "declined", at)),
                *self._moved(sender, back),
                (half, friend, GiftSettled(friend, order, "declined", at)),
            ]
        days = None if offer.months is None else given_months.service(offer.months, at)
        paid = decisions.capture(wallet, sender, order, offer.coins, held.held_at, service=days)
        accepted = GiftAccepted(sender, friend, held.parts, at)
        placed = ORDER.fold((offer, accepted), ORDER.initial)
        assert isinstance(placed, Placed)
        made: list[tuple[StreamId, MemberId, Event]] = [
            (StreamId(order), sender, accepted),
            *self._moved(sender, paid),
            (half, friend, GiftSettled(friend, order, "accepted", at)),
        ]
        if offer.months is None:
            made.append((belonging_stream(order, friend), friend, brought(placed, order)))
        return made

    def _moved(
        self, member: MemberId, events: Sequence[WalletEvent]
    ) -> list[tuple[StreamId, MemberId, Event]]:
        self._wallets[member] = WALLET.fold(events, self._wallets[member])
        return [(wallet_stream(member), member, event) for event in events]

    def _recorded(self, event: Event, stream: StreamId, owner: MemberId, at: datetime) -> Recorded:
        cell = cell_of(stream)
        position = self._heads[cell] = self._heads.get(cell, 0) + 1
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        command = mint(9_900, cell, position)
        return Recorded(
            cell, position, stream, version, at, owner, owner, command, command, None, event
        )
