"""
Hints between servers that are lost, or come twice: readers find what is new all the same.
"""

import socket
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from tests.adapters.log.proxy import Proxy
from tests.faults.cluster import Cluster
from tests.faults.trial import arena, trial
from tests.faults.world import World, free_ports

SEED = 12
_NOTIFICATION = b"A"


class Wire(Proxy):
    """Passes on what PostgreSQL says, message by message; hints so many times."""

    def __init__(self, url: str, times: int) -> None:
        super().__init__(url)
        self.times = times
        self.hints = 0

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        there = {"parsed": False}
        threading.Thread(
            target=self._pump, args=(client, server), kwargs=there, daemon=True
        ).start()
        self._pump(server, client, parsed=True)

    def _pump(self, source: socket.socket, target: socket.socket, parsed: bool) -> None:
        rest = b""
        with suppress(OSError):
            while data := source.recv(1 << 16):
                whole, rest = self._messages(rest + data) if parsed else (data, b"")
                target.sendall(whole)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _messages(self, data: bytes) -> tuple[bytes, bytes]:
        """What to pass on of whole messages, and the beginning of the next."""
        whole, at = bytearray(), 0
        while len(data) >= at + 5:
            end = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big")
            if len(data) < end:
                break
            hint = data[at : at + 1] == _NOTIFICATION
            self.hints += hint
            whole += data[at:end] * (self.times if hint else 1)
            at = end
        return bytes(whole), data[at:]


@pytest.mark.parametrize("times", [0, 3], ids=["lost", "tripled"])
def test_what_one_server_writes_the_other_shows(times: int) -> None:
    with arena() as directory, ExitStack() as held:
        cluster = Cluster(directory / "postgres", free_ports(1)[0])
        held.callback(cluster.stop)
        cluster.start()
        wires = [Wire(cluster.url, times) for _ in range(2)]
        for wire in wires:
            held.callback(wire.close)
        urls = [wire.url for wire in wires]
        world = World(directory, servers=2, cluster=cluster, urls=urls)
        with trial(world, SEED) as running:
            # Devices at either server read what was written at the other, no older than they know.
            until = time.monotonic() + 60
            while running.seen.counts["reads"] < 150 and time.monotonic() < until:
                time.sleep(0.05)
        assert running.seen.counts["reads"] >= 150
        assert all(wire.hints for wire in wires), "there were no hints to lose"
