"""
The server's process, whose direct parent we are.

``pg_ctl`` would leave a process that nobody waits for. As the parent we learn of its end at once,
and the kernel asks it to shut down when we are killed. That request is tied to the *thread* that
forked: so one thread forks, waits, and lives exactly as long as the server.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.errors import EmbeddedPostgresError

LAUNCHER = Path(__file__).with_name("launch.py")
FAST_SHUTDOWN = signal.SIGINT


def launch_command(account: Account, death_signal: signal.Signals, *command: str) -> list[str]:
    """A command wrapped so that it runs under the account and hears of our death."""
    identity = (os.getpid(), account.uid, account.gid, int(death_signal))
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, identity), *command]


def clean_environment() -> dict[str, str]:
    """What a server inherits: no ``PG…`` variable of ours changes what it does, or its language."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


class Postmaster:
    """One life of the server's first process."""

    def __init__(
        self, account: Account, command: tuple[str, ...], directory: Path, log: int
    ) -> None:
        """
        Start it.

        :param log: a descriptor for its output; ours to close when this returns.
        """
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._exited = threading.Event()
        arguments = (launch_command(account, FAST_SHUTDOWN, *command), directory, log)
        thread = threading.Thread(target=self._keep, args=arguments, name="postgres", daemon=True)
        thread.start()
        self._started.wait()
        if self._failure is not None:
            raise EmbeddedPostgresError(f"cannot start PostgreSQL: {self._failure.strerror}")

    def _keep(self, command: list[str], directory: Path, log: int) -> None:
        try:
            # A session of its own: a Ctrl-C at the terminal is for us, who then stop it in order.
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            self._failure = error
            return
        finally:
            self._started.set()
        self._process.wait()
        self._exited.set()

    @property
    def pid(self) -> int:
        return self._running().pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._running().returncode if self._exited.is_set() else None

    def wait(self, timeout_seconds: float) -> bool:
        """Whether it ended within the time."""
        return self._exited.wait(timeout_seconds)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens once it has ended."""
        self._running().send_signal(number)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process
