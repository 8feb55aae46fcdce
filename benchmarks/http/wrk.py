"""
Throughput under wrk: so many connections, each asking again as soon as it was answered.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

CONNECTIONS: Final = 64

_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Load(msgspec.Struct, frozen=True):
    """What wrk saw. ``median_seconds`` and ``p99_seconds`` are those of its closed loop."""

    requests: int
    rate: float
    median_seconds: float
    p99_seconds: float


class Wrk:
    """
    The program, for one server and one member's token.

    :param directory: for its script.
    :param tokens: whose writes are made, in turns; those of ``token`` where there are none.
    """

    def __init__(
        self,
        program: str,
        address: str,
        token: str,
        directory: Path,
        body: str,
        tokens: Sequence[str] = (),
    ) -> None:
        self._program, self._address, self._token = program, address, token
        self._script = directory / "post.lua"
        self._script.write_text(
            'wrk.method = "POST"\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = [[{body}]]\n{_in_turns(tokens) if tokens else ''}",
            encoding="utf-8",
        )

    def run(self, method: str, path: str, seconds: float) -> Load:
        """
        A round, of at least a second.

        :raises RuntimeError: an answer was no success.
        """
        command = [self._program, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
        command += ["--latency", "-H", f"Authorization: Bearer {self._token}"]
        if method == "POST":
            command += ["-s", str(self._script)]
        command.append(self._address + path)
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        return parse(ended.stdout)


def _in_turns(tokens: Sequence[str]) -> str:
    listed = ", ".join(f'"Bearer {token}"' for token in tokens)
    return (
        f"local tokens, turn = {{{listed}}}, 0\n"
        "request = function()\n"
        "  turn = turn % #tokens + 1\n"
        '  wrk.headers["Authorization"] = tokens[turn]\n'
        "  return wrk.format()\n"
        "end\n"
    )


def find() -> str | None:
    """Where wrk is; None where it is not installed."""
    return shutil.which("wrk")


def parse(said: str) -> Load:
    """
    What wrk printed.

    :raises RuntimeError: there were errors among the answers, or this is nothing of wrk's.
    """
    if "Non-2xx" in said or "Socket errors" in said:
        trouble = [
            line.strip() for line in said.splitlines() if "Non-2xx" in line or "Socket" in line
        ]
        raise RuntimeError(f"not every request succeeded: {'; '.join(trouble)}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    requests = re.search(r"(\d+) requests in", said)
    median, p99 = _percentile(said, 50), _percentile(said, 99)
    if requests is None or rate is None or median is None or p99 is None:
        raise RuntimeError(f"wrk said something else: {said!r}")
    return Load(int(requests[1]), float(rate[1]), median, p99)


def _percentile(said: str, percent: int) -> float | None:
    found = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", said, re.MULTILINE)
    return None if found is None else float(found[1]) * _UNITS[found[2]]
