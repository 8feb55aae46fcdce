"""
The harness's end of a contestant: a process that is asked one thing at a time.
"""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import cpu

ROOT: Final = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS: Final = 120.0


class ContestantError(Exception):
    """A contestant failed; the message holds what it last said."""


class Driver:
    """One process."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
        )

    def ask(self, do: str, patience: float = _PATIENCE_SECONDS, **request: Any) -> dict[str, Any]:
        """
        Ask and wait.

        :param patience: how many seconds beyond those that were asked for an answer may take.
        :raises ContestantError: it failed, ended, or did not answer in time.
        """
        sender, answers = self._process.stdin, self._process.stdout
        assert sender is not None
        assert answers is not None
        deadline = threading.Timer(patience + request.get("seconds", 0.0), self._process.kill)
        deadline.daemon = True
        deadline.start()
        try:
            sender.write(json.dumps({"do": do, **request}) + "\n")
            sender.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        finally:
            deadline.cancel()
        if not line:
            raise ContestantError(f"it ended: {self._tail()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def close(self) -> None:
        """Hang up and wait; whoever does not go is ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended with a question unread
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()

    def _tail(self) -> str:
        self._said.seek(0)
        return " | ".join(self._said.read().decode("utf-8", "replace").splitlines()[-3:])


class Measured(msgspec.Struct, frozen=True):
    """
    One round: a rate per second, and what else the contestant told.

    ``cpu_us`` is the processor time, in microseconds an event, of everybody in the run: clients,
    servers and all. While one is measured, the others are idle.
    """

    rate: float
    events: int
    told: Mapping[str, Any]
    cpu_us: float = 0.0


class Team:
    """
    One or more processes of one contestant that share the callers between them.

    Some clients need several to be at their best; further ones are started when asked for.
    """

    def __init__(
        self,
        command: Sequence[str],
        config: Mapping[str, Any],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._env = command, env
        self._drivers = [Driver(command, env)]
        try:
            self._config = {**config, **self._drivers[0].ask("open", config=dict(config))}
        except BaseException:
            self._drivers[0].close()
            raise

    def append(
        self, callers: int, batch: int, seconds: float, settings: Mapping[str, Any]
    ) -> Measured:
        """A round of appends with that many callers in flight over all its processes."""
        drivers = self._at_least(min(callers, settings.get("processes", 1)))
        for driver in drivers:
            # One after the other: some make tables or functions, and trip over each other.
            driver.ask("prepare", settings=dict(settings))
        shares = [
            callers // len(drivers) + (number < callers % len(drivers))
            for number in range(len(drivers))
        ]

        def one(driver: Driver, share: int) -> dict[str, Any]:
            return driver.ask(
                "append", callers=share, batch=batch, seconds=seconds, settings=dict(settings)
            )

        used = cpu.seconds([os.getpid()])
        with ThreadPoolExecutor(len(drivers)) as threads:
            told = list(threads.map(one, drivers, shares))
        used = cpu.seconds([os.getpid()]) - used
        events = sum(each["events"] for each in told)
        slowest = max(each["seconds"] for each in told)
        return Measured(events / slowest, events, told[0], 1e6 * used / events)

    def read(self, limit: int, settings: Mapping[str, Any]) -> Measured:
        """A reading of the log from its beginning."""
        return self.round("read", limit=limit, settings=dict(settings))

    def round(self, do: str, **request: Any) -> Measured:
        """Something that one process is asked to do with so many events as it tells."""
        used = cpu.seconds([os.getpid()])
        told = self._drivers[0].ask(do, **request)
        used = cpu.seconds([os.getpid()]) - used
        events = told["events"]
        return Measured(events / told["seconds"], events, told, 1e6 * used / max(1, events))

    def ask(self, do: str, patience: float = _PATIENCE_SECONDS, **request: Any) -> dict[str, Any]:
        """Something that only this contestant can do."""
        return self._drivers[0].ask(do, patience, **request)

    def close(self) -> None:
        """End all of its processes, the first last: it may hold what the others use."""
        for driver in reversed(self._drivers):
            driver.close()

    def _at_least(self, number: int) -> list[Driver]:
        while len(self._drivers) < number:
            driver = Driver(self._command, self._env)
            self._drivers.append(driver)
            driver.ask("open", config=self._config)
        return self._drivers[:number]
