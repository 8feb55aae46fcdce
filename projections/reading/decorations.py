"""
How a space looks: what was chosen, and what of it shows now.
"""

from datetime import datetime
from typing import Final

import msgspec

from domain.ids import MemberId, OrderId, cell_of
from domain.looks import HOUSE, PLAIN, Look, OfHouse, OfOrder, Rights, chosen, shown
from domain.plans import PLANS
from projections.reading.memberships import memberships
from projections.reading.statements import Connection, Statement

_DECORATION = Statement(
    "decoration_of_member",
    """
    SELECT look, position FROM models.decorations
     WHERE cell = :cell::smallint AND member = :member::uuid
    """,
)

_WORN = Statement(
    "wardrobe_by_order",
    """
    SELECT "order", kind FROM models.wardrobe
     WHERE cell = :cell::smallint AND member = :member::uuid AND "order" = ANY(:orders::uuid[])
       AND (expires_at IS NULL OR expires_at > :now::timestamptz)
    """,
)

_DECODE: Final = msgspec.json.Decoder(Look).decode


class DecorationView(msgspec.Struct, frozen=True):
    """What was chosen and where, and what it comes to; no position where nothing was."""

    look: Look = PLAIN
    shown: Look = PLAIN
    position: int | None = None


async def look(connection: Connection, owner: MemberId) -> tuple[Look, int | None]:
    """What a space's owner chose."""
    rows = await _DECORATION(connection, cell=cell_of(owner), member=owner)
    return (_DECODE(rows[0][0]), rows[0][1]) if rows else (PLAIN, None)


async def decoration(connection: Connection, owner: MemberId, now: datetime) -> DecorationView:
    """A space's look at a moment; exact at the commit of whatever its owner is entitled by."""
    wanted, position = await look(connection, owner)
    if position is None:
        return DecorationView()
    rights = await _rights(connection, owner, wanted, now)
    return DecorationView(wanted, shown(wanted, rights), position)


async def _rights(connection: Connection, owner: MemberId, wanted: Look, now: datetime) -> Rights:
    """What the owner may use at a moment, as far as the look asks for it."""
    choices = chosen(wanted)
    orders = [one.order for one in choices.values() if isinstance(one, OfOrder)]
    owned: dict[OrderId, str] = {}
    if orders:
        rows = await _WORN(connection, cell=cell_of(owner), member=owner, orders=orders, now=now)
        owned = {OrderId(order): kind for order, kind in rows}
    if not any(
        isinstance(one, OfHouse) and HOUSE[slot][one.name].plan is not None
        for slot, one in choices.items()
    ):
        return Rights({}, owned)
    held = await memberships(connection, owner)
    levels = {
        plan: held[plan].level(now)
        for plan in PLANS
        if plan in held and held[plan].has_benefits(now)
    }
    return Rights(levels, owned)
