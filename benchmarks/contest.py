"""
The log beside its peers: the same appends, by the same number of callers, round by round in turns.

Each peer first shows which of its settings serves it best with so many callers (pools, processes,
channels); its rounds are made with that one. Ours has one setting.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from benchmarks.cluster import Cluster, dsn, install_message_db, parts
from benchmarks.driver import ContestantError, Team
from benchmarks.figures import Report
from benchmarks.install import NODE, Missing, node_with_modules, python_of
from benchmarks.ours.events import payload

Settings = Mapping[str, Any]

CALLERS: Final = (1, 32, 256)
BATCHES: Final = (1, 100)


class Plan(msgspec.Struct, frozen=True):
    """
    How long and how often.

    :param tuning_seconds: of each setting that a peer tries; 0 takes the first without trying.
    :param read: how many events are read from the beginning of each log.
    """

    rounds: int
    seconds: float
    tuning_seconds: float
    read: int
    callers: Sequence[int] = CALLERS
    batches: Sequence[int] = BATCHES


class Entry(msgspec.Struct, frozen=True):
    """One line of the contest: a contestant, and the settings it may try, the likeliest first."""

    name: str
    team: Team
    candidates: Callable[[int], Sequence[Settings]]
    read: Settings | None = None


def cell_name(name: str, callers: int, batch: int) -> str:
    """What the rounds of an entry are called."""
    what = "single events" if batch == 1 else f"batches of {batch}"
    return f"{name}: {what}, {callers} callers" if callers > 1 else f"{name}: {what}, 1 caller"


def read_name(name: str) -> str:
    """What the readings of an entry are called."""
    return f"{name}: reading the log"


OURS: Final = "homezone, bare"
WHOLE: Final = "homezone, whole append"
COPY: Final = "COPY, rows encoded before"
COPY_ENCODING: Final = "COPY, rows encoded inside"
UMADB: Final = "UmaDB"
LIBRARY: Final = "eventsourcing.postgres"
ALCHEMY: Final = "eventsourcing-sqlalchemy"
MESSAGE_DB: Final = "message-db"
EMMETT: Final = "Emmett"


def enter_ours(cluster: Cluster) -> list[Entry]:
    """Our log, as it stands alone and with all that a command brings; and the calibration."""
    url = cluster.database("homezone_bench")
    ours = Team(
        [sys.executable, "-m", "benchmarks.ours"],
        {"url": url, "keys": str(cluster.directory / "keys")},
    )
    copying = Team([sys.executable, "-m", "benchmarks.copying"], {"dsn": dsn(url)})
    return [
        Entry(OURS, ours, lambda _: [{"workload": "bare"}], {"page": 1_000}),
        Entry(COPY, copying, lambda _: [{"encoded": "before"}]),
        Entry(COPY_ENCODING, copying, lambda _: [{"encoded": "inside"}]),
        Entry(WHOLE, ours, lambda _: [{"workload": "whole", "inline": True}]),
    ]


def enter_peers(cluster: Cluster, report: Report, *, install: bool) -> list[Entry]:
    """The peers that can be had; those that cannot are named in the report."""
    entries = []
    for name, enter in _PEERS.items():
        try:
            entries.append(enter(name, cluster, install))
        except (Missing, ContestantError, OSError) as error:
            report.left_out.append(f"{name} is not measured: {error}")
            print(report.left_out[-1], file=sys.stderr)
    return entries


def run(entries: Sequence[Entry], plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Appends at every number of callers, then the readings."""
    for batch in plan.batches:
        for callers in plan.callers:
            say(f"{callers} callers, {batch} events an append")
            _appends(entries, callers, batch, plan, report)
    say("reading")
    _readings(entries, plan, report)


def _appends(
    entries: Sequence[Entry], callers: int, batch: int, plan: Plan, report: Report
) -> None:
    chosen = {one.name: _tuned(one, callers, batch, plan.tuning_seconds) for one in entries}
    rates: dict[str, list[float]] = {one.name: [] for one in entries}
    rows = callers * batch
    for number in range(plan.rounds):
        for one in _in_turn(entries, number):
            settings = dict(chosen[one.name])
            if "encoded" in settings:
                chosen[one.name] = settings = {**settings, "rows": rows}
            measured = one.team.append(callers, batch, plan.seconds, settings)
            rates[one.name].append(measured.rate)
            if one.name == OURS:
                rows = measured.told["rows"]
                chosen[OURS] = {**settings, "events a commit": rows}
    for one in entries:
        name = cell_name(one.name, callers, batch)
        report.add(name, rates[one.name], settings=chosen[one.name])


def _in_turn(entries: Sequence[Entry], number: int) -> Iterable[Entry]:
    """Every round begins with another entry, so that none always follows the same."""
    first = number % len(entries)
    return (*entries[first:], *entries[:first])


def _tuned(entry: Entry, callers: int, batch: int, seconds: float) -> Settings:
    candidates = entry.candidates(callers)
    if len(candidates) == 1 or not seconds:
        return candidates[0]
    rates = [
        (entry.team.append(callers, batch, seconds, one).rate, number)
        for number, one in enumerate(candidates)
    ]
    return candidates[max(rates)[1]]


def _readings(entries: Sequence[Entry], plan: Plan, report: Report) -> None:
    readers = [one for one in entries if one.read is not None]
    rates: dict[str, list[float]] = {one.name: [] for one in readers}
    read = {one.name: _fill(one, plan.read) for one in readers}
    for number in range(plan.rounds):
        for one in _in_turn(readers, number):
            assert one.read is not None
            rates[one.name].append(one.team.read(read[one.name], one.read).rate)
    for one in readers:
        settings = {**(one.read or {}), "events": read[one.name]}
        report.add(read_name(one.name), rates[one.name], settings=settings)


def _fill(entry: Entry, wanted: int) -> int:
    """Have so many events in the log; how many there are, where it takes too long."""
    assert entry.read is not None
    settings = {**entry.candidates(32)[0], **{k: v for k, v in entry.read.items() if k != "page"}}
    for _ in range(8):
        there = entry.team.read(wanted, entry.read).events
        if there >= wanted:
            break
        entry.team.append(16, 100, 1.0, settings)
    return entry.team.read(wanted, entry.read).events


def _umadb(name: str, cluster: Cluster, install: bool) -> Entry:
    python = python_of("umadb", install=install)
    team = Team(
        [str(python), "-m", "benchmarks.peers.umadb_driver"],
        {"payload": payload(), "directory": str(cluster.directory / "umadb")},
    )

    def candidates(callers: int) -> list[Settings]:
        if callers == 1:
            return [
                {"server": server, "clients": 1, "streams": streams}
                for streams in ("new", "own")
                for server in ("default", "cache", "pipelined")
            ]
        shapes = [(4, 1), (1, 1), (16, 1), (4, 2), (1, 2)]
        tried: list[Settings] = [
            {"server": "default", "clients": clients, "processes": processes, "streams": "new"}
            for clients, processes in shapes
        ]
        tried += [
            {"server": server, "clients": 4, "processes": 1, "streams": streams}
            for server, streams in (("default", "own"), ("cache", "new"), ("pipelined", "new"))
        ]
        return tried

    return Entry(name, team, candidates, {"server": "default", "page": 1_000})


def _library(name: str, cluster: Cluster, install: bool) -> Entry:
    python = python_of("eventsourcing", install=install)
    team = Team(
        [str(python), "-m", "benchmarks.peers.eventsourcing_postgres"],
        {**parts(cluster.database("eventsourcing")), "payload": payload()},
    )

    def candidates(callers: int) -> list[Settings]:
        if callers == 1:
            return [{"pool": 1}, {"pool": 1, "functions": True}]
        return [
            {"pool": pool, "processes": processes, "functions": functions}
            for pool, processes in ((16, 1), (4, 1), (8, 2))
            for functions in (False, True)
        ]

    return Entry(name, team, candidates, {"pool": 1})


def _alchemy(name: str, cluster: Cluster, install: bool) -> Entry:
    python = python_of("sqlalchemy", install=install)
    team = Team(
        [str(python), "-m", "benchmarks.peers.eventsourcing_sqlalchemy"],
        {**parts(cluster.database("alchemy")), "payload": payload()},
    )

    def candidates(callers: int) -> list[Settings]:
        if callers == 1:
            return [{"pool": 1}]
        return [{"pool": pool, "processes": number} for pool, number in ((4, 1), (16, 1), (4, 2))]

    return Entry(name, team, candidates, {"pool": 1})


def _pools(callers: int) -> list[Settings]:
    if callers == 1:
        return [{"pool": 1}]
    return [
        {"pool": pool, "processes": processes}
        for pool, processes in ((32, 1), (16, 1), (64, 1), (16, 2))
        if pool <= callers
    ]


def _message_db(name: str, cluster: Cluster, install: bool) -> Entry:
    node = node_with_modules(install=install)
    url = install_message_db(cluster, "message_db")
    config = {**parts(url), "payload": payload()}
    return Entry(name, Team([node, str(NODE / "message_db.mjs")], config), _pools, {"pool": 1})


def _emmett(name: str, cluster: Cluster, install: bool) -> Entry:
    node = node_with_modules(install=install)
    config = {**parts(cluster.database("emmett")), "payload": payload()}
    return Entry(name, Team([node, str(NODE / "emmett.mjs")], config), _pools, {"pool": 1})


_PEERS: Final[dict[str, Callable[[str, Cluster, bool], Entry]]] = {
    UMADB: _umadb,
    LIBRARY: _library,
    ALCHEMY: _alchemy,
    MESSAGE_DB: _message_db,
    EMMETT: _emmett,
}
