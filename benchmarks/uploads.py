"""
A photo's way into the store, over HTTP, sealed and synced, beside ``cp`` and ``fsync`` of the same
file on the same disk; and what it does to the server's memory.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now
from benchmarks.figures import Report
from benchmarks.http.world import running_server

FILE_BYTES: Final = 20_000_000
MEMBER: Final = 20_000
COPY: Final = "cp and fsync of a file of 20 MB"
UPLOAD: Final = "a photo of 20 MB uploaded"
GROWTH: Final = "server memory: its peak over what it was before the first upload"


class Plan(msgspec.Struct, frozen=True):
    """How often both are done, in turns."""

    rounds: int


class _Client:
    """A member with a connection."""

    def __init__(self, address: str, data_dir: Path) -> None:
        where = urlsplit(address)
        assert where.hostname is not None
        self._connection = HTTPConnection(where.hostname, where.port, timeout=60)
        self._issuer = token_issuer(data_dir)
        account = {
            "qq": MEMBER,
            "nickname": "王维",
            "real_name": "王维",
            "birth_date": "1999-09-09",
        }
        body = json.dumps(account).encode()
        self._ask("POST", "/v1/accounts", body, {"Content-Type": "application/json"}, staff=True)

    def upload(self, data: bytes) -> float:
        """The seconds from the first request to the last answer."""
        began = time.perf_counter()
        length = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data))}
        at = self._ask("POST", "/v1/uploads", b"", length)["location"]
        offset = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        }
        told = self._ask("PATCH", at, data, offset)
        seconds = time.perf_counter() - began
        assert told["upload-offset"] == str(len(data))
        self._ask("DELETE", at, b"", {"Tus-Resumable": "1.0.0"})
        return seconds

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str], *, staff: bool = False
    ) -> dict[str, str]:
        who = (10_000, Role.OPERATOR) if staff else (MEMBER, Role.MEMBER)
        token = self._issuer.issue(*who, timedelta(hours=2), utc_now())
        given = {**headers, "Authorization": f"Bearer {token}"}
        self._connection.request(method, path, body, given)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said!r}")
        return {name.lower(): value for name, value in answer.getheaders()}


def measure(directory: Path, plan: Plan, report: Report, say: Callable[[str], None]) -> None:
    """Run a server, and upload to it and copy beside it, in turns."""
    say("uploads")
    data_dir = directory / "uploads"
    data = os.urandom(FILE_BYTES)
    source = directory / "photo"
    source.write_bytes(data)
    copies: list[float] = []
    uploads: list[float] = []
    with running_server(data_dir) as (address, pid):
        client = _Client(address, data_dir)
        client.upload(data[: 1 << 20])
        before = _peak(pid)
        for _ in range(plan.rounds):
            copies.append(1 / _copied(source, data_dir / "copy"))
            uploads.append(1 / client.upload(data))
        grown = (_peak(pid) - before) / (1 << 20)
    report.add(COPY, copies)
    report.add(UPLOAD, uploads)
    report.compare(f"{UPLOAD}, over {COPY}", report.find(UPLOAD), report.find(COPY), 0.3)
    report.add(GROWTH, [max(grown, 0.1)], unit="MiB")


def _copied(source: Path, target: Path) -> float:
    began = time.perf_counter()
    shutil.copyfile(source, target)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    seconds = time.perf_counter() - began
    os.close(descriptor)
    target.unlink()
    return seconds


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) << 10
