"""
Badges are awarded once, however often their events are delivered and to whomever.
"""

from collections import Counter
from collections.abc import Mapping

from commands.badges import AwardBadges
from domain.badge import BadgeAwarded
from domain.event import Recorded
from domain.ids import MemberId
from domain.post_events import PostPublished
from projections.badges import COUNTED, doer
from tests.commands.house import House, live


class Counted:
    """Counts of everything that was committed, and how often they were asked for."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.asked = 0

    async def done(self, recorded: Recorded, member: MemberId) -> Mapping[str, int]:
        """All that there is by now: more than there was at the event, perhaps."""
        self.asked += 1
        deeds = Counter(
            COUNTED[type(one.event)]
            for one in self._house.events()
            if type(one.event) in COUNTED and doer(one.event) == member
        )
        return {deed: deeds[deed] for deed in ("posts", "comments", "photos")}


def awarded(house: House) -> list[str]:
    return [one.event.badge for one in house.events() if isinstance(one.event, BadgeAwarded)]


def test_the_hundredth_post_is_found_by_few_looks_and_awarded_once() -> None:
    async def history() -> None:
        house = House(cells=4)
        member = await house.join(10001)
        counted = Counted(house)
        policy = AwardBadges(COUNTED, doer, counted, house.executor)
        for number in range(1, 103):
            await house.publish(member)
            newest = [one for one in house.events() if isinstance(one.event, PostPublished)][-1]
            await policy.react(newest)
            expected = ["first_post"] if number < 100 else ["first_post", "posts_100"]
            assert awarded(house) == expected
        assert counted.asked <= 3
        posts = [one for one in house.events() if isinstance(one.event, PostPublished)]
        beside = AwardBadges(COUNTED, doer, counted, house.executor)
        for again in (policy, beside):
            again.forget()
            for one in posts:
                await again.react(one)
        assert awarded(house) == ["first_post", "posts_100"]

    live(history)


def test_what_another_has_answered_meanwhile_is_not_missed() -> None:
    async def history() -> None:
        house = House(cells=4)
        member = await house.join(10001)
        policy = AwardBadges(COUNTED, doer, Counted(house), house.executor)
        await house.publish(member)
        (first,) = [one for one in house.events() if isinstance(one.event, PostPublished)]
        await policy.react(first)
        for _ in range(98):
            await house.publish(member)
        # Those were somebody else's, who then lost the lease.
        policy.forget()
        await house.publish(member)
        last = [one for one in house.events() if isinstance(one.event, PostPublished)][-1]
        await policy.react(last)
        assert awarded(house) == ["first_post", "posts_100"]

    live(history)
