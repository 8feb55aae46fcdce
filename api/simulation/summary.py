"""
What a run measured: rates and latencies by kind of action, and what went wrong by problem type.

Why it exists: a mean hides the tail and a total hides the mix, so each kind has its own line with
percentiles. A refusal is an outcome (two members may act at once, a limiter may say no); only
what no correct server answers, a 5xx or an answer that breaks the contract, makes the run a
failure.
"""

from collections.abc import Iterable, Mapping
from io import StringIO

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from api.simulation.client import Measured
from api.simulation.latency import Histogram


class Line(msgspec.Struct, frozen=True):
    """One kind of action; `rate` is in answers a second over the whole phase."""

    kind: str
    count: int
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Problem(msgspec.Struct, frozen=True):
    kind: str
    type: str
    count: int
    unexpected: bool


class Summary(msgspec.Struct, frozen=True):
    """`setup` is the making of the population, `lines` the mix; `total` sums up the mix."""

    members: int
    friendships: int
    setup_s: float
    seconds: float
    setup: tuple[Line, ...]
    lines: tuple[Line, ...]
    total: Line
    problems: tuple[Problem, ...]
    retries: int

    @property
    def unexpected(self) -> int:
        return sum(problem.count for problem in self.problems if problem.unexpected)

    @property
    def exit_status(self) -> int:
        return 1 if self.unexpected else 0

    def table(self) -> Group:
        """For a rich console."""
        parts: list[Table | Text] = [self._latencies()]
        if self.problems:
            parts.append(self._problems())
        text = (
            f"{self.members:,} members, {self.friendships:,} friendships in {self.setup_s:,.1f} s; "
            f"{self.total.count:,} actions in {self.seconds:,.1f} s, {self.retries:,} retries, "
            f"{self.unexpected:,} unexpected errors"
        )
        parts.append(Text(text, style="red" if self.unexpected else "green"))
        return Group(*parts)

    def text(self, width: int = 100) -> str:
        """The same without colours."""
        out = StringIO()
        Console(file=out, width=width, color_system=None).print(self.table())
        return out.getvalue()

    def _latencies(self) -> Table:
        table = Table(title="Answers, latencies in ms")
        table.add_column("action")
        for name in ("count", "per second", "p50", "p95", "p99", "max"):
            table.add_column(name, justify="right")
        for section in (self.setup, self.lines, (self.total,)):
            for line in section:
                table.add_row(
                    line.kind,
                    f"{line.count:,}",
                    f"{line.rate:,.1f}",
                    *(f"{ms:,.1f}" for ms in (line.p50_ms, line.p95_ms, line.p99_ms, line.max_ms)),
                )
            table.add_section()
        return table

    def _problems(self) -> Table:
        table = Table(title="Problems")
        for name in ("action", "answer"):
            table.add_column(name)
        table.add_column("count", justify="right")
        for problem in self.problems:
            style = "red" if problem.unexpected else None
            table.add_row(problem.kind, problem.type, f"{problem.count:,}", style=style)
        return table


def lines(latencies: Mapping[str, Histogram], seconds: float) -> tuple[Line, ...]:
    """One line a kind, the most frequent first."""
    ordered = sorted(latencies.items(), key=lambda item: (-item[1].count, item[0]))
    return tuple(_line(kind, histogram, seconds) for kind, histogram in ordered)


def total(latencies: Iterable[Histogram], seconds: float) -> Line:
    everything = Histogram()
    for histogram in latencies:
        everything.merge(histogram)
    return _line("all", everything, seconds)


def problems(*measured: Measured) -> tuple[Problem, ...]:
    """Unexpected ones first, then by how often."""
    found = [
        Problem(kind, type_, count, (kind, type_) in each.unexpected)
        for each in measured
        for (kind, type_), count in each.problems.items()
    ]
    return tuple(sorted(found, key=lambda it: (not it.unexpected, -it.count, it.kind, it.type)))


def _line(kind: str, histogram: Histogram, seconds: float) -> Line:
    return Line(
        kind,
        histogram.count,
        histogram.count / max(seconds, 1e-9),
        histogram.percentile(50),
        histogram.percentile(95),
        histogram.percentile(99),
        histogram.max_ms,
    )
