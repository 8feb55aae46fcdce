"""
What members buy: the shelf, orders, what these brought, payments, and how spaces are to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.belonging import (
    BelongingEvent,
    BelongingExpired,
    BelongingGained,
    BelongingRevoked,
    BelongingTakenBack,
)
from domain.decoration import DecorationChanged, DecorationRestored
from domain.event import Recorded
from domain.looks import HOUSE, PLAIN, SLOTS, Look, OfHouse
from domain.mall import ItemChanged, ItemDelisted, ItemListed, ItemRelisted, Terms
from domain.order import OrderPlaced, OrderRefunded, OrderRestored, OrderRevoked
from tests.simulation.legal import must
from tests.simulation.purses import Purse, Taken, coins_in, first, told
from tests.simulation.tenures import Tenures

#: Clocks of servers are apart by less.
_SLACK: Final = timedelta(seconds=10)
_PLANS: Final = ("yellow", "green")


@dataclass(eq=False)
class Ware:
    """Something in the mall."""

    terms: Terms
    listed: bool = True


@dataclass(eq=False)
class Bill:
    """
    An order that was fulfilled: ``left`` is what it took and has not given back, ``owner`` whose
    it is what it brought, ``since`` a moment: the buyer, or the friend who accepted it then.
    """

    member: UUID
    item: UUID
    terms: Terms
    coins: int
    left: list[Taken]
    owner: UUID
    since: datetime
    refunds: set[UUID] = field(default_factory=set)
    #: The refund that a guardian had, after which the item is nobody's, whatever is left.
    guardian: UUID | None = None
    #: What of it is gone since the payments of its lots were taken back.
    revoked: list[Taken] = field(default_factory=list)
    #: What its owner's cell has heard of it, where it is a gift.
    heard: str = "accepted"

    def __post_init__(self) -> None:
        self._turns = [lot for lot, _, _ in self.left]

    @property
    def delivered(self) -> bool:
        """Whether what it brought is its owner's: what it took is still paid, or some of it."""
        return bool(self.left) and not self.revoked and self.guardian is None

    def on_its_way(self, at: datetime) -> bool:
        """Whether it is a friend's who does not have it yet, and will."""
        lasts = self.until is None or self.until > at
        return self.delivered and self.heard != "accepted" and lasts

    def in_turn(self, parts: list[Taken]) -> list[Taken]:
        """Parts in the order in which they were taken."""
        return sorted(parts, key=lambda part: self._turns.index(part[0]))

    @property
    def until(self) -> datetime | None:
        """When what it brought runs out."""
        days = self.terms.valid_days
        return None if days is None else self.since + timedelta(days=days)


@dataclass(eq=False)
class Thing:
    """What an order brought."""

    member: UUID
    kind: str
    expires_at: datetime | None

    def usable(self, at: datetime) -> bool:
        """Whether its time is not over."""
        return self.expires_at is None or self.expires_at > at


class Goods:
    """All of them."""

    def __init__(self, tenures: Tenures) -> None:
        self._tenures = tenures
        self.wares: dict[UUID, Ware] = {}
        self.bills: dict[UUID, Bill] = {}
        self.things: dict[UUID, Thing] = {}
        self.looks: dict[UUID, Look] = {}
        #: Who is 8 to 15 years old.
        self.minors: set[UUID] = set()
        #: The orders that have brought something, be it gone by now.
        self._brought: set[UUID] = set()

    def take(self, recorded: Recorded, event: Any) -> None:
        """
        Something was sold, refunded, or put on.

        :raises Illegal: it must not be so.
        """
        match event:
            case ItemListed(terms=terms):
                self.wares[recorded.stream] = Ware(terms)
            case ItemChanged(terms=terms):
                self.wares[recorded.stream].terms = terms
            case ItemDelisted() | ItemRelisted():
                self.wares[recorded.stream].listed = isinstance(event, ItemRelisted)
            case OrderPlaced():
                self._sell(recorded, event)
            case OrderRefunded(refund=refund, parts=parts, left=left):
                bill = self.bills[recorded.stream]
                self._may_refund(recorded, bill, event)
                rest, back = first(bill.left, coins_in(bill.left) - coins_in(told(parts)))
                last = told(parts) == back and bool(back)
                must(last, recorded, f"what was taken last comes back first: {back}")
                must(left == coins_in(rest), recorded, "so much is left")
                must(refund not in bill.refunds, recorded, "a refund counts once")
                bill.left = rest
                bill.refunds.add(refund)
            case OrderRevoked() | OrderRestored():
                self._turn(recorded, event)
            case BelongingGained() | BelongingTakenBack() | BelongingRevoked() | BelongingExpired():
                self._have(recorded, event)
            case DecorationChanged(member=member, look=look, effective_at=at):
                self._dress(recorded, member, look, at)
            case DecorationRestored(member=member):
                self.looks.pop(member, None)
            case _:
                raise AssertionError(event)

    def _have(self, recorded: Recorded, event: BelongingEvent) -> None:
        match event:
            case BelongingGained(member=member, order=order, kind=kind, expires_at=expires_at):
                must(order not in self.things, recorded, "an order brings what it brings once")
                must(order not in self._brought, recorded, "and not again")
                bill = self.bills[order]
                must(bill.delivered, recorded, "what is paid is handed over")
                wanted = (bill.owner, bill.terms.kind, bill.until)
                must((member, kind, expires_at) == wanted, recorded, f"it is so: {wanted}")
                self.things[order] = Thing(member, kind, expires_at)
                self._brought.add(order)
            case BelongingTakenBack(order=order):
                must(not self.bills[order].delivered, recorded, "only what was refunded in full")
                del self.things[order]
            case BelongingRevoked(order=order):
                must(bool(self.bills[order].revoked), recorded, "only what is not paid any longer")
                del self.things[order]
                self._brought.discard(order)
            case BelongingExpired(order=order, effective_at=at):
                due = self.things[order].expires_at == at
                must(due, recorded, "things expire when they are said to")
                del self.things[order]

    def _sell(self, recorded: Recorded, event: OrderPlaced) -> None:
        ware, at = self.wares.get(event.item), event.effective_at
        must(ware is not None and ware.listed, recorded, "it is for sale")
        assert ware is not None
        must(event.terms == ware.terms, recorded, "on the terms of that moment")
        cost = event.terms.price_coins * event.quantity
        must(coins_in(told(event.parts)) == event.coins == cost, recorded, f"it costs {cost}")
        must(self.for_whom(event.member, ware.terms, at), recorded, "it is for this buyer")
        parts = told(event.parts)
        self.bills[recorded.stream] = Bill(
            event.member, event.item, event.terms, cost, list(parts), event.member, at
        )

    def _turn(self, recorded: Recorded, event: OrderRevoked | OrderRestored) -> None:
        """Coins of a lot leave an order with what they bought, or are there again."""
        bill, lot, parts = self.bills[recorded.stream], event.lot, told(event.parts)
        given = None if bill.owner == bill.member else bill.owner
        must((event.member, event.recipient) == (bill.member, given), recorded, "it is theirs")
        if isinstance(event, OrderRevoked):
            there = recorded.stream in self.things or bill.on_its_way(event.effective_at)
            must(there or bool(bill.revoked), recorded, "what is used up is owed instead")
            wanted = [part for part in bill.left if part[0] == lot]
            bill.left = [part for part in bill.left if part[0] != lot]
            bill.revoked = [*bill.revoked, *wanted]
        else:
            wanted = [part for part in bill.revoked if part[0] == lot]
            bill.revoked = [part for part in bill.revoked if part[0] != lot]
            bill.left = bill.in_turn([*bill.left, *wanted])
        must(parts == wanted and bool(parts), recorded, f"these are the lot's: {wanted}")
        missing = coins_in(bill.revoked)
        must(event.missing == missing, recorded, f"{missing} coins are missing")

    def _may_refund(self, recorded: Recorded, bill: Bill, event: OrderRefunded) -> None:
        """Operators refund what they like; guardians and buyers by the rules that are theirs."""
        must(bill.terms.kind != "membership", recorded, "no coins come back for months")
        must(not bill.revoked, recorded, "what is undone later must be there")
        left, back = coins_in(bill.left), coins_in(told(event.parts))
        if event.guardian is not None:
            must(bill.member in self.minors, recorded, "guardians speak for minors")
            must(bill.guardian is None, recorded, "and once an order")
            percent = event.guardian.house_percent
            share = sum(100 * coin < left * percent for coin in range(left))
            must(back == share, recorded, f"the house bears {share} of {left}")
            bill.guardian = event.refund
        if recorded.actor == bill.member:
            must(bill.owner == bill.member, recorded, "what was given is the friend's")
            days = bill.terms.refund_days
            in_time = days is not None and event.effective_at < bill.since + timedelta(days=days)
            must(in_time, recorded, "buyers give back what can be given back, in time")
            must(recorded.stream in self.things, recorded, "it is there")
            must(back == left, recorded, "and all of it")

    def for_whom(self, member: UUID, terms: Terms, at: datetime) -> bool:
        """Whether a member may buy something on such terms."""
        held = [one for plan in _PLANS if (one := self._tenures.tenure(member, plan)).gives(at)]
        if terms.members_only and not held:
            return False
        yellow = self._tenures.tenure(member, "yellow")
        least = terms.level_min
        return least is None or (yellow.gives(at) and yellow.level(at) >= least)

    # Looks

    def entitled(self, member: UUID, slot: str, choice: Any, at: datetime) -> bool:
        """Whether a member's space may wear something at a moment."""
        if not isinstance(choice, OfHouse):
            thing = self.things.get(choice.order)
            mine = thing is not None and thing.member == member and thing.kind == slot
            return mine and thing is not None and thing.usable(at)
        offer = HOUSE[slot][choice.name]  # type: ignore[index]
        if offer.plan is None:
            return True
        tenure = self._tenures.tenure(member, offer.plan)
        return tenure.gives(at) and tenure.level(at) >= offer.level

    def shown(self, member: UUID, at: datetime) -> dict[str, Any]:
        """What of a look shows at a moment, by slot."""
        look = self.looks.get(member, PLAIN)
        choices = {slot: getattr(look, slot) for slot in SLOTS}
        return {
            slot: choice
            for slot, choice in choices.items()
            if choice is not None and self.entitled(member, slot, choice, at)
        }

    def _dress(self, recorded: Recorded, member: UUID, look: Look, at: datetime) -> None:
        before = self.looks.get(member, PLAIN)
        for slot in SLOTS:
            choice = getattr(look, slot)
            if choice is not None and choice != getattr(before, slot):
                may = self.entitled(member, slot, choice, at)
                must(may, recorded, f"{slot} may be worn")
        self.looks[member] = look

    # What one command did

    def settle(self, command: Sequence[Recorded], purse_of: Any) -> None:
        """
        Hold an order, its coins and what it brought against each other.

        :raises Illegal: one came without the others.
        """
        for recorded in command:
            event: Any = recorded.event
            if isinstance(event, OrderPlaced):
                purse: Purse = purse_of(event.member)
                spent = purse.spent.get(recorded.stream)
                same = spent is not None and spent[0] == told(event.parts)
                must(same, recorded, "an order and its coins come together")
                must(recorded.stream in self.things, recorded, "so does what it brings")
            if isinstance(event, OrderRefunded):
                purse = purse_of(event.member)
                so_far = coins_in(purse.back.get(recorded.stream, []))
                bill = self.bills[recorded.stream]
                wanted = bill.coins - coins_in(bill.left) - coins_in(bill.revoked)
                must(so_far == wanted, recorded, "what is refunded is in the purse")
                # What is a friend's is taken back in that friend's cell.
                given = bill.owner != bill.member
                kept = given or bill.delivered or recorded.stream not in self.things
                must(kept, recorded, "what was refunded in full is taken back")
            if isinstance(event, OrderRevoked | OrderRestored):
                self._check_there(recorded, self.bills[recorded.stream])

    def _check_there(self, recorded: Recorded, bill: Bill) -> None:
        """What somebody bought for themselves comes and goes with its coins."""
        at = recorded.recorded_at
        if bill.owner == bill.member and (bill.until is None or bill.until > at + _SLACK):
            there = recorded.stream in self.things
            must(there is bill.delivered, recorded, "it is there as long as it is paid")

    # At rest

    def check_rest(self, now: datetime) -> None:
        """What an order brought is there as long as it is paid and its time is not over."""
        wanted = {
            order
            for order, bill in self.bills.items()
            if bill.terms.kind != "membership"
            and bill.delivered
            and (bill.until is None or bill.until > now)
        }
        there = {order for order, thing in self.things.items() if thing.usable(now)}
        assert there == wanted, f"{there - wanted} are not paid, and {wanted - there} not there"
