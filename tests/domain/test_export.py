"""
Copies that members ask for: so many a day, and for so long.
"""

from datetime import UTC, datetime, timedelta

import pytest

from domain.event import Refused
from domain.export import EXPORTS, EXPORTS_A_DAY_MAX, FETCHABLE, Exports, ask
from domain.ids import ExportId, MemberId, mint

ANNA = MemberId(mint(0, 3, 1))
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def asked(exports: Exports, number: int, at: datetime) -> Exports:
    events = ask(exports, ANNA, ExportId(mint(0, 3, number)), at)
    return EXPORTS.fold(events, exports, number)


def test_there_are_so_many_within_a_day() -> None:
    exports = Exports()
    for number in range(EXPORTS_A_DAY_MAX):
        exports = asked(exports, number, NOW + timedelta(hours=number))
    with pytest.raises(Refused, match="exports-exhausted"):
        ask(exports, ANNA, ExportId(mint(0, 3, 9)), NOW + timedelta(hours=23))
    assert ask(exports, ANNA, ExportId(mint(0, 3, 9)), NOW + timedelta(days=1))


def test_each_can_be_fetched_for_a_week() -> None:
    exports = asked(asked(Exports(), 1, NOW), 2, NOW + timedelta(days=1))
    first, second = (ExportId(mint(0, 3, number)) for number in (1, 2))
    assert [one.export for one in exports.at(NOW + timedelta(days=2))] == [second, first]
    assert [one.export for one in exports.at(NOW + FETCHABLE)] == [second]
    assert exports.at(NOW + FETCHABLE + timedelta(days=1)) == []


def test_what_cannot_be_fetched_any_longer_is_forgotten() -> None:
    exports = asked(asked(Exports(), 1, NOW), 2, NOW + FETCHABLE)
    assert [one.version for one in exports.asked] == [3]
