"""
What a measurement is: values of several rounds, what they are compared with, and what was promised.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Literal

import msgspec


class Series(msgspec.Struct, frozen=True):
    """
    One thing measured, over and over.

    :param unit: of the values, ``/s`` mostly.
    :param settings: with which a contestant was at its best, and whatever else belongs beside it.
    :param cpu_us: the median of the processor time, in microseconds for each, where it is known.
    """

    name: str
    values: tuple[float, ...]
    unit: str = "/s"
    settings: Mapping[str, Any] = {}
    cpu_us: float | None = None

    @property
    def median(self) -> float:
        """The value to quote."""
        return median(self.values)

    @property
    def spread(self) -> float:
        """From the lowest to the highest round, as a part of the median; 0 where that is 0."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": _rounded(self.median),
            "spread": round(self.spread, 3),
            "rounds": [_rounded(value) for value in self.values],
            "settings": dict(self.settings),
            **({} if self.cpu_us is None else {"cpu_us": round(self.cpu_us, 1)}),
        }


class Ratio(msgspec.Struct, frozen=True):
    """
    One median over another, both of the same run.

    :param target: what the product promises, where it promises anything.
    :param wanted: whether the target is a floor or a ceiling.
    """

    name: str
    value: float
    target: float | None = None
    wanted: Literal["at least", "at most"] = "at least"

    @property
    def met(self) -> bool | None:
        """Whether the promise is kept; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.wanted == "at least" else self.value <= self.target

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = {"name": self.name, "value": round(self.value, 3)}
        if self.target is None:
            return plain
        return {**plain, "target": self.target, "wanted": self.wanted, "met": self.met}


class Report(msgspec.Struct):
    """All that a run found out, and what it left out and why."""

    series: list[Series] = []
    ratios: list[Ratio] = []
    left_out: list[str] = []

    def add(
        self, name: str, values: Sequence[float], cpu_us: Sequence[float] = (), **more: Any
    ) -> Series:
        """Keep a series; ``cpu_us`` are those of its rounds."""
        used = median(cpu_us) if cpu_us else None
        series = Series(name, tuple(values), cpu_us=used, **more)
        self.series.append(series)
        return series

    def find(self, name: str) -> Series | None:
        """A series by its name; None when it was not measured."""
        return next((one for one in self.series if one.name == name), None)

    def best(self, names: Sequence[str]) -> Series | None:
        """The series with the highest median among those that were measured."""
        found = [one for name in names if (one := self.find(name)) is not None]
        return max(found, key=lambda one: one.median, default=None)

    def compare(
        self,
        name: str,
        mine: Series | None,
        theirs: Series | None,
        target: float | None = None,
        wanted: Literal["at least", "at most"] = "at least",
    ) -> None:
        """Keep a ratio; nothing where one of the two was not measured."""
        if mine is not None and theirs is not None:
            self.ratios.append(Ratio(name, mine.median / theirs.median, target, wanted))


def _rounded(value: float) -> float:
    """Three decimals for what is small; none for thousands."""
    return round(value) if abs(value) >= 1_000 else round(value, 3)
