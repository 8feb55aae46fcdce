"""
The mall's shelf: every item ever listed, whether it is for sale, and on which terms.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from domain.event import Recorded
from domain.mall import ItemChanged, ItemDelisted, ItemListed, ItemRelisted, Terms
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, cell, key

ITEMS = Table(
    "mall_items",
    METADATA,
    cell(),
    key("item"),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("price_coins", BigInteger, nullable=False),
    Column("members_only", Boolean, nullable=False),
    Column("valid_days", Integer),
    Column("level_min", Integer),
    Column("refund_days", Integer),
    Column("listed", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("mall_items_newest", "cell", "position"),
)


class Mall:
    """The read model."""

    name = "mall"
    tables = (ITEMS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        at = (recorded.cell, recorded.stream)
        match recorded.event:
            case ItemListed(terms=terms):
                more = {"listed": True, "position": recorded.position}
                yield Put(ITEMS, at, {**_values(terms), **more})
            case ItemChanged(terms=terms):
                yield Patch(ITEMS, at, _values(terms))
            case ItemDelisted():
                yield Patch(ITEMS, at, {"listed": False})
            case ItemRelisted():
                yield Patch(ITEMS, at, {"listed": True})
            case _:
                return


def _values(terms: Terms) -> dict[str, Any]:
    return {
        "kind": terms.kind,
        "title": terms.title,
        "price_coins": terms.price_coins,
        "members_only": terms.members_only,
        "valid_days": terms.valid_days,
        "level_min": terms.level_min,
        "refund_days": terms.refund_days,
    }
