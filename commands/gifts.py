"""
Commands about gifts: offer one to a friend, accept or decline it; and what carries it across cells.

The answer is decided in the sender's cell, where the order and its coins are: one append, so of
accepting, declining and running out there is one. The recipient's cell hears of it by a policy.
"""

import msgspec

from commands.directory import Directory
from commands.orders import PlaceOrder, sold_to
from commands.relations import acting_member, check_id
from commands.work import Outcome, Work
from domain import giving as decisions
from domain import received_gift as received
from domain import wallet_moves
from domain.account import ACCOUNT, account_stream
from domain.belonging import BELONGING, belonging_stream
from domain.circle import CIRCLE, circle_stream
from domain.gift import ANSWER_TERM, GiftOffered, SentBack
from domain.ids import ItemId, MemberId, OrderId, cell_of
from domain.lots import Part
from domain.order import ORDER, Order, order_stream
from domain.received_gift import RECEIVED_GIFT, received_gift_stream
from domain.wallet import WALLET, Wallet, wallet_stream


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
        item = ItemId(command.item)
        terms = await sold_to(work, member, item)
        order, until = OrderId(work.mint(cell_of(member))), at + ANSWER_TERM
        coins = terms.price_coins * command.quantity
        wallet = await work.load(WALLET, wallet_stream(member))
        held = wallet_moves.hold(wallet, member, order, coins, until, at, gift=True)
        offered = GiftOffered(member, recipient, item, terms, command.quantity, coins, until, at)
        stream = order_stream(order)
        work.fresh(ORDER, stream)
        work.append(ORDER, stream, member, (offered,))
        work.append(WALLET, wallet_stream(member), member, held)
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
        coins = decisions.offer_of(order, recipient).coins
        paid = wallet_moves.capture(wallet, sender, which, coins, at)
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
    gained = received.hand_over(half, belonging, order, which, at)
    work.append(BELONGING, owned, recipient, gained)
    return Outcome(which, (stream, work.version(stream) + len(heard)))
