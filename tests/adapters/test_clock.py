"""
Time and randomness come from outside; these are the outsides.
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.clock import ManualClock, SeededEntropy, SystemClock, SystemEntropy
from commands.ports import Clock, Entropy

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_system_clock_is_aware_and_in_utc() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    now = clock.now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_manual_clock_moves_only_when_told_and_may_jump_back() -> None:
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(minutes=5))
    assert clock.now() == NOON + timedelta(minutes=5)
    clock.advance(timedelta(minutes=-10))
    assert clock.now() == NOON - timedelta(minutes=5)


def test_manual_clock_turns_zones_into_utc_and_refuses_none() -> None:
    clock = ManualClock(NOON.astimezone(timezone(timedelta(hours=8))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC
    with pytest.raises(ValueError, match="timezone"):
        clock.set(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("count", [1, 62, 64, 128])
def test_entropy_gives_that_many_bits(count: int) -> None:
    for entropy in (SystemEntropy(), SeededEntropy(1)):
        source: Entropy = entropy
        drawn = [source.bits(count) for _ in range(64)]
        assert all(0 <= value < 1 << count for value in drawn)
        assert max(drawn) >= 1 << count - 1


def test_seeded_entropy_repeats_itself() -> None:
    first, again, other = SeededEntropy(7), SeededEntropy(7), SeededEntropy(8)
    drawn = [first.bits(62) for _ in range(10)]
    assert drawn == [again.bits(62) for _ in range(10)]
    assert drawn != [other.bits(62) for _ in range(10)]
