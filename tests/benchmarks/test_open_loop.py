"""
Latency at a constant rate, against a real server on loopback that answers when the test says.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.http.open_loop import Answers, Order, generate, percentile, request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextmanager
def answering(before: Callable[[int], None], status: int = 200) -> Iterator[int]:
    """A server; ``before`` is called with each request's number, and may take its time."""
    numbers = iter(range(1 << 30))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            before(next(numbers))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """The generator hangs up when it has what it came for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def an_order(port: int, rate: float, seconds: float) -> Order:
    sent = request("GET", f"127.0.0.1:{port}", "/", "token")
    return Order("127.0.0.1", port, sent, rate, seconds)


def test_as_many_requests_as_ordered_at_the_rate_ordered() -> None:
    with answering(lambda _: None) as port:
        latency = generate(an_order(port, rate=100, seconds=1))
    assert latency.requests == 100
    assert latency.rate <= 103  # a slow machine may take longer, never shorter
    assert 0 < latency.median <= latency.p99


def test_who_was_due_during_a_stall_waited_from_then_on() -> None:
    """A closed loop would see one slow answer; here every request that was due counts."""
    stalled = threading.Event()

    def stall(number: int) -> None:
        if number == 20:
            stalled.set()
            time.sleep(0.6)
            stalled.clear()
        while stalled.is_set():
            time.sleep(0.001)

    with answering(stall) as port:
        latency = generate(an_order(port, rate=100, seconds=1))
    # Some sixty of a hundred were due while nobody was served: half of those waited 0.3 s.
    assert latency.p99 > 0.5
    assert latency.median > 0.05


def test_a_refusal_is_no_latency() -> None:
    with answering(lambda _: None, 503) as port, pytest.raises(RuntimeError, match="503"):
        generate(an_order(port, rate=50, seconds=0.1))


def test_a_server_that_hangs_up_is_no_latency() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises((RuntimeError, ConnectionError)):
            generate(an_order(port, rate=50, seconds=0.1))
        server.shutdown(socket.SHUT_RDWR)


def test_a_server_that_says_nothing_is_no_latency() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        order = an_order(server.getsockname()[1], rate=50, seconds=0.1)
        with pytest.raises(RuntimeError, match="no answer"):
            generate(order, patience=0.3)


def test_answers_are_told_apart_however_they_arrive() -> None:
    for size in (1, 7, len(OK) * 3):
        answers, stream = Answers(), OK * 3
        parts = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert sum(answers.feed(part) for part in parts) == 3


def test_an_answer_without_a_length_cannot_be_timed() -> None:
    with pytest.raises(RuntimeError, match="length"):
        Answers().feed(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (99.5, 100), (1, 1)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([float(one) for one in range(100, 0, -1)], percent) == value


def test_a_body_goes_with_its_length_in_bytes() -> None:
    sent = request("POST", "here", "/v1/posts", "token", "诗")
    assert b"Content-Length: 3\r\n" in sent
    assert sent.endswith("\r\n\r\n诗".encode())
