"""
``make bench`` and ``make bench-quick``: everything in one run, on one PostgreSQL.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from benchmarks import (
    albums,
    backtest,
    contest,
    engine,
    entries,
    machine,
    money,
    notary,
    ourselves,
    past,
    promises,
    queues,
    screening,
    streams,
    table,
    uploads,
)
from benchmarks.cluster import Cluster, running_cluster
from benchmarks.figures import Report
from benchmarks.http import section as http

RESULTS = Path(__file__).parent / "results"
SECTIONS = (
    "log",
    "ourselves",
    "engine",
    "queues",
    "http",
    "streams",
    "money",
    "screening",
    "backtest",
    "uploads",
    "albums",
    "notary",
    "past",
)


class Plan(msgspec.Struct, frozen=True):
    """How much of everything."""

    log: contest.Plan
    ourselves: ourselves.Plan
    engine: engine.Plan
    queues: queues.Plan
    http: http.Plan
    streams: streams.Plan
    money: money.Plan
    screening: screening.Plan
    backtest: backtest.Plan
    uploads: uploads.Plan
    albums: albums.Plan
    notary: notary.Plan
    past: past.Plan


FULL = Plan(
    log=contest.Plan(rounds=3, seconds=1.5, tuning_seconds=0.4, read=30_000),
    ourselves=ourselves.Plan(rounds=5, seconds=1.5, commands=4_000, short=10_000, long=1_000_000),
    engine=engine.Plan(rounds=3, events=50_000, runner_events=4_000, runner_seconds=4.0),
    queues=queues.Plan(rounds=5, many=100_000, pages=400),
    http=http.Plan(rounds=5, seconds=3.0, latency_seconds=4.0),
    streams=streams.Plan(rounds=5, posts=200, idle=5_000, idle_seconds=20.0),
    money=money.Plan(rounds=5, seconds=2.0),
    screening=screening.Plan(rounds=9, posts=4_000, compiled=5),
    backtest=backtest.Plan(rounds=5, texts=200_000),
    uploads=uploads.Plan(rounds=9),
    albums=albums.Plan(rounds=5, many=10_000, pages=300),
    notary=notary.Plan(rounds=5, seconds=4.0, events=250_000),
    past=past.Plan(rounds=5, events=1_000_000, reads=20),
)
QUICK = Plan(
    log=contest.Plan(
        rounds=2, seconds=0.4, tuning_seconds=0, read=5_000, callers=(256,), batches=(1,)
    ),
    ourselves=ourselves.Plan(rounds=1, seconds=0.4, commands=500, short=2_000, long=20_000),
    engine=engine.Plan(rounds=1, events=10_000, runner_events=500, runner_seconds=1.0),
    queues=queues.Plan(rounds=2, many=5_000, pages=100),
    http=http.Plan(rounds=2, seconds=1.0, latency_seconds=1.0),
    streams=streams.Plan(rounds=2, posts=40, idle=1_200, idle_seconds=3.0),
    money=money.Plan(rounds=1, seconds=0.4),
    screening=screening.Plan(rounds=3, posts=1_000, compiled=1),
    backtest=backtest.Plan(rounds=2, texts=20_000),
    uploads=uploads.Plan(rounds=3),
    albums=albums.Plan(rounds=2, many=2_000, pages=50),
    notary=notary.Plan(rounds=2, seconds=1.5, events=10_000),
    past=past.Plan(rounds=2, events=20_000, reads=10),
)


def main() -> None:
    """Run all, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, and rougher")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="leave out the others")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Whoever ends a run ends its servers and contestants, and leaves no database behind.
        signal.signal(number, lambda *_: sys.exit(1))
    console = Console(stderr=True)
    began = time.monotonic()

    def say(what: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {what}", highlight=False)

    report = Report()
    with running_cluster() as cluster:
        found = machine.describe(cluster.directory, cluster.version())
        if found["load_before"] > 0.3 * found["cores"]:
            say(f"other work runs here (load {found['load_before']}): expect figures that are off")
        _run(QUICK if given.quick else FULL, given, cluster, report, say)
    table.show(report, found, Console())
    path = _write(report, found, given.quick, time.monotonic() - began)
    print(f"written to {path.relative_to(Path.cwd())}" if path.is_relative_to(Path.cwd()) else path)


def _run(
    plan: Plan,
    given: argparse.Namespace,
    cluster: Cluster,
    report: Report,
    say: Callable[[str], None],
) -> None:
    """The sections asked for; peers are installed by a full run only."""
    sections, install = given.only or SECTIONS, not given.quick
    directory = cluster.directory
    measured: dict[str, Callable[[], None]] = {
        "log": lambda: _log(plan, cluster, report, say, install=install),
        "ourselves": lambda: ourselves.measure(cluster, plan.ourselves, report, say),
        "engine": lambda: engine.measure(cluster, plan.engine, report, say, install=install),
        "queues": lambda: queues.measure(cluster, plan.queues, report, say),
        "http": lambda: http.measure(directory, plan.http, report, say),
        "streams": lambda: streams.measure(directory, plan.streams, report, say),
        "money": lambda: money.measure(cluster, plan.money, report, say),
        "screening": lambda: screening.measure(plan.screening, report, say),
        "backtest": lambda: backtest.measure(cluster, plan.backtest, report, say),
        "uploads": lambda: uploads.measure(directory, plan.uploads, report, say),
        "albums": lambda: albums.measure(cluster, plan.albums, report, say),
        "notary": lambda: notary.measure(cluster, plan.notary, report, say, install=install),
        "past": lambda: past.measure(cluster, plan.past, report, say),
    }
    for name in SECTIONS:
        if name in sections:
            measured[name]()


def _log(
    plan: Plan, cluster: Cluster, report: Report, say: Callable[[str], None], *, install: bool
) -> None:
    say("the log and its peers")
    field = entries.enter_ours(cluster)
    try:
        field += entries.enter_peers(cluster, report, install=install)
        contest.run(field, plan.log, report, say)
        promises.compare(report)
    finally:
        for team in {id(entry.team): entry.team for entry in field}.values():
            team.close()


def _write(report: Report, found: dict[str, Any], quick: bool, seconds: float) -> Path:
    now = datetime.now(UTC)
    whole = {
        "at": now.isoformat(timespec="seconds"),
        "kind": "quick" if quick else "full",
        "seconds": round(seconds),
        "machine": {**found, "load_after": round(os.getloadavg()[0], 2)},
        "ratios": [ratio.as_json() for ratio in report.ratios],
        "series": [series.as_json() for series in report.series],
        "left_out": report.left_out,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}{'-quick' if quick else ''}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
    return path


if __name__ == "__main__":
    main()
