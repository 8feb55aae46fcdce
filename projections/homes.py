"""
Home pages: for whom each section is, who may write on the board, and what modules are called.
Written inline: who may no longer see a section has lost it at the commit. Names stand in it as
sealed as in the log.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text

from domain.erasure import ErasureClassDestroyed
from domain.event import Recorded
from domain.home import HomeChanged
from domain.sealed import KeyClass
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, cell, key

HOMES = Table(
    "homes",
    METADATA,
    cell(),
    key("member"),
    Column("home", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
)

_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class Homes:
    """The read model."""

    name = "homes"
    tables = (HOMES,)
    types = frozenset({HomeChanged, ErasureClassDestroyed})
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case HomeChanged(member=member, home=home):
                values = {"home": _ENCODE(home).decode(), "position": recorded.position}
                yield Put(HOMES, (recorded.cell, member), values)
            case ErasureClassDestroyed(member=member, key_class=KeyClass.CONTENT):
                yield Drop(HOMES, (recorded.cell, member))
            case _:
                return
