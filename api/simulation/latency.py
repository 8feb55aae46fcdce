"""
Latencies in a fixed space: a histogram with logarithmic buckets.

Why it exists: a long run makes millions of measurements and its tail matters most, so neither
keeping all of them nor sampling will do. The idea is Gil Tene's HdrHistogram: every power of two
is divided into equally many buckets, which bounds the relative error (here 1/32, about 3 %) at
any magnitude.
"""

from math import ceil

BUCKETS_PER_POWER_BITS = 5
BUCKETS_PER_POWER = 1 << BUCKETS_PER_POWER_BITS
# 2^36 microseconds are 19 hours: longer than any request can take.
POWERS = 36 - BUCKETS_PER_POWER_BITS
BUCKETS = BUCKETS_PER_POWER * (POWERS + 1)


class Histogram:
    """Counts of latencies, recorded and reported in milliseconds."""

    __slots__ = ("_counts", "count", "max_ms")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self.count = 0
        self.max_ms = 0.0

    def record(self, latency_ms: float) -> None:
        self._counts[_bucket(round(latency_ms * 1000))] += 1
        self.count += 1
        self.max_ms = max(self.max_ms, latency_ms)

    def percentile(self, percent: float) -> float:
        """The latency in ms that so many % of measurements did not exceed; 0.0 without any."""
        assert 0.0 < percent <= 100.0
        if not self.count:
            return 0.0
        rank = ceil(self.count * percent / 100)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= rank:
                return min(_upper_us(bucket) / 1000, self.max_ms)
        raise AssertionError("the counts sum to less than the count")

    def merge(self, other: "Histogram") -> None:
        for bucket, count in enumerate(other._counts):
            self._counts[bucket] += count
        self.count += other.count
        self.max_ms = max(self.max_ms, other.max_ms)


def _bucket(latency_us: int) -> int:
    assert latency_us >= 0
    power = max(0, latency_us.bit_length() - BUCKETS_PER_POWER_BITS - 1)
    return min(BUCKETS - 1, (power << BUCKETS_PER_POWER_BITS) + (latency_us >> power))


def _upper_us(bucket: int) -> int:
    """The largest latency, in microseconds, that falls into the bucket."""
    if bucket < 2 * BUCKETS_PER_POWER:
        return bucket
    power = (bucket >> BUCKETS_PER_POWER_BITS) - 1
    return ((bucket - (power << BUCKETS_PER_POWER_BITS) + 1) << power) - 1
