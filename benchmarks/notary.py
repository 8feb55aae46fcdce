"""
What evidence costs: appends with the notary running beside those without, and the speed at which a
whole history is verified beside that at which UmaDB reads as many events; and how long a bundle of
100,000 events takes to make, and to check.

In both kinds of round the read models are fed, as in a server; they take turns.
"""

import sys
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks.cluster import Cluster
from benchmarks.contest import UMADB, read_name
from benchmarks.driver import Team
from benchmarks.figures import Ratio, Report

WITH: Final = "whole appends, the notary running"
WITHOUT: Final = "whole appends, without a notary"
GROWTH: Final = "what the notary falls behind in a second"
VERIFY: Final = "audit verify"
MADE: Final = "a bundle of 100,000 events, made"
CHECKED: Final = "a bundle of 100,000 events, checked"
VERIFIED: Final = "a bundle of 100,000 events, checked by its own verifier"
#: Seconds that these may take.
_PROMISED: Final = {MADE: 15.0, CHECKED: 5.0}
_CALLERS: Final = 256


class Plan(msgspec.Struct, frozen=True):
    """
    :param events: that are there before, which the notary takes in and which are verified.
    """

    rounds: int
    seconds: float
    events: int


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Rounds in turns on one database, then the verification of all of it."""
    say("the notary")
    url = cluster.database("notarised")
    config = {"url": url, "keys": str(cluster.directory / "keys-notarised")}
    team = Team([sys.executable, "-m", "benchmarks.ours"], config)
    with_, without, growth, verified = [], [], [], []
    bundles: dict[str, list[float]] = {MADE: [], CHECKED: [], VERIFIED: []}
    try:
        team.ask("fill", number=plan.events)
        for _ in range(plan.rounds):
            given = {"callers": _CALLERS, "seconds": plan.seconds}
            without.append(team.ask("notarised", **given, notary=False)["rate"])
            done = team.ask("notarised", **given, notary=True)
            with_.append(done["rate"])
            growth.append(max(0.0, (done["end"] - done["half"]) / (plan.seconds / 2)))
        for _ in range(plan.rounds):
            whole = team.ask("verify")
            verified.append(whole["events"] / whole["seconds"])
            for name, seconds in bundles.items():
                seconds.append(team.ask("bundle", what=name)["seconds"])
    finally:
        team.close()
    settings = {"callers": _CALLERS}
    mine = report.add(WITH, with_, settings=settings)
    alone = report.add(WITHOUT, without, settings=settings)
    report.compare("appends with the notary running, over those without", mine, alone, 0.75)
    behind = report.add(GROWTH, growth)
    report.compare(
        "what the notary falls behind in a second, of appends", behind, mine, 0.05, "at most"
    )
    checked = report.add(VERIFY, verified, settings={"events": plan.events})
    report.compare(
        "audit verify, over UmaDB's reading", checked, report.find(read_name(UMADB)), 0.3
    )
    for name, seconds in bundles.items():
        series = report.add(name, seconds, unit="s")
        if name in _PROMISED:
            most = _PROMISED[name]
            ratio = Ratio(f"{name}, of {most:.0f} s", series.median / most, 1.0, "at most")
            report.ratios.append(ratio)
