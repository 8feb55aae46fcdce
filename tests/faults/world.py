"""
One Homezone to do things to: server processes, their database, and members who use it meanwhile.
"""

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil
import psycopg2
from sqlalchemy import make_url

from adapters.embedded import running_url
from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now
from tests.acceptance.processes import ServeProcess, gone
from tests.faults.caller import Caller, Once, Seen
from tests.faults.cluster import Cluster, processes_in
from tests.faults.record import History, Logged
from tests.faults.workload import Board, Device, Workload

MEMBERS: Final = (20_001, 20_002, 20_003, 20_004)
STRANGER: Final = 20_005
OPERATOR: Final = 10_000
CELLS: Final = 4
#: Tokens outlive clocks that jump: issued ten days ago, for a month.
_ISSUED: Final = timedelta(days=10)
_LIFETIME: Final = timedelta(days=30)


class World:
    """
    Servers on one database and one data directory.

    :param cluster: the database they share; None for one server that brings its own.
    :param url: where servers find it, if not straight at the cluster.
    :param environment: of the servers.
    """

    def __init__(
        self,
        directory: Path,
        *,
        servers: int = 1,
        cluster: Cluster | None = None,
        urls: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        assert cluster is not None or servers == 1, "an embedded database has one server"
        self.directory = directory
        self.data_dir = directory / "data"
        self.cluster = cluster
        self.ports = free_ports(servers)
        self.servers: list[ServeProcess | None] = [None] * servers
        self._urls = urls
        self._environment = environment

    # Servers

    def start(self, number: int = 0) -> None:
        """Start a server, and wait until it serves."""
        arguments = ["--port", str(self.ports[number]), "--limits", "off", "--cells", str(CELLS)]
        if self.cluster is not None:
            url = self._urls[number] if self._urls else self.cluster.url
            arguments += ["--database-url", url]
        server = ServeProcess(self.data_dir, *arguments, environment=self._environment)
        self.servers[number] = server
        server.ready()

    def start_all(self) -> None:
        """Start whatever is not there."""
        if self.cluster is not None:
            self.cluster.start()
        for number, server in enumerate(self.servers):
            if server is None or server.process.poll() is not None:
                self.start(number)

    def server(self, number: int = 0) -> ServeProcess:
        """A server that was started."""
        server = self.servers[number]
        assert server is not None
        return server

    def close(self) -> list[str]:
        """End everything in order; what then is still there, or did not end as it should."""
        wrong = []
        for server in self.servers:
            if server is not None and server.process.poll() is None:
                family = server.family()
                with suppress(ProcessLookupError):
                    os.kill(server.process.pid, signal.SIGCONT)
                status = server.stop()
                if status != 0 or not gone(family):
                    wrong.append(f"a server ended with {status}, leaving {family}")
            if server is not None:
                server.close()
                if "Traceback" in server.said:
                    wrong.append(f"a traceback in {server.log}")
        if self.cluster is not None:
            self.cluster.stop()
        if left := self.processes():
            wrong.append(f"left behind: {left}")
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
        return wrong

    # The database

    @property
    def url(self) -> str:
        """The database, for somebody who is not Homezone."""
        if self.cluster is not None:
            return self.cluster.url
        url = running_url(self.data_dir)
        assert url is not None, "the database does not run"
        plain = make_url(url).set(drivername="postgresql")
        return plain.render_as_string(hide_password=False)

    @contextmanager
    def connected(self, seconds: float = 60.0) -> Iterator[Any]:
        """A cursor of the owner's, on a database that may still be starting."""
        until = time.monotonic() + seconds
        while True:
            try:
                connection = psycopg2.connect(self.url, connect_timeout=3)
                break
            except (psycopg2.OperationalError, AssertionError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @property
    def cluster_path(self) -> Path:
        """Where PostgreSQL keeps its data."""
        if self.cluster is not None:
            return self.cluster.path
        anchor = self.data_dir / "postgres"
        elsewhere = anchor / "location"
        home = Path(elsewhere.read_text().strip()) if elsewhere.exists() else anchor
        return home / "cluster"

    def postmaster(self, seconds: float = 60.0) -> psutil.Process:
        """PostgreSQL's first process, once there is one."""
        until = time.monotonic() + seconds
        while True:
            try:
                pid = int((self.cluster_path / "postmaster.pid").read_text().split("\n", 1)[0])
                process = psutil.Process(pid)
                if "postgres" in process.name():
                    return process
            except (OSError, ValueError, psutil.Error):
                if time.monotonic() > until:
                    raise
            time.sleep(0.02)

    def log(self) -> list[Logged]:
        """All events."""
        with self.connected() as cursor:
            cursor.execute(
                "SELECT cell, position, stream_id::text, version, type FROM log.events"
                " ORDER BY cell, position"
            )
            return [Logged(*row) for row in cursor.fetchall()]

    def processes(self) -> list[psutil.Process]:
        """Every process that is this world's, whoever its parent is by now."""
        return list({*processes_in(self.directory), *processes_in(self.cluster_path)})

    # Members

    def token(self, qq: int, role: Role = Role.MEMBER) -> str:
        """A token that servers with clocks of their own accept."""
        return token_issuer(self.data_dir).issue(qq, role, _LIFETIME, utc_now() - _ISSUED)

    def client(self, qq: int, role: Role = Role.MEMBER, server: int = 0) -> Once:
        """Somebody at one of the servers."""
        return Once(("127.0.0.1", self.ports[server]), self.token(qq, role), qq)

    def settle_members(self) -> None:
        """Open the accounts, and make the members friends of each other."""
        operator = self.client(OPERATOR, Role.OPERATOR)
        for qq in (*MEMBERS, STRANGER):
            person = {"nickname": f"m{qq}", "real_name": "李太白", "birth_date": "2001-02-03"}
            operator.post("/v1/accounts", {"qq": qq, **person}).ok(201)
        clients = [self.client(qq) for qq in MEMBERS]
        for at, one in enumerate(clients):
            for other in clients[at + 1 :]:
                one.befriend(other)
        for each in (operator, *clients):
            each.close()

    def workload(self, seed: int, seen: Seen, devices_each: int = 2) -> Workload:
        """Everybody's devices, not yet started."""
        history, board = History(), Board()
        people = [*MEMBERS * devices_each, STRANGER]
        devices = []
        for at, qq in enumerate(people):
            first = at % len(self.ports)
            ports = [*self.ports[first:], *self.ports[:first]]
            caller = Caller(ports, self.token(qq), qq, seen)
            random = Random(f"{seed} {at}")
            name = f"{seed}-{at}"
            friend = qq != STRANGER
            devices.append(Device(name, caller, board, history, seen, random, friend=friend))
        return Workload(devices, history, board)


def free_ports(number: int) -> list[int]:
    """
    Ports that nobody has, below those that the kernel gives to clients: or a client that calls
    while no server is there might get its own port, and itself on the line.
    """
    found: list[int] = []
    random = Random()
    while len(found) < number:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            found.append(port)
    return found
