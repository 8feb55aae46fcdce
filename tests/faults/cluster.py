"""
A PostgreSQL of the test's own, for what cannot be done to the embedded one from outside: it listens
on a network, lives in a network namespace, or has a library in front of the kernel.

The same binaries and settings as the embedded one's; it is an operator's database to Homezone, so
whoever stops it has to start it.
"""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import psycopg2

from adapters.embedded import settings
from adapters.embedded.account import choose_account
from adapters.embedded.binaries import binaries_for
from adapters.embedded.place import Place
from adapters.embedded.postmaster import clean_environment, launch_command

READY_SECONDS_MAX: Final = 60.0


class Cluster:
    """
    A database cluster in a directory, which is made if it is not there.

    :param address: where it listens for everybody who can get there.
    :param inside: a command that runs another one elsewhere, such as in a network namespace.
    :param environment: added to the server's own.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        address: str = "127.0.0.1",
        inside: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.path = directory / "cluster"
        self.log = directory / "server.log"
        self.url = f"postgresql://postgres@{address}:{port}/postgres?sslmode=disable"
        self._address = address
        self._port = port
        self._inside = inside
        self._environment = {**clean_environment(), **(environment or {})}
        self._account = choose_account(self.path)
        self._binaries = binaries_for(self._account)
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(mode=0o711, exist_ok=True)
        self._account.give(directory)
        if not self.path.exists():
            self._make()

    def start(self) -> None:
        """Start it and wait until it answers; it dies with the thread that called this."""
        if self._process is not None and self._process.poll() is None:
            return self._wait()
        self._wait_for_orphans()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._launch(str(self._binaries.postgres), "-D", str(self.path)),
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._wait()

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> None:
        """End it, by a fast shutdown unless said otherwise."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(with_signal)
        try:
            self._process.wait(READY_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(READY_SECONDS_MAX)
        self._wait_for_orphans()
        self._process = None

    def _make(self) -> None:
        self._run(
            str(self._binaries.initdb),
            f"--pgdata={self.path}",
            f"--username={settings.SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
        )
        own = {
            "listen_addresses": self._address,
            "port": str(self._port),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "cluster_name": _name(self.path),
        }
        lines = [settings.postgresql_conf(), *(f"{name} = '{it}'" for name, it in own.items())]
        (self.path / "postgresql.conf").write_text("\n".join([*lines, ""]))
        with (self.path / "pg_hba.conf").open("a") as hba:
            hba.write("host all all 0.0.0.0/0 trust\n")

    def _run(self, *command: str) -> None:
        subprocess.run(
            launch_command(self._account, signal.SIGTERM, *command),
            cwd=self.directory,
            env=clean_environment(),
            check=True,
            capture_output=True,
            timeout=READY_SECONDS_MAX,
        )

    def _launch(self, *command: str) -> list[str]:
        return [*self._inside, *launch_command(self._account, signal.SIGINT, *command)]

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            try:
                psycopg2.connect(self.url, connect_timeout=2).close()
            except psycopg2.OperationalError:
                assert self._process is not None
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"PostgreSQL does not start: {self.log.read_text()[-2000:]}")

    def _wait_for_orphans(self) -> None:
        """Backends without a postmaster end by themselves; a new one does not start beside them."""
        until = time.monotonic() + READY_SECONDS_MAX
        while left := processes_in(self.path):
            if time.monotonic() > until:
                raise AssertionError(f"they stay: {left}")
            time.sleep(0.02)


def processes_in(path: Path) -> list[psutil.Process]:
    """
    Every process that names a directory on its command line, PostgreSQL's included, whose
    processes go by a name made from their cluster's.
    """
    title = f"postgres: {_name(path)}: "
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(path) in part or part.startswith(title) for part in process.cmdline()):
                found.append(process)
    return found


def _name(path: Path) -> str:
    return Place(path.parent, choose_account(path)).name
