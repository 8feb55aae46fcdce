"""
Clients that listen to ``GET /v1/stream`` in a thread of their own, as an app would.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.support.homezone import SECONDS_MAX, Client, RunningHomezone

Item = dict[str, Any]


class Listener:
    """
    An open stream. ``items`` are the items so far, ``cursors`` the id that came with each.

    :param after: the cursor to go on after; None to begin now.
    """

    def __init__(self, homezone: RunningHomezone, member: Client, after: str | None = None) -> None:
        self.items: list[Item] = []
        self.cursors: list[str] = []
        self.cursor = ""
        self.ended = False
        self._changed = threading.Condition()
        self._connection = HTTPConnection("127.0.0.1", homezone.port, timeout=SECONDS_MAX)
        headers = {"Authorization": f"Bearer {member.token}"}
        if after is not None:
            headers["Last-Event-ID"] = after
        self._connection.request("GET", "/v1/stream", headers=headers)
        # With `Connection: close` the answer takes the socket along.
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait(lambda: bool(self.cursor), "the stream does not begin")

    def until(self, positions: str) -> "Listener":
        """Wait until the stream has come that far."""
        wanted = vector(positions)
        self._wait(
            lambda: "+" not in self.cursor and beyond(self.cursor, wanted),
            f"the stream stays at {self.cursor}, before {positions}",
        )
        return self

    def pause(self, items: int = 3) -> None:
        """Wait until a few items have come, or a while has passed without."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.items) >= items, 0.2)

    def kinds(self) -> list[str]:
        """The kinds of all items so far."""
        return [item["kind"] for item in self.items]

    def wait_for_end(self) -> None:
        """Wait until the server has ended the stream."""
        self._wait(lambda: self.ended, "the stream goes on")

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with_suppressed_shutdown(self._socket)
        self._thread.join(SECONDS_MAX)
        self._answer.close()
        self._connection.close()

    def _wait(self, condition: Any, otherwise: str) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS_MAX), otherwise

    def _run(self) -> None:
        event: dict[str, str] = {}
        try:
            for line in self._answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                    continue
                with self._changed:
                    self._take(event)
                    self._changed.notify_all()
                event = {}
        except (OSError, ValueError, AttributeError, HTTPException):
            pass  # hung up
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _take(self, event: dict[str, str]) -> None:
        self.cursor = event["id"]
        if event["event"] != "heartbeat":
            item = json.loads(event["data"])
            assert item["kind"] == event["event"]
            self.items.append(item)
            self.cursors.append(event["id"])


def with_suppressed_shutdown(socket: Any) -> None:
    """Shut a socket down, whatever state it is in."""
    try:
        socket.shutdown(2)
    except OSError:
        return


def vector(positions: str) -> dict[int, int]:
    """``{0: 12}`` from ``0-12``, without what part of an event was told."""
    parts = (one.split("-") for one in positions.partition("+")[0].split(","))
    return {int(cell): int(at) for cell, at in parts}


def beyond(positions: str, wanted: dict[int, int]) -> bool:
    """Whether positions are at least the wanted ones."""
    here = vector(positions)
    return all(here.get(cell, -1) >= at for cell, at in wanted.items())


@contextmanager
def listening(
    homezone: RunningHomezone, *members: Client, after: str | None = None
) -> Iterator[list[Listener]]:
    """A listener for each member, until the block ends."""
    listeners = [Listener(homezone, member, after) for member in members]
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()
