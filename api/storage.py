"""
How much a member may store, and how much room is left.
"""

from commands.ports import Clock
from domain.ids import MemberId
from domain.plans import storage_quota
from projections.reading import albums, memberships
from projections.reading.memberships import MembershipView
from projections.reading.statements import Connection


async def quota(connection: Connection, member: MemberId, clock: Clock) -> int:
    """How many bytes a member may store: what the level of yellow gives while its benefits last."""
    return _quota((await memberships.memberships(connection, member)).get("yellow"), clock)


async def room(connection: Connection, member: MemberId, clock: Clock) -> int:
    """
    How many bytes more a member may store, as far as the read models know: what is added is held
    against the quota once more, exactly. Below zero after a downgrade.
    """
    used = sum((await albums.storage(connection, member)).values())
    return await quota(connection, member, clock) - used


def _quota(yellow: MembershipView | None, clock: Clock) -> int:
    now = clock.now()
    if yellow is None or not yellow.has_benefits(now):
        return storage_quota(None)
    return storage_quota(yellow.level(now))
