"""
A payment rail for tests: a real HTTP service on a port of its own, that does what it is told.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class LocalRail:
    """
    What a rail knows. ``payments`` are states and amounts by reference, ``payers`` with which code
    some of them were begun; ``asked`` counts look-ups.

    Cleared, ``answers`` lets it take requests and answer none; ``status`` other than 200 is what it
    answers instead. With ``piece_bytes``, an answer comes in pieces of that size, one after the
    other; ``padding_bytes`` make it longer than it need be.
    """

    def __init__(self) -> None:
        self.payments: dict[str, tuple[str, int]] = {}
        self.payers: dict[str, str] = {}
        self.asked = 0
        self.status = 200
        self.piece_bytes: int | None = None
        self.padding_bytes = 0
        self.answers = threading.Event()
        self.answers.set()
        self.url = ""

    def set(self, reference: str, state: str, coins: int) -> None:
        """What became of a payment over so many coins."""
        self.payments[reference] = (state, coins * 100)

    def answer(self, reference: str) -> tuple[int, Any]:
        """What a look-up gets."""
        self.asked += 1
        self.answers.wait(30)
        if self.status != 200:
            return self.status, {}
        found = self.payments.get(reference)
        if found is None:
            return 404, {}
        named = {"payer": self.payers[reference]} if reference in self.payers else {}
        return 200, {"state": found[0], "amount_fen": found[1], **named}


@contextmanager
def local_rail() -> Iterator[LocalRail]:
    """A rail that serves until the block ends."""
    rail = LocalRail()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (reference,) = parse_qs(urlsplit(self.path).query)["reference"]
            status, said = rail.answer(reference)
            body = json.dumps(said).encode() + b" " * rail.padding_bytes
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                size = rail.piece_bytes or len(body)
                for start in range(0, len(body), size):
                    self.wfile.write(body[start : start + size])
                    self.wfile.flush()
                    if rail.piece_bytes is not None:
                        # So that whoever reads gets them apart.
                        time.sleep(0.002)
            except ConnectionError:
                # Whoever asked has given up waiting.
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Tests print what they have to say themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    rail.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield rail
    finally:
        rail.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
