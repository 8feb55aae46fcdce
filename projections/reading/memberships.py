"""
A member's memberships: how each stands, and what it gives at a moment.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.ids import MemberId, cell_of
from domain.membership_states import grown
from domain.plans import level
from projections.reading.statements import Connection, Statement

# One statement, so one moment: a membership and the periods that ran when it last changed.
_MEMBERSHIPS = Statement(
    "memberships_of_member",
    """
    SELECT m.plan, m.state, m.months, m.renews, m.until, m.benefits_until, m.points, m.policy,
           m.lapsed_at, m.position, p.period, p.since, p.until, p.months, p.daily, p.coins
      FROM models.memberships m
      LEFT JOIN models.membership_periods p
        ON p.cell = m.cell AND p.member = m.member AND p.plan = m.plan
       AND p.until > m.changed_at AND p.cut_at IS NULL
     WHERE m.cell = :cell::smallint AND m.member = :member::uuid
     ORDER BY m.plan, p.since, p.period
    """,
)


class PeriodView(msgspec.Struct, frozen=True):
    """Days that run or are to come; ``daily`` is the points that each gives."""

    id: UUID
    since: datetime
    until: datetime
    months: int
    daily: int
    coins: int


class MembershipView(msgspec.Struct, frozen=True):
    """A plan that was had, as of its last change."""

    plan: str
    state: str
    months: int
    renews: bool
    until: datetime | None
    benefits_until: datetime | None
    points: int
    table: int
    lapsed_at: datetime | None
    position: int
    periods: list[PeriodView]

    def growth(self, at: datetime) -> int:
        """The points of growth at a moment."""
        running = [(one.daily, one.since, one.until) for one in self.periods]
        return grown(self.points, self.table, running, self.lapsed_at, at)

    def level(self, at: datetime) -> int:
        """The level, 1 to 8, at a moment."""
        return level(self.growth(at))

    def has_benefits(self, at: datetime) -> bool:
        """Whether its benefits hold at a moment."""
        return self.benefits_until is not None and at < self.benefits_until


async def memberships(connection: Connection, member: MemberId) -> dict[str, MembershipView]:
    """A member's plans by name, exact at the commit of whatever changed them last."""
    rows = await _MEMBERSHIPS(connection, cell=cell_of(member), member=member)
    found: dict[str, MembershipView] = {}
    for row in rows:
        view = found.setdefault(row[0], MembershipView(*(*row[:10], [])))
        if row[10] is not None and view.lapsed_at is None:
            view.periods.append(_period(row[10:]))
    return found


def _period(values: Any) -> PeriodView:
    return PeriodView(*values)
