"""
Periods are closed in order, once each, whoever closes them.
"""

import asyncio
from datetime import UTC, datetime

import pytest

from commands.periods import ClosePeriod, close_period
from domain.period import PERIODS_STREAM, Figure, PeriodClosed, following, last_moment, month_begins
from tests.commands.house import STAFF, House, live

NEW_YEAR = datetime(2027, 1, 3, tzinfo=UTC)


def closing(month: str, root: str = "a", first: str = "2026-10") -> ClosePeriod:
    """What was read of a month."""
    figures = (Figure("liability:coins-sold", "CNY", 0, 100),)
    return ClosePeriod(month, first, {0: 7}, figures, (), 1, root)


def closed(house: House) -> list[PeriodClosed]:
    """All that is in the log."""
    return [one.event for one in house.events() if isinstance(one.event, PeriodClosed)]


def test_months_are_closed_one_after_another() -> None:
    async def history() -> None:
        house = House()
        house.clock.set(NEW_YEAR)
        for wrong in ("2026-11", "2026-09"):
            assert await house.refusal(close_period, closing(wrong), STAFF) == (
                "period-not-next",
                None,
            )
        for month in ("2026-10", "2026-11", "2026-12"):
            await house.run(close_period, closing(month), STAFF)
        assert [one.month for one in closed(house)] == ["2026-10", "2026-11", "2026-12"]
        assert await house.refusal(close_period, closing("2027-01"), STAFF) == (
            "period-running",
            None,
        )

    live(history)


def test_a_closed_month_stays_as_it_was_closed() -> None:
    async def history() -> None:
        house = House()
        house.clock.set(NEW_YEAR)
        first = await house.run(close_period, closing("2026-10"), STAFF)
        await house.run(close_period, closing("2026-11"), STAFF)
        again = await house.run(close_period, closing("2026-10", root="b"), STAFF)
        assert (again.id, again.at) == (first.id, first.at)
        assert [one.root for one in closed(house)] == ["a", "a"]

    live(history)


def test_two_operators_close_a_month_at_once() -> None:
    """On two servers: one of them does, and both hear of that closing."""

    async def history() -> None:
        house = House(delay_seconds=0.001)
        other = house.beside(delay_seconds=0.001)
        for one in (house, other):
            one.clock.set(NEW_YEAR)
        answers = await asyncio.gather(
            *(
                one.run(close_period, closing("2026-10", root), STAFF)
                for one in (house, other)
                for root in ("a", "b", "c")
            )
        )
        assert len(closed(house)) == 1
        assert {(one.id, one.at, one.state) for one in answers} == {
            (PERIODS_STREAM, answers[0].at, "closed")
        }

    live(history)


def test_a_month_is_over_by_the_calendar_of_china() -> None:
    async def history() -> None:
        house = House()
        house.clock.set(datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC))
        no = await house.refusal(close_period, closing("2026-10"), STAFF)
        assert no == ("period-running", None)
        house.clock.set(datetime(2026, 10, 31, 16, tzinfo=UTC))
        await house.run(close_period, closing("2026-10"), STAFF)

    live(history)


@pytest.mark.parametrize(("month", "next_"), [("2026-12", "2027-01"), ("2028-02", "2028-03")])
def test_months_follow_each_other_without_a_gap(month: str, next_: str) -> None:
    assert following(month) == next_
    assert (month_begins(next_) - last_moment(month)).total_seconds() == 1e-6
