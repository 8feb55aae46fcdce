"""
By when a promise is due, around weekends, holidays, and the weekends that are worked for them.

National Day 2026 is off from Thursday, 1 October to Wednesday, 7 October; Sunday, 20 September and
Saturday, 10 October are worked.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.working_days import (
    FIRST_YEAR,
    LAST_YEAR,
    ChineseCalendar,
    is_working_day,
)
from domain.promise import PromiseKind

CHINA = timezone(timedelta(hours=8))
CALENDAR = ChineseCalendar()


def at(text: str) -> datetime:
    """A moment in China, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


@pytest.mark.parametrize(
    ("kind", "start", "due"),
    [
        # Thursday to Friday: 24 hours, none of them off.
        ("review", "2026-11-19 10:00", "2026-11-20 10:00"),
        # Until Friday's last moment, and then into Saturday's first.
        ("review", "2026-11-20 00:00", "2026-11-21 00:00"),
        ("review", "2026-11-20 00:00:00.000001", "2026-11-22 00:00:00.000001"),
        ("review", "2026-11-20 10:00", "2026-11-22 10:00"),
        ("review", "2026-11-21 10:00", "2026-11-23 10:00"),
        ("review", "2026-11-22 23:59", "2026-11-24 23:59"),
        ("review", "2026-11-23 00:00", "2026-11-24 00:00"),
        # A holiday is a day off in the middle of the week, a weekend that is worked is none.
        ("review", "2026-09-30 10:00", "2026-10-02 10:00"),
        ("review", "2026-10-09 10:00", "2026-10-10 10:00"),
        # Friday is followed by Monday, Tuesday, Wednesday.
        ("preview", "2026-11-20 15:30", "2026-11-25 15:30"),
        ("preview", "2026-11-16 09:00", "2026-11-19 09:00"),
        # What begins on a day off begins with the next working day.
        ("preview", "2026-11-21 15:30", "2026-11-26 00:00"),
        ("preview", "2026-11-22 23:59", "2026-11-26 00:00"),
        ("preview", "2026-11-23 00:00", "2026-11-26 00:00"),
        # 30 September, then eight days off, then Thursday, Friday and a worked Saturday.
        ("preview", "2026-09-30 15:30", "2026-10-10 15:30"),
        ("preview", "2026-10-03 12:00", "2026-10-12 00:00"),
        # The Sunday before National Day is worked, and so begins at its own hour.
        ("preview", "2026-09-20 15:30", "2026-09-23 15:30"),
        ("preview", "2026-09-18 15:30", "2026-09-22 15:30"),
        ("appeal", "2026-11-20 15:30", "2026-11-27 15:30"),
        ("appeal", "2026-09-30 15:30", "2026-10-13 15:30"),
    ],
)
def test_by_when_it_is_due(kind: PromiseKind, start: str, due: str) -> None:
    promise = CALENDAR.promise(kind, at(start))
    assert promise.due == at(due)
    assert promise.due.utcoffset() == timedelta(0)
    assert promise.kind == kind


def test_a_promise_names_the_calendar_it_was_counted_on() -> None:
    promise = CALENDAR.promise("review", at("2026-11-19 10:00"))
    package = version("chinese-calendar")
    assert promise.calendar == f"chinese-calendar/{package}/{FIRST_YEAR}-{LAST_YEAR}"


_OF_2026 = pytest.mark.skipif(LAST_YEAR != 2026, reason="the package knows 2027 now")


@_OF_2026
@pytest.mark.parametrize(
    ("kind", "start", "due", "known"),
    [
        # Thursday, 31 December is the last day that is known.
        ("review", "2026-12-30 10:00", "2026-12-31 10:00", True),
        ("review", "2026-12-31 00:00", "2027-01-01 00:00", True),
        ("preview", "2026-12-28 10:00", "2026-12-31 10:00", True),
        # Friday, 1 January 2027 is a day off, which nobody has said yet.
        ("review", "2026-12-31 10:00", "2027-01-01 10:00", False),
        ("preview", "2026-12-29 10:00", "2027-01-01 10:00", False),
        ("appeal", "2026-12-28 10:00", "2027-01-04 10:00", False),
        ("review", "2027-01-01 10:00", "2027-01-03 10:00", False),
        ("preview", "2027-01-01 10:00", "2027-01-06 10:00", False),
        # Saturday, 1 January 2028, and the leap day of that year.
        ("review", "2028-01-01 10:00", "2028-01-03 10:00", False),
        ("preview", "2028-01-01 10:00", "2028-01-06 00:00", False),
        ("preview", "2028-02-29 10:00", "2028-03-03 10:00", False),
    ],
)
def test_a_promise_says_if_days_were_counted_of_which_nothing_is_known(
    kind: PromiseKind, start: str, due: str, known: bool
) -> None:
    promise = CALENDAR.promise(kind, at(start))
    assert promise.due == at(due)
    assert promise.calendar == CALENDAR.version + ("" if known else "+weekdays")


def test_how_many_days_are_left_is_counted_in_china() -> None:
    last = datetime(LAST_YEAR, 12, 31, tzinfo=CHINA)
    assert CALENDAR.days_left(last - timedelta(days=60)) == 60
    assert CALENDAR.days_left(last + timedelta(hours=23)) == 0
    assert CALENDAR.days_left((last + timedelta(hours=24)).astimezone(UTC)) == -1


def test_years_that_are_not_known_count_monday_to_friday() -> None:
    later = date(LAST_YEAR + 1, 10, 1)
    week = [later + timedelta(days=day) for day in range(7)]
    assert [is_working_day(day) for day in week] == [day.weekday() < 5 for day in week]
    assert is_working_day(date(FIRST_YEAR - 1, 10, 1)) == (
        date(FIRST_YEAR - 1, 10, 1).weekday() < 5
    )


moments = st.integers(946_684_800_000_000, 4_102_444_800_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@given(moments)
def test_a_review_takes_one_day_or_two(start: datetime) -> None:
    taken = CALENDAR.promise("review", start).due - start
    assert taken in (timedelta(days=1), timedelta(days=2))


@given(st.sampled_from(["preview", "appeal"]), moments)
def test_working_days_end_on_a_working_day_after_as_many(
    kind: PromiseKind, start: datetime
) -> None:
    due = CALENDAR.promise(kind, start).due
    assert due > start
    day, last, worked = start.astimezone(CHINA).date(), due.astimezone(CHINA).date(), 0
    assert is_working_day(last)
    began_on_day_off = not is_working_day(day)
    while day < last:
        day += timedelta(days=1)
        worked += is_working_day(day)
    assert worked == {"preview": 3, "appeal": 5}[kind] + began_on_day_off


@given(st.sampled_from(["preview", "appeal"]), moments, moments)
def test_what_begins_later_is_not_due_earlier(
    kind: PromiseKind, one: datetime, other: datetime
) -> None:
    first, second = sorted((one, other))
    assert CALENDAR.promise(kind, first).due <= CALENDAR.promise(kind, second).due
