"""What was paid for days is earned by the day, to the fen."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recognition import Term, deferred, earned, earned_by, spread, steps

FIRST = date(2026, 2, 1)
AMOUNTS = st.integers(-1_000_000_00, 1_000_000_00)
DAYS = st.integers(1, 800)


def term(days: int) -> Term:
    """So many days."""
    return Term(FIRST, FIRST + timedelta(days=days))


def test_the_fen_left_over_go_to_the_earliest_days() -> None:
    """A yuan over three days."""
    assert spread(100, date(2026, 1, 30), date(2026, 2, 2)) == (34, 33, 33)


def test_a_term_has_a_day() -> None:
    """None, or fewer, is a mistake of whoever posts."""
    with pytest.raises(ValueError, match="without a day"):
        Term(FIRST, FIRST)


@given(AMOUNTS, DAYS)
def test_days_sum_exactly_and_differ_by_a_fen(amount: int, days: int) -> None:
    """Nothing is lost to rounding."""
    parts = spread(amount, FIRST, FIRST + timedelta(days=days))
    assert len(parts) == days
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1


@given(AMOUNTS, DAYS, st.integers(-10, 810))
def test_earned_and_deferred_are_all_of_it_on_every_day(amount: int, days: int, day: int) -> None:
    """Before, within and after the term."""
    until = FIRST + timedelta(days=day)
    parts = spread(amount, FIRST, FIRST + timedelta(days=days))
    assert earned(amount, term(days), until) == sum(parts[: max(day, 0)])
    assert earned(amount, term(days), until) + deferred(amount, term(days), until) == amount


@given(AMOUNTS, DAYS, st.data())
def test_a_refund_of_unused_days_takes_back_what_was_not_earned(
    amount: int, days: int, data: st.DataObject
) -> None:
    """From the day on nothing more is earned, and what was stays."""
    at = FIRST + timedelta(days=data.draw(st.integers(0, days - 1)))
    left = term(days).left(at)
    assert left is not None
    back = deferred(amount, term(days), at)
    assert (
        spread(back, left.first, left.after)
        == spread(amount, FIRST, term(days).after)[(at - FIRST).days :]
    )
    later = FIRST + timedelta(days=data.draw(st.integers(0, days + 5)))
    both = earned(amount, term(days), later) - earned(back, left, later)
    assert both == earned(amount, term(days), min(at, later))


@given(st.lists(st.tuples(AMOUNTS, DAYS), max_size=5), st.integers(-10, 810))
def test_steps_add_up(bought: list[tuple[int, int]], day: int) -> None:
    """Changes of the daily rate say the same as each term by itself, three of them at most."""
    until = FIRST + timedelta(days=day)
    every = [steps(amount, term(days)) for amount, days in bought]
    assert all(len(one) <= 3 for one in every)
    together = tuple(step for one in every for step in one)
    expected = sum(earned(amount, term(days), until) for amount, days in bought)
    assert earned_by(together, until) == expected
