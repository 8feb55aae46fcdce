"""
The mall: items, orders and refunds, and what members own.
"""

from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec

from api.answers import Written
from api.disclosing import STATED, may_open
from api.http.answers import Answer, Page, found
from api.http.queries import Paging
from api.http.routes import Routes
from api.routes.gifts import BUYING, GIVING
from api.routes.members import done
from api.services import MEMBERS, OPERATORS, Ask
from commands import mall, orders
from commands.mall import ChangeItem, ListItem
from commands.orders import PlaceOrder, RefundOrder
from commands.types import Moment
from domain.account import account_stream
from domain.event import Refused
from domain.ids import ItemId, MemberId, OrderId, cell_of
from domain.looks import OfOrder, chosen
from projections.reading import decorations, people, shopping

ROUTES = Routes()
_TAG = "Mall"
_SHOPPERS = ("member", "operator")
#: Beyond every position of a log.
_LAST = (1 << 63) - 1


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    An item of the mall. With ``valid_days``, a buyer has it for so long; with ``level_min``, it
    takes Yellow Diamond of that level; with ``refund_days``, a buyer may give it back for so long.
    """

    id: UUID
    kind: str
    title: str
    price_coins: int
    members_only: bool
    listed: bool
    valid_days: int | None = None
    level_min: int | None = None
    refund_days: int | None = None


_State = Literal["offered", "returned", "fulfilled", "partly_refunded", "refunded", "revoked"]


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    An order, on the terms on which it was placed; ``refunded`` of its ``coins`` went back. One that
    is a gift, to ``gift_to``, is ``offered`` until that friend answers, and ``returned`` if not
    accepted. It is ``revoked`` while a payment for it was taken back.
    """

    id: UUID
    item: UUID
    kind: str
    title: str
    quantity: int
    coins: int
    refunded: int
    state: _State
    placed_at: Moment
    position: str
    gift_to: int | None = None


class Belonging(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a member owns, which order brought it, and whether their space wears it now."""

    order: UUID
    item: UUID
    kind: str
    title: str
    quantity: int
    gained_at: Moment
    expires_at: Moment | None = None
    in_use: bool = False


@ROUTES.post(
    "/v1/mall/items",
    tag=_TAG,
    summary="Offer an item",
    body=ListItem,
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
    links=("change_item",),
    example={"kind": "theme", "title": "雪夜", "price_coins": 30, "valid_days": 30},
)
async def list_item(call: Ask[ListItem, None]) -> Answer:
    """
    Anybody can buy it from now on; with `members_only`, only who has a membership, and with
    `level_min`, Yellow Diamond of at least that level.
    """
    return done(await call.app.execute(call, mall.list_item, call.body))


@ROUTES.get(
    "/v1/mall/items",
    tag=_TAG,
    summary="What the mall offers",
    query=Paging,
    answer=Page[Item],
    roles=_SHOPPERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_items(call: Ask[None, Paging]) -> Answer:
    """Newest first. Operators see what is not for sale any longer, too."""
    before, limit = call.after(int) or _LAST, call.query.limit
    if call.viewer.role == "operator":
        views = await call.app.attend(call, _every_item, before, limit + 1)
    else:
        views = await call.app.read(call, _items_on_sale, before, limit + 1)
    shown = views[:limit]
    place = shown[-1].position if len(views) > limit else None
    return call.page([_item(view) for view in shown], place)


async def _every_item(connection: Any, before: int, count: int) -> list[shopping.ItemView]:
    return await shopping.items(connection, before, count, delisted=True)


async def _items_on_sale(
    connection: Any, _: MemberId, before: int, count: int
) -> list[shopping.ItemView]:
    return await shopping.items(connection, before, count, delisted=False)


def _item(view: shopping.ItemView) -> Item:
    return Item(
        id=view.item,
        kind=view.kind,
        title=view.title,
        price_coins=view.price_coins,
        members_only=view.members_only,
        listed=view.listed,
        valid_days=view.valid_days,
        level_min=view.level_min,
        refund_days=view.refund_days,
    )


@ROUTES.patch(
    "/v1/mall/items/{id}",
    tag=_TAG,
    summary="Change an item, or take it off the shelf",
    body=ChangeItem,
    answer=Written,
    roles=OPERATORS,
    problems=("conflict",),
    example={"price_coins": 25},
)
async def change_item(call: Ask[ChangeItem, None]) -> Answer:
    """For whoever buys it from now on; what was sold stays sold."""
    handler = partial(mall.change_item, ItemId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body))


@ROUTES.post(
    "/v1/orders",
    tag=_TAG,
    summary="Buy an item",
    body=PlaceOrder,
    answer=Written,
    roles=MEMBERS,
    problems=(
        *BUYING,
        *GIVING,
        "no-such-item",
        "order-too-large",
        "item-delisted",
        "members-only",
        "level-too-low",
    ),
    links=("read_order", "refund_order"),
    example={"item": "01a210c8-e698-8000-9999-821e138dda71", "quantity": 1},
)
async def place_order(call: Ask[PlaceOrder, None]) -> Answer:
    """
    Coins, order and item move together or not at all. Bonus coins are spent first, the soonest to
    expire before all, then paid ones in the order in which they were bought. With `gift_to`, the
    item is for a friend, who accepts or declines it within 7 days; until then the order is
    `offered` and its coins are held.
    """
    if call.body.gift_to is None:
        return done(await call.app.execute(call, orders.place, call.body))
    return done(await call.app.execute(call, call.app.gifts.offer, call.body, carried=True))


@ROUTES.get(
    "/v1/orders/{id}",
    tag=_TAG,
    summary="An order",
    answer=Order,
    roles=_SHOPPERS,
    headers=STATED,
    problems=("suspended", "banned", "no-account", "no-such-request", "request-closed"),
)
async def read_order(call: Ask[None, None]) -> Answer:
    """
    To the buyer and to operators; to anybody else there is none. For whom it is, is sealed:
    operators read it with `Homezone-Purpose`, which is recorded.
    """
    which, staff = OrderId(call.uuid()), call.viewer.role == "operator"
    if not 0 <= cell_of(which) < call.app.log.cells:
        raise Refused("not-found")
    if staff:
        view = await call.app.attend(call, shopping.order, which)
    else:
        view = await call.app.read(call, _order_for, which)
    if view is None or not (staff or view.member == call.viewer.id):
        raise Refused("not-found")
    return found(_order(view, await _gift_to(call, view)))


async def _order_for(connection: Any, _: MemberId, which: OrderId) -> shopping.OrderView | None:
    return await shopping.order(connection, which)


async def _gift_to(call: Ask[None, None], view: shopping.OrderView) -> int | None:
    """
    The QQ number of whom it is for; None when it is for the buyer, or that key is gone, or staff
    does not say what for.
    """
    if view.recipient is None:
        return None
    own = call.viewer.role == "member"
    if not (own or await may_open(call, [account_stream(MemberId(view.recipient))])):
        return None
    viewer = MemberId(call.viewer.id)
    members = await call.app.look(people.members, viewer, [view.recipient])
    qq = call.app.open(members[view.recipient].profile.qq) if members else None
    return None if qq is None else int(qq)


def _state(view: shopping.OrderView) -> _State:
    if view.recipient is not None and view.answer != "accepted":
        return "offered" if view.answer is None else "returned"
    if view.missing:
        return "revoked"
    if view.left == view.coins:
        return "fulfilled"
    return "partly_refunded" if view.left else "refunded"


def _order(view: shopping.OrderView, gift_to: int | None) -> Order:
    return Order(
        id=view.order,
        item=view.item,
        kind=view.kind,
        title=view.title,
        quantity=view.quantity,
        coins=view.coins,
        refunded=view.coins - view.left,
        state=_state(view),
        placed_at=view.placed_at,
        position=f"{cell_of(view.order)}-{view.position}",
        gift_to=gift_to,
    )


@ROUTES.post(
    "/v1/orders/{id}/refunds",
    tag=_TAG,
    summary="Refund an order",
    body=RefundOrder,
    answer=Written,
    roles=_SHOPPERS,
    problems=(
        "refund-too-much",
        "not-refundable",
        "refund-too-late",
        "refund-gone",
        "refund-in-full",
        "order-revoked",
        "gift-waits",
        "gift-over",
        "gift-accepted",
        "suspended",
        "banned",
        "no-account",
        "conflict",
    ),
    example={"coins": 10, "reason": "it looked different"},
)
async def refund_order(call: Ask[RefundOrder, None]) -> Answer:
    """
    Coins return to the very lots they came from, those spent last first. Without `coins`, all that
    has not been refunded; asked again, that is the same refund. In full, the item is taken back.

    Operators refund as they see fit. Buyers give back what they bought for themselves, whole,
    within the item's `refund_days`.
    """
    own = call.viewer.role == "member"
    handler = partial(orders.refund_own if own else orders.refund, OrderId(call.uuid()))
    return done(await call.app.execute(call, handler, call.body, carried=True))


@ROUTES.get(
    "/v1/me/items",
    tag=_TAG,
    summary="What you own",
    query=Paging,
    answer=Page[Belonging],
    roles=MEMBERS,
    problems=("suspended", "banned", "no-account"),
)
async def list_belongings(call: Ask[None, Paging]) -> Answer:
    """Newest first; what has run out of time or was taken back is gone."""
    app, limit = call.app, call.query.limit
    before = call.after(int) or _LAST
    views, worn = await app.read(call, _belongings, app.clock.now(), before, limit + 1)
    shown = views[:limit]
    place = shown[-1].position if len(views) > limit else None
    return call.page([_belonging(one, one.order in worn) for one in shown], place)


async def _belongings(
    connection: Any, member: MemberId, now: datetime, before: int, count: int
) -> tuple[list[shopping.BelongingView], set[UUID]]:
    """What the member owns, and what of it their space wears."""
    views = await shopping.belongings(connection, member, now, before, count)
    look = (await decorations.decoration(connection, member, now)).shown
    return views, {one.order for one in chosen(look).values() if isinstance(one, OfOrder)}


def _belonging(view: shopping.BelongingView, in_use: bool) -> Belonging:
    return Belonging(
        order=view.order,
        item=view.item,
        kind=view.kind,
        title=view.title,
        quantity=view.quantity,
        gained_at=view.gained_at,
        expires_at=view.expires_at,
        in_use=in_use,
    )
