"""
Rules tried on history beside reading and unsealing that history, which is the least it can take.

One store, in turns: the same events by the same types in the same batches, every text of them
opened, by one process and no more; then the product's own process that tries a set of fifty
thousand phrases on them, once alone and once divided among the processors, as the command line has
it. What it takes before it begins, to start and to make the set ready, is told apart.
"""

import os
import sys
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks import screening
from benchmarks.cluster import Cluster
from benchmarks.driver import Team
from benchmarks.figures import Report
from domain.rules import RuleSet
from replay.backtest.asking import backtest
from replay.backtest.words import Done, Job

READ: Final = "history read and unsealed, one process"
ALONE: Final = "a set of {:,} phrases tried on it, one process"
DIVIDED: Final = "the same in {} processes, as the command line has it"


class Plan(msgspec.Struct, frozen=True):
    """
    :param texts: in the store: five posts and three comments of eight, 40 characters each.
    """

    rounds: int
    texts: int
    phrases: int = 50_000


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Rounds in turns, on one store."""
    say(f"rules tried on {plan.texts:,} texts")
    url, keys = cluster.database("backtest"), str(cluster.directory / "backtest-keys")
    team = Team([sys.executable, "-m", "benchmarks.ours.history"], {"url": url, "keys": keys})
    rules, number = screening.rules(plan.phrases), len(os.sched_getaffinity(0))
    names = {1: ALONE.format(plan.phrases), number: DIVIDED.format(number)}
    rates: dict[str, list[float]] = {name: [] for name in (READ, *names.values())}
    used: dict[str, list[float]] = {name: [] for name in rates}
    try:
        team.ask("fill", number=plan.texts)
        cluster.settle("backtest")
        for _ in range(plan.rounds):
            told = team.ask("unseal")
            rates[READ].append(told["events"] / told["seconds"])
            used[READ].append(1e6 * told["cpu_seconds"] / told["events"])
            for processes, name in names.items():
                done = _tried(url, keys, rules, processes)
                assert done.report.texts == told["events"], "both have read the same"
                rates[name].append(done.report.texts / done.seconds)
                used[name].append(1e6 * done.cpu_seconds / done.report.texts)
    finally:
        team.close()
    for name, found in rates.items():
        report.add(name, found, used[name], settings={"texts": plan.texts})
    read = report.find(READ)
    for processes, name in names.items():
        target = 0.5 if processes == number else None
        report.compare(f"{name}, over reading", report.find(name), read, target)


def _tried(url: str, keys: str, rules: RuleSet, processes: int) -> Done:
    job = Job(database_url=url, keys=keys, name="set", rules=rules, processes=processes)
    *_, last = backtest(job)
    assert isinstance(last, Done), last
    return last
