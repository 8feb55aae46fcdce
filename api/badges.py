"""
What the policy of badges looks at: counts of a read model that has the event it answers.
"""

from collections.abc import Mapping
from typing import Final

from api.services import Services
from commands.badges import AwardBadges
from domain.event import Recorded
from domain.ids import MemberId
from projections.badges import COUNTED, doer
from projections.reading.badges import deeds

_PATIENCE_SECONDS: Final = 5.0


class CountedDeeds:
    """Counts, as fresh as the event that they are asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def done(self, recorded: Recorded, member: MemberId) -> Mapping[str, int]:
        """How often a member did what counts, by the time of an event at least."""
        services, at = self._services, {recorded.cell: recorded.position}
        await services.freshness.wait_for(at, _PATIENCE_SECONDS, ("badges",))
        return await services.look(deeds, member)


def badges_policy(services: Services) -> AwardBadges:
    """The policy that awards badges, over the read models of a server."""
    return AwardBadges(COUNTED, doer, CountedDeeds(services), services.executor)
