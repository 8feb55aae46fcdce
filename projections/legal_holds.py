"""
Legal holds that stand: all in one cell, so that their list is one read.

No word of them is here: whoever may read why one was placed reads it from the log, for a stated
purpose.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text

from domain.account import DIRECTORY_CELL
from domain.erasure import LegalHoldPlaced, LegalHoldReleased
from domain.event import Recorded
from projections.rows import Change, Drop, Put
from projections.tables import METADATA, MOMENT, cell, key

LEGAL_HOLDS = Table(
    "legal_holds",
    METADATA,
    cell(),
    key("member"),
    # Names of classes, between spaces.
    Column("classes", Text, nullable=False),
    Column("placed_at", MOMENT, nullable=False),
    Column("member_cell", SmallInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)


class LegalHolds:
    """The read model."""

    name = "legal_holds"
    tables = (LEGAL_HOLDS,)
    types = frozenset({LegalHoldPlaced, LegalHoldReleased})
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        match recorded.event:
            case LegalHoldPlaced(member=member, classes=classes):
                values = {
                    "classes": " ".join(classes),
                    "placed_at": recorded.recorded_at,
                    "member_cell": recorded.cell,
                    "position": recorded.position,
                }
                yield Put(LEGAL_HOLDS, (DIRECTORY_CELL, member), values)
            case LegalHoldReleased(member=member):
                yield Drop(LEGAL_HOLDS, (DIRECTORY_CELL, member))
            case _:
                return
