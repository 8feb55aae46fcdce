"""
``homezone`` as its users start it: a process, its streams, its signals, and what it leaves behind.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.homezone import Client

COMMAND = str(Path(sys.executable).with_name("homezone"))
SECONDS_MAX = 60.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


def run(*arguments: str, seconds: float = SECONDS_MAX) -> "subprocess.CompletedProcess[str]":
    """One command, to its end."""
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )


def one_line(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    """The one clear line on stderr of a command that failed with that status."""
    assert done.returncode == status, (done.args, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("homezone: ")
    assert "Traceback" not in done.stderr + done.stdout
    return lines[0]


class ServeProcess:
    """A ``homezone serve`` that was told its arguments, with more in its environment if so said."""

    def __init__(
        self, data_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.logs" / f"{time.monotonic_ns()}.log"
        self.log.parent.mkdir(exist_ok=True)
        self._said = self.log.open("w")
        self.process = subprocess.Popen(
            [COMMAND, "serve", "--data-dir", str(data_dir), *arguments],
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            # A group of its own: a signal to it is not one to the tests.
            start_new_session=True,
        )
        self.port = 0

    @property
    def said(self) -> str:
        """All it wrote, to both streams."""
        return self.log.read_text()

    def ready(self) -> "ServeProcess":
        """Itself, once it has said where it is."""
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            found = _ADDRESS.search(self.said)
            if found is not None and "Ctrl-C" in self.said:
                self.port = int(found[1])
                return self
            time.sleep(0.05)
        raise AssertionError(f"it is not up: {self.process.poll()}\n{self.said}")

    def client(self, qq: int, role: str = "member") -> Client:
        """Somebody with a token that ``homezone token`` printed."""
        arguments = ("--user", str(qq), "--role", role, "--data-dir", str(self.data_dir))
        done = run("token", *arguments)
        assert done.returncode == 0, done.stderr
        return Client(("127.0.0.1", self.port), done.stdout.strip(), qq)

    def family(self) -> list[psutil.Process]:
        """The server and all it started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Tell it to stop, and wait for its end."""
        self.process.send_signal(with_signal)
        return self.process.wait(SECONDS_MAX)

    def kill(self) -> None:
        """As when the power goes for this one process; what it started is left alone."""
        self.process.kill()
        self.process.wait(SECONDS_MAX)

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process.poll() is None:
                self.kill()
        self._said.close()


@contextmanager
def serving(data_dir: Path, *arguments: str) -> Iterator[ServeProcess]:
    """A server on a free port, ready; stopped at the end if it still runs."""
    server = ServeProcess(data_dir, "--port", "0", *arguments)
    try:
        yield server.ready()
    finally:
        server.close()


def gone(processes: Sequence[psutil.Process]) -> bool:
    """Whether all of them have ended, waiting a little."""
    _, alive = psutil.wait_procs(list(processes), timeout=10)
    return not alive
