"""
Orders, gifts among them, with what of each has not been refunded; and what members own.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, Uuid

from domain.belonging import (
    BelongingExpired,
    BelongingGained,
    BelongingRevoked,
    BelongingTakenBack,
)
from domain.event import Recorded
from domain.gift import GiftAccepted, GiftOffered, GiftReturned
from domain.order import OrderPlaced, OrderRefunded, OrderRestored, OrderRevoked
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

ORDERS = Table(
    "orders",
    METADATA,
    cell(),
    key("order"),
    Column("member", Uuid, nullable=False),
    Column("item", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("coins", BigInteger, nullable=False),
    Column("left", BigInteger, nullable=False),
    Column("placed_at", MOMENT, nullable=False),
    Column("recipient", Uuid),
    Column("answer", Text),
    Column("missing", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)

BELONGINGS = Table(
    "belongings",
    METADATA,
    cell(),
    key("member"),
    key("order"),
    Column("item", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("gained_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("position", BigInteger, nullable=False),
    Index("belongings_newest", "cell", "member", "position"),
)


class Orders:
    """The read model."""

    name = "orders"
    tables = (ORDERS, BELONGINGS)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case OrderPlaced() | GiftOffered():
                yield _placed(recorded, event)
            case GiftAccepted():
                yield Patch(ORDERS, (recorded.cell, recorded.stream), {"answer": "accepted"})
            case GiftReturned(why=why):
                yield Patch(ORDERS, (recorded.cell, recorded.stream), {"answer": why})
            case OrderRevoked(missing=missing) | OrderRestored(missing=missing):
                yield Patch(ORDERS, (recorded.cell, recorded.stream), {"missing": missing})
            case OrderRefunded(left=left):
                yield Patch(ORDERS, (recorded.cell, recorded.stream), {"left": left})
            case BelongingGained(member=member, order=order):
                values = {
                    "item": event.item,
                    "kind": event.kind,
                    "title": event.title,
                    "quantity": event.quantity,
                    "gained_at": event.effective_at,
                    "expires_at": event.expires_at,
                    "position": recorded.position,
                }
                yield Put(BELONGINGS, (recorded.cell, member, order), values)
            case (
                BelongingTakenBack(member=member, order=order)
                | BelongingExpired(member=member, order=order)
                | BelongingRevoked(member=member, order=order)
            ):
                yield Drop(BELONGINGS, (recorded.cell, member, order))
            case _:
                return


def _placed(recorded: Recorded, event: OrderPlaced | GiftOffered) -> Put:
    values = {
        "member": event.member,
        "item": event.item,
        "kind": event.terms.kind,
        "title": event.terms.title,
        "quantity": event.quantity,
        "coins": event.coins,
        "left": event.coins,
        "placed_at": event.effective_at,
        "recipient": event.recipient if isinstance(event, GiftOffered) else None,
        "answer": None,
        "missing": 0,
        "position": recorded.position,
    }
    return Put(ORDERS, (recorded.cell, recorded.stream), values)
