"""
HTTP: whole writes and reads against ``/healthz`` of the same server, under the same load (wrk).
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now
from benchmarks.figures import Figure, compared

CONNECTIONS = 64
FRIENDS = 100
OPERATOR, READER = 10_000, 20_000


def measure(data_dir: Path, rounds: int, seconds: float) -> list[Figure]:
    """Interleaved rounds of each operation; nothing where there is no wrk to make the load."""
    wrk = shutil.which("wrk")
    if wrk is None:
        print("HTTP is not measured: there is no wrk on this machine", file=sys.stderr)
        return []
    with _server(data_dir) as address:
        caller = _Caller(address, data_dir)
        _fill(caller)
        script = data_dir / "post.lua"
        script.write_text(_POST_LUA, encoding="utf-8")
        token = caller.token(READER, Role.MEMBER)
        loads: dict[str, list[str]] = {
            "/healthz": ["/healthz"],
            f"GET /v1/feed, {FRIENDS} friends": ["/v1/feed"],
            "GET /v1/me": ["/v1/me"],
            "POST /v1/posts": ["/v1/posts", "-s", str(script)],
        }
        rates: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(rounds):
            for name, (path, *more) in loads.items():
                command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", *more]
                command += ["-H", f"Authorization: Bearer {token}", address + path]
                rates[name].append(_rate(command))
    base = Figure("/healthz", tuple(rates.pop("/healthz")))
    return [base, *(compared(name, found, base) for name, found in rates.items())]


_POST_LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"kind":"shuoshuo","text":"行到水穷处，坐看云起时。","audience":{"to":"friends"}}'
"""


def _rate(command: Sequence[str]) -> float:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(f"answers that were no success: {said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None
    return float(found[1])


@contextmanager
def _server(data_dir: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "api.cli", "serve", "--data-dir", str(data_dir)]
    command += ["--port", str(port), "--limits", "off"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server ended before it was ready")


class _Caller:
    """Makes the world that is measured."""

    def __init__(self, address: str, data_dir: Path) -> None:
        self._address = address
        self._issuer = token_issuer(data_dir)

    def token(self, qq: int, role: Role) -> str:
        """A token that outlives the run."""
        return self._issuer.issue(qq, role, timedelta(hours=2), utc_now())

    def call(
        self, qq: int, role: Role, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> None:
        """One request that must succeed."""
        request = urllib.request.Request(
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token(qq, role)}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def _fill(caller: _Caller) -> None:
    """A member with friends who have each posted five times."""
    friends = range(READER + 1, READER + 1 + FRIENDS)
    for qq in (READER, *friends):
        account = {
            "qq": qq,
            "nickname": f"坐看云起{qq}",
            "real_name": "王维",
            "birth_date": "1999-09-09",
        }
        caller.call(OPERATOR, Role.OPERATOR, "POST", "/v1/accounts", account)
    for qq in friends:
        caller.call(qq, Role.MEMBER, "PUT", f"/v1/me/friends/{READER}")
        caller.call(READER, Role.MEMBER, "PUT", f"/v1/me/friends/{qq}")
        for number in range(5):
            text = f"空山新雨后，天气晚来秋。明月松间照，清泉石上流。{number}"
            post = {"kind": "shuoshuo", "text": text, "audience": {"to": "friends"}}
            caller.call(qq, Role.MEMBER, "POST", "/v1/posts", post)
