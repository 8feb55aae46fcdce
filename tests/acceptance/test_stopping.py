"""
Stopping a server that is busy: what it took it finishes, what it did not take it does not do, and
it ends in time whatever its clients do.
"""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import pytest

from tests.acceptance.processes import ServeProcess, serving
from tests.support.database import enterable_directory, fresh_database, remove_data
from tests.support.homezone import Client

#: Less than a request in flight may take to end by itself.
_PROMPT_SECONDS = 19.0
_ACCOUNT = {"nickname": "李白", "real_name": "李太白", "birth_date": "2001-02-03"}


@pytest.fixture
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def join(server: ServeProcess, *numbers: int) -> list[Client]:
    operator = server.client(10_000, "operator")
    for qq in numbers:
        operator.post("/v1/accounts", {"qq": qq, **_ACCOUNT}).ok(201)
    return [server.client(qq) for qq in numbers]


class Writer:
    """Publishes one numbered post after another on a kept connection, until the server is gone."""

    def __init__(self, port: int, token: str, name: int) -> None:
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self.asked_to_hang_up = False
        self._port = port
        self._token = token
        self._name = name
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        for number in range(100_000):
            text = f"{self._name}-{number}"
            body = {"kind": "shuoshuo", "text": text, "audience": {"to": "public"}}
            headers = {
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            }
            try:
                connection.request("POST", "/v1/posts", json.dumps(body), headers)
                answer = connection.getresponse()
                answer.read()
            except (HTTPException, OSError):
                self.unanswered.add(text)
                return
            assert answer.status == 201, answer.status
            self.answered.add(text)
            if answer.will_close:
                self.asked_to_hang_up = True
                return

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_taken_is_answered_and_what_was_not_is_not_done(
    ground: Path, server_url: str
) -> None:
    place = ground / "busy"
    with fresh_database(server_url) as url:
        more = ("--database-url", url, "--limits", "off")
        with serving(place, *more) as server:
            authors = join(server, 10_001, 10_002)
            writers = [
                Writer(server.port, str(authors[name % 2].token), name) for name in range(24)
            ]
            until(lambda: sum(len(one.answered) for one in writers) > 200)
            assert server.stop() == 0
            for one in writers:
                one.join()
            assert "Traceback" not in server.said
        answered = set().union(*(one.answered for one in writers))
        unanswered = set().union(*(one.unanswered for one in writers))
        assert len(answered) > 200
        with serving(place, *more) as server:
            found: list[str] = []
            for qq in (10_001, 10_002):
                posts = server.client(qq).walk(f"/v1/spaces/{qq}/posts", limit=100)
                found += [post["text"] for post in posts]
        assert len(found) == len(set(found))
        assert set(found) == answered, "answered or never taken"
        assert unanswered.isdisjoint(found)


def test_it_says_so_first_and_stops_waiting_when_told_twice(ground: Path, server_url: str) -> None:
    place = ground / "drained"
    with fresh_database(server_url) as url:
        more = ("--database-url", url)
        with serving(place, *more, "--drain", "300") as server:
            author, listener = join(server, 10_001, 10_002)
            author.befriend(listener)
            with Stream(server.port, str(listener.token)) as stream:
                first = author.publish("first").json["id"]
                stream.until(first)
                server.process.send_signal(signal.SIGTERM)
                anyone = Client(("127.0.0.1", server.port), None)
                until(lambda: anyone.get("/readyz").status == 503)
                assert anyone.get("/readyz").refused(503, "not-ready").json["detail"]
                assert anyone.get("/healthz").ok(200).headers["connection"] == "close"
                late = author.publish("late")
                assert late.headers["connection"] == "close"
                stream.until(late.json["id"])
                assert server.process.poll() is None
                began = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                assert server.process.wait(60) == 0
                assert time.monotonic() - began < _PROMPT_SECONDS
                stream.until_end()
                cursor = stream.cursor
            assert "Traceback" not in server.said
        with serving(place, *more) as server:
            again = Client(("127.0.0.1", server.port), author.token, 10_001).publish("again")
            with Stream(server.port, str(listener.token), cursor) as stream:
                stream.until(again.json["id"])
                assert late.json["id"] not in stream.received, "nothing is said twice"


def test_a_client_that_never_finishes_its_sentence_does_not_keep_it(
    ground: Path, server_url: str
) -> None:
    with (
        fresh_database(server_url) as url,
        serving(ground / "mute", "--database-url", url) as server,
    ):
        (author,) = join(server, 10_001)
        with socket.create_connection(("127.0.0.1", server.port)) as half:
            half.sendall(
                b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer " + str(author.token).encode() + b"\r\n"
                b"Content-Length: 1000\r\n\r\n{"
            )
            until(lambda: in_flight(server) == 1)
            began = time.monotonic()
            server.process.send_signal(signal.SIGINT)
            until(lambda: not listens(server.port))
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(60) == 0
            assert time.monotonic() - began < _PROMPT_SECONDS
        assert "Traceback" not in server.said


def in_flight(server: ServeProcess) -> float:
    text = Client(("127.0.0.1", server.port), None).get("/metrics").body.decode()
    (line,) = [
        line for line in text.splitlines() if line.startswith("homezone_http_requests_in_flight ")
    ]
    return float(line.split()[1])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Stream:
    """A stream, byte by byte; ``cursor`` is the last id received."""

    def __init__(self, port: int, token: str, cursor: str | None = None) -> None:
        self.cursor = cursor
        self.received = ""
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"}
        if cursor is not None:
            headers["Last-Event-ID"] = cursor
        self._connection.request("GET", "/v1/stream", headers=headers)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def until(self, text: str) -> None:
        """Read until it has been told of that."""
        while text not in self.received:
            assert self._line(), "the stream ended before"

    def until_end(self) -> None:
        """Read to the end, which is a clean one."""
        while self._line():
            pass

    def _line(self) -> bool:
        line = self._answer.readline().decode()
        self.received += line
        if line.startswith("id: "):
            self.cursor = line[4:].strip()
        return bool(line)
