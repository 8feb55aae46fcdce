"""
Time and randomness, from the machine or from a test.

Handlers take both as ports, so that a history can be lived again to the bit. These are the only
places that ask the machine for either; their hand-driven twins live beside them because the
simulator, not only the tests, runs on them.
"""

import random
from datetime import UTC, datetime, timedelta

from adapters.entropy import EntropyPool


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """UTC, timezone-aware."""
        return datetime.now(UTC)


class SystemEntropy:
    """The machine's randomness, fit for secrets."""

    def __init__(self) -> None:
        self._pool = EntropyPool()

    def bits(self, count: int) -> int:
        """``count`` random bits as a non-negative integer."""
        size = -(-count // 8)
        return int.from_bytes(self._pool.take(size), "big") >> (size * 8 - count)


class ManualClock:
    """A clock that stands still until it is moved, and may be moved back, as real ones are."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        """UTC, timezone-aware."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move by an interval; a negative one is a clock that jumps back."""
        self._now += by

    def set(self, now: datetime) -> None:
        """Move to a moment."""
        self._now = _utc(now)


class SeededEntropy:
    """The same bits from the same seed, for ever. Guessable: never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bits(self, count: int) -> int:
        """``count`` bits as a non-negative integer."""
        return self._random.getrandbits(count)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a timezone")
    return moment.astimezone(UTC)
