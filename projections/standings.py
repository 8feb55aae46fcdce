"""
Standings: each member's strikes and sanctions, those that count and those that are over.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, Uuid

from domain.event import Recorded
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

STRIKES = Table(
    "strikes",
    METADATA,
    cell(),
    key("member"),
    key("strike"),
    Column("case", Uuid, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("given_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("strikes_of_member", "cell", "member", "position"),
)

SANCTIONS = Table(
    "sanctions",
    METADATA,
    cell(),
    key("member"),
    key("sanction"),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decision", Uuid, nullable=False),
    Column("by_ladder", Boolean, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("imposed_at", MOMENT, nullable=False),
    Column("until", MOMENT),
    Column("lifted_at", MOMENT),
    Column("position", BigInteger, nullable=False),
    Index("sanctions_of_member", "cell", "member", "position"),
)


class Standings:
    """The read model."""

    name = "standings"
    tables = (STRIKES, SANCTIONS)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case StrikeGiven():
                values = {
                    "case": event.case,
                    "weight": event.weight,
                    "state": "active",
                    "given_at": recorded.recorded_at,
                    "expires_at": event.expires_at,
                    "position": recorded.position,
                }
                yield Put(STRIKES, (recorded.cell, event.member, event.strike), values)
            case StrikeExpired(member=member, strike=strike):
                yield Patch(STRIKES, (recorded.cell, member, strike), {"state": "expired"})
            case StrikeReversed(member=member, strike=strike):
                yield Patch(STRIKES, (recorded.cell, member, strike), {"state": "reversed"})
            case SanctionImposed():
                values = {
                    "kind": event.kind,
                    "state": "in_force",
                    "decision": event.decision,
                    "by_ladder": event.by_ladder,
                    "weight": event.weight,
                    "imposed_at": recorded.recorded_at,
                    "until": event.until,
                    "lifted_at": None,
                    "position": recorded.position,
                }
                yield Put(SANCTIONS, (recorded.cell, event.member, event.sanction), values)
            case SanctionLifted(member=member, sanction=sanction, why=why):
                lifted = {"state": why, "lifted_at": event.effective_at}
                yield Patch(SANCTIONS, (recorded.cell, member, sanction), lifted)
            case _:
                return
