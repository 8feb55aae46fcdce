"""
What evidence costs: appends with the notary running beside those without, and the speed at which a
whole history is verified beside that at which UmaDB reads as many events; and how long a bundle of
100,000 events takes to make, and to check.

In both kinds of round the read models are fed, as in a server; they take turns, and so do verifying
and UmaDB's reading.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from benchmarks.cluster import Cluster
from benchmarks.contest import UMADB, Entry, fill, read_name, tuned_reading
from benchmarks.driver import Measured, Team
from benchmarks.entries import enter_peers
from benchmarks.figures import Ratio, Report, Series

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
#: Rounds of bundles: each takes some seconds of its own.
_BUNDLES_MAX: Final = 3


class Plan(msgspec.Struct, frozen=True):
    """
    :param events: that are there before, which the notary takes in and which are verified.
    """

    rounds: int
    seconds: float
    events: int


def measure(
    cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None], *, install: bool
) -> None:
    """Rounds in turns on one database, then the verification of all of it."""
    say("the notary")
    url = cluster.database("notarised")
    config = {"url": url, "keys": str(cluster.directory / "keys-notarised")}
    team = Team([sys.executable, "-m", "benchmarks.ours"], config)
    try:
        team.ask("fill", number=plan.events)
        # What is there already is taken in before any clock starts.
        team.ask("notarised", callers=1, seconds=0.2, notary=True)
        say("bundles made and checked")
        _bundles(team, plan, report)
        say("appends, with and without")
        _appends(team, plan, report)
        say("everything verified")
        peers = enter_peers(cluster, report, install=install, only=[UMADB])
        try:
            _verification(team, peers, plan, report)
        finally:
            for peer in peers:
                peer.team.close()
    finally:
        team.close()


def _appends(team: Team, plan: Plan, report: Report) -> None:
    given = {"callers": _CALLERS, "seconds": plan.seconds}
    with_, without, growth = [], [], []
    for _ in range(plan.rounds):
        without.append(team.ask("notarised", **given, notary=False)["rate"])
        done = team.ask("notarised", **given, notary=True)
        with_.append(done["rate"])
        growth.append(max(0.0, (done["end"] - done["half"]) / (plan.seconds / 2)))
    settings = {"callers": _CALLERS}
    mine = report.add(WITH, with_, settings=settings)
    alone = report.add(WITHOUT, without, settings=settings)
    report.compare("appends with the notary running, over those without", mine, alone, 0.75)
    behind = report.add(GROWTH, growth)
    report.compare(
        "what the notary falls behind in a second, of appends", behind, mine, 0.05, "at most"
    )


def _bundles(team: Team, plan: Plan, report: Report) -> None:
    """Of 100,000 events, made with their proofs, and checked."""
    for name in (MADE, CHECKED, VERIFIED):
        taken = [
            team.ask("bundle", what=name)["seconds"] for _ in range(min(plan.rounds, _BUNDLES_MAX))
        ]
        series = report.add(name, taken, unit="s")
        if name in _PROMISED:
            most = _PROMISED[name]
            ratio = Ratio(f"{name}, of {most:.0f} s", series.median / most, 1.0, "at most")
            report.ratios.append(ratio)


def _verification(team: Team, peers: Sequence[Entry], plan: Plan, report: Report) -> None:
    """In turns; the peer reads as many events as are verified."""
    events = team.ask("verify")["events"]
    verified: list[Measured] = []
    read: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    there = {peer.name: fill(peer, events) for peer in peers}
    chosen = {peer.name: tuned_reading(peer, there[peer.name]) for peer in peers}
    for _ in range(plan.rounds):
        verified.append(team.round("verify"))
        for peer in peers:
            read[peer.name].append(peer.team.read(there[peer.name], chosen[peer.name]))
    checked = _keep(report, VERIFY, verified, {"events": events})
    for peer in peers:
        settings = {**chosen[peer.name], "events": there[peer.name]}
        beside = _keep(report, f"{read_name(peer.name)}, as much", read[peer.name], settings)
        report.compare(f"audit verify, over {peer.name}'s reading as much", checked, beside, 0.3)


def _keep(
    report: Report, name: str, rounds: Sequence[Measured], settings: Mapping[str, Any]
) -> Series:
    used = [one.cpu_us for one in rounds]
    return report.add(name, [one.rate for one in rounds], used, settings=settings)
