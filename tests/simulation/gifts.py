"""
What gifts must be, worked out anew from what happened to them: who may give what to whom, what
stands in escrow, how each ends, and what its recipient's cell has heard and handed over.

A gift ends once, in its sender's cell, together with its coins. The recipient's cell comes after,
and says only what was true of the gift when it said so; once all is at rest, both say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID

from domain.event import Recorded
from domain.gift import GiftAccepted, GiftOffered, GiftReturned, GivenMonths
from domain.mall import Terms
from domain.membership_events import MonthsPaid
from domain.received_gift import GiftReceived, GiftSettled
from domain.wallet_events import CoinsCaptured, CoinsHeld, HoldVoided
from tests.simulation.goods import Bill, Goods
from tests.simulation.legal import Witness, must
from tests.simulation.purses import Held, Purses, Taken, coins_in, told
from tests.simulation.tenures import PRICES, months_after

#: How long a friend has to answer.
_ANSWER: Final = timedelta(days=7)
_CHINA: Final = timezone(timedelta(hours=8))


@dataclass(eq=False)
class Gift:
    """
    An offer. ``state`` is ``offered``, and then ``accepted``, ``declined`` or ``expired`` for good;
    ``heard`` is what the recipient's cell has heard of it, ``unheard`` at first.
    """

    sender: UUID
    recipient: UUID
    item: UUID
    terms: Terms
    quantity: int
    coins: int
    expires_at: datetime
    months: GivenMonths | None
    state: str = "offered"
    heard: str = "unheard"

    def open(self, at: datetime) -> bool:
        """Whether an answer counts."""
        return self.state == "offered" and at < self.expires_at


class Gifts:
    """All of them."""

    def __init__(self, witness: Witness, goods: Goods, purses: Purses) -> None:
        self._witness = witness
        self._goods = goods
        self._purses = purses
        self.of: dict[UUID, Gift] = {}
        #: Months that their friends have.
        self._received: set[UUID] = set()

    def take(self, recorded: Recorded, event: Any) -> None:
        """
        Something became of a gift.

        :raises Illegal: it must not be so.
        """
        match event:
            case GiftOffered():
                self._offer(recorded, event)
            case GiftAccepted() | GiftReturned():
                self._end(recorded, event)
            case GiftReceived(order=order):
                gift = self.of[order]
                must(gift.heard == "unheard", recorded, "a gift is heard of once")
                said = (
                    event.member, event.sender, event.item, event.kind, event.title,
                    event.quantity, event.expires_at,
                )  # fmt: skip
                wanted = (
                    gift.recipient, gift.sender, gift.item, gift.terms.kind, gift.terms.title,
                    gift.quantity, gift.expires_at,
                )  # fmt: skip
                must(said == wanted, recorded, f"it is {wanted}, not {said}")
                self._hear(order, "offered")
            case GiftSettled(member=member, order=order, how=how):
                gift = self.of[order]
                must(gift.recipient == member, recorded, "whoever it is for hears of it")
                now = self.standing(order)
                must(how == now != gift.heard, recorded, f"it is {now}, and that is news")
                self._hear(order, how)
            case _:
                raise AssertionError(event)

    def _offer(self, recorded: Recorded, event: GiftOffered) -> None:
        sender, recipient, at = event.member, event.recipient, event.effective_at
        must(recorded.actor == sender, recorded, "who pays for a gift gives it")
        may = self.may_give(sender, recipient)
        must(may, recorded, "a gift is for a friend who can act")
        must(event.expires_at == at + _ANSWER, recorded, "there are seven days to answer")
        if event.months is None:
            ware = self._goods.wares.get(event.item)
            for_sale = ware is not None and ware.listed and ware.terms == event.terms
            must(for_sale, recorded, "it is for sale, on these terms")
            may = self._goods.for_whom(sender, event.terms, at)
            must(may, recorded, "it is sold to whoever pays")
        else:
            terms, months = event.terms, event.months.months
            said = (terms.kind, terms.price_coins, event.quantity, event.months.daily)
            wanted = ("membership", PRICES[months], 1, 15 if months == 12 else 10)
            must(said == wanted, recorded, f"{months} months are {wanted}, not {said}")
        cost = event.terms.price_coins * event.quantity
        must(event.coins == cost, recorded, f"it costs {cost}")
        must(recorded.stream not in self.of, recorded, "it is offered once")
        self.of[recorded.stream] = Gift(
            sender, recipient, event.item, event.terms, event.quantity, cost, event.expires_at,
            event.months,
        )  # fmt: skip

    def may_give(self, sender: UUID, recipient: UUID) -> bool:
        """Whether one may offer anything to the other now."""
        world = self._witness
        ties = world.friends(sender, recipient) and not world.apart(sender, recipient)
        return sender != recipient and ties and world.people[recipient].barred is None

    def _end(self, recorded: Recorded, event: GiftAccepted | GiftReturned) -> None:
        gift, at = self.of[recorded.stream], event.effective_at
        must(gift.state == "offered", recorded, f"a gift ends once, and this was {gift.state}")
        same = (event.member, event.recipient) == (gift.sender, gift.recipient)
        must(same, recorded, "it is from the one to the other")
        if isinstance(event, GiftReturned) and event.why == "expired":
            must(at == gift.expires_at, recorded, "it runs out when it is said to")
            gift.state = "expired"
            return
        must(recorded.actor == gift.recipient, recorded, "whom it is for answers")
        self._witness.acts(recorded, gift.recipient)
        must(gift.open(at), recorded, "and in time")
        gift.state = "accepted" if isinstance(event, GiftAccepted) else "declined"
        if isinstance(event, GiftAccepted):
            parts = told(event.parts)
            must(coins_in(parts) == gift.coins, recorded, "all that it cost is paid")
            self._goods.bills[recorded.stream] = Bill(
                gift.sender, gift.item, gift.terms, gift.coins, parts, gift.recipient, at
            )
            self._hear(recorded.stream, gift.heard)

    def _hear(self, order: UUID, how: str) -> None:
        self.of[order].heard = how
        if order in self._goods.bills:
            self._goods.bills[order].heard = how

    def standing(self, order: UUID) -> str:
        """How a gift stands in its sender's cell, in the words of the recipient's."""
        gift = self.of[order]
        if gift.state != "accepted":
            return gift.state
        bill = self._goods.bills[order]
        if bill.revoked:
            return "revoked"
        return "accepted" if bill.delivered else "refunded"

    # What one command did

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold gifts against their coins: these are in escrow as long as it waits, and no longer.

        :raises Illegal: one of the two moved without the other.
        """
        moved = [one for one in command if getattr(one.event, "gift", None) is True]
        ended = [one for one in command if isinstance(one.event, _GIFT_MOVES)]
        orders = {one.event.order for one in moved}  # type: ignore[attr-defined]
        must({one.stream for one in ended} == orders, command[0], "a gift moves with its coins")
        for one in ended:
            event: Any = one.event
            (coins,) = [each for each in moved if each.event.order == one.stream]  # type: ignore[attr-defined]
            kind = type(coins.event)
            must(kind is _COINS[type(event)], one, f"its coins are {kind.__name__}")
            held = self._purses.purse(event.member).holds.get(one.stream)
            self._check_escrow(one, event, coins.event, held)
            if isinstance(event, GiftAccepted):
                paid: Any = coins.event
                self._check_days(one, self.of[one.stream], paid.service)
        for one in command:
            if isinstance(one.event, MonthsPaid) and one.event.how == "given":
                self._receive(one, one.event)

    @staticmethod
    def _check_days(recorded: Recorded, gift: Gift, service: Any) -> None:
        """For the books, months are days from the moment of their acceptance."""
        event: Any = recorded.event
        if gift.months is None:
            must(service is None, recorded, "an item is not for days")
            return
        at = event.effective_at
        until = months_after(at, gift.months.months, at.astimezone(_CHINA).day)
        said = (service.plan, service.since, service.until)
        must(said == (gift.months.plan, at, until), recorded, f"it is for days until {until}")

    def _receive(self, recorded: Recorded, event: MonthsPaid) -> None:
        gift = self.of[event.period.charge]
        said = (event.member, event.plan, event.period.months)
        wanted = gift.months and (gift.recipient, gift.months.plan, gift.months.months)
        must(said == wanted, recorded, f"months were given so: {wanted}")
        must(event.period.charge not in self._received, recorded, "and once")
        must(gift.heard == "accepted", recorded, "and were accepted")
        self._received.add(event.period.charge)

    @staticmethod
    def _check_escrow(recorded: Recorded, event: Any, coins: Any, held: Held | None) -> None:
        if isinstance(event, GiftOffered):
            assert held is not None, "its coins are held"
            wanted = (event.coins, event.expires_at)
            stands = (coins_in(held.parts), held.expires_at)
            must(stands == wanted, recorded, f"in escrow is {stands}, not {wanted}")
            return
        must(held is None, recorded, "nothing of it is in escrow any longer")
        if isinstance(event, GiftAccepted):
            paid: list[Taken] = told(coins.parts)
            must(told(event.parts) == paid, recorded, f"it is paid with {paid}")
        else:
            why = "expired" if event.why == "expired" else "voided"
            must(coins.why == why, recorded, f"its coins are back because it {event.why}")

    # At rest

    def check_rest(self) -> None:
        """Both cells say the same of each gift."""
        for order, gift in self.of.items():
            stands = self.standing(order)
            assert gift.heard == stands, f"gift {order} is {stands}, and was heard {gift.heard}"
            got = order in self._received or stands != "accepted" or gift.months is None
            assert got, f"the months of {order} were accepted, and are not there"


_GIFT_MOVES: Final = (GiftOffered, GiftAccepted, GiftReturned)
#: What becomes of the coins in the same append.
_COINS: Final[dict[type, type]] = {
    GiftOffered: CoinsHeld,
    GiftAccepted: CoinsCaptured,
    GiftReturned: HoldVoided,
}
