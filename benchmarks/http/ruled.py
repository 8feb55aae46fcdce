"""
What rules cost those who publish, and what a new set costs everybody while it comes into force.

Both on the server that the other figures are of: a set of fifty thousand phrases is published and
emptied in turns, and between the turns the same posts are written. While it is published, somebody
asks for ``/healthz`` without a pause: the longest wait for an answer is the longest pause.
"""

import json
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from api.tokens import Role
from benchmarks import cpu
from benchmarks.figures import Ratio, Report
from benchmarks.http import wrk
from benchmarks.http.world import World
from benchmarks.screening import phrases_of

PHRASES: Final = 50_000
UNDER_RULES: Final = f"POST /v1/posts, {PHRASES:,} phrases in force"
WITHOUT: Final = "POST /v1/posts, no rules in force"
LIVE: Final = f"PUT of a set of {PHRASES:,} phrases: in force everywhere"
PAUSE: Final = "the longest wait for /healthz meanwhile"

_COMPLIANCE: Final = 10_001


def measure(world: World, load: wrk.Wrk, rounds: int, seconds: float, report: Report) -> None:
    """Posts with rules and without, in turns."""
    rates: dict[str, list[float]] = {UNDER_RULES: [], WITHOUT: []}
    used: dict[str, list[float]] = {UNDER_RULES: [], WITHOUT: []}
    lives, pauses = [], []
    for number in range(rounds):
        live, pause = _publish(world, rules_of(number, PHRASES))
        lives.append(live)
        pauses.append(1e3 * pause)
        for name in (UNDER_RULES, WITHOUT):
            if name == WITHOUT:
                _publish(world, [])
            before = cpu.seconds([world.pid])
            done = load.run("POST", "/v1/posts", seconds)
            used[name].append(1e6 * (cpu.seconds([world.pid]) - before) / done.requests)
            rates[name].append(done.rate)
    under = report.add(UNDER_RULES, rates[UNDER_RULES], used[UNDER_RULES])
    without = report.add(WITHOUT, rates[WITHOUT], used[WITHOUT])
    report.compare(f"{UNDER_RULES}, over none", under, without, 0.85)
    live_series = report.add(LIVE, lives, unit="s")
    pause_series = report.add(PAUSE, pauses, unit="ms")
    report.ratios += (
        Ratio(f"{LIVE}, over 2 s", live_series.median / 2, 1, "at most"),
        Ratio(f"{PAUSE}, over 50 ms", pause_series.median / 50, 1, "at most"),
    )


def rules_of(seed: int, phrases: int) -> list[dict[str, Any]]:
    """Rules as a client sends them, another set for each seed."""
    return [
        {"id": f"r-{at}", "match": {"phrase": one}, "action": "hold", "category": "any"}
        for at, one in enumerate(phrases_of(Random(seed), phrases, shortest=3))
    ]


def _publish(world: World, rules: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """How long until a set is in force, and the longest that another caller waited."""
    # Before the other one starts, whom it would keep waiting: both are in this interpreter.
    data = json.dumps({"rules": rules}).encode()
    other = _Other(world.address)
    other.start()
    began = time.perf_counter()
    world.send(_COMPLIANCE, Role.COMPLIANCE, "PUT", "/v1/moderation/rules/bench", data)
    return time.perf_counter() - began, other.stop()


class _Other(threading.Thread):
    """Asks for ``/healthz`` again and again."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        where = urlsplit(address)
        self._connection = HTTPConnection(where.hostname or "", where.port, timeout=30)
        self._done = threading.Event()
        self._longest = 0.0

    def run(self) -> None:
        while not self._done.is_set():
            began = time.perf_counter()
            self._connection.request("GET", "/healthz")
            self._connection.getresponse().read()
            self._longest = max(self._longest, time.perf_counter() - began)

    def stop(self) -> float:
        """The longest wait, in seconds."""
        self._done.set()
        self.join()
        self._connection.close()
        return self._longest
