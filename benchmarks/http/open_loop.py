"""
Latency at a constant rate: requests are sent when they are due, whether earlier ones were answered
or not, and each is timed from the moment it was due.

A closed loop such as wrk's waits for a slow server before it asks again, and so leaves out just
the requests that would have suffered (Gil Tene's "coordinated omission"; wrk2 is the well-known
cure, and is nowhere packaged). It runs in a process of its own, so that no other work of the
harness delays it, and tells how late it sent: when that is more than a little, it, and not the
server, is what was measured.
"""

import gc
import socket
import sys
import time
from collections import deque
from select import select
from typing import Final

import msgspec

_CONNECTIONS: Final = 64
_PATIENCE_SECONDS: Final = 30.0
_HEAD_END: Final = b"\r\n\r\n"


class Order(msgspec.Struct, frozen=True):
    """What to send, and how often."""

    host: str
    port: int
    request: bytes
    rate: float
    seconds: float


class Latency(msgspec.Struct, frozen=True):
    """
    What came of it, in seconds from when a request was due.

    ``late_p99`` is how late the generator itself was in sending.
    """

    requests: int
    rate: float
    median: float
    p99: float
    late_p99: float

    @property
    def ratio(self) -> float:
        """How much longer than the median the slowest hundredth takes."""
        return self.p99 / self.median


def request(method: str, host: str, path: str, token: str, body: str = "") -> bytes:
    """The bytes of a request."""
    data = body.encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    if data:
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


def percentile(values: list[float], percent: float) -> float:
    """The value that so many percent of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


class Answers:
    """Where answers end in what a connection receives. Bodies have a length; ours always do."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> int:
        """
        How many answers these bytes complete.

        :raises RuntimeError: an answer was no success, or of unknown length.
        """
        self._kept += data
        complete = 0
        while (end := self._kept.find(_HEAD_END)) >= 0:
            head = self._kept[:end]
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"no success: {head.splitlines()[0].decode()}")
            whole = end + len(_HEAD_END) + _length(head)
            if len(self._kept) < whole:
                break
            self._kept = self._kept[whole:]
            complete += 1
        return complete


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError("an answer without a length")


class _Connection:
    """One request at a time."""

    def __init__(self, order: Order) -> None:
        self.socket = socket.create_connection((order.host, order.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._answers = Answers()
        self._request = order.request

    def send(self, due: float) -> None:
        """Send the request that was due then. It fits into a socket's buffer: this never blocks."""
        self.due = due
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Whether its answer is there now; something can be read."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise RuntimeError("the server hung up")
        return self._answers.feed(data) > 0


def generate(order: Order, patience: float = _PATIENCE_SECONDS) -> Latency:
    """
    Send an order's requests when they are due, and wait for every answer.

    Those that are due while all connections are busy wait in line, and the line counts. ``select``
    is used because its timeout knows microseconds; ``epoll``'s knows milliseconds.

    :param patience: how many seconds without any answer mean that there will be none.
    :raises RuntimeError: an answer was no success, or there was none.
    """
    connections = [_Connection(order) for _ in range(_CONNECTIONS)]
    by_socket = {one.socket: one for one in connections}
    idle, busy, waiting = list(connections), set[socket.socket](), deque[float]()
    total, step = int(order.rate * order.seconds), 1 / order.rate
    late: list[float] = []
    took: list[float] = []
    clock, sent = time.perf_counter, 0
    heard = began = clock() + 0.02
    try:
        while len(took) < total:
            now = clock()
            while sent < total and (due := began + sent * step) <= now:
                sent += 1
                late.append(now - due)
                waiting.append(due)
            while waiting and idle:
                connection = idle.pop()
                connection.send(waiting.popleft())
                busy.add(connection.socket)
            heard = heard if busy else now
            if now - heard > patience:
                raise RuntimeError(f"no answer for {patience} s")
            until = began + sent * step if sent < total else now + patience
            for readable in select(busy, (), (), max(0.0, until - clock()))[0]:
                heard = now
                connection = by_socket[readable]
                if connection.receive():
                    took.append(clock() - connection.due)
                    busy.discard(readable)
                    idle.append(connection)
    finally:
        for connection in connections:
            connection.socket.close()
    rate = total / (clock() - began)
    return Latency(total, rate, percentile(took, 50), percentile(took, 99), percentile(late, 99))


def main() -> None:
    """An order on stdin, what came of it on stdout, both JSON."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.disable()  # a few seconds' garbage fits into memory, and a collection is a late request
    sys.stdout.buffer.write(msgspec.json.encode(generate(order)))


if __name__ == "__main__":
    main()
