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
from domain.ids import ItemId, OrderId, cell_of
from domain.lots import POLICY
from domain.mall import ITEM, Terms, check_buyer, item_stream, on_sale, total
from domain.order import ORDER, NoOrder, OrderPlaced, Placed, order_stream
from domain.sealed import KeyClass
from domain.wallet import WALLET, Wallet, wallet_stream


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
    if command.gift_to is not None:
        raise Refused("gift-not-possible", "Items are bought for oneself.", "/gift_to")
    item = ItemId(command.item)
    check_id(work, item, "no-such-item", "/item")
    terms = on_sale(await work.load(ITEM, item_stream(item)))
    if terms.members_only or terms.level_min is not None:
        benefits, level = await privileges(work, member)
        check_buyer(terms, benefits=benefits, yellow_level=level)
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
    stream, at = order_stream(which), work.context.effective_at
    order = await work.load(ORDER, stream)
    if isinstance(order, NoOrder):
        raise Refused("not-found")
    member, again = order.member, work.mint(work.cell)
    reason = await work.vault.seal(member, KeyClass.BILLING, command.reason)
    events = decisions.refund(order, again, command.coins, reason, at)
    if not events:
        return _refunded(order.charge.refunds[-1], which, order.charge.refundable, order.since)
    (event,) = events
    wallet, belonging = await _touched(work, which, order)
    taken_at = order.charge.taken_at
    back = wallet_moves.refund(wallet, member, which, again, event.parts, taken_at, at)
    work.append(ORDER, stream, member, events)
    work.append(WALLET, wallet_stream(member), member, back)
    if not event.left:
        taken = belongings.take_back(belonging, again, at)
        work.append(BELONGING, belonging_stream(which), member, taken)
    return _refunded(again, which, event.left, work.version(stream) + 1)


async def _touched(
    work: Work, which: OrderId, order: Placed
) -> tuple[Wallet, belongings.Belonging]:
    wallet = await work.load(WALLET, wallet_stream(order.member))
    return wallet, await work.load(BELONGING, belonging_stream(which))


def _refunded(refund: UUID, which: OrderId, left: int, version: int) -> Outcome:
    state = "partly_refunded" if left else "refunded"
    return Outcome(refund, (order_stream(which), version), state=state, status=201)
