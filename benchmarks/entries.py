"""
Who takes part, each with the settings that it may try to be at its best.
"""

import sys
from collections.abc import Callable, Collection
from typing import Final

from benchmarks.cluster import Cluster, dsn, install_message_db, parts
from benchmarks.contest import (
    ALCHEMY,
    COPY,
    COPY_ENCODING,
    EMMETT,
    LIBRARY,
    MESSAGE_DB,
    OURS,
    UMADB,
    WHOLE,
    Entry,
    Settings,
)
from benchmarks.driver import ContestantError, Team
from benchmarks.figures import Report
from benchmarks.install import NODE, Missing, node_with_modules, python_of
from benchmarks.ours.events import payload


def enter_ours(cluster: Cluster) -> list[Entry]:
    """Our log, as it stands alone and with all that a command brings; and the calibration."""
    url = cluster.database("homezone_bench")
    ours = Team(
        [sys.executable, "-m", "benchmarks.ours"],
        {"url": url, "keys": str(cluster.directory / "keys")},
    )
    copying = Team([sys.executable, "-m", "benchmarks.copying"], {"dsn": dsn(url)})
    return [
        Entry(OURS, ours, lambda _: [{"workload": "bare"}], [{"page": 1_000}, {"page": 5_000}]),
        Entry(COPY, copying, lambda _: [{"encoded": "before"}]),
        Entry(COPY_ENCODING, copying, lambda _: [{"encoded": "inside"}]),
        Entry(WHOLE, ours, lambda _: [{"workload": "whole", "inline": True}]),
    ]


def enter_peers(
    cluster: Cluster, report: Report, *, install: bool, only: Collection[str] | None = None
) -> list[Entry]:
    """
    The peers that can be had; those that cannot are named in the report.

    :param only: the only ones to try; all, by default.
    """
    entries = []
    for name in _PEERS if only is None else only:
        try:
            entries.append(_PEERS[name](name, cluster, install))
        except (Missing, ContestantError, OSError) as error:
            report.left_out.append(f"{name} is not measured: {error}")
            print(report.left_out[-1], file=sys.stderr)
    return entries


_UMADB_READS: Final = [
    {"server": "default", "page": 1_000},
    {"server": "default", "page": 5_000},
    {"server": "default", "page": 20_000},
]


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

    return Entry(name, team, candidates, _UMADB_READS)


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

    return Entry(name, team, candidates, [{"pool": 1}])


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

    return Entry(name, team, candidates, [{"pool": 1}])


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
    return Entry(name, Team([node, str(NODE / "message_db.mjs")], config), _pools, [{"pool": 1}])


def _emmett(name: str, cluster: Cluster, install: bool) -> Entry:
    node = node_with_modules(install=install)
    config = {**parts(cluster.database("emmett")), "payload": payload()}
    return Entry(name, Team([node, str(NODE / "emmett.mjs")], config), _pools, [{"pool": 1}])


_PEERS: Final[dict[str, Callable[[str, Cluster, bool], Entry]]] = {
    UMADB: _umadb,
    LIBRARY: _library,
    ALCHEMY: _alchemy,
    MESSAGE_DB: _message_db,
    EMMETT: _emmett,
}
