"""
Figures for Prometheus, named by its conventions; no label ever holds anything of a member's.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.http.routes import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The registry of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "homezone_http_requests_total",
            "Requests answered.",
            ("operation", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "homezone_http_request_duration_seconds",
            "Time to answer.",
            ("operation",),
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def observe(self, route: Route, status: int, seconds: float) -> None:
        """One request was answered."""
        at = (route.name, status)
        found = self._children.get(at)
        if found is None:
            found = (
                self._requests.labels(route.name, str(status)),
                self._seconds.labels(route.name),
            )
            self._children[at] = found
        found[0].inc()
        found[1].observe(seconds)

    def watch(self, read: Callable[[], Mapping[str, float | Mapping[str, float]]]) -> None:
        """
        Figures that others keep. ``read`` gives them by name; names that end in ``_total`` are
        counters, a mapping is by read model or policy.
        """
        self.registry.register(_Watched(read))

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _Watched(Collector):
    def __init__(self, read: Callable[[], Mapping[str, float | Mapping[str, float]]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, value in self._read().items():
            help_text = name.replace("_", " ")
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            if isinstance(value, Mapping):
                metric = family(name, help_text, labels=("name",))
                for label, figure in value.items():
                    metric.add_metric((label,), figure)
            else:
                metric = family(name, help_text, value=value)
            yield metric
