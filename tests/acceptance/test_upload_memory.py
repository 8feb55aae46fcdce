"""
What large uploads cost a server, watched from outside: its memory stays as it was, and what was
acknowledged is there after the process was killed.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.processes import ServeProcess, serving
from tests.support.database import enterable_directory, remove_data
from tests.support.homezone import Client
from tests.support.tus import checksum, location, offset, send

MEBI = 1 << 20
FILE_BYTES = 20_000_000
GROWTH_MAX = 64 * MEBI
_ACCOUNT = {"nickname": "李白", "real_name": "李太白", "birth_date": "2001-02-03"}


@pytest.fixture
def server() -> Iterator[ServeProcess]:
    directory = enterable_directory()
    try:
        with serving(directory, "--limits", "off", "--cells", "1") as running:
            yield running
    finally:
        remove_data(directory)


def members(server: ServeProcess, *numbers: int) -> list[Client]:
    operator = server.client(10_000, "operator")
    for qq in numbers:
        operator.post("/v1/accounts", {"qq": qq, **_ACCOUNT}).ok(201)
    return [server.client(qq) for qq in numbers]


def peak_bytes(server: ServeProcess) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) << 10


def reset_peak(server: ServeProcess) -> None:
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def test_memory_does_not_grow_with_what_is_uploaded(server: ServeProcess) -> None:
    people = members(server, 30_001, 30_002, 30_003)
    data = os.urandom(FILE_BYTES)
    send(people[0], location(people[0], MEBI), 0, data[:MEBI]).ok(204)
    reset_peak(server)
    before = peak_bytes(server)
    addresses = [location(member, FILE_BYTES) for member in people]
    failures: list[BaseException] = []

    def run(member: Client, at: str, headers: dict[str, str]) -> None:
        try:
            send(member, at, 0, data, **headers).ok(204)
        except BaseException as error:  # noqa: BLE001  told below
            failures.append(error)

    sums: list[dict[str, str]] = [{}, {}, checksum(data)]
    threads = [
        threading.Thread(target=run, args=(member, at, headers))
        for member, at, headers in zip(people, addresses, sums, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for member, at in zip(people, addresses, strict=True):
        assert offset(member, at) == FILE_BYTES
    assert peak_bytes(server) - before < GROWTH_MAX


def test_what_was_kept_outlives_a_kill(server: ServeProcess) -> None:
    (member,) = members(server, 30_004)
    data = os.urandom(3 * MEBI)
    at = location(member, len(data))
    send(member, at, 0, data[: 2 * MEBI + 5]).ok(204)
    server.kill()
    with serving(server.data_dir, "--limits", "off", "--cells", "1") as again:
        later = again.client(member.qq)
        assert offset(later, at) == 2 * MEBI + 5
        began = time.monotonic()
        send(later, at, 2 * MEBI + 5, data[2 * MEBI + 5 :]).ok(204)
        assert time.monotonic() - began < 30
        assert offset(later, at) == len(data)
