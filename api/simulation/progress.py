"""
How far a run has come: a bar for a person, a line every few seconds for a log.

Why it exists: the same run is watched in a terminal and kept in a build's log. A bar's escape
codes are noise there, and silence is worse; so who reads decides which is shown, unless it is
asked for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Literal, Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Show = Literal["auto", "bar", "lines", "none"]
LINE_EVERY_S = 5.0


class Phase(Protocol):
    """One phase under way."""

    def advance(self) -> None: ...


class Reporter(Protocol):
    def phase(self, name: str, total: int) -> Phase: ...


class _Silent:
    def phase(self, name: str, total: int) -> "_Silent":  # noqa: ARG002 - the protocol's shape
        return self

    def advance(self) -> None:
        pass


class _LinePhase:
    def __init__(self, name: str, total: int, out: TextIO) -> None:
        self._name, self._total, self._out = name, total, out
        self._done = 0
        self._began = self._said = monotonic()

    def advance(self) -> None:
        self._done += 1
        now = monotonic()
        if self._done < self._total and now - self._said < LINE_EVERY_S:
            return
        self._said = now
        rate = self._done / max(now - self._began, 1e-9)
        left_s = (self._total - self._done) / rate
        print(
            f"{self._name}: {self._done}/{self._total}, {rate:,.0f}/s, {left_s:,.0f} s left",
            file=self._out,
            flush=True,
        )


class _Lines:
    def __init__(self, out: TextIO) -> None:
        self._out = out

    def phase(self, name: str, total: int) -> Phase:
        return _LinePhase(name, total, self._out)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class _BarPhase:
    def __init__(self, progress: Progress, name: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=total)

    def advance(self) -> None:
        self._progress.advance(self._task)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def phase(self, name: str, total: int) -> Phase:
        return _BarPhase(self._progress, name, total)


@contextmanager
def reporter(show: Show, out: TextIO | None = None) -> Iterator[Reporter]:
    """Progress on `out` (stderr unless given), so that what is on stdout stays the summary."""
    out = out or sys.stderr
    if show == "auto":
        show = "bar" if out.isatty() else "lines"
    match show:
        case "none":
            yield _Silent()
        case "lines":
            yield _Lines(out)
        case "bar":
            columns = (
                TextColumn("{task.description:<14}"),
                BarColumn(),
                MofNCompleteColumn(),
                _RateColumn(),
                TimeRemainingColumn(),
            )
            console = Console(file=out, force_terminal=True)
            with Progress(*columns, console=console) as progress:
                yield _Bar(progress)
