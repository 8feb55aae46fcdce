"""
Gifts, as their recipients have heard of them.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, Uuid

from domain.event import Recorded
from domain.received_gift import GiftReceived, GiftSettled
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

GIFTS = Table(
    "gifts",
    METADATA,
    cell(),
    key("member"),
    key("order"),
    Column("sender", Uuid, nullable=False),
    Column("item", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("offered_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("how", Text),
    Column("position", BigInteger, nullable=False),
    Index("gifts_newest", "cell", "member", "position"),
)


class Gifts:
    """The read model."""

    name = "gifts"
    tables = (GIFTS,)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case GiftReceived() as event:
                values = {
                    "sender": event.sender,
                    "item": event.item,
                    "kind": event.kind,
                    "title": event.title,
                    "quantity": event.quantity,
                    "offered_at": event.effective_at,
                    "expires_at": event.expires_at,
                    "how": None,
                    "position": recorded.position,
                }
                yield Put(GIFTS, (recorded.cell, event.member, event.order), values)
            case GiftSettled(member=member, order=order, how=how):
                yield Patch(GIFTS, (recorded.cell, member, order), {"how": how})
            case _:
                return
