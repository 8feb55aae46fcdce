"""
What a measurement is: rates of several rounds, and what they are compared with.
"""

from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """Rates, per second, of one thing; ``ratio`` is its median over that of ``over``."""

    name: str
    rates: tuple[float, ...]
    over: str | None = None
    ratio: float | None = None

    @property
    def median(self) -> float:
        """The rate to quote."""
        return median(self.rates)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        rates = [round(rate, 1) for rate in self.rates]
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {"name": self.name, "rates": rates, "over": self.over, "ratio": ratio}


def compared(name: str, rates: Sequence[float], with_: Figure) -> Figure:
    """A figure over another of the same run."""
    return Figure(name, tuple(rates), with_.name, median(rates) / with_.median)
