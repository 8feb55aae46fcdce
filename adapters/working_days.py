"""
The calendar on which promises are counted: China's, where a holiday moves weekends about.

Each autumn the State Council announces the next year's holidays, and which Saturdays and Sundays
are worked in exchange. The `chinese-calendar` package has them year by year; years that it does not
know yet count Monday to Friday. So a promise names the version that it was counted on.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from importlib.metadata import version
from typing import Final

import chinese_calendar

from domain.promise import Promise, PromiseKind

#: China has kept one offset since 1991. No table of time zones on a machine changes a promise.
_CHINA: Final = timezone(timedelta(hours=8))
_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4

_KNOWN: Final = [day.year for day in chinese_calendar.holidays]
#: The years that the package knows.
FIRST_YEAR: Final = min(_KNOWN)
LAST_YEAR: Final = max(_KNOWN)


class ChineseCalendar:
    """Working days in mainland China, on the time of day there."""

    #: The package, its version, and the years that it knows.
    version: Final = f"chinese-calendar/{version('chinese-calendar')}/{FIRST_YEAR}-{LAST_YEAR}"

    def promise(self, kind: PromiseKind, start: datetime) -> Promise:
        """By when something promised at ``start`` (UTC) is due: the same for ever, by version."""
        there = start.astimezone(_CHINA)
        match kind:
            case "review":
                due = there + (2 * _DAY if _meets_day_off(there, there + _DAY) else _DAY)
            case "preview":
                due = _after_working_days(there, 3)
            case "appeal":
                due = _after_working_days(there, 5)
        return Promise(kind, due.astimezone(UTC), self.version)


def is_working_day(day: date) -> bool:
    """Whether people work in China on a day; in years not known, from Monday to Friday."""
    if FIRST_YEAR <= day.year <= LAST_YEAR:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() <= _FRIDAY


def _meets_day_off(start: datetime, end: datetime) -> bool:
    """Whether any moment from ``start`` until just before ``end`` is of a day off."""
    day, last = start.date(), (end - timedelta.resolution).date()
    while is_working_day(day):
        if day == last:
            return False
        day += _DAY
    return True


def _after_working_days(start: datetime, days: int) -> datetime:
    """The same time of day so many working days on; a day off counts as the next one's start."""
    if not is_working_day(start.date()):
        start = datetime.combine(_next_working_day(start.date()), time(), _CHINA)
    day = start.date()
    for _ in range(days):
        day = _next_working_day(day)
    return datetime.combine(day, start.timetz())


def _next_working_day(day: date) -> date:
    day += _DAY
    while not is_working_day(day):
        day += _DAY
    return day
