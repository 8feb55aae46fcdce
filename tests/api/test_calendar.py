"""
That the calendar of working days comes to its end is seen before it does.
"""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.working_days import LAST_YEAR
from api.cli.reporting import calendar_line
from api.wiring.figures import calendar_figures
from api.wiring.store import calendar_report

END = datetime(LAST_YEAR, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "left", "ending"),
    [
        (END - timedelta(days=61), 61, False),
        (END - timedelta(days=60), 60, True),
        (END, 0, True),
        (datetime(LAST_YEAR + 1, 1, 1, 9, tzinfo=UTC), -1, True),
        (datetime(LAST_YEAR + 2, 2, 1, tzinfo=UTC), None, True),
    ],
)
def test_status_warns_in_time(now: datetime, left: int | None, ending: bool) -> None:
    report = calendar_report(now)
    assert report["known_until"] == f"{LAST_YEAR}-12-31"
    assert report["ending"] is ending
    if left is not None:
        assert report["days_left"] == left
    line = calendar_line(report)
    assert report["version"] in line
    assert ("look for a newer chinese-calendar" in line) is ending
    assert (f"{max(report['days_left'], 0)} days left" in line) is ending


def test_the_days_left_are_a_figure() -> None:
    (figure,) = calendar_figures(-3)
    assert (figure.name, figure.samples) == ("homezone_calendar_left_seconds", -3 * 86_400)
