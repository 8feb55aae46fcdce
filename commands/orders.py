"""
Commands about orders: buy an item, and refund what was paid for one.
"""

from datetime import timedelta
from uuid import UUID

import msgspec

from commands.memberships import privileges
from commands.relations import acting_member, check_id
from commands.types import QQ, Coins, Quantity, Reason
from commands.work import Outcome, Work
from domain import belonging as belongings
from domain import order as decisions
from domain import wallet_moves
from domain.belonging import BELONGING, BelongingGained, belonging_stream
from domain.event import Refused
from domain.ids import ItemId, MemberId, OrderId, cell_of
from domain.lots import POLICY
from domain.mall import ITEM, Terms, check_buyer, item_stream, on_sale, total
from domain.order import ORDER, NoOrder, OrderPlaced, Placed, order_stream
from domain.sealed import KeyClass
from domain.wallet import WALLET, wallet_stream


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Buy an item of the mall."""

    item: UUID
    quantity: Quantity = 1
    gift_to: QQ | None = None


class RefundOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give back coins of an order; without ``coins``, all that have not been given back."""

    reason: Reason
    coins: Coins | None = None


async def place(command: PlaceOrder, work: Work) -> Outcome:
    """Buy: the order, its coins and what it brings are one append, in the buyer's cell."""
    member, at = await acting_member(work), work.context.effective_at
    assert command.gift_to is None, "what is for somebody else is offered, in commands.gifts"
    item = ItemId(command.item)
    terms = await sold_to(work, member, item)
    order = OrderId(work.mint(cell_of(member)))
    stream, belonging = order_stream(order), belonging_stream(order)
    coins = total(terms, command.quantity)
    wallet = await work.load(WALLET, wallet_stream(member))
    (spent,) = wallet_moves.spend(wallet, member, order, coins, at)
    placed = OrderPlaced(member, item, terms, command.quantity, coins, spent.parts, POLICY, at)
    gained = _gained(placed, order, terms)
    work.fresh(ORDER, stream)
    work.fresh(BELONGING, belonging)
    work.append(ORDER, stream, member, (placed,))
    work.append(WALLET, wallet_stream(member), member, (spent,))
    work.append(BELONGING, belonging, member, (gained,))
    return Outcome(order, (stream, 1), state="fulfilled", status=201)


async def sold_to(work: Work, member: MemberId, item: ItemId) -> Terms:
    """
    The terms on which an item is sold to somebody now, be it for a friend.

    :raises Refused: there is no such item, or it is not for sale, or not to this member.
    """
    check_id(work, item, "no-such-item", "/item")
    terms = on_sale(await work.load(ITEM, item_stream(item)))
    if terms.members_only or terms.level_min is not None:
        benefits, level = await privileges(work, member)
        check_buyer(terms, benefits=benefits, yellow_level=level)
    return terms


def _gained(placed: OrderPlaced, order: OrderId, terms: Terms) -> BelongingGained:
    at = placed.effective_at
    return BelongingGained(
        member=placed.member,
        order=order,
        item=placed.item,
        kind=terms.kind,
        title=terms.title,
        quantity=placed.quantity,
        effective_at=at,
        expires_at=None if terms.valid_days is None else at + timedelta(days=terms.valid_days),
    )


async def refund(which: OrderId, command: RefundOrder, work: Work) -> Outcome:
    """
    Refund an order, in part or in full: its coins return to the very lots they came from; in full,
    what it brought is taken back.
    """
    check_id(work, which)
    work.cell = cell_of(which)
    order = decisions.fulfilled(await work.load(ORDER, order_stream(which)))
    return await _give_back(which, order, command, work)


async def refund_own(which: OrderId, command: RefundOrder, work: Work) -> Outcome:
    """
    Give back what one bought oneself, within the item's days, and whole: whoever keeps the item
    has paid for it.
    """
    check_id(work, which)
    member = await acting_member(work)
    work.cell = cell_of(which)
    order = await work.load(ORDER, order_stream(which))
    if isinstance(order, NoOrder) or decisions.buyer(order) != member:
        raise Refused("not-found")
    order = decisions.fulfilled(order)
    if order.charge.refundable:
        belonging = await work.load(BELONGING, belonging_stream(which))
        decisions.may_return(order, belonging, work.context.effective_at)
        if command.coins not in (None, order.charge.refundable):
            raise Refused("refund-in-full", "What is given back is refunded whole.", "/coins")
    return await _give_back(which, order, command, work)


async def _give_back(which: OrderId, order: Placed, command: RefundOrder, work: Work) -> Outcome:
    stream, at, again = order_stream(which), work.context.effective_at, work.mint(work.cell)
    member, charge = order.member, order.charge
    reason = await work.vault.seal(member, KeyClass.BILLING, command.reason)
    events = decisions.refund(order, again, command.coins, reason, at)
    if not events:
        return _refunded(charge.refunds[-1], which, charge.refundable, order.since)
    (event,) = events
    wallet = await work.load(WALLET, wallet_stream(member))
    back = wallet_moves.refund(wallet, member, which, again, event.parts, charge.taken_at, at)
    work.append(ORDER, stream, member, events)
    work.append(WALLET, wallet_stream(member), member, back)
    if not event.left and order.gift is None:
        # What was given is in another cell: a policy takes it back there.
        belonging = await work.load(BELONGING, belonging_stream(which))
        taken = belongings.take_back(belonging, again, at)
        work.append(BELONGING, belonging_stream(which), member, taken)
    return _refunded(again, which, event.left, work.version(stream) + 1)


def _refunded(refund: UUID, which: OrderId, left: int, version: int) -> Outcome:
    state = "partly_refunded" if left else "refunded"
    return Outcome(refund, (order_stream(which), version), state=state, status=201)
