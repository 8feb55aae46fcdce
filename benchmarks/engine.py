"""
The projection engine catching up on all its read models, beside the library's ProjectionRunner on
one.

Both begin with a log that is there and read models that are empty. Ours feeds every asynchronous
model from a log of posts, comments and likes; the library's, as its users run it, one model of
posts, a row and a commit an event, on its own PostgreSQL module.
"""

import sys
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks.cluster import Cluster, parts
from benchmarks.driver import ContestantError, Team
from benchmarks.figures import Report
from benchmarks.install import Missing, python_of
from benchmarks.ours.events import payload

OURS: Final = "engine, catching up on all read models"
RUNNER: Final = "ProjectionRunner, on one of them"


class Plan(msgspec.Struct, frozen=True):
    """
    :param events: in our log; ``runner_events`` in the library's, which goes on for at most
        ``runner_seconds``.
    """

    rounds: int
    events: int
    runner_events: int
    runner_seconds: float


def measure(
    cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None], *, install: bool
) -> None:
    """Rounds in turns, each on databases of its own."""
    say(f"the engine, from a log of {plan.events:,} events")
    _fill(cluster, plan.events)
    python = None
    try:
        python = str(python_of("eventsourcing", install=install))
    except Missing as error:
        report.left_out.append(f"{RUNNER} is not measured: {error}")
    ours: list[float] = []
    theirs: list[float] = []
    try:
        for number in range(plan.rounds):
            ours.append(_catch_up(cluster, number))
            if python is not None:
                theirs.append(_project(cluster, python, plan, number))
    except ContestantError as error:
        report.left_out.append(f"{RUNNER} is not measured: {error}")
    mine = report.add(OURS, ours, settings={"events": plan.events})
    if theirs:
        settings = {"events": plan.runner_events}
        runner = report.add(RUNNER, theirs, settings=settings)
        report.compare(f"{OURS}, over {RUNNER}", mine, runner, 30)


def _ours(cluster: Cluster, url: str) -> Team:
    config = {"url": url, "keys": str(cluster.directory / "keys")}
    return Team([sys.executable, "-m", "benchmarks.ours"], config)


def _fill(cluster: Cluster, events: int) -> None:
    team = _ours(cluster, cluster.database("engine"))
    try:
        team.ask("fill", number=events)
    finally:
        team.close()


def _catch_up(cluster: Cluster, number: int) -> float:
    name = f"engine_{number}"
    team = _ours(cluster, cluster.copy("engine", name))
    try:
        told = team.ask("catch_up")
    finally:
        team.close()
    cluster.drop(name)
    return float(told["events"] / told["seconds"])


def _project(cluster: Cluster, python: str, plan: Plan, number: int) -> float:
    name = f"runner_{number}"
    config = {**parts(cluster.database(name)), "payload": payload()}
    team = Team([python, "-m", "benchmarks.peers.eventsourcing_postgres"], config)
    try:
        told = team.ask("project", events=plan.runner_events, seconds=plan.runner_seconds)
    finally:
        team.close()
    cluster.drop(name)
    return float(told["events"] / told["seconds"])
