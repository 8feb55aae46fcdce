"""
Figures for Prometheus, named by its conventions: base units, ``_total`` for what only grows.

Nobody pays for them but who asks. Requests are counted in plain dictionaries and lists by the loop
that answers them, and whatever other parts count they give when they are asked; only then are
they put into the library's words. Labels have few values, all of them names from the code: never
anything of a member's, and nothing that a client can make up.
"""

import asyncio
import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from api.http.routes import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Seconds; the bounds of how long requests take.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Distribution(msgspec.Struct, frozen=True):
    """How many observations are at or below each bound, the last one being infinity."""

    buckets: Sequence[tuple[float, int]]
    sum: float


Value = float | Distribution
#: A mapping is by the value of the label, or by a tuple of the values of several.
Samples = Value | Mapping[Any, Value]


class Figure(msgspec.Struct, frozen=True):
    """
    One figure: a counter if its name ends in ``_total``, a histogram if it has distributions, else
    a gauge.

    :param samples: the value, or by the values of its labels.
    """

    name: str
    help: str
    samples: Samples
    labels: tuple[str, ...] = ()

    def metric(self) -> Metric:
        """In the library's words."""
        samples = self.samples if isinstance(self.samples, Mapping) else {(): self.samples}
        by_label = [
            ((key,) if isinstance(key, str) else key, value) for key, value in samples.items()
        ]
        if any(isinstance(value, Distribution) for _, value in by_label):
            histogram = HistogramMetricFamily(self.name, self.help, labels=self.labels)
            for key, value in by_label:
                assert isinstance(value, Distribution)
                buckets = [(_bound(bound), count) for bound, count in value.buckets]
                histogram.add_metric(key, buckets, value.sum)
            return histogram
        family = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        plain = family(self.name, self.help, labels=self.labels)
        for key, value in by_label:
            assert not isinstance(value, Distribution)
            plain.add_metric(key, value)
        return plain


class Requests:
    """What was answered, by operation. Written by one loop, so nothing is locked."""

    def __init__(self) -> None:
        self._answered: dict[str, _Operation] = {}
        self._refused: dict[tuple[str, str], int] = {}

    def observing(self, route: Route) -> Callable[[int, float], None]:
        """What counts the answers of one operation: status and seconds of each."""
        operation = self._answered.setdefault(route.name, _Operation())
        return operation.observe

    def refused(self, operation: str, problem: str) -> None:
        """A request was answered with a problem; no operation where the address has none."""
        at = (operation or "none", problem)
        self._refused[at] = self._refused.get(at, 0) + 1

    def figures(self) -> Iterable[Figure]:
        """For the registry."""
        answered = {name: one for name, one in self._answered.items() if one.statuses}
        yield Figure(
            "homezone_http_requests_total",
            "Requests answered, by operation and status.",
            {
                (name, str(status)): count
                for name, one in answered.items()
                for status, count in one.statuses.items()
            },
            ("operation", "status"),
        )
        yield Figure(
            "homezone_http_request_duration_seconds",
            "From a request's headers to its answer, by operation; of streams, until they ended.",
            {name: one.distribution() for name, one in answered.items()},
            ("operation",),
        )
        yield Figure(
            "homezone_http_problems_total",
            "Requests answered with a problem document, by operation and problem.",
            dict(self._refused),
            ("operation", "problem"),
        )


class _Operation:
    __slots__ = ("counts", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.counts = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        statuses = self.statuses
        try:
            statuses[status] += 1
        except KeyError:
            statuses[status] = 1
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds

    def distribution(self) -> Distribution:
        total, buckets = 0, []
        for bound, count in zip((*SECONDS, float("inf")), self.counts, strict=True):
            total += count
            buckets.append((bound, total))
        return Distribution(buckets, self.seconds)


class Metrics:
    """
    The registry of one server.

    :param version: of Homezone, for ``homezone_build_info``.
    """

    def __init__(self, version: str) -> None:
        self.requests = Requests()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        build = Figure(
            "homezone_build_info",
            "Which release this is.",
            {(version, platform.python_version()): 1},
            ("version", "python"),
        )
        self.watch(lambda: (build,))
        self.watch(self.requests.figures)

    def watch(self, read: Callable[[], Iterable[Figure]]) -> None:
        """Figures that others keep, read whenever somebody asks."""
        self._registry.register(_Watched(read))

    def watch_process(self, prefix: str, pid: Callable[[], int | None]) -> None:
        """Memory, processor time and files of a process of ours, while there is one."""
        # Of a process that is not there the library finds no files, and says nothing.
        ProcessCollector(prefix, lambda: pid() or "none", registry=self._registry)

    async def text(self) -> bytes:
        """
        All of it in Prometheus' text format. The figures are taken in one go, in the loop that
        writes most of them; making a text of them is left to a thread.
        """
        taken = CollectorRegistry()
        taken.register(_Taken(tuple(self._registry.collect())))
        return await asyncio.to_thread(generate_latest, taken)


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(float(bound))


class _Watched(Collector):
    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for figure in self._read():
            yield figure.metric()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: names are kept apart by a test."""
        return ()


class _Taken(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
