"""
What anyone may do, as the operator says it.
"""

import math

import msgspec


class Quota(msgspec.Struct, frozen=True):
    """``rate`` requests a second for as long as one likes, and ``burst`` at once."""

    rate: float
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """
        From ``RATE/BURST``, as in ``100/1000``.

        :raises ValueError: it is not that.
        """
        rate, separator, burst = text.partition("/")
        quota = cls(float(rate), int(burst) if separator else math.ceil(float(rate)))
        if not (0 < quota.rate <= 1e6 and 1 <= quota.burst <= 1_000_000_000):
            raise ValueError(text)
        return quota


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """
    What each may do. ``writes`` are a member's; ``address`` is for all members behind one;
    ``guest`` is for an address without a valid token; ``staff`` act for many.
    """

    member: Quota = Quota(100, 1_000)
    writes: Quota = Quota(50, 500)
    address: Quota = Quota(1_000, 10_000)
    guest: Quota = Quota(100, 1_000)
    staff: Quota = Quota(1_000, 10_000)
