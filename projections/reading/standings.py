"""
A member's strikes and sanctions, newest first.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from projections.reading.statements import Connection, Statement

#: More than anybody collects before a ban; the newest say all that counts.
_SHOWN_MAX = 100

_STRIKES = Statement(
    "strikes_of_member",
    """
    SELECT strike, "case", weight, state, given_at, expires_at FROM models.strikes
     WHERE cell = :cell::smallint AND member = :member::uuid
     ORDER BY position DESC LIMIT :count::int
    """,
)

_SANCTIONS = Statement(
    "sanctions_of_member",
    """
    SELECT sanction, kind, state, decision, by_ladder, weight, imposed_at, until, lifted_at
      FROM models.sanctions
     WHERE cell = :cell::smallint AND member = :member::uuid
     ORDER BY position DESC LIMIT :count::int
    """,
)


class StrikeView(msgspec.Struct, frozen=True):
    """A strike, known by the decision that gave it: ``active``, ``expired`` or ``reversed``."""

    strike: UUID
    case: UUID
    weight: int
    state: str
    given_at: datetime
    expires_at: datetime


class SanctionView(msgspec.Struct, frozen=True):
    """
    A sanction: ``in_force``, or over because it ``expired`` or was ``overturned``; in older
    histories also because an operator ``reinstated`` the member.
    """

    sanction: UUID
    kind: str
    state: str
    decision: UUID
    by_ladder: bool
    weight: int
    imposed_at: datetime
    until: datetime | None
    lifted_at: datetime | None


class StandingView(msgspec.Struct, frozen=True):
    """What weighs on a member."""

    strikes: list[StrikeView]
    sanctions: list[SanctionView]


async def of_member(connection: Connection, member: MemberId) -> StandingView:
    """A member's strikes and sanctions."""
    where = {"cell": cell_of(member), "member": member, "count": _SHOWN_MAX}
    strikes = await _STRIKES(connection, **where)
    sanctions = await _SANCTIONS(connection, **where)
    return StandingView(
        [StrikeView(*row) for row in strikes], [SanctionView(*row) for row in sanctions]
    )
