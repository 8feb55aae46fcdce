"""
How much a member may store.
"""

from commands.ports import Clock
from domain.ids import MemberId
from domain.plans import storage_quota
from projections.reading import memberships
from projections.reading.memberships import MembershipView
from projections.reading.statements import Connection


async def quota(connection: Connection, member: MemberId, clock: Clock) -> int:
    """How many bytes a member may store: what the level of yellow gives while its benefits last."""
    return _quota((await memberships.memberships(connection, member)).get("yellow"), clock)


def _quota(yellow: MembershipView | None, clock: Clock) -> int:
    now = clock.now()
    if yellow is None or not yellow.has_benefits(now):
        return storage_quota(None)
    return storage_quota(yellow.level(now))
