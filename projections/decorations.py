"""
How spaces were to look, and the wardrobe: what members own that a space can wear. Written inline: a
look falls back at the commit of whatever took away what it needs.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text

from domain.belonging import (
    BelongingExpired,
    BelongingGained,
    BelongingRevoked,
    BelongingTakenBack,
)
from domain.decoration import DecorationChanged, DecorationRestored
from domain.erasure import ErasureClassDestroyed
from domain.event import Recorded
from domain.looks import SLOTS
from domain.sealed import KeyClass
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

DECORATIONS = Table(
    "decorations",
    METADATA,
    cell(),
    key("member"),
    Column("look", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
)

WARDROBE = Table(
    "wardrobe",
    METADATA,
    cell(),
    key("member"),
    key("order"),
    Column("kind", Text, nullable=False),
    Column("expires_at", MOMENT),
)

_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class Decorations:
    """The read model."""

    name = "decorations"
    tables = (DECORATIONS, WARDROBE)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case DecorationChanged(member=member, look=look):
                values = {"look": _ENCODE(look).decode(), "position": recorded.position}
                yield Put(DECORATIONS, (recorded.cell, member), values)
            case DecorationRestored(member=member):
                yield Drop(DECORATIONS, (recorded.cell, member))
            case ErasureClassDestroyed(member=member, key_class=KeyClass.CONTENT):
                yield Drop(DECORATIONS, (recorded.cell, member))
            case BelongingGained(kind=kind) as gained if kind in SLOTS:
                worn = {"kind": kind, "expires_at": gained.expires_at}
                yield Put(WARDROBE, (recorded.cell, gained.member, gained.order), worn)
            case (
                BelongingTakenBack(member=member, order=order)
                | BelongingRevoked(member=member, order=order)
                | BelongingExpired(member=member, order=order)
            ):
                yield Drop(WARDROBE, (recorded.cell, member, order))
            case _:
                return
