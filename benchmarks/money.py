"""
Purchases: over HTTP beside ``/healthz``, in process beside transfers in SQL, many beside one; and
the ledger made again beside the log being read.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from api.tokens import Role
from benchmarks import cpu
from benchmarks.cluster import Cluster, parts
from benchmarks.driver import Team
from benchmarks.figures import Report
from benchmarks.http import wrk
from benchmarks.http.world import OPERATOR, READER, World, running_world

_CALLERS: Final = 64
_BUYERS: Final = 50
_CONNECTIONS: Final = (8, 32)

HTTP: Final = f"POST /v1/orders, {_BUYERS} buyers"
HEALTH: Final = "GET /healthz, beside orders"
MANY: Final = f"purchases, {_BUYERS} buyers of {_BUYERS} items, {_CALLERS} callers"
ONE_ITEM: Final = f"purchases, {_BUYERS} buyers of ONE item, {_CALLERS} callers"
ONE_BUYER: Final = f"purchases by ONE buyer, {_CALLERS} callers"
SQL: Final = f"transfers in SQL between {_BUYERS} accounts, {_CALLERS} callers"
READ: Final = "the log of purchases read and decoded"
REBUILT: Final = "the ledger rebuilt from it"

_WORKLOADS: Final[Mapping[str, Mapping[str, int]]] = {
    MANY: {"buyers": _BUYERS, "items": _BUYERS},
    ONE_ITEM: {"buyers": _BUYERS, "items": 1},
    ONE_BUYER: {"buyers": 1, "items": _BUYERS},
}


class Plan(msgspec.Struct, frozen=True):
    """How often each is measured, for how long."""

    rounds: int
    seconds: float


def measure(cluster: Cluster, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """All of it."""
    say("purchases, and transfers in SQL")
    config = {"url": cluster.database("money"), "keys": str(cluster.directory / "money-keys")}
    team = Team([sys.executable, "-m", "benchmarks.ours.purchases"], config)
    try:
        sql = {**parts(cluster.database("transfers")), "accounts": _BUYERS}
        peer = Team([sys.executable, "-m", "benchmarks.peers.transfers"], sql)
        try:
            _purchases(team, peer, plan, report)
        finally:
            peer.close()
        say("the ledger made again")
        _books(team, plan, report)
    finally:
        team.close()
    _over_http(cluster.directory, plan, report, say)


def _purchases(team: Team, peer: Team, plan: Plan, report: Report) -> None:
    """In turns; the SQL has as many connections as suit it best."""
    rates: dict[str, list[float]] = {name: [] for name in (*_WORKLOADS, SQL)}
    used: dict[str, list[float]] = {name: [] for name in rates}

    def keep(name: str, told: dict[str, Any]) -> float:
        rates[name].append(told["events"] / told["seconds"])
        used[name].append(told["cpu_us"])
        return rates[name][-1]

    def transfers(connections: int) -> dict[str, Any]:
        return peer.ask("transfer", callers=_CALLERS, seconds=plan.seconds, connections=connections)

    for sizes in _WORKLOADS.values():
        team.ask("buy", callers=_CALLERS, seconds=plan.seconds / 4, **sizes)
    tried = {number: keep(SQL, transfers(number)) for number in _CONNECTIONS}
    best = max(tried, key=lambda number: tried[number])
    rates[SQL].clear()
    used[SQL].clear()
    for _ in range(plan.rounds):
        for name, sizes in _WORKLOADS.items():
            keep(name, team.ask("buy", callers=_CALLERS, seconds=plan.seconds, **sizes))
        keep(SQL, transfers(best))
    many, item, buyer = (report.add(name, rates[name], used[name]) for name in _WORKLOADS)
    transferred = report.add(SQL, rates[SQL], used[SQL], settings={"connections": best})
    report.compare("purchases, over transfers in SQL", many, transferred, 5)
    report.compare("purchases of ONE item, over many", item, many, 0.9)
    report.compare("purchases by ONE buyer, over many", buyer, many, 0.5)


def _books(team: Team, plan: Plan, report: Report) -> None:
    rates: dict[str, list[float]] = {READ: [], REBUILT: []}
    told: dict[str, Any] = {}
    for _ in range(plan.rounds):
        for name, what in ((READ, "read"), (REBUILT, "rebuild")):
            told = team.ask(what)
            rates[name].append(told["events"] / told["seconds"])
    settings = {"events": told["events"]}
    read, rebuilt = (report.add(name, found, settings=settings) for name, found in rates.items())
    report.compare("the ledger rebuilt, over reading the log", rebuilt, read, 0.5)


def _over_http(directory: Path, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    program = wrk.find()
    if program is None:
        report.left_out.append("purchases over HTTP are not measured: there is no wrk")
        return
    say("purchases over HTTP")
    with running_world(directory / "money-http") as world:
        buyers = range(READER + 1, READER + 1 + _BUYERS)
        order = json.dumps({"item": _item(world, buyers)})
        tokens = [world.token_of(qq) for qq in buyers]
        load = wrk.Wrk(program, world.address, world.token, directory, order, tokens)
        paths = {HTTP: ("POST", "/v1/orders"), HEALTH: ("GET", "/healthz")}
        rates: dict[str, list[float]] = {name: [] for name in paths}
        used: dict[str, list[float]] = {name: [] for name in paths}
        for method, path in paths.values():
            load.run(method, path, 1)
        for _ in range(plan.rounds):
            for name, (method, path) in paths.items():
                before = cpu.seconds([world.pid])
                done = load.run(method, path, plan.seconds)
                used[name].append(1e6 * (cpu.seconds([world.pid]) - before) / done.requests)
                rates[name].append(done.rate)
    settings = {"connections": wrk.CONNECTIONS}
    bought, health = (
        report.add(name, rates[name], used[name], settings=settings) for name in paths
    )
    report.compare("purchases over HTTP, over /healthz", bought, health, 0.2)


def _item(world: World, buyers: range) -> str:
    """Something for a coin, and coins for everybody."""
    terms = {"kind": "theme", "title": "雪夜", "price_coins": 1}
    for qq in buyers:
        bonus = {"coins": 1_000_000, "days": 365, "reason": "bench"}
        world.call(OPERATOR, Role.OPERATOR, "POST", f"/v1/accounts/{qq}/bonuses", bonus)
    return str(world.call(OPERATOR, Role.OPERATOR, "POST", "/v1/mall/items", terms)["id"])
