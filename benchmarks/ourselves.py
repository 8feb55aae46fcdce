"""
Ours beside itself: what a hot stream, sealing, a cold cache and a long log cost.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from benchmarks.cluster import Cluster
from benchmarks.driver import Measured, Team
from benchmarks.figures import Report, Series

_CALLERS: Final = 256
_COMMANDERS: Final = 64

MANY: Final = f"appends to many streams, {_CALLERS} callers"
HOT: Final = f"appends to ONE hot stream, {_CALLERS} callers"
SEALING: Final = f"text sealed, then appended, {_CALLERS} callers"
SEALED: Final = f"text sealed before, appended, {_CALLERS} callers"
WARM: Final = f"commands on streams in memory, {_COMMANDERS} callers"
#: Of a shorter log the beginning and the end are moments.
REBUILT_MIN: Final = 200_000
EARLY: Final = "all read models made again, early in the log"
LATE: Final = "all read models made again, late in the log"
COLD: Final = f"commands that load their streams, {_COMMANDERS} callers"


class Plan(msgspec.Struct, frozen=True):
    """
    :param commands: a round, where commands are counted instead of seconds.
    :param long: how many events the long log has; ``short`` the other. 0 leaves them out.
    """

    rounds: int
    seconds: float
    commands: int
    short: int
    long: int


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """All of it."""
    say("a hot stream, sealing")
    team = _team(cluster, cluster.database("ourselves"))
    try:
        _workloads(team, plan, report)
        say("cold and warm commands")
        _caches(team, plan, report)
    finally:
        team.close()
    if plan.long:
        _lengths(cluster, plan, report, say)


def _team(cluster: Cluster, url: str) -> Team:
    config = {"url": url, "keys": str(cluster.directory / "keys")}
    return Team([sys.executable, "-m", "benchmarks.ours"], config)


def _workloads(team: Team, plan: Plan, report: Report) -> None:
    names = {MANY: "bare", HOT: "hot", SEALED: "sealed before", SEALING: "sealing"}
    rounds: dict[str, list[Measured]] = {name: [] for name in names}
    for workload in names.values():
        team.append(_CALLERS, 1, plan.seconds / 4, {"workload": workload})
    for _ in range(plan.rounds):
        for name, workload in names.items():
            rounds[name].append(team.append(_CALLERS, 1, plan.seconds, {"workload": workload}))
    for name, found in rounds.items():
        _keep(report, name, found)
    report.compare("ONE hot stream, over many", report.find(HOT), report.find(MANY), 0.5)
    report.compare(
        "appends with sealing, over without", report.find(SEALING), report.find(SEALED), 0.85
    )


def _caches(team: Team, plan: Plan, report: Report) -> None:
    team.ask("fill", number=plan.short)
    rounds: dict[str, list[Measured]] = {COLD: [], WARM: []}
    for _ in range(plan.rounds):
        for name, kind in ((COLD, "cold"), (WARM, "warm")):
            rounds[name].append(_commands(team, plan.commands, kind))
    cold, warm = (_keep(report, name, found) for name, found in rounds.items())
    report.compare("cold commands, over warm", cold, warm)


def _lengths(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """
    The short log is a fresh copy each round, so that it has not grown when it is measured.

    Commands publish posts and change old ones in turns, and nothing is in memory: every one of
    them looks into the log, which is where a long one would be felt.
    """
    short = _team(cluster, cluster.database("short"))
    short.ask("fill", number=plan.short)
    short.close()
    cluster.settle("short")
    say(f"filling a log to {plan.long:,} events")
    team = _team(cluster, cluster.database("long"))
    try:
        filled = team.ask("fill", patience=60 + plan.long / 1_000, number=plan.long)
        report.add("filling the log", [filled["events"] / filled["seconds"]])
        cluster.settle("long")
        say(f"commands with {plan.long:,} events in the log, and with {plan.short:,}")
        rounds: dict[int, list[Measured]] = {plan.short: [], plan.long: []}
        _commands(team, plan.commands // 4, "any")
        for number in range(plan.rounds):
            name = f"short_{number}"
            fresh = _team(cluster, cluster.copy("short", name))
            try:
                rounds[plan.short].append(_commands(fresh, plan.commands, "any"))
            finally:
                fresh.close()
            cluster.drop(name)
            rounds[plan.long].append(_commands(team, plan.commands, "any"))
        if plan.long >= REBUILT_MIN:
            say("all read models made again")
            _rebuilds(team, plan, report)
    finally:
        team.close()
    few, many = (
        _keep(report, f"commands with {events:,} events in the log", found)
        for events, found in rounds.items()
    )
    report.compare(
        f"cost of a command with {plan.long:,} events in the log, over {plan.short:,}",
        few,
        many,
        1.2,
        "at most",
    )


def _rebuilds(team: Team, plan: Plan, report: Report) -> None:
    """Whether the last events of a long log are fed as fast as the first."""
    told = [
        team.ask("rebuild", patience=60 + plan.long / 1_000) for _ in range(min(2, plan.rounds))
    ]
    settings = {"events": told[0]["events"]}
    early = report.add(EARLY, [one["early"] for one in told], settings=settings)
    late = report.add(LATE, [one["late"] for one in told], settings=settings)
    report.compare("a rebuild's rate late in the log, over early", late, early, 0.85)


def _keep(report: Report, name: str, rounds: Sequence[Measured]) -> Series:
    return report.add(name, [one.rate for one in rounds], [one.cpu_us for one in rounds])


def _commands(team: Team, number: int, kind: str) -> Measured:
    told = team.ask("command", callers=_COMMANDERS, number=number, kind=kind)
    return Measured(told["events"] / told["seconds"], told["events"], told, told["cpu_us"])
