"""
The calendar on which promises are counted: China's, where a holiday moves weekends about.

Each autumn the State Council announces the next year's holidays, and which Saturdays and Sundays
are worked in exchange. The `chinese-calendar` package has them year by year; years that it does not
know yet count Monday to Friday, so that nothing stops because a release is missing. A promise names
the version that it was counted on, and whether any of its days was of such a year.
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
FIRST_YEAR: Final[int] = min(_KNOWN)
LAST_YEAR: Final[int] = max(_KNOWN)

#: Holidays of a year are known some weeks before it; with so many days left, a release is due.
ENDING_DAYS: Final = 60

#: What the version ends with where days of other years were counted, Monday to Friday.
WEEKDAYS: Final = "+weekdays"


class ChineseCalendar:
    """Working days in mainland China, on the time of day there."""

    #: The package, its version, and the years that it knows.
    version: Final = f"chinese-calendar/{version('chinese-calendar')}/{FIRST_YEAR}-{LAST_YEAR}"

    #: The last day that it knows.
    until: Final = date(LAST_YEAR, 12, 31)

    def promise(self, kind: PromiseKind, start: datetime) -> Promise:
        """By when something promised at ``start`` (UTC) is due: the same for ever, by version."""
        there, days = start.astimezone(_CHINA), _Days()
        match kind:
            case "review":
                off = days.any_off(there, there + _DAY)
                due = there + (2 * _DAY if off else _DAY)
            case "preview":
                due = days.after(there, 3)
            case "appeal":
                due = days.after(there, 5)
        counted = self.version if days.known else self.version + WEEKDAYS
        return Promise(kind, due.astimezone(UTC), counted)

    def days_left(self, now: datetime) -> int:
        """For how many days from a moment on (UTC) it knows which are worked; negative after."""
        return (self.until - now.astimezone(_CHINA).date()).days


def is_known(day: date) -> bool:
    """Whether it is known for a day if people work."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def is_working_day(day: date) -> bool:
    """Whether people work in China on a day; in years not known, from Monday to Friday."""
    if is_known(day):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() <= _FRIDAY


class _Days:
    """Days counted for one promise, and whether all of them were known."""

    def __init__(self) -> None:
        self.known = True

    def any_off(self, start: datetime, end: datetime) -> bool:
        """Whether any moment from ``start`` until just before ``end`` is of a day off."""
        day, last = start.date(), (end - timedelta.resolution).date()
        while self._worked(day):
            if day == last:
                return False
            day += _DAY
        return True

    def after(self, start: datetime, days: int) -> datetime:
        """
        The same time of day so many working days on; a day off counts as the next one's start.
        """
        if not self._worked(start.date()):
            start = datetime.combine(self._next(start.date()), time(), _CHINA)
        day = start.date()
        for _ in range(days):
            day = self._next(day)
        return datetime.combine(day, start.timetz())

    def _next(self, day: date) -> date:
        day += _DAY
        while not self._worked(day):
            day += _DAY
        return day

    def _worked(self, day: date) -> bool:
        self.known = self.known and is_known(day)
        return is_working_day(day)
