"""
Visits as commands: a storm of them to one space meets nowhere.
"""

import asyncio
from datetime import date

from commands import visits
from commands.accounts import RegisterAccount
from commands.visits import Visit
from commands.work import Outcome, Work
from domain.ids import MemberId
from domain.visit import VisitMade, VisitMadeUnseen
from tests.commands.house import STAFF, House, live, to

STORM = 1_000


def test_a_thousand_visits_at_once_are_each_decided_once() -> None:
    async def history() -> None:
        calm = House()
        owner, *visitors = await crowd(calm, STORM + 1)
        house = calm.beside(delay_seconds=0.01, capacity=10_000)
        decided = 0

        async def counted(command: Visit, work: Work) -> Outcome:
            nonlocal decided
            decided += 1
            return await visits.visit(owner, command, work)

        answers = await asyncio.gather(*(house.run(counted, Visit(), one) for one in visitors))
        assert all(answer.state == "counted" for answer in answers)
        assert decided == STORM, "whoever meets a conflict decides again"
        assert house.batches < STORM / 20, "they are written together"
        made = [one.event for one in house.events() if isinstance(one.event, VisitMade)]
        assert {one.member for one in made} == set(visitors)

    live(history)


def test_what_a_member_does_in_one_space_is_in_order() -> None:
    """Also when it is done at once, and through two servers."""

    async def history() -> None:
        house = House(delay_seconds=0.001)
        owner, visitor = [await house.join(10_001 + number) for number in range(2)]
        servers = (house, house.beside())
        visiting = to(visits.visit, owner)
        await asyncio.gather(*(one.run(visiting, Visit(), visitor) for one in servers * 5))
        assert [one.times for one in made(house, visitor)] == list(range(1, 11))

    live(history)


def test_an_invisible_visit_takes_a_membership_at_that_moment() -> None:
    async def history() -> None:
        house = House()
        owner, visitor = [await house.join(10_001 + number) for number in range(2)]
        unseen = to(visits.visit, owner), Visit(invisible=True)
        assert await house.refusal(*unseen, visitor) == ("not-entitled", "/invisible")
        assert await house.refusal(to(visits.visit, visitor), Visit(invisible=True), visitor) == (
            "not-entitled",
            "/invisible",
        )
        assert not [one for one in house.events() if isinstance(one.event, VisitMadeUnseen)]

    live(history)


async def crowd(house: House, count: int) -> list[MemberId]:
    """So many new members, whose accounts are opened together."""
    register, born = house.accounts.register, date(2001, 2, 3)
    bodies = [RegisterAccount(10_001 + number, "安", "王", born) for number in range(count)]
    joined = await asyncio.gather(*(house.run(register, body, STAFF) for body in bodies))
    await house.settle()
    return [MemberId(answer.id) for answer in joined]


def made(house: House, visitor: MemberId) -> list[VisitMade]:
    """The visits that a member made, in order."""
    return [one.event for one in house.events(visitor) if isinstance(one.event, VisitMade)]
