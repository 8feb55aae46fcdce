"""
Commands about gifts: offer one to a friend, accept or decline it; and what carries it across cells.

The answer is decided in the sender's cell, where the order and its coins are: one append, so of
accepting, declining and running out there is one. The recipient's cell hears of it by a policy.
"""

import msgspec

from commands.directory import Directory
from commands.orders import PlaceOrder, sold_to
from commands.relations import acting_member, check_id
from commands.types import QQ
from commands.work import Outcome, Work
from domain import given_months, wallet_moves
from domain import giving as decisions
from domain import received_gift as received
from domain.account import ACCOUNT, account_stream
from domain.belonging import BELONGING, belonging_stream
from domain.circle import CIRCLE, circle_stream
from domain.gift import ANSWER_TERM, GiftOffered, SentBack
from domain.ids import ItemId, MemberId, OrderId, cell_of
from domain.lots import Part
from domain.mall import total
from domain.membership import MEMBERSHIP, membership_stream
from domain.membership_course import Course, advance
from domain.order import ORDER, Order, Placed, order_stream
from domain.plans import Months, Plan
from domain.received_gift import RECEIVED_GIFT, received_gift_stream
from domain.wallet import WALLET, Wallet, wallet_stream


class GiveMonths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give a friend months of a membership."""

    plan: Plan
    months: Months
    gift_to: QQ


class ExpireGift(msgspec.Struct, frozen=True):
    """A timer's command: the recipient of a gift has not answered."""

    order: OrderId


class HearOfGift(msgspec.Struct, frozen=True):
    """A policy's command: bring the recipient's half into line with the order."""

    order: OrderId
    recipient: MemberId


class GiftHandlers:
    """The handler that needs the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def offer(self, command: PlaceOrder, work: Work) -> Outcome:
        """
        Buy for a friend: the order and its coins in escrow are one append, in the sender's cell.
        That the two are friends and both may act are guards: it is so at the commit.
        """
        member, at = await acting_member(work), work.context.effective_at
        assert command.gift_to is not None
        recipient = await self._directory.member(command.gift_to, "/gift_to")
        await _may_give(work, member, recipient)
        item, until = ItemId(command.item), at + ANSWER_TERM
        terms = await sold_to(work, member, item)
        coins = total(terms, command.quantity)
        offer = GiftOffered(member, recipient, item, terms, command.quantity, coins, until, at)
        return await _offer(offer, work)

    async def offer_months(self, command: GiveMonths, work: Work) -> Outcome:
        """Pay months of a membership for a friend, as anything else is given."""
        member, at = await acting_member(work), work.context.effective_at
        recipient = await self._directory.member(command.gift_to, "/gift_to")
        await _may_give(work, member, recipient)
        item, terms, given = given_months.offered(command.plan, command.months)
        coins, until = terms.price_coins, at + ANSWER_TERM
        offer = GiftOffered(member, recipient, item, terms, 1, coins, until, at, given)
        return await _offer(offer, work)


async def _offer(offer: GiftOffered, work: Work) -> Outcome:
    member, at = offer.member, offer.effective_at
    order, wallet = OrderId(work.mint(cell_of(member))), wallet_stream(member)
    held = wallet_moves.hold(
        await work.load(WALLET, wallet), member, order, offer.coins, offer.expires_at, at, gift=True
    )
    stream = order_stream(order)
    work.fresh(ORDER, stream)
    work.append(ORDER, stream, member, (offer,))
    work.append(WALLET, wallet, member, held)
    return Outcome(order, (stream, 1), state="offered", status=201)


async def _may_give(work: Work, member: MemberId, recipient: MemberId) -> None:
    half = (await work.load(CIRCLE, circle_stream(member))).tie(recipient)
    other_half = (await work.load(CIRCLE, circle_stream(recipient))).tie(member)
    account = await work.load(ACCOUNT, account_stream(recipient))
    decisions.may_give(member, recipient, half, other_half, account)


async def accept(which: OrderId, work: Work) -> Outcome:
    """Take a gift: its coins are paid, and a policy brings the item to the recipient."""
    recipient, order, wallet = await _answered(which, work)
    sender, at = decisions.offer_of(order, recipient).member, work.context.effective_at
    events = decisions.accept(order, recipient, _in_escrow(wallet, which), at)
    if events:
        offer = decisions.offer_of(order, recipient)
        days = None if offer.months is None else given_months.service(offer.months, at)
        paid = wallet_moves.capture(wallet, sender, which, offer.coins, at, service=days)
        work.append(ORDER, order_stream(which), sender, events)
        work.append(WALLET, wallet_stream(sender), sender, paid)
    # An offer is the first event of its order, and its answer the second.
    return Outcome(which, (order_stream(which), 2), state="accepted")


async def decline(which: OrderId, work: Work) -> Outcome:
    """Send a gift back: its coins return to the very lots they came from."""
    recipient, order, wallet = await _answered(which, work)
    sender, at = decisions.offer_of(order, recipient).member, work.context.effective_at
    events = decisions.decline(order, recipient, at)
    if events:
        back = wallet_moves.void(wallet, sender, which, at)
        work.append(ORDER, order_stream(which), sender, events)
        work.append(WALLET, wallet_stream(sender), sender, back)
    state = order.why if isinstance(order, SentBack) else "declined"
    return Outcome(which, (order_stream(which), 2), state=state)


async def _answered(which: OrderId, work: Work) -> tuple[MemberId, Order, Wallet]:
    """Who answers, what, and the wallet of whoever offers it."""
    check_id(work, which)
    recipient = await acting_member(work)
    work.cell = cell_of(which)
    order = await work.load(ORDER, order_stream(which))
    sender = decisions.offer_of(order, recipient).member
    return recipient, order, await work.load(WALLET, wallet_stream(sender))


def _in_escrow(wallet: Wallet, which: OrderId) -> tuple[Part, ...]:
    held = wallet.hold(which)
    return () if held is None else held.parts


async def expire(command: ExpireGift, work: Work) -> Outcome:
    """Nobody has answered: the coins return, whatever anybody's standing is by now."""
    which, at = command.order, work.context.effective_at
    stream = order_stream(which)
    order = await work.load(ORDER, stream)
    events = decisions.expire(order, at)
    for event in events:
        sender = event.member
        wallet = await work.load(WALLET, wallet_stream(sender))
        work.append(ORDER, stream, sender, (event,))
        back = wallet_moves.void(wallet, sender, which, at, expired=True)
        work.append(WALLET, wallet_stream(sender), sender, back)
    return Outcome(which, (stream, work.version(stream) + len(events)))


async def hear(command: HearOfGift, work: Work) -> Outcome:
    """
    Bring the recipient's half, and what the recipient has, into line with the order. The order is
    a guard: what is written here is true of it at the commit.
    """
    which, recipient, at = command.order, command.recipient, work.context.effective_at
    order = await work.load(ORDER, order_stream(which))
    stream = received_gift_stream(which, recipient)
    half = await work.load(RECEIVED_GIFT, stream)
    owned = belonging_stream(which, recipient)
    belonging = await work.load(BELONGING, owned)
    heard = received.hear(half, order, which, at)
    work.append(RECEIVED_GIFT, stream, recipient, heard)
    if isinstance(order, Placed) and received.awaited(half, order, which, at):
        await _receive_months(which, order, work)
    gained = received.hand_over(half, belonging, order, which, at)
    work.append(BELONGING, owned, recipient, gained)
    return Outcome(which, (stream, work.version(stream) + len(heard)))


async def _receive_months(which: OrderId, order: Placed, work: Work) -> None:
    """Add months that were given to the recipient's membership, together with hearing of them."""
    assert order.gift is not None
    given, at = order.gift.offer.months, work.context.effective_at
    if given is None:
        return
    recipient = order.gift.offer.recipient
    stream, wallet = membership_stream(recipient, given.plan), wallet_stream(recipient)
    membership = await work.load(MEMBERSHIP, stream)
    course = Course(recipient, given.plan, membership, await work.load(WALLET, wallet))
    advance(course, at)
    given_months.receive(course, which, given, at)
    work.append(MEMBERSHIP, stream, recipient, course.events)
    work.append(WALLET, wallet, recipient, course.moved)
