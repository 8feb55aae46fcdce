"""
HTTP's figures: throughput under wrk, then latency at half of it, each beside ``/healthz``.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from benchmarks import cpu
from benchmarks.driver import ROOT
from benchmarks.figures import Report
from benchmarks.http import open_loop, ruled, wrk
from benchmarks.http.world import FRIENDS, HOST, POST, World, running_world

HEALTH: Final = "GET /healthz"
WRITE: Final = "POST /v1/posts"
FEED: Final = f"GET /v1/feed, 20 posts, {FRIENDS} friends"
SPACE: Final = "GET /v1/spaces/{qq}, 10 posts, 5 visitors, 3 messages"
ME: Final = "GET /v1/me"

_PATHS: Final = {
    HEALTH: ("GET", "/healthz"),
    WRITE: ("POST", "/v1/posts"),
    FEED: ("GET", "/v1/feed"),
    SPACE: ("GET", f"/v1/spaces/{HOST}"),
    ME: ("GET", "/v1/me"),
}

#: What a server that falls behind may take to answer the rest.
_PATIENCE_SECONDS: Final = 60.0


class Plan(msgspec.Struct, frozen=True):
    """How often each is measured, for how long; ``latency_seconds`` 0 leaves latency out."""

    rounds: int
    seconds: float
    latency_seconds: float


def measure(directory: Path, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Run the server, fill it, put load on it."""
    program = wrk.find()
    if program is None:
        report.left_out.append(
            "HTTP is not measured: there is no wrk on this machine; `apt-get install wrk` brings it"
        )
        print(report.left_out[-1], file=sys.stderr)
        return
    say("a server and its members")
    with running_world(directory / "http") as world:
        load = wrk.Wrk(program, world.address, world.token, directory, POST)
        say(f"HTTP, {wrk.CONNECTIONS} connections")
        tops = _throughput(world, load, plan, report)
        say("posts under rules")
        ruled.measure(world, load, plan.rounds, plan.seconds, report)
        if plan.latency_seconds:
            say("latency at half the top rates")
            _latency(world, plan, tops, report)


def _throughput(world: World, load: wrk.Wrk, plan: Plan, report: Report) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in _PATHS}
    used: dict[str, list[float]] = {name: [] for name in _PATHS}
    for method, path in _PATHS.values():
        load.run(method, path, 1)  # caches, plans, connections
    for _ in range(plan.rounds):
        for name, (method, path) in _PATHS.items():
            before = cpu.seconds([world.pid])
            done = load.run(method, path, plan.seconds)
            used[name].append(1e6 * (cpu.seconds([world.pid]) - before) / done.requests)
            rates[name].append(done.rate)
    settings = {"connections": wrk.CONNECTIONS}
    series = {name: report.add(name, rates[name], used[name], settings=settings) for name in _PATHS}
    for name, target in ((WRITE, 0.30), (FEED, 0.10), (SPACE, 0.10), (ME, None)):
        report.compare(f"{name}, over {HEALTH}", series[name], series[HEALTH], target)
    return {name: one.median for name, one in series.items()}


def _latency(world: World, plan: Plan, tops: dict[str, float], report: Report) -> None:
    where = urlsplit(world.address)
    assert where.hostname is not None
    assert where.port is not None
    found: dict[str, list[open_loop.Latency]] = {WRITE: [], HEALTH: []}
    for _ in range(plan.rounds):
        for name, rounds in found.items():
            method, path = _PATHS[name]
            body = POST if method == "POST" else ""
            request = open_loop.request(method, where.netloc, path, world.token, body)
            order = open_loop.Order(
                where.hostname, where.port, request, tops[name] / 2, plan.latency_seconds
            )
            rounds.append(_run(order))
    ratios = {}
    for name, rounds in found.items():
        settings = {
            "sent a second": round(tops[name] / 2),
            "answered a second": round(sorted(one.rate for one in rounds)[len(rounds) // 2]),
            "median ms": round(1e3 * sorted(one.median for one in rounds)[len(rounds) // 2], 2),
            "p99 ms": round(1e3 * sorted(one.p99 for one in rounds)[len(rounds) // 2], 2),
            "sent late p99 ms": round(1e3 * max(one.late_p99 for one in rounds), 2),
        }
        ratios[name] = report.add(
            f"{name} at half its top rate: p99 over median",
            [one.ratio for one in rounds],
            unit="×",
            settings=settings,
        )
    report.compare(
        f"p99 over median of {WRITE}, over that of {HEALTH}",
        ratios[WRITE],
        ratios[HEALTH],
        1.5,
        "at most",
    )


def _run(order: open_loop.Order) -> open_loop.Latency:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.http.open_loop"],
        cwd=ROOT,
        input=msgspec.json.encode(order),
        stdout=subprocess.PIPE,
        check=True,
        timeout=order.seconds + _PATIENCE_SECONDS,
    )
    return msgspec.json.decode(ended.stdout, type=open_loop.Latency)
